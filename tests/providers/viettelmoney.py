"""Viettel Money's messages, signed by the profile's rule apart from the adapter."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply
from gateway.providers.viettelmoney import Config, ViettelMoney

MERCHANT, TOKEN = "EVNSPC", "token-of-the-tests-0001"
# RFC 6979's own key of A.2.5 is ours; Viettel's is made of another number.
OURS = ec.derive_private_key(
    0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
)
THEIRS = ec.derive_private_key(0xA57, ec.SECP256R1())
ECDSA = ec.ECDSA(hashes.SHA256())


def public_of(key: ec.EllipticCurvePrivateKey) -> str:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def private_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


ACCOUNT = {
    "merchant_code": MERCHANT,
    "access_token": TOKEN,
    "private_key": private_of(OURS),
    "public_key": public_of(THEIRS),
}
MONEY = ViettelMoney(Config.model_validate(ACCOUNT))
NOW = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
MOMENT = Moment(NOW + timedelta(minutes=30), "c" * 32)
ORDER = Order(
    reference="01936b2e000070008000000000000001",
    amount_dong=150_000,
    text="Tiền điện 11/2026 PB14010000123",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/v1/returns/viettelmoney",
    notify_url="https://pay.example/v1/notifications/viettelmoney",
    option="WEB",
    provider_id="VM0000000123",
)
REFUND = RefundOrder(ORDER, "ref_" + "1" * 32, 150_000, "Hoàn tiền", NOW)
TOLD: dict[str, Any] = {
    "merchantCode": MERCHANT,
    "orderId": ORDER.reference,
    "transId": "VM0000000123",
    "transAmount": 150_000,
    "transStatus": 1,
    "errorCode": "00",
    "paymentTime": "20261125003000",
}


def mac(text: bytes, key: ec.EllipticCurvePrivateKey = THEIRS) -> str:
    return base64.b64encode(key.sign(text, ECDSA)).decode()


def a_message(fields: dict[str, Any], key: ec.EllipticCurvePrivateKey = THEIRS) -> Incoming:
    """A message of Viettel's, signed over its very bytes."""
    body = json.dumps(fields).encode()
    return Incoming("POST", body=body, headers={"signature": mac(body, key)})


def an_answer(code: str, data: dict[str, Any] | None = None) -> Reply:
    body = json.dumps({"code": code, "message": "", "data": data}).encode()
    return Reply(200, body, {"signature": mac(body)})


def asked(call: Call) -> dict[str, Any]:
    """The fields of a call, whose signature, token and type are right."""
    signature = base64.b64decode(call.headers["signature"], validate=True)
    OURS.public_key().verify(signature, call.body, ECDSA)
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    assert call.headers["content-type"] == "application/json"
    fields: dict[str, Any] = json.loads(call.body)
    assert fields.pop("merchantCode") == MERCHANT
    return fields
