"""Payoo's older notifications in XML, signed by the documents' rule apart from the adapter."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from gateway.kit.messages import Incoming
from gateway.providers.payoo import Config, Payoo
from tests.providers.payoo import KEY, ORDER, SETTINGS, digest

XML_SETTINGS = SETTINGS | {"notifications": "xml"}
IN_XML = Payoo(Config.model_validate_strings(XML_SETTINGS))
STANDS = {
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
RECEIVED = {"State": "PAYMENT_RECEIVED", "PaymentMethod": "E_WALLET"}
SHOP = {
    "session": ORDER.reference,
    "username": "iss_shop_client",
    "shop_id": "691",
    "order_no": ORDER.reference,
    "order_cash_amount": "150000",
    "order_description": quote("Tiền điện <b>tháng 11</b>"),
    "notify_url": quote(ORDER.notify_url, safe=""),
}
BILLING = {
    "BillingCode": "888515992",
    "OrderNo": ORDER.reference,
    "OrderCashAmount": "150000",
    "ShopId": "691",
    "State": "PAYMENT_RECEIVED",
}


def elements(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def shop_form(shop: Mapping[str, str] = SHOP, about: Mapping[str, str] = RECEIVED) -> str:
    shops = f"<shops><shop>{elements(shop)}</shop></shops>"
    return f"<PaymentNotification>{shops}{elements(about)}</PaymentNotification>"


def billing_form(fields: Mapping[str, str] = BILLING) -> str:
    return f"<PaymentNotification>{elements(fields)}</PaymentNotification>"


def package(data: str, names: str, signature: str) -> Incoming:
    outer = {
        "Data": b64encode(data.encode()).decode(),
        "Signature": signature,
        "PayooSessionID": "",
        "KeyFields": names,
    }
    xml = f"<PayooConnectionPackage>{elements(outer)}</PayooConnectionPackage>"
    return Incoming("POST", body=urlencode({"NotifyData": xml}).encode())


def signed(data: str, names: str, values: str, key: str = KEY) -> Incoming:
    return package(data, names, digest(f"|{values}", key).upper())
