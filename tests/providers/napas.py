"""NAPAS's messages, written from the profile apart from the adapter."""

import hashlib
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from gateway.domain.evidence import Finding
from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply
from gateway.providers.napas import Config, Napas

SECRET = "napas-sandbox-simulator-checksum-0001"
ACCOUNT = {
    "merchant_id": "EVNSPC",
    "username": "evnspc",
    "password": "napas-sandbox-password-0001",
    "client_id": "gateway",
    "client_secret": "napas-sandbox-client-secret-0001",
    "checksum_secret": SECRET,
    "host": "https://napas.example.vn",
}
NAPAS = Napas(Config.model_validate(ACCOUNT))
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
MOMENT = Moment(NOW + timedelta(minutes=30), "c" * 32)
ORDER = Order(
    reference="01936b2e000070008000000000000001",
    amount_dong=150_000,
    text="Tiền điện 11/2026 PB14010000123",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/v1/returns/napas",
    notify_url="https://pay.example/v1/notifications/napas",
    payer_ip="203.0.113.7",
)
REFUND = RefundOrder(ORDER, "ref_" + "1" * 32, 50_000, "Hoàn tiền một phần", NOW)
REFUND_ID = hashlib.sha256(REFUND.reference.encode()).hexdigest()[:32]
PAID = "SUCCESS/SUCCESS/0"
Said = dict[str, Any]


def result(
    code: str = PAID,
    *,
    reference: str = ORDER.reference,
    amount_dong: int = 150_000,
    merchant: str = "EVNSPC",
    number: str = "4000000001",
    kind: str = "PAYMENT",
    **changes: Any,
) -> Said:
    """What NAPAS says of a payment."""
    says, gateway, acquirer = code.split("/")
    return {
        "apiOperation": "QUERY",
        "merchantId": merchant,
        "channel": "ECOMMERCE",
        "order": {
            "id": reference,
            "amount": amount_dong,
            "currency": "VND",
            "creationTime": "2026-11-24T16:30:00+07:00",
        },
        "transaction": {
            "id": reference,
            "type": kind,
            "amount": amount_dong,
            "acquirer": {"id": "970436", "transactionId": number, "date": "1124"},
        },
        "response": {"acquirerCode": acquirer, "gatewayCode": gateway, "message": "…"},
        "result": says,
        "sourceOfFunds": {
            "type": "CARD",
            "provided": {"card": {"brand": "NAPAS", "number": "970400xxxxxx0018"}},
        },
        **changes,
    }


def refunded(code: str = PAID, **changes: Any) -> Said:
    """What NAPAS says of the refund."""
    said = result(code, amount_dong=50_000, kind="REFUND", **changes)
    said["order"] |= {"id": ORDER.reference, "amount": 150_000}
    said["transaction"]["id"] = REFUND_ID
    return said


def reply(said: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(said).encode())


def refusal(status: int, cause: str) -> Reply:
    return reply({"error": {"cause": cause, "explanation": "…"}, "result": "ERROR"}, status)


def opened(code: str = "PENDING/INITIATED/", **changes: Any) -> Reply:
    page = {"url": "https://napas.example.vn/page/1", "expiresInSeconds": 900}
    return reply({**result(code, **changes), "hostedPage": page})


def signed(said: Said, secret: str = SECRET) -> dict[str, str]:
    whole = {"paymentResult": {**said, "apiOperation": "PURCHASE_HOSTED"}}
    data = b64encode(json.dumps(whole).encode()).decode()
    return {"data": data, "checksum": hashlib.sha256((data + secret).encode()).hexdigest()}


def a_callback(said: Said, secret: str = SECRET) -> Incoming:
    return Incoming("POST", body=json.dumps(signed(said, secret)).encode())


def a_return(said: Said) -> Incoming:
    return Incoming("GET", urlencode(signed(said)))


def queried(*args: Any, **changes: Any) -> Finding:
    return NAPAS.read_queried(ORDER, reply(result(*args, **changes)))


def noticed(*args: Any, **changes: Any) -> Finding:
    return NAPAS.read_notification(a_callback(result(*args, **changes))).finding


def body_of(call: Call) -> Said:
    return dict(json.loads(call.body))
