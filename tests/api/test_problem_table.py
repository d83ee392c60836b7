"""The table of problems: every code that can reach a caller, and docs/problems.md made from it."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import gateway
from gateway.api.problem_table import TABLE, Retry
from gateway.domain import errors, provider_refusals, refusals
from gateway.domain.errors import CallerError, GatewayError, Unavailable
from gateway.flows import operate

DOC = Path(__file__).parents[2] / "docs" / "problems.md"
BY_COMMAND_ONLY = {
    *("rules_invalid", "partner_unknown", "too_many_keys", "webhook_url_refused", "pilot_invalid"),
}
"""Codes that only the operator's command line meets."""
HEAD = """# Problems

Every error of the API is an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem
(`application/problem+json`). `type` is `/problems/{code}`; a code never changes its meaning. This
page is made from `src/gateway/api/problem_table.py`, and a test compares them:
`python -m tests.api.test_problem_table > docs/problems.md` writes it.

- `money_may_have_moved` false: this request has certainly moved nothing. True: send the same
  request again before you tell your customer that nothing was paid. On a request that pays or
  reverses, `unauthenticated`, `scope_missing` and `overloaded` say true as well: they come before
  the key was read, and an earlier try may have paid.
- `retry` `same_request`: send it again as it is, with the same `Idempotency-Key`, after
  `Retry-After`. `never`: it would get the same answer.

| code | HTTP | meaning | money may have moved | retry |
|---|---|---|---|---|
"""


def codes() -> set[str]:
    """Give the code of every error that any module of the house defines."""
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, kinds = set(), [GatewayError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        found.add(kind.code)
    return found


def written() -> str:
    """Write docs/problems.md."""
    return HEAD + "".join(
        f"| `{code}` | {entry.status} | **{entry.title}.** {entry.meaning}<br>"
        f"*{entry.title_vi}.* {entry.meaning_vi} |"
        f" {'yes' if entry.money_may_have_moved else 'no'} | {entry.retry} |\n"
        for code, entry in TABLE.items()
    )


def test_every_code_that_can_be_raised_is_in_the_table_and_no_other() -> None:
    assert set(TABLE) | BY_COMMAND_ONLY == codes()
    assert not set(TABLE) & BY_COMMAND_ONLY


def test_no_two_errors_share_a_code() -> None:
    kinds = [
        kind
        for module in (errors, refusals, provider_refusals, operate)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, GatewayError) and "code" in vars(kind)
    ]
    assert len({kind.code for kind in kinds}) == len(set(kinds))


def test_the_page_of_the_documents_is_made_from_the_table() -> None:
    assert DOC.read_text(encoding="utf-8") == written(), "run the command in the page's head"


@pytest.mark.parametrize("code", TABLE)
def test_an_entry_is_whole_in_both_languages(code: str) -> None:
    entry = TABLE[code]
    assert re.fullmatch(r"[a-z_]+", code)
    assert 400 <= entry.status < 600
    for text in (entry.title, entry.title_vi, entry.meaning, entry.meaning_vi):
        assert text.strip() == text != ""
    assert entry.meaning.endswith(".")
    assert entry.title != entry.title_vi


def test_what_cannot_be_answered_now_may_be_sent_again() -> None:
    for kind in Unavailable.__subclasses__():
        assert (TABLE[kind.code].status, TABLE[kind.code].retry) == (503, Retry.SAME_REQUEST)


def test_a_callers_error_is_4xx_and_only_those_about_another_try_leave_the_money_open() -> None:
    of_callers = {kind.code for kind in CallerError.__subclasses__()} & set(TABLE)
    assert {code for code in of_callers if not 400 <= TABLE[code].status < 500} == set()
    assert {code for code in of_callers if TABLE[code].money_may_have_moved} == {
        *("still_processing", "answer_not_found", "partner_reference_used"),
        *("not_cancellable", "attempt_still_open"),
    }


if __name__ == "__main__":
    print(written(), end="")  # noqa: T201 (this is how the page is written)
