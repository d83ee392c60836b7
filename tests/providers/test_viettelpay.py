"""What we send to ViettelPay, how we thank it, and what the adapter is."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from gateway.kit.abilities import (
    ABILITIES,
    AnswersQueries,
    ConfirmsOrders,
    Notifies,
    Refunds,
    TakesPayments,
)
from gateway.kit.messages import (
    Moment,
    Verdict,
)
from gateway.providers.viettelpay import Config, ViettelPay, sign
from tests.providers.viettelpay import (
    ACCESS,
    ACCOUNT,
    IN_HEX,
    KEY,
    MERCHANT,
    MOMENT,
    NOW,
    ORDER,
    REFUND,
    REFUND_ID,
    VIETTELPAY,
    a_result,
    mac,
    opened,
    pay_fields,
    sent,
)

REFERENCE = ORDER.reference


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


def test_the_pay_url_is_the_documented_page_signed_over_its_seven_values() -> None:
    url = urlsplit(opened().action.redirect_url or "")
    assert f"{url.scheme}://{url.netloc}{url.path}" == (
        "https://sandbox.viettel.vn/PaymentGateway/payment"
    )
    fields = pay_fields()
    signed = mac(REFERENCE, "PAYMENT", MERCHANT, REFERENCE, "150000", "2.0")
    assert fields == {
        "billcode": REFERENCE,
        "command": "PAYMENT",
        "merchant_code": MERCHANT,
        "order_id": REFERENCE,
        "trans_amount": "150000",
        "version": "2.0",
        "return_url": ORDER.return_url,
        "desc": "Tien dien 11 2026 PB14010000123",
        "locale": "Vi",
        "check_sum": signed,
    }
    assert ACCESS not in url.query


def test_base64_is_percent_encoded_in_the_url() -> None:
    for amount in range(1000, 1200):
        fields = pay_fields(replace(ORDER, amount_dong=amount))
        signed = mac(REFERENCE, "PAYMENT", MERCHANT, REFERENCE, str(amount), "2.0")
        assert fields["check_sum"] == signed


def test_at_the_integration_in_hex_the_url_is_signed_in_hex() -> None:
    signed = mac(REFERENCE, "PAYMENT", MERCHANT, REFERENCE, "150000", "2.0", is_hex=True)
    assert pay_fields(provider=IN_HEX)["check_sum"] == signed


def test_the_qr_variant_is_json_with_capital_keys() -> None:
    action = opened(replace(ORDER, option="QR")).action
    assert json.loads(action.qr_content or "") == {
        "PRIORITY": "BankPlus",
        "VERSION": "1.0",
        "TYPE": "PAY_BILL",
        "BILLCODE": REFERENCE,
        "ORDER_ID": REFERENCE,
        "AMOUNT": "150000",
        "MERCHANT_CODE": MERCHANT,
    }
    assert opened().action.qr_content is None


def test_a_query_is_a_signed_form() -> None:
    call = VIETTELPAY.query(ORDER, MOMENT)
    assert call.url == "https://sandbox.viettel.vn/PaymentAPI/webresources/postData"
    assert "authorization" not in call.headers
    assert sent(call) == {
        "cmd": "TRANS_INQUIRY",
        "merchant_code": MERCHANT,
        "order_id": REFERENCE,
        "version": "2.0",
    }


def test_basic_stands_on_top_where_it_is_configured() -> None:
    account = {**ACCOUNT, "basic_user": "Aladdin", "basic_password": "open sesame"}
    call = ViettelPay(Config.model_validate(account)).query(ORDER, MOMENT)
    assert call.headers["authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize(("amount", "kind"), [(150_000, "0"), (50_000, "1")])
def test_a_refund_names_its_payment_and_says_whether_it_is_the_whole(
    amount: int, kind: str
) -> None:
    fields = sent(VIETTELPAY.refund(replace(REFUND, amount_dong=amount), MOMENT))
    assert fields == {
        "cmd": "REFUND_PAYMENT",
        "merchant_code": MERCHANT,
        "order_id": REFUND_ID,
        "originalRequestId": "VT0000000123",
        "refundType": kind,
        "trans_amount": str(amount),
        "trans_content": "Hoan tien",
        "version": "2.0",
    }


def test_a_repeated_refund_is_equal_to_the_byte() -> None:
    later = Moment(NOW + timedelta(days=2), "d" * 32)
    assert VIETTELPAY.refund(REFUND, later) == VIETTELPAY.refund(REFUND, MOMENT)
    assert sent(VIETTELPAY.query_refund(REFUND, MOMENT))["order_id"] == REFUND_ID


# ── what we answer, and what we are ──────────────────────────────────────────────────────────────


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
def test_a_result_is_acknowledged_with_its_order_under_signature(
    verdict: Verdict, status: int, code: str
) -> None:
    told = VIETTELPAY.read_notification(a_result())
    answer = VIETTELPAY.acknowledge_of(told, verdict)
    assert answer.status == status
    assert json.loads(answer.body) == {
        "error_code": code,
        "merchant_code": MERCHANT,
        "order_id": REFERENCE,
        "check_sum": mac(code, MERCHANT, REFERENCE),
    }


def test_the_abilities_are_those_that_viettelpay_has() -> None:
    has = {ability for ability in ABILITIES if issubclass(ViettelPay, ability)}
    assert has == {TakesPayments, Notifies, ConfirmsOrders, AnswersQueries, Refunds}


@pytest.mark.parametrize(
    "wrong",
    [{"hash_key": ""}, {"encoding": "hex2"}, {"merchant_code": "A B"}, {"host": "viettel"}],
    ids=str,
)
def test_a_wrong_configuration_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**ACCOUNT, **wrong})


def test_the_signature_is_hmac_sha1_of_utf_8() -> None:
    assert sign(KEY, f"{ACCESS}đ") == mac("đ")
    assert sign(KEY, f"{ACCESS}đ", "hex") == mac("đ", is_hex=True)
