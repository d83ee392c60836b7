"""VNPAY's messages, signed by the documents' rules apart from the adapter."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

from gateway.domain.evidence import Finding
from gateway.kit.messages import Call, Incoming, Moment, Opened, Order, RefundOrder, Reply
from gateway.providers.vnpay import Config, Vnpay

# VNPAY publishes no sandbox account; these are the simulator's.
TERMINAL, SECRET = "CGTTDEMO", "vnpay-sandbox-simulator-secret-0001"
VNPAY = Vnpay(Config.model_validate({"tmn_code": TERMINAL, "hash_secret": SECRET}))
# 00:30 of the 25th in Vietnam, still the 24th in UTC.
NOW = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
MOMENT = Moment(NOW + timedelta(minutes=30), "c" * 32)
ORDER = Order(
    reference="att_01936b2e000070008000000000000001",
    amount_dong=150_000,
    text="Tiền điện 11/2026 PB14010000123",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/return?a=1&b=x",
    notify_url="https://pay.example/v1/notifications/vnpay",
    payer_ip="203.0.113.7",
)
REFUND = RefundOrder(ORDER, "ref_" + "1" * 32, 50_000, "Hoàn tiền một phần", NOW)
NOTICE = {
    "vnp_TmnCode": TERMINAL,
    "vnp_Amount": "15000000",
    "vnp_BankCode": "NCB",
    "vnp_BankTranNo": "VNP14226112",
    "vnp_CardType": "ATM",
    "vnp_PayDate": "20261125003500",
    "vnp_OrderInfo": "Tien dien 11 2026 PB14010000123",
    "vnp_TransactionNo": "4000000001",
    "vnp_ResponseCode": "00",
    "vnp_TransactionStatus": "00",
    "vnp_TxnRef": ORDER.reference,
}
ANSWER = {
    "vnp_ResponseId": "5bbd25d4ee4e4a0c8bfb1b4f1c0e4f11",
    "vnp_Command": "querydr",
    "vnp_ResponseCode": "00",
    "vnp_Message": "QueryDR Success",
    "vnp_TmnCode": TERMINAL,
    "vnp_TxnRef": ORDER.reference,
    "vnp_Amount": "15000000",
    "vnp_BankCode": "NCB",
    "vnp_PayDate": "20261125003500",
    "vnp_TransactionNo": "4000000001",
    "vnp_TransactionType": "01",
    "vnp_TransactionStatus": "00",
    "vnp_OrderInfo": "Tien dien 11 2026 PB14010000123",
}
REFUNDED = ANSWER | {
    "vnp_Command": "refund",
    "vnp_Message": "Refund success",
    "vnp_Amount": "5000000",
    "vnp_TransactionType": "03",
    "vnp_TransactionStatus": "05",
}
_SIGNED = (
    *("ResponseId", "Command", "ResponseCode", "Message", "TmnCode", "TxnRef", "Amount"),
    *("BankCode", "PayDate", "TransactionNo", "TransactionType", "TransactionStatus", "OrderInfo"),
)
SIGNED_ANSWER = {
    "querydr": (*_SIGNED, "PromotionCode", "PromotionAmount"),
    "refund": _SIGNED,
}


def mac(base: str) -> str:
    return hmac.new(SECRET.encode(), base.encode(), hashlib.sha512).hexdigest()


def written(fields: dict[str, str]) -> str:
    """Sort by name and form-encode: a space is `+`, hex digits are capitals."""
    pairs = sorted(fields.items())
    return "&".join(f"{n}={quote(v, safe=' ').replace(' ', '+')}" for n, v in pairs)


def a_query(signature: str | None = None, **changed: str | None) -> Incoming:
    """A signed notification or return; None leaves a field out, names come without `vnp_`."""
    altered = {f"vnp_{name}": value for name, value in changed.items()}
    fields = {n: v for n, v in {**NOTICE, **altered}.items() if v is not None}
    query = written(fields)
    return Incoming("GET", f"{query}&vnp_SecureHash={signature or mac(query)}")


def an_answer(fields: dict[str, str], **changed: str | None) -> Reply:
    """A signed answer to `querydr` or `refund`; None leaves a field out."""
    altered = {f"vnp_{name}": value for name, value in changed.items()}
    whole = {n: v for n, v in {**fields, **altered}.items() if v is not None}
    names = SIGNED_ANSWER[fields["vnp_Command"]]
    whole["vnp_SecureHash"] = mac("|".join(whole.get(f"vnp_{name}", "") for name in names))
    return Reply(200, json.dumps(whole).encode())


def unsigned(fields: dict[str, str], **changed: str) -> Reply:
    altered = {f"vnp_{name}": value for name, value in changed.items()}
    return Reply(200, json.dumps({**fields, **altered}).encode())


def sent(call: Call) -> dict[str, str]:
    fields: dict[str, str] = json.loads(call.body)
    return fields


def opened(order: Order = ORDER) -> dict[str, str]:
    """The parameters of the pay URL."""
    return dict(parse_qsl(urlsplit(pay_url(order)).query, strict_parsing=True))


def pay_url(order: Order = ORDER) -> str:
    action = VNPAY.create(order)
    assert isinstance(action, Opened)
    assert action.action.redirect_url is not None
    return action.action.redirect_url


def queried(**changed: str | None) -> Finding:
    return VNPAY.read_queried(ORDER, an_answer(ANSWER, **changed))


def refunded(**changed: str | None) -> Finding:
    return VNPAY.read_refunded(REFUND, an_answer(REFUNDED, **changed))
