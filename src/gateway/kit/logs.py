"""Structured logs: one JSON line an event on standard error, ids always, bodies never."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from traceback import format_exception

import orjson

from gateway.domain.cards import mask_cards, may_hold_card_number

_LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


def write_line(*, level: str = "info", **facts: object) -> None:
    """Write one line whatever the threshold: the access log's short way."""
    line = facts | {"level": level, "timestamp": datetime.now(UTC)}
    written = orjson.dumps(line, default=str, option=_LINE)
    if may_hold_card_number(written.decode()):
        # What somebody else chose may be in it: a request's id, an error's words.
        masked = {name: _masked(fact) for name, fact in line.items()}
        written = orjson.dumps(masked, default=str, option=_LINE)
    sys.stderr.buffer.write(written)
    sys.stderr.buffer.flush()


def _masked(fact: object) -> object:
    shown = mask_cards(str(fact))
    return fact if shown == str(fact) else shown


class Log:
    """Writes events: a stable name in the past tense, and the facts that one will search by."""

    def __init__(self) -> None:
        self.threshold = logging.INFO
        self.write: Callable[..., None] = write_line

    def debug(self, event: str, **facts: object) -> None:
        """Write what only a developer wants to see."""
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: object) -> None:
        """Write what happened as it should."""
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """Write what went wrong and is being dealt with."""
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, *, exc_info: BaseException | None = None, **facts: object) -> None:
        """Write what somebody must look at, with its traceback."""
        if exc_info is not None:
            facts["exception"] = "".join(format_exception(exc_info)).rstrip()
        self._write(logging.ERROR, event, facts)

    def exception(self, event: str, **facts: object) -> None:
        """Write the error that is being handled, with its traceback."""
        self.error(event, exc_info=sys.exc_info()[1], **facts)

    def _write(self, level: int, event: str, facts: dict[str, object]) -> None:
        if level >= self.threshold:
            self.write(**facts, event=event, level=logging.getLevelName(level).lower())


log = Log()


@contextmanager
def captured() -> Iterator[list[dict[str, object]]]:
    """Collect events for a test instead of writing them: each its name, level and facts."""
    lines: list[dict[str, object]] = []
    log.write = lambda **line: lines.append(line)
    try:
        yield lines
    finally:
        log.write = write_line


def configure(level: str) -> None:
    """Write events from `level` up, and the standard library's warnings as they are written."""
    log.threshold = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class _Json(logging.Formatter):
    """Writes the standard library's records as our events are written."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "event": mask_cards(record.getMessage()),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC),
        }
        if record.exc_info:
            facts["exception"] = mask_cards(self.formatException(record.exc_info))
        return orjson.dumps(facts, option=orjson.OPT_UTC_Z).decode()
