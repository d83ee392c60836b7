"""A terminal cloud's messages, signed by the profile apart from the adapter."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.evidence import Finding
from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply
from gateway.providers.pospush import Config, PosPush

MID, SECRET, SERIAL = "EVNSPC000000001", "pospush-sandbox-simulator-secret-0001", "PAX-0001"
HOST = "https://pos.example.vn"
ACCOUNT = {"mid": MID, "secret": SECRET, "terminals": SERIAL, "host": HOST}
POS = PosPush(Config.model_validate(ACCOUNT))
TWO = PosPush(Config.model_validate({**ACCOUNT, "terminals": f"{SERIAL},PAX-0002"}))
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
MOMENT = Moment(NOW + timedelta(minutes=3), "c" * 32)
ORDER = Order(
    reference="01936b2e000070008000000000000001",
    amount_dong=150_000,
    text="Thanh toán hóa đơn điện PB14010000123",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/v1/returns/pospush",
    notify_url="https://pay.example/v1/notifications/pospush",
    option=SERIAL,
)
REFUND = RefundOrder(ORDER, "ref_" + "1" * 32, 150_000, "Hoàn tiền", NOW)
REFUND_ID = hashlib.sha256(REFUND.reference.encode()).hexdigest()[:32]
SALES, SALE = f"/terminals/{SERIAL}/sales", f"/sales/{ORDER.reference}"
Said = dict[str, Any]


def mac(*lines: str | bytes) -> str:
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    return hmac.new(SECRET.encode(), b"\n".join(raw), hashlib.sha256).hexdigest()


def sale(status: str = "APPROVED", **changes: Any) -> Said:
    return {
        "sale_id": ORDER.reference,
        "serial": SERIAL,
        "amount": 150_000,
        "status": status,
        "response_code": "00",
        "rrn": "632811000001",
        "auth_code": "123456",
        "masked_pan": "970436******0018",
        "scheme": "NAPAS",
        "entry_mode": "CHIP",
        "tid": "00000001",
        "mid": MID,
        "batch_no": "000001",
        "stan": "000001",
        "settled": False,
        "occurred_at": "2026-11-24T16:31:00+07:00",
        **changes,
    }


def refunded(status: str = "DONE", **changes: Any) -> Said:
    return {
        "refund_id": REFUND_ID,
        "sale_id": ORDER.reference,
        "kind": "VOID",
        "amount": 150_000,
        "status": status,
        "rrn": "632811000002",
        "occurred_at": "2026-11-24T16:40:00+07:00",
        **changes,
    }


def answer(said: object, path: str = SALE, status: int = 200) -> Reply:
    body, stamp = json.dumps(said).encode(), "1764000000"
    headers = {"x-timestamp": stamp, "x-signature": mac("ANSWER", path, stamp, body)}
    return Reply(status, body, headers)


def refusal(status: int, code: str, path: str = SALE) -> Reply:
    return answer({"code": code, "message": "…"}, path, status)


def a_callback(said: object) -> Incoming:
    body, stamp = json.dumps(said).encode(), "1764000000"
    headers = {
        "x-merchant": MID,
        "x-timestamp": stamp,
        "x-signature": mac("CALLBACK", stamp, body),
        "content-type": "application/json",
    }
    return Incoming("POST", body=body, headers=headers)


def queried(*args: Any, **changes: Any) -> Finding:
    return POS.read_queried(ORDER, answer(sale(*args, **changes)))


def body_of(call: Call) -> Said:
    """The body of a call, after its signature is seen to be right."""
    path, headers = call.url.removeprefix(HOST), call.headers
    assert headers["x-signature"] == mac(call.method, path, headers["x-timestamp"], call.body)
    assert headers["x-merchant"] == MID
    return dict(json.loads(call.body or b"{}"))
