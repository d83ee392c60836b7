"""payOS's links and notices; what is not signed decides nothing."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import Garbled, Incoming, Opened, Reply, SignatureWrong, Unreadable
from gateway.providers.payos import Config, PayOs, canonical, sign
from tests.providers.payos import (
    ACCOUNT,
    KEY,
    LINK,
    MOMENT,
    OPENED,
    ORDER,
    PAYOS,
    PUBLISHED,
    PUBLISHED_SIGNATURE,
    SETTINGS,
    TRANSFER,
    a_notice,
    an_answer,
    enveloped,
)

Data = dict[str, Any]


def test_the_published_webhook_verifies() -> None:
    assert sign(KEY, canonical(PUBLISHED)) == PUBLISHED_SIGNATURE


def test_values_are_written_as_the_sdks_write_them() -> None:
    data = {"b": None, "a": "null", "c": True, "d": [{"y": 1, "x": "đ"}], "e": 3.0, "f": "a/b"}
    assert canonical(data) == 'a=&b=&c=true&d=[{"x":"đ","y":1}]&e=3&f=a/b'


# ── the link ─────────────────────────────────────────────────────────────────────────────────────


def test_a_link_is_asked_for_with_the_five_signed_fields() -> None:
    call = PAYOS.create(ORDER)
    sent = json.loads(call.body)
    signed = (
        f"amount=512345&cancelUrl={ORDER.return_url}&description=010012345"
        f"&orderCode={ORDER.reference}&returnUrl={ORDER.return_url}"
    )
    assert sent["signature"] == sign(KEY, signed)
    assert sent["orderCode"] == int(ORDER.reference)
    assert sent["expiredAt"] == int(ORDER.expires_at.timestamp())
    assert call.url == "https://payos.example.vn/v2/payment-requests"
    assert call.headers["x-client-id"] == "f5e1-client"


def test_a_description_has_nine_characters_unless_the_account_may_have_more() -> None:
    linked = PayOs(Config.model_validate(SETTINGS | {"description_max": 25}))
    assert json.loads(linked.create(ORDER).body)["description"] == "PB14010012345"


def test_a_reference_is_an_integer_that_javascript_can_hold() -> None:
    numbers = [int(PAYOS.reference_of(UUID(int=n), ORDER.created_at)) for n in range(2000)]
    assert all(0 < number <= 2**53 - 1 for number in numbers)


def opened(data: Data) -> Opened | Finding:
    return PAYOS.read_created(ORDER, an_answer(data))


def test_an_opened_link_has_its_page_and_its_qr() -> None:
    found = opened(OPENED)
    assert isinstance(found, Opened)
    assert found.action.redirect_url == OPENED["checkoutUrl"]
    assert found.action.qr_content == OPENED["qrCode"]
    assert found.provider_id == OPENED["paymentLinkId"]


def test_a_qr_for_another_amount_is_not_shown() -> None:
    found = opened(OPENED | {"amount": 512_345, "qrCode": str(OPENED["qrCode"])[:-1] + "0"})
    assert isinstance(found, Opened)
    assert found.action.qr_content is None


@pytest.mark.parametrize(
    "change",
    [{"orderCode": 9}, {"amount": 1}, {"checkoutUrl": "http://x"}, {"paymentLinkId": None}],
    ids=str,
)
def test_another_orders_link_opens_nothing(change: Data) -> None:
    found = opened(OPENED | change)
    assert isinstance(found, Finding)
    assert found.outcome is Outcome.UNKNOWN


def test_an_unsigned_link_is_garbled() -> None:
    with pytest.raises(SignatureWrong):
        PAYOS.read_created(ORDER, an_answer(OPENED, signature=None))


@pytest.mark.parametrize("code", ["20", "101", "201", "231", "401", "429"])
def test_a_refused_call_proves_nothing(code: str) -> None:
    reply = Reply(200, json.dumps({"code": code, "desc": "x", "data": None}).encode())
    for found in (PAYOS.read_created(ORDER, reply), PAYOS.read_queried(ORDER, reply)):
        assert isinstance(found, Finding)
        assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "paid", "outcome"),
    [
        ("PENDING", 0, Outcome.WAITING),
        ("PENDING", 1_000, Outcome.PENDING),
        ("UNDERPAID", 1_000, Outcome.PENDING),
        ("PROCESSING", 0, Outcome.PENDING),
        ("PAID", 512_345, Outcome.SUCCEEDED),
        ("PAID", 600_000, Outcome.SUCCEEDED),
        ("PAID", 512_344, Outcome.UNKNOWN),
        ("CANCELLED", 0, Outcome.FAILED),
        ("EXPIRED", 0, Outcome.FAILED),
        ("FAILED", 0, Outcome.FAILED),
        ("EXPIRED", 1_000, Outcome.HELD),
        ("CANCELLED", 1_000, Outcome.HELD),
        ("REFUNDED", 0, Outcome.UNKNOWN),
    ],
)
def test_a_links_state_and_what_was_paid_decide_together(
    status: str, paid: int, outcome: Outcome
) -> None:
    reply = an_answer(LINK | {"status": status, "amountPaid": paid})
    for found in (PAYOS.read_queried(ORDER, reply), PAYOS.read_cancelled(ORDER, reply)):
        assert (found.outcome, found.amount_dong) == (outcome, 512_345)
        assert found.reference == ORDER.reference


@pytest.mark.parametrize(
    "change",
    [{"amountPaid": "0"}, {"amountPaid": True}, {"amount": 1.5}, {"status": None}, {"amount": -1}],
    ids=str,
)
def test_a_link_of_other_types_is_unreadable(change: Data) -> None:
    with pytest.raises(Unreadable):
        PAYOS.read_queried(ORDER, an_answer(LINK | change))


def test_query_and_cancel_go_by_our_order_code() -> None:
    query, cancel = PAYOS.query(ORDER, MOMENT), PAYOS.cancel(ORDER, MOMENT)
    assert (query.method, query.body) == ("GET", b"")
    assert query.url.endswith(f"/v2/payment-requests/{ORDER.reference}")
    assert (cancel.method, cancel.url) == ("POST", f"{query.url}/cancel")


def test_a_browsers_return_says_whose_it_is_and_nothing_of_money() -> None:
    back = Incoming("GET", f"code=00&id=1&cancel=false&status=PAID&orderCode={ORDER.reference}")
    found = PAYOS.read_return(back)
    assert (found.outcome, found.reference) == (Outcome.UNKNOWN, ORDER.reference)
    with pytest.raises(Unreadable):
        PAYOS.read_return(Incoming("GET", "status=PAID&orderCode=0123"))


# ── notices ──────────────────────────────────────────────────────────────────────────────────────


def test_a_transfer_is_a_credit() -> None:
    (credit,) = PAYOS.read_credits(a_notice(TRANSFER))
    assert (credit.amount_dong, credit.account) == (512_345, ACCOUNT)
    assert (credit.bank_reference, credit.order_code) == ("FT24331Q8MDW", ORDER.reference)
    assert credit.virtual_account == "CAS0011012345678"
    assert credit.at.isoformat() == "2026-11-24T09:05:00+00:00"


def test_two_transfers_into_an_underpaid_link_are_two_credits() -> None:
    keys = {
        PAYOS.read_credits(a_notice(TRANSFER | {"reference": reference}))[0].key
        for reference in ("FT1", "FT2")
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    "outer", [{"code": "01"}, {"success": False}, {"desc": "failed"}, {"unknown": 1}], ids=str
)
def test_what_is_not_signed_decides_nothing(outer: Data) -> None:
    assert PAYOS.read_credits(a_notice(TRANSFER, **outer)) == PAYOS.read_credits(a_notice(TRANSFER))


def test_a_code_inside_that_is_no_success_brings_nothing() -> None:
    assert not PAYOS.read_credits(a_notice(TRANSFER | {"code": "01"}, code="00"))


def test_the_trial_of_confirm_webhook_brings_nothing() -> None:
    assert not PAYOS.read_credits(Incoming("POST", body=enveloped(PUBLISHED)))


def test_a_payer_who_writes_what_a_trial_says_has_paid_all_the_same() -> None:
    assert PAYOS.read_credits(a_notice(TRANSFER | {"description": "VQRIO123"}))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "512345"},
        {"amount": 0},
        {"amount": True},
        {"orderCode": "1"},
        {"reference": None},
        {"paymentLinkId": ""},
        {"currency": "USD"},
        {"accountNumber": "99999999"},
        {"code": None},
        {"transactionDateTime": "24/11/2026"},
        {"x&amount": 1},
    ],
    ids=str,
)
def test_a_signed_notice_that_is_not_as_documented_is_unreadable(change: Data) -> None:
    with pytest.raises(Garbled):
        PAYOS.read_credits(a_notice(TRANSFER | change))


def test_nulls_are_read_as_nothing() -> None:
    (credit,) = PAYOS.read_credits(
        a_notice(TRANSFER | {"virtualAccountNumber": None, "accountNumber": None, "desc": None})
    )
    assert (credit.virtual_account, credit.account) == (None, ACCOUNT)


def test_a_description_cannot_write_another_field_behind_itself() -> None:
    twin = {**TRANSFER, "description": f"x&orderCode={ORDER.reference}"}
    signed = a_notice(twin)
    forged = json.loads(signed.body)
    forged["data"] |= {"description": "x"}
    with pytest.raises(SignatureWrong):
        PAYOS.read_credits(replace(signed, body=json.dumps(forged).encode()))
