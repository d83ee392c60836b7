"""Codes that are paid at a shop, and QRs, at the simulated Payoo: GetBillingCode, GetQRCode.

Where the documents are silent: dates are written as in the order's XML; a code is nine digits, as
in a published notification; a QR's text is the simulator's own. Of a code Payoo tells in XML, in
the billing form, for GetBillingCode has nothing that asks for JSON.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from gateway.domain.clock import VIETNAM
from gateway.sandbox import payoo_wire as wire
from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_orders import RailOrder

ORDER_EXISTS, BAD_SHIP_DATE, BAD_MONEY, BAD_EXPIRY = 83, 84, 85, 86
BY_CODE, BY_QR = "4", "5"
"""PaymentMethod."""
Said = dict[str, Any]
_URL = re.compile(r"https?://[^\s]+")


class AtCounter(BaseModel):
    """`POST /control/counter`: somebody pays a code at a shop."""

    model_config = ConfigDict(extra="forbid")

    code: str


def opening(rail: Rail, method: str) -> Callable[[Said, RailOrder | None, Fault | None], Said]:
    """Give what GetBillingCode, or GetQRCode, does."""

    def effect(asked: Said, order: RailOrder | None, fault: Fault | None) -> dict[str, Any]:
        now = rail.now(fault)
        why = ORDER_EXISTS if order else refusal(asked, now)
        if why is not None:
            return {"ResponseCode": why}
        made = order_of(asked, now, rail.window, rail.next_number(), by=method)
        rail.orders[made.reference] = made
        return answered(made)

    return effect


def find(orders: Iterable[RailOrder], code: str) -> RailOrder | None:
    """Find the order of a code."""
    coded = (o for o in orders if o.fields.get("by") == BY_CODE)
    return next((o for o in coded if o.fields["shop"]["billing_code"] == code), None)


def refusal(asked: Mapping[str, Any], now: datetime) -> int | None:
    """Say why no order is opened, if so."""
    names = ("OrderNo", "Description", "NotifyUrl", "PaymentExpireDate", "FromShipDate")
    if not all(isinstance(asked.get(name), str) and asked[name] for name in names):
        return wire.BAD_PARAMETERS
    is_short = len(asked["Description"]) < wire.SHORTEST_DESCRIPTION
    if is_short or not _URL.fullmatch(asked["NotifyUrl"]) or "ShipNumDay" not in asked:
        return wire.BAD_PARAMETERS
    ships_at = wire.instant(asked["FromShipDate"], "%d/%m/%Y")
    if ships_at is None or ships_at.date() < now.astimezone(VIETNAM).date():
        return BAD_SHIP_DATE
    if not re.fullmatch(r"[1-9][0-9]{0,11}", str(asked.get("CyberCash")), re.ASCII):
        return BAD_MONEY
    ends_at = wire.instant(asked["PaymentExpireDate"], "%Y%m%d%H%M%S")
    return BAD_EXPIRY if ends_at is None or ends_at <= now else None


def order_of(
    asked: Mapping[str, Any], now: datetime, window: timedelta, number: str, *, by: str
) -> RailOrder:
    """Open the order of a code or a QR."""
    ends_at = wire.instant(asked["PaymentExpireDate"], "%Y%m%d%H%M%S") or now
    wants_json = by == BY_QR and str(asked.get("IsJsonResponse")).upper() == "TRUE"
    code = f"888{int(number) % 1_000_000:06d}" if by == BY_CODE else ""
    return RailOrder(
        reference=asked["OrderNo"],
        amount_dong=int(str(asked["CyberCash"])),
        text=asked["Description"],
        notify_url=asked["NotifyUrl"],
        return_url="",
        created_at=now,
        expires_at=min(ends_at, now + window),
        fields={
            "shop": {
                "session": "",
                "order_no": asked["OrderNo"],
                "order_cash_amount": str(asked["CyberCash"]),
                "shop_id": str(asked["ShopID"]),
                "billing_code": code,
                "JsonResponse": "TRUE" if wants_json else "",
            },
            "order_id": number,
            "created_at": wire.stamp(now),
            "by": by,
        },
    )


def answered(order: RailOrder) -> Said:
    """Write what Payoo answers to the call that opened it."""
    if order.fields["by"] == BY_CODE:
        return {"ResponseCode": wire.OK, "BillingCode": order.fields["shop"]["billing_code"]}
    content = f"PAYOO{order.fields['order_id']}A{order.amount_dong}"
    link = f"https://payoo.example/qr/{order.fields['order_id']}"
    return {"ResponseCode": wire.OK, "QRCode": content, "QRCodeLink": link, "MultiQRCodeLink": ""}
