"""ViettelPay's messages, signed by the documents' rule apart from the adapter."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from gateway.kit.messages import Call, Incoming, Moment, Opened, Order, RefundOrder, Reply
from gateway.providers.viettelpay import Config, ViettelPay

MERCHANT, ACCESS, KEY = "EVNSPC", "access-code-of-the-tests", "hash-key-of-the-tests"
ACCOUNT = {"merchant_code": MERCHANT, "access_code": ACCESS, "hash_key": KEY}
VIETTELPAY = ViettelPay(Config.model_validate(ACCOUNT))
IN_HEX = ViettelPay(Config.model_validate({**ACCOUNT, "encoding": "hex"}))
NOW = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
MOMENT = Moment(NOW + timedelta(minutes=30), "c" * 32)
ORDER = Order(
    reference="01936b2e000070008000000000000001",
    amount_dong=150_000,
    text="Tiền điện 11/2026 PB14010000123",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/return?a=1&b=x",
    notify_url="https://pay.example/v1/notifications/viettelpay",
    option="",
    provider_id="VT0000000123",
)
REFUND = RefundOrder(ORDER, "ref_" + "1" * 32, 150_000, "Hoàn tiền", NOW)
REFUND_ID = hashlib.sha256(REFUND.reference.encode()).hexdigest()[:32]
RESULT = {
    "billcode": ORDER.reference,
    "cust_msisdn": "84987654321",
    "error_code": "00",
    "merchant_code": MERCHANT,
    "order_id": ORDER.reference,
    "payment_status": "1",
    "trans_amount": "150000",
    "vt_transaction_id": "VT0000000123",
}
ANSWER = {
    "error_code": "00",
    "merchant_code": MERCHANT,
    "order_id": ORDER.reference,
    "payment_status": "1",
    "version": "2.0",
    "vt_transaction_id": "VT0000000123",
}
# The order of both commands' texts, as documented: `order_id` before `originalRequestId`.
SIGNED = (
    *("cmd", "merchant_code", "order_id", "originalRequestId", "refundType", "trans_amount"),
    "version",
)
QUESTION = {"billcode": ORDER.reference, "merchant_code": MERCHANT, "order_id": ORDER.reference}


def mac(*values: str, is_hex: bool = False) -> str:
    """Sign values by the sheet's rule: the access code, then the values, nothing between."""
    made = hmac.new(KEY.encode(), (ACCESS + "".join(values)).encode(), hashlib.sha1).digest()
    return made.hex() if is_hex else base64.b64encode(made).decode()


def a_form(fields: dict[str, str]) -> Incoming:
    return Incoming("POST", body=urlencode(fields).encode())


def a_result(*, is_hex: bool = False, **changes: str | None) -> Incoming:
    """A result as Viettel posts it; a field set to None is left out."""
    fields = {n: v for n, v in (RESULT | changes).items() if v is not None}
    return a_form({**fields, "check_sum": mac(*(fields[n] for n in sorted(fields)), is_hex=is_hex)})


def an_answer(**changes: str) -> Reply:
    """The answer to TRANS_INQUIRY, signed over all of its fields by their names."""
    fields = ANSWER | changes
    signed = {**fields, "check_sum": mac(*(fields[n] for n in sorted(fields)))}
    return Reply(200, json.dumps(signed).encode())


def a_question(amount: str = "150000", **changes: str) -> Incoming:
    """Verify data, over an amount that is not sent."""
    fields = QUESTION | changes
    return a_form({**fields, "check_sum": mac(*(fields[n] for n in sorted(fields)), amount)})


def a_refund_s_answer(code: str, **changes: str) -> Reply:
    fields = {"error_code": code, "error_msg": "", "merchant_request_id": REFUND_ID} | changes
    checked = mac(code, MERCHANT, REFUND_ID, "2.0")
    return Reply(
        200, json.dumps({"refund_request_id": "VT9", **fields, "check_sum": checked}).encode()
    )


def sent(call: Call) -> dict[str, str]:
    """The fields of a form, without its signature, which is right."""
    fields = dict(parse_qsl(call.body.decode(), strict_parsing=True, keep_blank_values=True))
    signed = [fields[name] for name in SIGNED if name in fields]
    assert fields.pop("check_sum") == mac(*signed)
    return fields


def opened(order: Order = ORDER, provider: ViettelPay = VIETTELPAY) -> Opened:
    made = provider.create(order)
    assert isinstance(made, Opened)
    return made


def pay_fields(order: Order = ORDER, provider: ViettelPay = VIETTELPAY) -> dict[str, str]:
    """The fields of the pay URL."""
    url = opened(order, provider).action.redirect_url or ""
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
