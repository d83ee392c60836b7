"""What the bank of vn-autodebit/0.1 says, signed by hand from docs/providers/autodebit.md."""

import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from gateway.kit.mandate_messages import DebitLine, Mandate
from gateway.kit.messages import Incoming, Moment, Order, Reply
from gateway.providers.autodebit import AutoDebit, Config

SECRET = "autodebit-sandbox-simulator-secret-0001"
STAMP = "1764000000"
NOW = datetime.fromtimestamp(int(STAMP), UTC)
MOMENT = Moment(NOW, "b" * 32)
ACCOUNT = {"client_id": "evn-sandbox", "secret": SECRET, "bank_bin": "970405"}


def bank(host: str = "https://bank.example.vn") -> AutoDebit:
    return AutoDebit(Config.model_validate({**ACCOUNT, "host": host}))


def mac(body: bytes, stamp: str = STAMP) -> str:
    return hmac.new(SECRET.encode(), stamp.encode() + b"." + body, sha256).hexdigest()


def signed(body: bytes) -> dict[str, str]:
    return {"x-timestamp": STAMP, "x-signature": mac(body)}


def a_reply(status: int = 200, **fields: Any) -> Reply:
    body = json.dumps(fields).encode()
    return Reply(status, body, signed(body))


def told(**fields: Any) -> Incoming:
    body = json.dumps(fields).encode()
    return Incoming("POST", body=body, headers=signed(body))


def a_debit(**changed: Any) -> dict[str, Any]:
    fields = {
        "code": "00",
        "message": "da trich no",
        "debit_id": ORDER.reference,
        "mandate_id": MANDATE.reference,
        "bill_id": "HD1",
        "amount": ORDER.amount_dong,
        "attempt": 1,
        "state": "SETTLED",
        "bank_ref": "FT2632800000001",
        "booked_at": "2026-11-24T09:00:00+07:00",
    }
    return {**fields, **changed}


ORDER = Order(
    reference="att_01936b2e000070008000000000000001",
    amount_dong=150_000,
    text="Tiền điện",
    created_at=NOW,
    expires_at=NOW,
    request_id="a" * 32,
    return_url="",
    notify_url="",
)
MANDATE = Mandate(
    reference="mdt_01936b2e000070008000000000000001",
    biller="evn-camau",
    customer_code="PB14010000123",
    bank="970405",
    account_no="1900100200300",
    account_name="Nguyễn Văn Đặng",
    id_no="096123456789",
    phone="0912 345 678",
    max_debit_dong=5_000_000,
    max_month_dong=None,
    day_of_month=None,
    retry_days=3,
    starts_on=NOW.date(),
    ends_on=None,
    consent_channel="otp",
)
LINE = DebitLine(ORDER, MANDATE, "HD1", 1)


def a_mandate(**changed: Any) -> Mandate:
    return replace(MANDATE, **changed)
