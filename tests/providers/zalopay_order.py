"""One ZaloPay app and one order, for the tests of the adapter."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from gateway.kit.messages import Moment, Order, RefundOrder
from gateway.providers.zalopay import Config, ZaloPay

# The keys of app 2553 in ZaloPay's documentation samples (docs.zalopay.vn, read 2026-11-24).
KEY1, KEY2 = "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL", "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz"
CONFIG = Config.model_validate({"app_id": 2553, "key1": KEY1, "key2": KEY2})
ZALOPAY = ZaloPay(CONFIG)
ATTEMPT = UUID("01936b2e-0000-7000-8000-000000000001")
# 00:30 of the 25th in Vietnam, still the 24th in UTC.
NOW = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
MOMENT = Moment(NOW, "f" * 32)
ORDER = Order(
    reference=ZALOPAY.reference_of(ATTEMPT, NOW),
    amount_dong=150_000,
    text="Tiền điện tháng 11/2026",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="0" * 32,
    return_url="https://pay.example/return?a=1&b=x|y",
    notify_url="https://pay.example/v1/notifications/zalopay",
    provider_id="261125000000389",
)
REFUND = RefundOrder(ORDER, "ref_" + "1" * 32, 50_000, "Hoàn tiền | trùng", NOW)


def mac(key: str, base: str) -> str:
    return hmac.new(key.encode(), base.encode(), sha256).hexdigest()
