"""Payoo's notifications: JSON within base64, or the older XML, whose sender says what is signed.

XML signs `key|value|value…`, and the names of these values stand unsigned in `KeyFields`. So only
what is named there is read, a value may not hold the bar that parts it from the next, and what does
not sign order, amount and state says nothing.
"""

import base64
import hmac
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import Incoming, Notification, SignatureWrong, Unreadable
from gateway.kit.payload import check_signature, dong_of, integer_of, read_exact, text_of
from gateway.kit.xml_payload import read_xml

# Profile `payoo-orderinfo/0.1`: Payoo's own list is not public; 3 alone is known (a cancel's).
_ORDER_STATUSES = {
    0: Outcome.WAITING,
    1: Outcome.SUCCEEDED,
    2: Outcome.PENDING,
    3: Outcome.FAILED,
    4: Outcome.FAILED,
}
STATUSES = {"PaymentStatus": {1: Outcome.SUCCEEDED}, "OrderStatus": _ORDER_STATUSES}
STATES = {"PAYMENT_RECEIVED": Outcome.SUCCEEDED, "PAYMENT_PROCESSING": Outcome.PENDING}
SIGNED_AT_LEAST = frozenset({"OrderNo", "OrderCashAmount", "State"})
# Where each name of KeyFields stands in the order; any other is an element of the notification.
SHOP_ELEMENTS = {
    "Session": "session",
    "BusinessUsername": "username",
    "ShopID": "shop_id",
    "ShopTitle": "shop_title",
    "ShopDomain": "shop_domain",
    "ShopBackUrl": "shop_back_url",
    "OrderNo": "order_no",
    "OrderCashAmount": "order_cash_amount",
    "StartShippingDate": "order_ship_date",
    "ShippingDays": "order_ship_days",
    "OrderDescription": "order_description",
    "NotifyUrl": "notify_url",
    "PaymentExpireDate": "validity_time",
}
_NUMBERS = frozenset({"ShopID", "OrderCashAmount", "ShippingDays"})
_KEY_FIELDS_MAX = 32

Sign = Callable[[str], str]


def read_json(body: bytes, addresses: Iterable[str], sign: Sign) -> Notification:
    """Verify and read JSON; the address that it came from, one of these, is signed with it.

    Raises:
        Garbled: not authentic or unreadable.
    """
    try:  # a plus that was not percent-encoded arrives as a blank
        packed = notify_data(body).replace(" ", "+")
        whole = read_exact(base64.b64decode(packed, validate=True))
    except ValueError as error:
        raise Unreadable(what="NotifyData") from error
    data, given = text_of(whole, "ResponseData"), text_of(whole, "Signature").lower()
    due = [sign(data + address).encode() for address in addresses if address]
    if not any(hmac.compare_digest(each, given.encode()) for each in due):
        raise SignatureWrong
    return _told(payment(read_exact(data.encode()), "PaymentStatus"))


def read_package(body: bytes, sign: Sign) -> Notification:
    """Verify and read XML: a PayooConnectionPackage.

    Raises:
        Garbled: not authentic or unreadable, or order, amount or state are not signed.
    """
    package = read_xml(notify_data(body).encode())
    if package.tag != "PayooConnectionPackage":
        raise Unreadable(what="PayooConnectionPackage")
    outer = _texts(package)
    names = outer.get("KeyFields", "").split("|")
    if len(set(names)) != len(names) or len(names) > _KEY_FIELDS_MAX:
        raise Unreadable(what="KeyFields")
    if not set(names) >= SIGNED_AT_LEAST:
        raise SignatureWrong
    signed = _values(_data(outer.get("Data", "")), names)
    check_signature(sign("|" + "|".join(signed.values())), outer.get("Signature", "").lower())
    return _told(_stated(signed))


def notify_data(body: bytes) -> str:
    """Give the form's NotifyData.

    Raises:
        Unreadable: none, more than one, or not UTF-8.
    """
    pairs = Incoming("POST", body.decode("latin-1")).query_pairs()
    found = [value for name, value in pairs if name == "NotifyData"]
    if len(found) != 1:
        raise Unreadable(what="NotifyData")
    return found[0]


def payment(answer: Mapping[str, Any], name: str) -> Finding:
    """Read the payment in a notification in JSON, or in the answer to a query."""
    status, stamp = integer_of(answer, name), text_of(answer, "PurchaseDate")
    paid_at = None
    with suppress(OverflowError, ValueError):
        paid_at = datetime.strptime(f"{stamp}+0700", "%Y%m%d%H%M%S%z").astimezone(UTC)
    return Finding(
        Outcome.UNKNOWN if status is None else STATUSES[name].get(status, Outcome.UNKNOWN),
        text_of(answer, name),
        reference=text_of(answer, "OrderNo") or None,
        amount_dong=dong_of(answer, "OrderCash"),
        merchant=text_of(answer, "ShopId") or None,
        provider_id=text_of(answer, "QRPaymentSystemTrace") or None,
        paid_at=paid_at,
        memory={"purchased_on": stamp[:8]} if paid_at else {},
    )


def _stated(signed: Mapping[str, str]) -> Finding:
    state = signed["State"]
    return Finding(
        STATES.get(state, Outcome.UNKNOWN),
        state,
        reference=signed["OrderNo"] or None,
        amount_dong=dong_of(signed, "OrderCashAmount"),
        merchant=signed.get("ShopID"),
    )


def _told(finding: Finding) -> Notification:
    if finding.reference is None:
        raise Unreadable(what="OrderNo")
    return Notification(f"{finding.reference}:{finding.code}", finding)


def _data(text: str) -> Element:
    # A plus that was not percent-encoded arrives as a blank; base64 may come in lines.
    packed = "".join(text.replace(" ", "+").split())
    try:
        return read_xml(base64.b64decode(packed, validate=True))
    except ValueError as error:
        raise Unreadable(what="Data") from error


def _values(data: Element, names: Iterable[str]) -> dict[str, str]:
    """Look each name up in the order, or in the billing form, which has no order within."""
    orders = [shop for shops in data.findall("shops") for shop in shops]
    outer = _texts(data)
    if not orders:
        return {
            name: _value(outer.get("ShopId" if name == "ShopID" else name), name) for name in names
        }
    if len(orders) != 1:
        raise Unreadable(what="shops")
    order = _texts(orders[0])
    return {
        name: _value(
            order.get(SHOP_ELEMENTS[name]) if name in SHOP_ELEMENTS else outer.get(name), name
        )
        for name in names
    }


def _value(text: str | None, name: str) -> str:
    value = text or ("0" if name in _NUMBERS else "")
    if name == "OrderDescription":
        value = unquote_plus(value)
    if "|" in value:
        raise Unreadable(what=name)
    return value


def _texts(parent: Element) -> dict[str, str]:
    fields = {child.tag: child.text or "" for child in parent}
    if len(fields) != len(parent):
        raise Unreadable(what=f"XML of '{parent.tag}'")
    return fields
