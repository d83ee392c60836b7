"""What ViettelPay asks and tells us, and what we answer."""

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Outcome
from gateway.kit.abilities import (
    OrderAnswer,
    Payability,
)
from gateway.kit.messages import (
    Garbled,
    Incoming,
    Reply,
    SignatureWrong,
    Unreadable,
)
from gateway.providers.viettelpay import ViettelPay
from tests.providers.viettelpay import (
    ANSWER,
    IN_HEX,
    MERCHANT,
    ORDER,
    REFUND,
    REFUND_ID,
    VIETTELPAY,
    a_form,
    a_question,
    a_refund_s_answer,
    a_result,
    an_answer,
    mac,
)

REFERENCE = ORDER.reference


# ── the question before a charge ─────────────────────────────────────────────────────────────────


def asked(incoming: Incoming, provider: ViettelPay = VIETTELPAY, amount: int = 150_000) -> None:
    provider.check_question(provider.read_question(incoming), amount)


def test_a_question_is_signed_over_the_amount_that_we_hold() -> None:
    question = VIETTELPAY.read_question(a_question())
    assert (question.reference, question.amount_dong, question.merchant) == (
        REFERENCE,
        None,
        MERCHANT,
    )
    VIETTELPAY.check_question(question, 150_000)
    for amount in (149_999, 15_000, 1_500_000):
        with pytest.raises(SignatureWrong):
            VIETTELPAY.check_question(question, amount)


def test_an_amount_that_is_sent_is_told_but_ours_is_what_was_signed() -> None:
    fields = dict(parse_qsl(a_question().body.decode()))
    question = VIETTELPAY.read_question(a_form({**fields, "trans_amount": "149000"}))
    assert question.amount_dong == 149_000
    VIETTELPAY.check_question(question, 150_000)


@pytest.mark.parametrize("name", ["billcode", "merchant_code", "order_id", "check_sum"])
def test_a_forged_question_is_refused(name: str) -> None:
    fields = dict(parse_qsl(a_question().body.decode()))
    for value in (f"{fields[name]}1", ""):
        with pytest.raises(Garbled):
            asked(a_form({**fields, name: value}))


def test_a_plus_that_a_decoder_made_a_blank_is_still_the_signature() -> None:
    # Some order's signature holds a plus; the body is sent without percent-encoding it.
    for amount in range(1000, 1200):
        signed = mac(REFERENCE, MERCHANT, REFERENCE, str(amount))
        if "+" in signed:
            break
    fields = {"billcode": REFERENCE, "merchant_code": MERCHANT, "order_id": REFERENCE}
    body = f"{urlencode(fields)}&check_sum={signed}".encode()
    asked(Incoming("POST", body=body), amount=amount)
    with pytest.raises(SignatureWrong):
        asked(Incoming("POST", body=body.replace(b"+", b"-")), amount=amount)


@pytest.mark.parametrize(
    ("payability", "amount", "code"),
    [
        (Payability.PAYABLE, 150_000, "00"),
        (Payability.UNKNOWN_REFERENCE, None, "01"),
        (Payability.NOT_PAYABLE, 150_000, "02"),
        (Payability.AMOUNT_DIFFERS, 150_000, "02"),
        (Payability.NOT_AUTHENTIC, 150_000, "02"),
        (Payability.TRY_LATER, None, "03"),
    ],
)
def test_each_answer_has_its_code_and_is_signed_only_if_the_question_was(
    payability: Payability, amount: int | None, code: str
) -> None:
    question = VIETTELPAY.read_question(a_question())
    answer = VIETTELPAY.answer_question(question, OrderAnswer(payability, amount))
    said = json.loads(answer.body)
    check_sum = said.pop("check_sum")
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert said == {
        "billcode": REFERENCE,
        "error_code": code,
        "merchant_code": MERCHANT,
        "order_id": REFERENCE,
        "trans_amount": str(amount or 0),
    }
    signed = mac(REFERENCE, code, MERCHANT, REFERENCE, str(amount or 0))
    is_authentic = payability in {"payable", "not_payable", "amount_differs"}
    assert check_sum == (signed if is_authentic else "")


def test_nobody_can_have_a_result_signed_by_asking() -> None:
    """The values stand without separators: a billcode of one's own could hold a whole result."""
    paid = f"{REFERENCE}84900000000" + f"00{MERCHANT}{REFERENCE}1150000VT"
    question = VIETTELPAY.read_question(a_question(billcode=paid))
    for why in (Payability.UNKNOWN_REFERENCE, Payability.NOT_AUTHENTIC, Payability.TRY_LATER):
        said = json.loads(VIETTELPAY.answer_question(question, OrderAnswer(why)).body)
        assert said["check_sum"] == ""


def test_what_cannot_be_read_is_answered_without_an_order() -> None:
    refused = OrderAnswer(Payability.NOT_AUTHENTIC)
    said = json.loads(VIETTELPAY.answer_question(None, refused).body)
    assert (said["error_code"], said["order_id"], said["check_sum"]) == ("02", "", "")


@given(st.binary(max_size=200))
def test_no_question_raises_anything_but_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        asked(Incoming("POST", body=body))


# ── results, queries, refunds ────────────────────────────────────────────────────────────────────


def test_a_result_without_a_telephone_number_is_signed_as_if_it_were_empty() -> None:
    for number in (None, ""):
        told = VIETTELPAY.read_notification(a_result(cust_msisdn=number))
        assert told.finding.outcome is Outcome.SUCCEEDED


def test_a_result_in_hex_is_read_in_either_case_where_hex_is_configured() -> None:
    body = a_result(is_hex=True).body
    for text in (body, body[:-40] + body[-40:].upper()):
        told = IN_HEX.read_notification(Incoming("POST", body=text))
        assert told.finding.outcome is Outcome.SUCCEEDED
    with pytest.raises(SignatureWrong):
        VIETTELPAY.read_notification(Incoming("POST", body=body))


def test_the_browser_brings_the_fields_of_a_result() -> None:
    query = a_result(payment_status="5", error_code="V06").body.decode()
    finding = VIETTELPAY.read_return(Incoming("GET", query))
    assert (finding.outcome, finding.reference) == (Outcome.FAILED, REFERENCE)


def test_a_result_and_its_later_status_have_two_keys() -> None:
    keys = [
        VIETTELPAY.read_notification(a_result(payment_status=status)).key for status in ("3", "1")
    ]
    assert len(set(keys)) == 2


@pytest.mark.parametrize("amount", ["150000.0", "-1", "0", "1e5", "٣"])
def test_an_amount_that_is_no_whole_number_is_unreadable(amount: str) -> None:
    with pytest.raises(Unreadable):
        VIETTELPAY.read_notification(a_result(trans_amount=amount))


def test_a_query_s_answer_may_be_signed_over_four_values_in_secure_hash() -> None:
    short = mac(MERCHANT, REFERENCE, "1", "2.0")
    for name in ("secure_hash", "check_sum"):
        body = json.dumps({**ANSWER, name: short}).encode()
        finding = VIETTELPAY.read_queried(ORDER, Reply(200, body))
        assert (finding.outcome, finding.amount_dong) == (Outcome.SUCCEEDED, 150_000)
    other = json.dumps({**ANSWER, "payment_status": "2", "secure_hash": short}).encode()
    with pytest.raises(SignatureWrong):
        VIETTELPAY.read_queried(ORDER, Reply(200, other))


def test_the_amount_of_another_order_s_answer_is_not_filled_in() -> None:
    finding = VIETTELPAY.read_queried(ORDER, an_answer(order_id="0" * 32))
    assert (finding.reference, finding.amount_dong) == ("0" * 32, None)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("00", Outcome.SUCCEEDED),
        *(
            (c, Outcome.FAILED)
            for c in ["M01", "M05", "218", "KG3", "27", "KG8", "485", "655", "457", "17", "159"]
        ),
        *((c, Outcome.UNKNOWN) for c in ["176", "813", "927", "999"]),
    ],
)
def test_each_code_of_a_refund_means_what_the_page_says(code: str, outcome: Outcome) -> None:
    finding = VIETTELPAY.read_refunded(REFUND, a_refund_s_answer(code))
    assert (finding.outcome, finding.code) == (outcome, code)
    assert (finding.reference, finding.amount_dong) == (REFUND.reference, 150_000)


def test_a_refund_s_answer_for_another_refund_is_not_ours() -> None:
    other = replace(REFUND, reference="ref_" + "2" * 32)
    with pytest.raises(SignatureWrong):
        VIETTELPAY.read_refunded(other, a_refund_s_answer("00"))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("1", Outcome.SUCCEEDED),
        ("0", Outcome.PENDING),
        *((status, Outcome.UNKNOWN) for status in ("-1", "2", "3", "5")),
    ],
)
def test_a_refund_s_query_is_believed_only_where_it_says_yes(status: str, outcome: Outcome) -> None:
    reply = an_answer(order_id=REFUND_ID, payment_status=status)
    assert VIETTELPAY.read_refund_queried(REFUND, reply).outcome is outcome
