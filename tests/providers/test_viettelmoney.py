"""What we send to Viettel Money, what it asks and tells us, and what we answer."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.abilities import (
    ABILITIES,
    AnswersQueries,
    ConfirmsOrders,
    Notifies,
    OrderAnswer,
    Payability,
    Refunds,
    TakesPayments,
)
from gateway.kit.messages import (
    Garbled,
    Incoming,
    Opened,
    Reply,
    SignatureWrong,
    Unreadable,
    Verdict,
)
from gateway.providers.viettelmoney import Config, ViettelMoney, refund_id_of
from tests.providers.viettelmoney import (
    ACCOUNT,
    MERCHANT,
    MOMENT,
    MONEY,
    ORDER,
    OURS,
    REFUND,
    TOLD,
    a_message,
    an_answer,
    asked,
    mac,
    public_of,
)

BASE = "https://api24cdn.vtmoney.vn/uatmm/paybiz/payment-gateway/public/api"
QUESTION = {"merchantCode": MERCHANT, "orderId": ORDER.reference, "transAmount": 150_000}
WHERE = {"url": "https://pay.example/1", "qrData": "0002", "deeplink": "vtm://1"}
REFUNDED = {
    "merchantCode": MERCHANT,
    "refundId": refund_id_of(REFUND),
    "refundTransId": "VM9",
    "transAmount": 150_000,
    "refundStatus": 1,
}

# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("option", MONEY.options)
def test_an_order_is_opened_by_the_profile(option: str) -> None:
    call = MONEY.create(replace(ORDER, option=option))
    assert (call.operation, call.method, call.url) == ("create", "POST", f"{BASE}/orders/create")
    assert asked(call) == {
        "orderId": ORDER.reference,
        "transAmount": 150_000,
        "description": "Tien dien 11 2026 PB14010000123",
        "returnType": option,
        "returnUrl": ORDER.return_url,
        "cancelUrl": ORDER.return_url,
        "expireAfter": 15,
    }


@pytest.mark.parametrize(("seconds", "minutes"), [(1, 1), (61, 2), (900, 15), (86_400, 60)])
def test_an_order_lives_whole_minutes_up_to_an_hour(seconds: int, minutes: int) -> None:
    order = replace(ORDER, expires_at=ORDER.created_at + timedelta(seconds=seconds))
    assert asked(MONEY.create(order))["expireAfter"] == minutes


def test_a_query_and_a_refund_go_where_the_profile_says() -> None:
    query, refund = MONEY.query(ORDER, MOMENT), MONEY.refund(REFUND, MOMENT)
    assert (query.url, refund.url) == (f"{BASE}/orders/query", f"{BASE}/refunds/create")
    assert asked(query) == {"orderId": ORDER.reference, "requestId": MOMENT.request_id}
    assert asked(refund) == {
        "refundId": refund_id_of(REFUND),
        "originalOrderId": ORDER.reference,
        "originalTransId": "VM0000000123",
        "refundType": 0,
        "transAmount": 150_000,
        "description": "Hoan tien",
    }
    assert MONEY.refund(REFUND, replace(MOMENT, request_id="d" * 32)) == refund
    asks = MONEY.query_refund(REFUND, MOMENT)
    assert (asks.url, asked(asks)["refundId"]) == (f"{BASE}/refunds/query", refund_id_of(REFUND))


# ── what is answered to us ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", WHERE)
def test_the_payer_goes_on_wherever_the_answer_says(name: str) -> None:
    reply = an_answer("00", {**QUESTION, name: WHERE[name]})
    opened = MONEY.read_created(ORDER, reply)
    assert isinstance(opened, Opened)
    action = opened.action
    assert {action.redirect_url, action.qr_content, action.deeplink} == {WHERE[name], None}


def test_an_order_without_a_place_to_pay_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        MONEY.read_created(ORDER, an_answer("00", QUESTION))


@pytest.mark.parametrize("wrong", [{"orderId": "0" * 32}, {"transAmount": 1}], ids=str)
def test_an_order_that_is_not_ours_is_not_shown_to_the_payer(wrong: dict[str, Any]) -> None:
    found = MONEY.read_created(ORDER, an_answer("00", {**QUESTION, **WHERE, **wrong}))
    assert isinstance(found, Finding)
    assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [401, 429, 404])
def test_an_answer_that_is_no_200_says_nothing(status: int) -> None:
    with pytest.raises(Unreadable):
        MONEY.read_created(ORDER, replace(an_answer("06"), status=status))


def test_an_unsigned_answer_proves_nothing() -> None:
    reply = Reply(200, an_answer("00", TOLD).body)
    for read in (MONEY.read_queried, MONEY.read_created):
        with pytest.raises(SignatureWrong):
            read(ORDER, reply)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (1, Outcome.SUCCEEDED),
        (0, Outcome.PENDING),
        (2, Outcome.FAILED),
        (7, Outcome.UNKNOWN),
        ("1", Outcome.SUCCEEDED),
    ],
)
def test_a_refund_ends_as_its_status_says(status: object, outcome: Outcome) -> None:
    reply = an_answer("00", REFUNDED | {"refundStatus": status})
    for read in (MONEY.read_refunded, MONEY.read_refund_queried):
        found = read(REFUND, reply)
        assert (found.outcome, found.reference) == (outcome, REFUND.reference)
        assert (found.amount_dong, found.provider_id) == (150_000, "VM9")


@pytest.mark.parametrize(
    ("code", "refunded", "queried"),
    [
        *((c, Outcome.FAILED, Outcome.UNKNOWN) for c in ("01", "02", "06", "KG8", "176", "485")),
        *((c, Outcome.UNKNOWN, Outcome.UNKNOWN) for c in ("03", "04", "813", "927", "999")),
        ("05", Outcome.UNKNOWN, Outcome.ABSENT),
    ],
)
def test_a_refusal_of_a_refund_counts_only_where_it_was_asked_for(
    code: str, refunded: Outcome, queried: Outcome
) -> None:
    assert MONEY.read_refunded(REFUND, an_answer(code)).outcome is refunded
    assert MONEY.read_refund_queried(REFUND, an_answer(code)).outcome is queried


# ── what it asks and tells us ────────────────────────────────────────────────────────────────────


def test_a_confirmation_is_signed_whole() -> None:
    question = MONEY.read_question(a_message(QUESTION))
    assert (question.reference, question.amount_dong) == (ORDER.reference, 150_000)
    assert question.merchant == MERCHANT
    for name, value in {"orderId": "0" * 32, "transAmount": 1, "merchantCode": "X"}.items():
        twin = replace(a_message(QUESTION), body=json.dumps({**QUESTION, name: value}).encode())
        with pytest.raises(SignatureWrong):
            MONEY.read_question(twin)
        with pytest.raises(Garbled):
            MONEY.read_question(a_message({**QUESTION, name: None}))


@pytest.mark.parametrize(
    ("payability", "amount", "code"),
    [
        (Payability.PAYABLE, 150_000, "00"),
        (Payability.UNKNOWN_REFERENCE, None, "01"),
        (Payability.AMOUNT_DIFFERS, 150_000, "01"),
        (Payability.NOT_PAYABLE, 150_000, "02"),
        (Payability.NOT_AUTHENTIC, None, "02"),
        (Payability.TRY_LATER, None, "03"),
    ],
)
def test_each_answer_has_its_code_and_our_amount(
    payability: Payability, amount: int | None, code: str
) -> None:
    question = MONEY.read_question(a_message(QUESTION))
    said = json.loads(MONEY.answer_question(question, OrderAnswer(payability, amount)).body)
    assert said["code"] == code
    assert said["data"] == {**QUESTION, "transAmount": amount or 0}
    none = json.loads(MONEY.answer_question(None, OrderAnswer(payability)).body)
    assert none["data"]["orderId"] == ""


def test_the_browser_s_return_is_signed_as_it_was_written() -> None:
    fields = f"merchantCode={MERCHANT}&orderId={ORDER.reference}&transStatus=1&transAmount=150000"
    query = f"shop=1&{fields}&signature={quote(mac(fields.encode()), safe='')}"
    found = MONEY.read_return(Incoming("GET", query))
    assert (found.outcome, found.reference) == (Outcome.SUCCEEDED, ORDER.reference)
    for twin in (query.replace("transStatus=1", "transStatus=2"), fields, ""):
        with pytest.raises(SignatureWrong):
            MONEY.read_return(Incoming("GET", twin))


def test_the_time_of_a_payment_is_vietnam_s() -> None:
    found = MONEY.read_notification(a_message(TOLD)).finding
    assert found.paid_at == ORDER.created_at
    late = MONEY.read_notification(a_message({**TOLD, "paymentTime": "yesterday"}))
    assert late.finding.paid_at is None


@pytest.mark.parametrize(
    ("verdict", "status", "code"),
    [
        (Verdict.RECORDED, 200, "00"),
        (Verdict.REPEATED, 200, "00"),
        (Verdict.UNKNOWN_REFERENCE, 200, "01"),
        (Verdict.AMOUNT_DIFFERS, 200, "01"),
        (Verdict.REFUSED, 200, "01"),
        (Verdict.TRY_LATER, 503, "01"),
    ],
)
def test_each_verdict_has_its_answer(verdict: Verdict, status: int, code: str) -> None:
    answer = MONEY.acknowledge(verdict)
    assert (answer.status, json.loads(answer.body)) == (status, {"code": code})


# ── what it is ───────────────────────────────────────────────────────────────────────────────────


def test_the_abilities_are_those_of_the_profile() -> None:
    has = {ability for ability in ABILITIES if issubclass(ViettelMoney, ability)}
    assert has == {TakesPayments, Notifies, ConfirmsOrders, AnswersQueries, Refunds}


@pytest.mark.parametrize(
    "wrong",
    [
        {"private_key": public_of(OURS)},
        {"public_key": "text"},
        {"access_token": ""},
        {"base": "https://api.example/"},
    ],
    ids=["no private key", "no public key", "no token", "a stroke at the end"],
)
def test_a_wrong_configuration_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**ACCOUNT, **wrong})
