"""Signed webhooks as the gateway sends them, for the tests of the billing system."""

import json
from typing import Any

from gateway.domain.signing import HmacSecret, SigningSecret, sign

SECRET = HmacSecret(b"the billing system's secret")
OLD_SECRET = HmacSecret(b"the secret before the rotation")
CUSTOMER = "PB14010000123"
PAYMENT_ID = "pay_" + "1" * 32


def an_event(kind: str = "payment.succeeded", *, sequence: int = 1, **changed: Any) -> bytes:
    bill = {"id": f"HD2610-{CUSTOMER}", "period": "2026-10", "amount_dong": 150_000}
    data: dict[str, Any] = {
        "id": PAYMENT_ID,
        "status": "succeeded",
        "method": "collected",
        "biller": "evnspc-camau",
        "customer_code": CUSTOMER,
        "partner": "vietbank",
        "partner_reference": "VB-1",
        "channel": "mobile_banking",
        "amount_dong": 150_000,
        "created_at": "2026-11-24T03:04:05.123456Z",
        "business_date": "2026-11-24",
        "reversed_at": None,
        "bills": [{**bill, "sequence": sequence}],
        **changed,
    }
    timestamp = "2026-11-24T03:04:05.123456Z"
    return json.dumps({"type": kind, "timestamp": timestamp, "data": data}).encode()


def signed(
    body: bytes, *, now: int, webhook_id: str = "evt_" + "0" * 32, secret: SigningSecret = SECRET
) -> dict[str, str]:
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(webhook_id, now, body, [secret]),
    }
