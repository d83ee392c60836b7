# Every target is one call of run.py, which needs Python 3.11 or newer and nothing else.
#   make run ARGS="--help"      make test ARGS="tests/domain -q"      make lint PYTHON=python3.12
PYTHON ?= python3
ARGS ?=
SEED ?= 2026
PAYMENTS ?= 2000

.DEFAULT_GOAL := help
.PHONY: run test lint bench storm lock clean help

run:   ; @$(PYTHON) run.py run $(ARGS)
test:  ; @$(PYTHON) run.py test $(ARGS)
lint:  ; @$(PYTHON) run.py lint
bench: ; @$(PYTHON) run.py bench $(ARGS)
storm: ; @$(PYTHON) run.py storm --seed $(SEED) --payments $(PAYMENTS)
lock:  ; @$(PYTHON) run.py lock $(ARGS)
clean: ; @$(PYTHON) run.py clean
help:  ; @$(PYTHON) run.py help
