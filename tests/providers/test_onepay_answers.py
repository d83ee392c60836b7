"""What OnePay's codes and answers say of the money, written from the sources."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Garbled, Reply, SignatureWrong, Unreadable
from tests.providers.onepay import (
    ANSWER,
    MERCHANT,
    ONEPAY,
    ORDER,
    REFUND,
    REFUNDED,
    TRUSTING,
    an_answer,
    noticed,
    queried,
    refund_queried,
    refunded,
    unsigned,
)

SUCCEEDED, FAILED, PENDING = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.PENDING
ABSENT, UNKNOWN = Outcome.ABSENT, Outcome.UNKNOWN

CODES = {
    "0": SUCCEEDED,
    "300": PENDING,
    "100": PENDING,
    "253": UNKNOWN,
    **dict.fromkeys(("1", "2", "4", "5", "8", "9", "10", "11", "12", "13"), FAILED),
    **dict.fromkeys(("21", "22", "23", "24", "25", "99"), FAILED),
    # 3-D Secure (B, F), the card's check number (E), a rule against fraud (Z).
    **dict.fromkeys(("B", "E", "F", "Z"), FAILED),
    # No result from the bank, an error of the bank, an error while processing.
    **dict.fromkeys(("3", "6", "7"), UNKNOWN),
}
UNLISTED = ("00", "01", "0 ", "14", "b", "f", "A", "301", "No Value Returned", "-1")


@pytest.mark.parametrize(("code", "outcome"), CODES.items())
def test_a_code_says_the_same_in_a_notification_and_in_an_answer(
    code: str, outcome: Outcome
) -> None:
    # 100, "in progress or not yet paid": the answer for an order that its payer left, too.
    asked = Outcome.WAITING if code == "100" else outcome
    assert noticed(TxnResponseCode=code).outcome is outcome
    assert queried(TxnResponseCode=code).outcome is asked


@pytest.mark.parametrize("code", UNLISTED)
def test_a_code_that_is_not_listed_proves_nothing(code: str) -> None:
    assert noticed(TxnResponseCode=code).outcome is UNKNOWN
    assert queried(TxnResponseCode=code).outcome is UNKNOWN


@pytest.mark.parametrize("enrolled", ["Y", "N", "U"])
def test_what_3_d_secure_did_changes_nothing_about_the_code(enrolled: str) -> None:
    more = {"3DSenrolled": enrolled, "3DSECI": "06", "VerSecurityLevel": "06"}
    assert noticed(**more).outcome is SUCCEEDED
    assert noticed(TxnResponseCode="F", **more).outcome is FAILED


# ── answers ──────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_gives_its_facts() -> None:
    finding = queried()
    assert (finding.outcome, finding.amount_dong) == (SUCCEEDED, 150_000)
    assert (finding.reference, finding.merchant) == (ORDER.reference, MERCHANT)


@pytest.mark.parametrize("name", [*ANSWER, "vpc_SecureHash"])
def test_a_changed_answer_is_refused(name: str) -> None:
    fields = dict(parse_qsl(an_answer(ANSWER).body.decode()))
    changes = urlencode({**fields, name: "x"}).encode()
    with pytest.raises(Garbled):
        ONEPAY.read_queried(ORDER, Reply(200, changes))


@pytest.mark.parametrize("code", ["0", "99", "F"])
def test_an_unsigned_answer_proves_neither_payment_nor_failure(code: str) -> None:
    assert ONEPAY.read_queried(ORDER, unsigned(ANSWER, TxnResponseCode=code)).outcome is UNKNOWN
    refund = unsigned(REFUNDED, TxnResponseCode=code)
    assert ONEPAY.read_refunded(REFUND, refund).outcome is UNKNOWN


@pytest.mark.parametrize(("code", "outcome"), [("0", SUCCEEDED), ("99", FAILED), ("300", PENDING)])
def test_an_unsigned_answer_is_believed_only_by_configuration(code: str, outcome: Outcome) -> None:
    reply = unsigned(ANSWER, TxnResponseCode=code)
    assert TRUSTING.read_queried(ORDER, reply).outcome is outcome
    with pytest.raises(SignatureWrong):
        TRUSTING.read_queried(ORDER, unsigned(ANSWER, SecureHash="0" * 64))


@pytest.mark.parametrize(("code", "outcome"), [("300", PENDING), ("100", Outcome.WAITING)])
def test_an_unsigned_answer_may_say_that_it_is_under_way(code: str, outcome: Outcome) -> None:
    assert ONEPAY.read_queried(ORDER, unsigned(ANSWER, TxnResponseCode=code)).outcome is outcome


def test_not_found_is_absent_signed_or_not() -> None:
    assert ONEPAY.read_queried(ORDER, Reply(200, b"vpc_DRExists=N\n")).outcome is ABSENT
    assert queried(DRExists="N").outcome is ABSENT


@pytest.mark.parametrize("exists", ["", "y", "YES", None])
def test_a_code_without_a_clear_y_proves_nothing(exists: str | None) -> None:
    assert queried(DRExists=exists).outcome is UNKNOWN


@pytest.mark.parametrize("command", ["refund", "x"])
def test_an_answer_about_something_else_says_nothing_of_the_payment(command: str) -> None:
    assert queried(Command=command).outcome is UNKNOWN


@pytest.mark.parametrize("command", ["pay", "queryDR", None])
def test_older_and_newer_answers_name_different_commands(command: str | None) -> None:
    assert queried(Command=command).outcome is SUCCEEDED


@pytest.mark.parametrize("status", [201, 302, 400, 404, 429])
def test_an_answer_that_is_not_200_proves_nothing(status: int) -> None:
    with pytest.raises(Unreadable):
        ONEPAY.read_queried(ORDER, replace(an_answer(ANSWER), status=status))
    with pytest.raises(Unreadable):
        ONEPAY.read_queried(ORDER, Reply(status, b"vpc_DRExists=N"))


# ── refunds ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "outcome"), [("0", SUCCEEDED), ("300", PENDING), ("100", PENDING)]
)
def test_a_refund_s_code(code: str, outcome: Outcome) -> None:
    assert refunded(TxnResponseCode=code).outcome is outcome
    assert refund_queried(TxnResponseCode=code).outcome is outcome


@pytest.mark.parametrize("code", ["1", "3", "5", "7", "99", "253", "F", "", "00"])
def test_no_code_proves_that_a_refund_was_refused(code: str) -> None:
    assert refunded(TxnResponseCode=code).outcome is UNKNOWN
    assert refund_queried(TxnResponseCode=code).outcome is UNKNOWN


def test_a_refund_carries_its_own_reference_and_amount() -> None:
    for finding in (refunded(), refund_queried()):
        assert (finding.reference, finding.amount_dong) == (REFUND.reference, 50_000)
    assert refunded(MerchTxnRef="other").reference == "other"


@pytest.mark.parametrize("command", ["pay", "queryDR", None])
def test_an_answer_about_the_payment_says_nothing_of_its_refund(command: str | None) -> None:
    assert refunded(Command=command).outcome is UNKNOWN
    assert refund_queried(Command=command).outcome is UNKNOWN


def test_a_refund_that_is_not_found_may_have_been_made() -> None:
    assert refund_queried(DRExists="N").outcome is UNKNOWN
