"""payOS's messages, signed by the documents' rule apart from the adapter."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.emvqr import TransferQr, encode
from gateway.kit.messages import Incoming, Moment, Order, Reply
from gateway.providers.payos import Config, PayOs

# The public example of payos.vn/docs (key, webhook, signature), read 2026-11-24.
KEY = "1a54716c8f0efb2744fb28b6e38b25da7f67a925d98bc1c18bd8faaecadd7675"
PUBLISHED_SIGNATURE = "412e915d2871504ed31be63c8f62a149a4410d34c4c42affc9006ef9917eaa03"
PUBLISHED = {
    "orderCode": 123,
    "amount": 3000,
    "description": "VQRIO123",
    "accountNumber": "12345678",
    "reference": "TF230204212323",
    "transactionDateTime": "2023-02-04 18:25:00",
    "currency": "VND",
    "paymentLinkId": "124c33293c43417ab7879e14c8d9eb18",
    "code": "00",
    "desc": "Thành công",
    "counterAccountBankId": "",
    "counterAccountBankName": "",
    "counterAccountName": "",
    "counterAccountNumber": "",
    "virtualAccountName": "",
    "virtualAccountNumber": "",
}
ACCOUNT = "0011012345678"
SETTINGS: dict[str, Any] = {
    "client_id": "f5e1-client",
    "api_key": "payos-api-key-of-a-test",
    "checksum_key": KEY,
    "account": ACCOUNT,
    "host": "https://payos.example.vn",
}
PAYOS = PayOs(Config.model_validate(SETTINGS))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MOMENT = Moment(NOW, "c" * 32)
ORDER = Order(
    reference="4503599627370497",
    amount_dong=512_345,
    text="Thanh toán hóa đơn điện PB14010012345",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/return?a=1&b=x",
    notify_url="https://pay.example/v1/notifications/payos",
)
TRANSFER = {
    **PUBLISHED,
    "orderCode": int(ORDER.reference),
    "amount": 512_345,
    "description": "CSDC1JHN3H7 PB14010012345",
    "accountNumber": ACCOUNT,
    "reference": "FT24331Q8MDW",
    "transactionDateTime": "2026-11-24 16:05:00",
    "counterAccountName": None,
    "virtualAccountNumber": "CAS0011012345678",
}
LINK = {
    "id": "124c33293c43417ab7879e14c8d9eb18",
    "orderCode": int(ORDER.reference),
    "amount": 512_345,
    "amountPaid": 0,
    "amountRemaining": 512_345,
    "status": "PENDING",
    "createdAt": "2026-11-24T16:00:00+07:00",
    "transactions": [],
    "cancellationReason": None,
    "canceledAt": None,
}
OPENED = {
    "bin": "970422",
    "accountNumber": ACCOUNT,
    "accountName": "CONG TY DIEN LUC CA MAU",
    "amount": 512_345,
    "description": "CSDC1JHN3H7 PB14010012345",
    "orderCode": int(ORDER.reference),
    "currency": "VND",
    "paymentLinkId": "124c33293c43417ab7879e14c8d9eb18",
    "status": "PENDING",
    "expiredAt": None,
    "checkoutUrl": "https://pay.payos.vn/web/124c33293c43417ab7879e14c8d9eb18",
    "qrCode": encode(TransferQr("970422", "VQRQABCD1234", 512_345, "CSDC1JHN3H7", is_dynamic=True)),
}


def written(value: Any) -> str:
    """Write a value as the SDK for JavaScript does."""
    if value in (None, "null", "undefined"):
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def mac(data: Mapping[str, Any]) -> str:
    text = "&".join(f"{name}={written(data[name])}" for name in sorted(data))
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def enveloped(data: Mapping[str, Any], **outer: Any) -> bytes:
    whole = {"code": "00", "desc": "success", "data": data, "signature": mac(data)} | outer
    return json.dumps(whole).encode()


def an_answer(data: Mapping[str, Any], **outer: Any) -> Reply:
    return Reply(200, enveloped(data, **outer))


def a_notice(data: Mapping[str, Any], **outer: Any) -> Incoming:
    return Incoming("POST", body=enveloped(data, **({"success": True} | outer)))
