"""The problems of payments through providers: whole, in two languages, honest about the money."""

import inspect
import re

import pytest

from gateway.api import problems
from gateway.api.problem_entry import Retry
from gateway.api.problem_table import TABLE
from gateway.api.provider_problems import PROVIDER_TABLE
from gateway.domain import checkout, limit, provider_refusals
from gateway.domain.errors import CallerError
from tests.domain.test_refusals import of

KINDS = {
    kind.code: kind
    for module in (provider_refusals, checkout, limit)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if kind.__module__ == module.__name__ and issubclass(kind, CallerError)
}
VIETNAMESE = re.compile(r"[ăâđêôơưáàảãạéèẻẽẹíìỉĩịóòỏõọúùủũụýỳỷỹỵấầẩẫậắằẳẵặếềểễệốồổỗộớờởỡợứừửữự]")


def test_every_refusal_about_providers_is_in_the_table_and_nothing_else() -> None:
    assert set(PROVIDER_TABLE) == set(KINDS)


def test_the_table_of_the_api_has_them_all() -> None:
    assert {code: TABLE[code] for code in PROVIDER_TABLE} == PROVIDER_TABLE


@pytest.mark.parametrize("code", PROVIDER_TABLE)
def test_an_entry_is_whole_in_both_languages(code: str) -> None:
    entry = PROVIDER_TABLE[code]
    for english, vietnamese in (
        (entry.title, entry.title_vi),
        (entry.meaning, entry.meaning_vi),
    ):
        assert english
        assert not VIETNAMESE.search(english.lower())
        assert VIETNAMESE.search(vietnamese.lower())
    assert entry.meaning.endswith(".")
    assert entry.meaning_vi.endswith(".")


@pytest.mark.parametrize("code", PROVIDER_TABLE)
def test_a_callers_mistake_is_4xx_and_the_same_request_gets_the_same_answer(code: str) -> None:
    is_later = code == "too_many_requests"
    assert PROVIDER_TABLE[code].status in ({429} if is_later else {404, 409, 422})
    assert is_later or PROVIDER_TABLE[code].retry is Retry.NEVER


def test_only_where_this_very_payment_may_have_taken_money_is_that_said() -> None:
    assert {code for code, entry in PROVIDER_TABLE.items() if entry.money_may_have_moved} == {
        *("not_cancellable", "attempt_still_open")
    }


@pytest.mark.parametrize("code", PROVIDER_TABLE)
def test_a_refusal_is_written_as_a_problem_with_its_facts(code: str) -> None:
    refused = of(KINDS[code])
    status, body = problems.write(refused, "request-1", moves_money=True)
    problem = problems.Problem.model_validate_json(body)
    assert (status, problem.code, problem.status) == (PROVIDER_TABLE[code].status, code, status)
    assert (problem.detail, problem.detail_vi) == (refused.detail, refused.detail_vi)
    assert problem.money_may_have_moved is PROVIDER_TABLE[code].money_may_have_moved
    assert refused.facts.items() <= (problem.model_extra or {}).items()
    assert (problem.retry_after_s is not None) is (code == "too_many_requests")
