"""What the simulated Payoo tells a merchant by itself: JSON, or XML without JsonResponse."""

import json
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from gateway.sandbox.payoo_wire import Shop, sign
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import OrderState, RailOrder

ANOTHER_ADDRESS = "203.0.113.99"
NO_KEY = "a forger has no key of ours"
RECEIVED, WORKING = "PAYMENT_RECEIVED", "PAYMENT_PROCESSING"
# what an XML notification signs, and where each value stands in the order
KEY_FIELDS = {
    "Session": "session",
    "BusinessUsername": "username",
    "ShopID": "shop_id",
    "OrderNo": "order_no",
    "OrderCashAmount": "order_cash_amount",
    "NotifyUrl": "notify_url",
    "PaymentExpireDate": "validity_time",
}


def notices_of(shop: Shop, order: RailOrder, fault: Fault | None) -> list[Notice]:
    """Write the notifications of an order's state; only XML tells of anything but a success."""
    is_json = order.fields["shop"].get("JsonResponse", "").upper() == "TRUE"
    bodies = _json(shop, order, fault) if is_json else _xml(shop, order, fault)
    twins = 1 if fault is Fault.FORGED else 0
    return [_notice(order, body, once=number < twins) for number, body in enumerate(bodies)]


def _json(shop: Shop, order: RailOrder, fault: Fault | None) -> list[bytes]:
    if order.state is not OrderState.PAID:
        return []
    amount = order.amount_dong + (1_000 if fault is Fault.WRONG_AMOUNT else 0)
    order_no = order.reference + ("x" if fault is Fault.OTHER_ORDER else "")
    data = notified(shop, order, amount_dong=amount, order_no=order_no)
    address = ANOTHER_ADDRESS if fault is Fault.BAD_SIGNATURE else shop.sender_ip
    signature = sign(shop.checksum_key, data + address)
    if fault is Fault.UNSIGNED:
        return [json_form(data, None)]
    true = json_form(data, signature)
    if fault is not Fault.FORGED:
        return [true]
    raised = notified(shop, order, amount_dong=amount + 1_000, order_no=order_no)
    return [json_form(raised, signature), true]


def _xml(shop: Shop, order: RailOrder, fault: Fault | None) -> list[bytes]:
    states = {OrderState.PAID: RECEIVED, OrderState.PROCESSING: WORKING}
    if order.state not in states:
        return []
    state, fields = states[order.state], dict(order.fields["shop"])
    if fault is Fault.WRONG_AMOUNT:
        fields["order_cash_amount"] = str(order.amount_dong + 1_000)
    if fault is Fault.OTHER_ORDER:
        fields["order_no"] += "x"
    key = NO_KEY if fault is Fault.BAD_SIGNATURE else shop.checksum_key
    write = billing_form if order.fields.get("by") else xml_form
    true = write(key, fields, state, signed=fault is not Fault.UNSIGNED)
    if fault is Fault.FORGED:
        return [write(NO_KEY, fields, state), true]
    return [true, write(key, fields, WORKING)] if fault is Fault.REORDERED else [true]


def notified(shop: Shop, order: RailOrder, *, amount_dong: int, order_no: str) -> str:
    """Write ResponseData of a JSON notification; OrderCash is a number of eight places."""
    facts = {
        "PaymentMethod": order.fields.get("by", "2"),
        "PaymentSource": "",
        "QRPaymentSystemTrace": order.provider_id,
        "PurchaseDate": order.fields.get("paid_at", ""),
        "MerchantUsername": shop.username,
        "ShopId": shop.shop_id,
        "MasterShopId": 0,
        "OrderNo": order_no,
        "OrderCash": None,
        "BankName": "Visa",
        "CardNumber": "411111******1111",
        "BillingCode": order.fields["shop"].get("billing_code", ""),
        "CardIssuanceType": 0,
        "PaymentStatus": 1,
        "TransactionFee": 0,
    }
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return text.replace('"OrderCash":null', f'"OrderCash":{amount_dong}.00000000')


def json_form(data: str, signature: str | None) -> bytes:
    """Write NotifyData of a JSON notification."""
    whole = {"ResponseData": data} | ({} if signature is None else {"Signature": signature})
    return urlencode({"NotifyData": b64encode(json.dumps(whole).encode()).decode()}).encode()


def xml_form(key: str, order: Mapping[str, str], state: str, *, signed: bool = True) -> bytes:
    """Write NotifyData of an XML notification (for an order without JsonResponse)."""
    elements = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in order.items())
    data = (
        f"<PaymentNotification><shops><shop>{elements}</shop></shops>"
        f"<State>{state}</State><PaymentMethod>2</PaymentMethod></PaymentNotification>"
    )
    values = {name: order.get(element, "") for name, element in KEY_FIELDS.items()}
    return _package(key, data, {**values, "State": state}, signed=signed)


def billing_form(key: str, order: Mapping[str, str], state: str, *, signed: bool = True) -> bytes:
    """Write NotifyData of a code or a QR: the billing form, without an order within."""
    facts = {
        "BillingCode": order["billing_code"],
        "OrderNo": order["order_no"],
        "OrderCashAmount": order["order_cash_amount"],
        "ShopId": order["shop_id"],
        "State": state,
    }
    elements = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in facts.items())
    data = f"<PaymentNotification>{elements}</PaymentNotification>"
    signs = {"ShopID" if name == "ShopId" else name: value for name, value in facts.items()}
    return _package(key, data, signs, signed=signed)


def return_url(shop: Shop, order: RailOrder, status: str, code: str) -> str:
    """Give shop_back_url with the outcome; only session, order_no and status are signed."""
    session = order.fields["shop"]["session"]
    outcome = {
        "session": session,
        "order_no": order.reference,
        "status": status,
        "errorcode": code,
        "errormsg": "" if status == "1" else "Giao dịch không thành công",
        "paymethod": "2",
        "bank": "Visa",
        "totalAmount": str(order.amount_dong),
        "paymentFee": "0",
    }
    signed = f"{session}.{order.reference}.{status}"
    outcome["checksum"] = sign(shop.checksum_key, signed)
    return f"{order.return_url}{'&' if '?' in order.return_url else '?'}{urlencode(outcome)}"


def _package(key: str, data: str, signs: Mapping[str, str], *, signed: bool) -> bytes:
    signature = sign(key, "|" + "|".join(signs.values())) if signed else ""
    package = (
        f"<PayooConnectionPackage><Data>{b64encode(data.encode()).decode()}</Data>"
        f"<Signature>{signature}</Signature><PayooSessionID></PayooSessionID>"
        f"<KeyFields>{'|'.join(signs)}</KeyFields></PayooConnectionPackage>"
    )
    return urlencode({"NotifyData": package}).encode()


def accepts(status: int, body: bytes) -> bool:
    """Say whether an answer stops a notification: this body and no other."""
    return status == 200 and body == b"NOTIFY_RECEIVED"  # noqa: PLR2004 (HTTP)


def _notice(order: RailOrder, body: bytes, *, once: bool) -> Notice:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return Notice("POST", order.notify_url, _any if once else accepts, body, kind)


def _any(_: int, __: bytes) -> bool:
    return True
