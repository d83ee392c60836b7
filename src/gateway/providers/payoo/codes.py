"""Orders that are paid by a code at a shop, or by a QR: opened by Payoo's business API."""

import re
from collections.abc import Mapping
from typing import Any

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import NextAction, Opened, Order
from gateway.kit.payload import id_of, text_of
from gateway.providers.payoo.config import Config
from gateway.providers.payoo.texts import description, ship_date, stamp

BILLING_CODE, QR = "billing-code", "qr"
CALLS = {BILLING_CODE: "GetBillingCode", QR: "GetQRCode"}
# Ship date, amount, expiry, credentials, signature, parameters: refused, and nothing is open. 83
# and -2, an order or code that exists, may be a repetition of ours; -1 says nothing.
OPENED = dict.fromkeys((84, 85, 86, 1001, 1002, 1003), Outcome.FAILED)
_CODE = re.compile(r"[0-9A-Za-z-]{4,32}", re.ASCII)
QR_LENGTH_MAX = 1024


def asked(shop: Config, order: Order) -> dict[str, Any]:
    """Give what GetBillingCode, or GetQRCode, is asked with."""
    fields = {
        "OrderNo": order.reference,
        "ShopID": str(shop.shop_id),
        "FromShipDate": ship_date(order),
        "ShipNumDay": 1,
        "Description": description(order),
        "CyberCash": order.amount_dong,
        "PaymentExpireDate": stamp(order.expires_at),
        "NotifyUrl": order.notify_url,
    }
    if order.option == BILLING_CODE:
        return {**fields, "InfoEx": ""}
    is_json = shop.notifications == "json"
    return {**fields, "UserName": shop.username, "IsJsonResponse": is_json}


def read(order: Order, answer: Mapping[str, Any]) -> Opened | Finding:
    """Read the code or the QR of an opened order; an answer without it leaves it in doubt."""
    if order.option == BILLING_CODE:
        code = id_of(answer, "BillingCode") or ""
        if _CODE.fullmatch(code):
            return Opened(NextAction(payment_code=code), memory={"billing_code": code})
    else:
        content = text_of(answer, "QRCode")
        if content.isprintable() and 0 < len(content) <= QR_LENGTH_MAX:
            return Opened(NextAction(qr_content=content))
    return Finding(Outcome.UNKNOWN, "0")
