"""Payoo on the wire, as its provider sees it: checksums, forms, order XML, JSON inside JSON.

From what is public of Payoo (read 2026-11-24): "HD Tich Hop Thanh Toan Payoo_Js_v2.pdf" and
lib/index.js of pamt0504/payoo-payment-gateway 8b036724, dilab/omnipay-payoo 79720dc5,
kohaku1907/payoo-payment-magento-2 f5adb103, danghung1202/EpiserverPayooPayment f8918e46. Every
signature is a plain SHA-512 (hex) of the key followed by a text.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree as ET

from gateway.domain.clock import VIETNAM
from gateway.sandbox.rail_orders import OrderState, RailOrder

# codes of the business API
OK, BAD_SHOP, NO_ORDER, BAD_AMOUNT, BAD_STATUS, CANCELLED_BEFORE = 0, 3, 8, 9, 11, 12
TOO_MUCH, ORDER_CANCELLED, REFUND_USED, SYSTEM_ERROR = 97, 98, 99, 1000
BAD_CREDENTIALS, BAD_SIGNATURE, BAD_PARAMETERS = 1001, 1002, 1003
# profile payoo-orderinfo/0.1: all of these numbers but 3 are invented
NEW, PAID, PROCESSING, CANCELLED, EXPIRED = range(5)

SHORTEST_DESCRIPTION = 51
_ELEMENTS = (
    *("username", "shop_id", "session", "shop_title", "shop_domain", "shop_back_url", "order_no"),
    *("order_cash_amount", "order_ship_date", "order_ship_days", "order_description"),
    *("notify_url", "validity_time"),
)
_DIGITS = re.compile(r"[0-9]{1,12}", re.ASCII)
_URL = re.compile(r"https?://[^\s]+")


@dataclass(frozen=True)
class Shop:
    """A shop at Payoo. No sandbox account is public: these are the simulator's own.

    `sender_ip` is the address from which the merchant sees notifications come: it is signed.
    """

    username: str = "evn_sandbox"
    shop_id: int = 691
    checksum_key: str = "payoo-sandbox-simulator-key-0001"
    api_username: str = "evn_sandbox_api"
    api_password: str = "payoo-sandbox-simulator-password-0001"  # noqa: S105 (the simulator's own)
    api_signature: str = "payoo-sandbox-simulator-signature-0001"
    sender_ip: str = "127.0.0.1"


class Refused(Exception):
    """Payoo opens no such order; the message is what it says."""


def sign(key: str, text: str) -> str:
    """SHA-512 in lowercase hex over the key and a text."""
    return hashlib.sha512((key + text).encode("utf-8", "replace")).hexdigest()


def is_signed(key: str, text: str, given: object) -> bool:
    """Say whether a signature is the key's; hex counts in either case."""
    told = given.lower() if isinstance(given, str) else ""
    return hmac.compare_digest(sign(key, text).encode(), told.encode("utf-8", "replace"))


def fields_of(body: bytes, content_type: str) -> dict[str, str]:
    """Read a form, multipart or JSON body; what is none of them has no fields."""
    try:
        if content_type.startswith("application/json"):
            return {name: str(value) for name, value in dict(json.loads(body)).items()}
        if content_type.startswith("multipart/"):
            return dict(_parts(body, content_type))
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except (TypeError, ValueError, RecursionError):
        return {}


def _parts(body: bytes, content_type: str) -> list[tuple[str, str]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = message_from_bytes(head + body)
    found: list[tuple[str, str]] = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            found.append((name, value.decode()))
    return found


def order_of(data: str) -> dict[str, str]:
    """Read an order's XML as it was signed.

    Raises:
        Refused: it is no order, or has a document type.
    """
    try:
        # Without a document type there is nothing to expand.
        root = None if re.search("<!(DOCTYPE|ENTITY)", data, re.I) else ET.fromstring(data)  # noqa: S314
    except (ET.ParseError, ValueError):
        root = None
    shop = root.find("shop") if root is not None and root.tag == "shops" else None
    if shop is None:
        msg = "Invalid order data"
        raise Refused(msg)
    return {element.tag: (element.text or "").strip() for element in shop}


def check_order(order: Mapping[str, str], shop: Shop, now: datetime) -> None:
    """Refuse what breaks a rule of the documents.

    Raises:
        Refused: with Payoo's message.
    """
    for name in _ELEMENTS:
        if not order.get(name):
            _refuse(f"{name} is required")
    if (order["username"], order["shop_id"]) != (shop.username, str(shop.shop_id)):
        _refuse("Shop is invalid")
    amount = order["order_cash_amount"]
    if not _DIGITS.fullmatch(amount) or int(amount) == 0:
        _refuse("order_cash_amount is invalid")
    if len(unquote(order["order_description"])) < SHORTEST_DESCRIPTION:
        _refuse("order_description must be longer than 50 characters")
    for name in ("shop_back_url", "notify_url"):
        if "://" in order[name] or not _URL.fullmatch(unquote(order[name])):
            _refuse(f"{name} is invalid")
    _check_times(order, now)


def _check_times(order: Mapping[str, str], now: datetime) -> None:
    ships_at = instant(order["order_ship_date"], "%d/%m/%Y")
    if ships_at is None or ships_at.date() < now.astimezone(VIETNAM).date():
        _refuse("order_ship_date is invalid")
    if not _DIGITS.fullmatch(order["order_ship_days"]):
        _refuse("order_ship_days is invalid")
    ends_at = instant(order["validity_time"], "%Y%m%d%H%M%S")
    if ends_at is None or ends_at <= now:
        _refuse("validity_time is invalid")


def _refuse(message: str) -> None:
    raise Refused(message)


def created(key: str, order: Mapping[str, Any]) -> bytes:
    """Answer `create`: the checksum is over `order` exactly as it is written, slashes escaped."""
    text = json.dumps(order, separators=(",", ":")).replace("/", "\\/")
    checksum = sign(key, text) if key else ""
    return f'{{"result":"success","checksum":"{checksum}","order":{text}}}'.encode()


def failed(message: str) -> bytes:
    """Answer `create` with a refusal."""
    return json.dumps({"result": "fail", "message": message, "order": None}).encode()


def status_of(order: RailOrder, *, has_expired: bool) -> int:
    """Give an order's OrderStatus; there is no number for a decline, which ends it: cancelled."""
    if has_expired:
        return EXPIRED
    return {
        OrderState.OPEN: NEW,
        OrderState.PAID: PAID,
        OrderState.PROCESSING: PROCESSING,
        OrderState.FAILED: CANCELLED,
        OrderState.CLOSED: CANCELLED,
    }[order.state]


def stamp(moment: datetime) -> str:
    """Write an aware instant as Payoo does: 14 digits, Vietnam's time."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")


def instant(text: str, form: str) -> datetime | None:
    """Read Vietnam's time; None if it is none."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=VIETNAM)
    except ValueError:
        return None


def days_of(order: RailOrder) -> set[str]:
    """Give the days, yyyyMMdd, by which an order may be named: its own and its payment's."""
    return {order.fields["created_at"][:8], order.fields.get("paid_at", "")[:8]} - {""}
