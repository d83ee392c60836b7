"""What ZaloPay says about agreements, signed by hand from its documents (read 2026-11-24)."""

import hmac
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from gateway.domain.ids import to_public
from gateway.kit.mandate_messages import DebitLine, Mandate
from gateway.kit.messages import Call, Incoming, Moment, Order, Reply
from gateway.providers.zalopayagreement import Config, ZaloPayAgreement

# The keys of app 2553 in ZaloPay's documentation samples.
KEY1, KEY2 = "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL", "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz"
# 00:30 of the 25th in Vietnam, still the 24th in UTC; the mandate was made at this instant.
NOW = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000
MOMENT = Moment(NOW, "f" * 32)
MADE = UUID(int=(NOW_MS << 80) | (7 << 76) | (1 << 63) | 1)
MANDATE = Mandate(
    reference=to_public("mdt", MADE),
    biller="evn-camau",
    customer_code="PB14010000123",
    bank="zalopay",
    account_no="0912345678",
    account_name="Nguyễn Văn Đặng",
    id_no="",
    phone="0912345678",
    max_debit_dong=5_000_000,
    max_month_dong=None,
    day_of_month=None,
    retry_days=3,
    starts_on=date(2026, 11, 1),
    ends_on=None,
    consent_channel="app",
)
BOUND = replace(MANDATE, provider_id="BND0000000001:token-1")


def zalopay(host: str = "https://sb-openapi.zalopay.vn") -> ZaloPayAgreement:
    config = {"app_id": 2553, "key1": KEY1, "key2": KEY2, "host": host}
    return ZaloPayAgreement(Config.model_validate(config))


ORDER = Order(
    reference=zalopay().reference_of(MADE, NOW),
    amount_dong=150_000,
    text="Tiền điện | tháng 11",
    created_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    request_id="0" * 32,
    return_url="",
    notify_url="https://pay.example/v1/notifications/zalopayagreement",
    memory={"zp_trans_token": "zpt-1"},
)
LINE = DebitLine(ORDER, BOUND, "HD1", 1)


def mac(key: str, base: str) -> str:
    return hmac.new(key.encode(), base.encode(), sha256).hexdigest()


def sent(call: Call, *signed: object) -> dict[str, Any]:
    """Give what a call says, once its MAC is over these values."""
    fields = dict(json.loads(call.body))
    assert fields.pop("mac") == mac(KEY1, "|".join(str(value) for value in (2553, *signed)))
    return fields


def an_answer(code: int, sub: int | None = None, **more: Any) -> Reply:
    fields = {"return_code": code, "return_message": "Giao dịch", **more}
    if sub is not None:
        fields["sub_return_code"] = sub
    return Reply(200, json.dumps(fields).encode())


def a_binding(**changed: Any) -> dict[str, Any]:
    return {
        "app_id": 2553,
        "app_trans_id": f"261125_{MADE.hex}",
        "binding_id": "BND0000000001",
        "pay_token": "token-1",
        "server_time": 1_764_000_000,
        "merchant_user_id": MANDATE.reference,
        "status": 1,
        "msg_type": 1,
        **changed,
    }


def called_back(data: dict[str, Any], kind: int = 2) -> Incoming:
    text = json.dumps(data)
    body = json.dumps({"data": text, "mac": mac(KEY2, text), "type": kind})
    return Incoming("POST", body=body.encode())
