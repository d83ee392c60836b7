"""What each documented code says of the money, written from the class column of the documents."""

import json
from datetime import timedelta

import pytest

from gateway.domain.evidence import Finding, Outcome, mismatch
from gateway.kit.messages import Reply, SignatureWrong
from tests.providers.vnpay import (
    ANSWER,
    ORDER,
    REFUND,
    REFUNDED,
    TERMINAL,
    VNPAY,
    a_query,
    an_answer,
    queried,
    refunded,
    unsigned,
)

SUCCEEDED, FAILED, PENDING = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.PENDING
HELD, ABSENT, UNKNOWN = Outcome.HELD, Outcome.ABSENT, Outcome.UNKNOWN
FAILURES = ("09", "10", "11", "12", "13", "24", "51", "65", "75", "79")
OLDER_FAILURES = ("02", "03", "04", "05", "06", "08")
UNLISTED = ("", "0", "000", "14", "80", "100", "xx", "00 ")


def noticed(response: str, status: str) -> Outcome:
    incoming = a_query(ResponseCode=response, TransactionStatus=status)
    return VNPAY.read_notification(incoming).finding.outcome


# ── notifications ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("response", [*FAILURES, *OLDER_FAILURES])
@pytest.mark.parametrize("status", ["02", "08", "11"])
def test_a_decline_needs_both_codes(response: str, status: str) -> None:
    assert noticed(response, status) is FAILED
    assert noticed(response, "00") is UNKNOWN
    assert noticed(response, "01") is UNKNOWN
    assert noticed("00", status) is UNKNOWN


def test_a_success_needs_both_codes() -> None:
    assert noticed("00", "00") is SUCCEEDED


def test_a_payment_that_is_not_completed_is_pending() -> None:
    assert noticed("00", "01") is PENDING


@pytest.mark.parametrize("other", ["00", "01", "02", "24", "99"])
def test_a_suspected_payment_is_held_whatever_the_other_code_says(other: str) -> None:
    assert noticed("07", other) is HELD
    assert noticed(other, "07") is HELD
    assert noticed(other, "04") is HELD


@pytest.mark.parametrize("response", ["99", "01", *(code for code in UNLISTED if code)])
@pytest.mark.parametrize("status", ["00", "01", "02", "99"])
def test_an_unlisted_response_code_proves_nothing(response: str, status: str) -> None:
    assert noticed(response, status) is UNKNOWN


@pytest.mark.parametrize("status", [*(code for code in UNLISTED if code), "03", "05", "06", "09"])
@pytest.mark.parametrize("response", ["00", "24"])
def test_an_unlisted_or_refund_status_says_nothing_of_a_payment(response: str, status: str) -> None:
    assert noticed(response, status) is UNKNOWN


# ── querydr ──────────────────────────────────────────────────────────────────────────────────────

OF_PAYMENTS = {
    "00": SUCCEEDED,
    "01": Outcome.WAITING,
    "02": FAILED,
    "04": HELD,
    "05": UNKNOWN,
    "06": UNKNOWN,
    "07": HELD,
    "08": FAILED,
    "09": UNKNOWN,
    "11": FAILED,
    **dict.fromkeys(("03", "10", "99", *UNLISTED), UNKNOWN),
}


@pytest.mark.parametrize(("status", "outcome"), OF_PAYMENTS.items())
def test_a_queried_status(status: str, outcome: Outcome) -> None:
    assert queried(TransactionStatus=status).outcome is outcome


@pytest.mark.parametrize("status", OF_PAYMENTS)
@pytest.mark.parametrize("kind", ["02", "03", "", None])
def test_only_an_answer_about_a_payment_says_anything_of_it(status: str, kind: str | None) -> None:
    assert queried(TransactionStatus=status, TransactionType=kind).outcome is UNKNOWN


@pytest.mark.parametrize("code", ["02", "03", "94", "97", "99", *UNLISTED])
def test_a_code_of_the_call_says_nothing_of_the_payment(code: str) -> None:
    for status in ("00", "02", "04"):
        assert queried(ResponseCode=code, TransactionStatus=status).outcome is UNKNOWN


@pytest.mark.parametrize("status", ["00", "02", ""])
def test_not_found_is_absent_whatever_else_the_answer_says(status: str) -> None:
    assert queried(ResponseCode="91", TransactionStatus=status).outcome is ABSENT


@pytest.mark.parametrize(
    ("code", "outcome"), [("91", ABSENT), ("94", UNKNOWN), ("97", UNKNOWN)], ids=str
)
def test_an_unsigned_error_is_read_but_never_as_a_success(code: str, outcome: Outcome) -> None:
    assert VNPAY.read_queried(ORDER, unsigned(ANSWER, ResponseCode=code)).outcome is outcome
    bare = Reply(200, json.dumps({"vnp_ResponseCode": code, "vnp_Message": "x"}).encode())
    finding = VNPAY.read_queried(ORDER, bare)
    assert (finding.outcome, finding.code, finding.reference) == (outcome, code, None)


@pytest.mark.parametrize("code", ["00", "02", "03", "99", ""])
def test_any_other_unsigned_answer_is_refused(code: str) -> None:
    with pytest.raises(SignatureWrong):
        VNPAY.read_queried(ORDER, unsigned(ANSWER, ResponseCode=code))
    with pytest.raises(SignatureWrong):
        VNPAY.read_refunded(REFUND, unsigned(REFUNDED, ResponseCode=code))


@pytest.mark.parametrize("code", ["91", "94", "97"])
def test_an_error_with_a_wrong_signature_is_refused_not_read_as_unsigned(code: str) -> None:
    with pytest.raises(SignatureWrong):
        VNPAY.read_queried(ORDER, unsigned(ANSWER, ResponseCode=code, SecureHash="0" * 128))


def test_an_unsigned_not_found_that_names_another_order_is_the_house_s_to_refuse() -> None:
    finding = VNPAY.read_queried(ORDER, unsigned(ANSWER, ResponseCode="91", TxnRef="att_other"))
    assert mismatch(finding, reference=ORDER.reference, amount_dong=150_000, merchant=TERMINAL)


def test_after_a_94_nobody_of_the_terminal_asks_for_five_minutes() -> None:
    bare = Reply(200, b'{"vnp_ResponseCode":"94"}')
    assert VNPAY.spacing_of(VNPAY.read_queried(ORDER, bare)) == timedelta(minutes=5)
    assert VNPAY.spacing_of(queried(ResponseCode="94")) == timedelta(minutes=5)


@pytest.mark.parametrize("code", ["00", "91", "97", "99"])
def test_other_answers_ask_for_no_pause(code: str) -> None:
    assert VNPAY.spacing_of(queried(ResponseCode=code)) is None


# ── refunds ──────────────────────────────────────────────────────────────────────────────────────

REFUSALS = ("02", "03", "04", "13", "91", "93", "95", "97")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("00", PENDING),
        ("05", PENDING),
        ("06", PENDING),
        ("09", FAILED),
        ("", PENDING),
        *((code, UNKNOWN) for code in ("01", "02", "04", "07", "08", "11", "99")),
    ],
)
def test_an_accepted_refund_is_not_yet_refunded(status: str, outcome: Outcome) -> None:
    assert refunded(TransactionStatus=status).outcome is outcome


@pytest.mark.parametrize("code", REFUSALS)
def test_a_signed_refusal_of_a_refund_is_final(code: str) -> None:
    assert refunded(ResponseCode=code, TransactionStatus=None).outcome is FAILED


@pytest.mark.parametrize("code", ["91", "94", "97"])
def test_an_unsigned_refusal_of_a_refund_proves_nothing(code: str) -> None:
    assert VNPAY.read_refunded(REFUND, unsigned(REFUNDED, ResponseCode=code)).outcome is UNKNOWN


@pytest.mark.parametrize("code", ["94", "98", "99", "01", *UNLISTED])
def test_any_other_answer_to_a_refund_must_be_asked_about(code: str) -> None:
    assert refunded(ResponseCode=code).outcome is UNKNOWN


@pytest.mark.parametrize("kind", ["02", "03"])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("00", SUCCEEDED),
        ("05", PENDING),
        ("06", PENDING),
        ("09", FAILED),
        *((code, UNKNOWN) for code in ("01", "02", "04", "07", "08", "11", "99", "")),
    ],
)
def test_a_queried_refund(kind: str, status: str, outcome: Outcome) -> None:
    assert refund_queried(TransactionType=kind, TransactionStatus=status).outcome is outcome


@pytest.mark.parametrize("status", ["00", "02", "05", "06", "09"])
@pytest.mark.parametrize("kind", ["01", "", "04"])
def test_an_answer_about_the_payment_says_nothing_of_its_refund(kind: str, status: str) -> None:
    assert refund_queried(TransactionType=kind, TransactionStatus=status).outcome is UNKNOWN


@pytest.mark.parametrize("code", ["91", "94", "97", "99", "02"])
def test_a_code_of_the_call_says_nothing_of_a_refund(code: str) -> None:
    assert refund_queried(ResponseCode=code, TransactionType="03").outcome is UNKNOWN


def test_a_refund_is_named_by_its_own_reference_if_the_answer_names_its_payment() -> None:
    assert refunded().reference == REFUND.reference
    assert refund_queried(TransactionType="03").reference == REFUND.reference
    assert refunded(TxnRef="att_other").reference == "att_other"


def test_a_refund_says_its_own_amount_in_dong() -> None:
    assert refunded().amount_dong == 50_000


def refund_queried(**changed: str | None) -> Finding:
    return VNPAY.read_refund_queried(REFUND, an_answer(ANSWER, **changed))
