"""OnePay's messages, signed by the documents' rule apart from the adapter."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from gateway.domain.evidence import Finding
from gateway.kit.messages import Call, Incoming, Moment, Opened, Order, RefundOrder, Reply
from gateway.providers.onepay import Config, OnePay

# The public test merchant of OnePay, as npm vn-payments 1.1.0 and others publish it.
MERCHANT, ACCESS, KEY = "TESTONEPAY", "6BEB2546", "6D0870CDE5F24F34F3915FB0045120DB"
USER, PASSWORD = "op01", "op123456"
ACCOUNT = {
    "merchant_id": MERCHANT,
    "access_code": ACCESS,
    "hash_key": KEY,
    "user": USER,
    "password": PASSWORD,
}
ONEPAY = OnePay(Config.model_validate(ACCOUNT))
TRUSTING = OnePay(Config.model_validate({**ACCOUNT, "trust_unsigned_answers": True}))
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
    notify_url="https://pay.example/v1/notifications/onepay",
    payer_ip="203.0.113.7",
)
REFUND = RefundOrder(ORDER, "ref_" + "1" * 32, 50_000, "Hoàn tiền một phần", NOW)
REFUND_ID = hashlib.sha256(REFUND.reference.encode()).hexdigest()[:32]
NOTICE = {
    "vpc_Command": "pay",
    "vpc_Amount": "15000000",
    "vpc_Card": "VC",
    "vpc_CardNum": "400000xxx0002",
    "vpc_MerchTxnRef": ORDER.reference,
    "vpc_Merchant": MERCHANT,
    "vpc_Message": "Approved",
    "vpc_OrderInfo": "Tien dien 11 2026 PB14010000123",
    "vpc_PayChannel": "WEB",
    "vpc_TransactionNo": "PAY-Xz1OcTFySqutuCbv4kCfTA",
    "vpc_TxnResponseCode": "0",
    "vpc_Version": "2",
    "vpc_PaymentTime": "20261124T173500Z",
}
ANSWER = {"vpc_DRExists": "Y", **NOTICE, "vpc_Command": "queryDR"}
REFUNDED = {
    "vpc_Command": "refund",
    "vpc_Amount": "5000000",
    "vpc_MerchTxnRef": REFUND_ID,
    "vpc_OrgMerchTxnRef": ORDER.reference,
    "vpc_Merchant": MERCHANT,
    "vpc_TransactionNo": "REF-1",
    "vpc_TxnResponseCode": "0",
}


def mac(fields: dict[str, str]) -> str:
    base = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name])
    return hmac.new(bytes.fromhex(KEY), base.encode(), hashlib.sha256).hexdigest().upper()


def changed(fields: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    """Change fields by their names without `vpc_`; None leaves one out."""
    altered = {f"vpc_{name}": value for name, value in changes.items()}
    return {n: v for n, v in {**fields, **altered}.items() if v is not None}


def a_query(signature: str | None = None, **changes: str | None) -> Incoming:
    """A signed notification or return."""
    fields = changed(NOTICE, changes)
    given = mac(fields) if signature is None else signature
    return Incoming("GET", urlencode({**fields, "vpc_SecureHash": given}))


def an_answer(fields: dict[str, str], **changes: str | None) -> Reply:
    """A signed answer."""
    whole = changed(fields, changes)
    return Reply(200, urlencode({**whole, "vpc_SecureHash": mac(whole)}).encode())


def unsigned(fields: dict[str, str], **changes: str | None) -> Reply:
    return Reply(200, urlencode(changed(fields, changes)).encode())


def sent(call: Call) -> dict[str, str]:
    """The fields of a call, after its signature is seen to be right."""
    fields = dict(parse_qsl(call.body.decode(), strict_parsing=True))
    given = fields.pop("vpc_SecureHash")
    assert given == mac(fields)
    return fields


def pay_url(order: Order = ORDER, provider: OnePay = ONEPAY) -> str:
    action = provider.create(order)
    assert isinstance(action, Opened)
    assert action.action.redirect_url is not None
    return action.action.redirect_url


def opened(order: Order = ORDER) -> dict[str, str]:
    """The parameters of the pay URL."""
    return dict(parse_qsl(urlsplit(pay_url(order)).query, strict_parsing=True))


def noticed(**changes: str | None) -> Finding:
    return ONEPAY.read_notification(a_query(**changes)).finding


def queried(**changes: str | None) -> Finding:
    return ONEPAY.read_queried(ORDER, an_answer(ANSWER, **changes))


def refunded(**changes: str | None) -> Finding:
    return ONEPAY.read_refunded(REFUND, an_answer(REFUNDED, **changes))


def refund_queried(**changes: str | None) -> Finding:
    answer = an_answer({"vpc_DRExists": "Y", **REFUNDED}, **changes)
    return ONEPAY.read_refund_queried(REFUND, answer)
