"""Problems: RFC 9457, what the money did, and when to try again."""

import json
from typing import Any

import pytest

from gateway.api.cash_problems import CASH_TABLE
from gateway.api.mandate_problems import MANDATE_TABLE
from gateway.api.problem_table import TABLE
from gateway.api.problems import Problem, retry_after, write
from gateway.api.report_problems import REPORT_TABLE
from gateway.domain import errors, provider_refusals, refusals
from gateway.domain.errors import Fault, GatewayError, InvariantBroken, RequestInvalid
from gateway.flows.operate import PartnerUnknown
from tests.contract import MEMBERS, faults_of

ALL: list[GatewayError] = [
    errors.JsonMalformed("here"),
    errors.RequestInvalid((Fault("bills.0.id", "is missing"),)),
    errors.BodyTooLarge(65_536),
    errors.MediaTypeUnsupported("text/plain"),
    errors.RouteUnknown("/x"),
    errors.MethodNotAllowed("PUT", "/x"),
    errors.CursorInvalid(),
    errors.Unauthenticated(),
    errors.ScopeMissing("pay"),
    errors.Overloaded(),
    errors.OutcomeUnknown(),
    errors.DatabaseUnavailable(),
    errors.BillerNotAnswering("b"),
    errors.InvariantBroken("two and two are four"),
    refusals.BillerUnknown("b"),
    refusals.CustomerCodeInvalid("b", "C"),
    refusals.CustomerUnknown("b", "C"),
    refusals.BillNotFound("b", "B"),
    refusals.BillAlreadyPaid("B"),
    refusals.BillCancelled("B"),
    refusals.AmountMismatch("B", asked_dong=1, due_dong=2),
    refusals.OlderBillOpen("B"),
    refusals.ChannelNotAllowed("b", "qr", 5),
    refusals.LookupTokenRequired("b"),
    refusals.LookupTokenInvalid("forged"),
    refusals.LookupTokenExpired(),
    refusals.PaymentNotFound("P"),
    refusals.AlreadyReversed("P"),
    refusals.ReversalTooLate("P", "then"),
    refusals.IdempotencyKeyMissing(),
    refusals.IdempotencyKeyInvalid(),
    refusals.IdempotencyKeyReused("channel"),
    refusals.StillProcessing(),
    refusals.PartnerReferenceUsed("R", "P"),
    refusals.AnswerNotFound(),
    provider_refusals.BillBeingPaid("B"),
    provider_refusals.ProviderNotOffered("p"),
    provider_refusals.ProviderAmountOutOfRange("p", least_dong=1, most_dong=2),
    provider_refusals.NotCancellable("P", "succeeded"),
    provider_refusals.NotReversible("P"),
    provider_refusals.AttemptStillOpen("P", "in_doubt"),
]


def problem_of(error: GatewayError, *, moves_money: bool = False) -> tuple[int, dict[str, Any]]:
    status, body = write(error, "a-request-id", moves_money=moves_money)
    problem: dict[str, Any] = json.loads(body)
    return status, problem


def test_every_code_of_the_table_is_written_here() -> None:
    elsewhere = {*MANDATE_TABLE, *REPORT_TABLE, *CASH_TABLE} | {
        *("checkout_not_found", "checkout_reference_used", "too_many_requests")
    }
    assert {error.code for error in ALL} == set(TABLE) - elsewhere


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.code)
def test_a_problem_has_the_documented_members_and_facts_never_hide_one(
    error: GatewayError,
) -> None:
    status, problem = problem_of(error)
    assert set(problem) >= MEMBERS
    assert not MEMBERS & set(error.facts)
    assert faults_of(Problem.__name__, problem) == []
    assert (status, problem["status"]) == (TABLE[error.code].status,) * 2
    assert (problem["code"], problem["request_id"]) == (error.code, "a-request-id")
    assert (problem["detail"], problem["detail_vi"]) == (error.detail, error.detail_vi)
    assert error.detail != error.detail_vi
    assert problem.items() >= error.facts.items()


def test_a_fault_is_named_by_its_path() -> None:
    _, problem = problem_of(RequestInvalid((Fault("bills.0.id", "is missing"),)))
    assert problem["errors"] == [{"field": "bills.0.id", "message": "is missing"}]


@pytest.mark.parametrize(
    "error", [refusals.RulesInvalid("no pattern"), PartnerUnknown("p")], ids=lambda e: e.code
)
def test_a_code_outside_the_table_is_answered_as_our_own_mistake(error: GatewayError) -> None:
    status, problem = problem_of(error)
    assert (status, problem["code"], problem["money_may_have_moved"]) == (
        *(500, "internal_error"),
        True,
    )
    assert error.detail not in problem["detail"]


def test_our_own_mistake_tells_no_more_than_its_claim() -> None:
    _, problem = problem_of(InvariantBroken("two and two are four"))
    assert problem["detail"] == "broken invariant: two and two are four"


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.code)
def test_a_wait_is_told_exactly_where_the_same_request_may_be_sent_again(
    error: GatewayError,
) -> None:
    _, problem = problem_of(error)
    wait_s = retry_after(error)
    assert problem.get("retry_after_s") == wait_s
    assert (wait_s is not None) is (problem["retry"] == "same_request")
    assert wait_s is None or wait_s >= 1


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.code)
def test_a_refusal_before_the_key_was_read_leaves_open_what_an_earlier_try_did(
    error: GatewayError,
) -> None:
    _, reading = problem_of(error)
    _, paying = problem_of(error, moves_money=True)
    early = error.code in {"unauthenticated", "scope_missing", "overloaded"}
    assert reading["money_may_have_moved"] is TABLE[error.code].money_may_have_moved
    assert paying["money_may_have_moved"] is (reading["money_may_have_moved"] or early)
