"""Texts as Payoo signs and reads them: the hash, the order in XML, plain descriptions, times."""

import hashlib
import unicodedata
from datetime import datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from gateway.domain.clock import VIETNAM
from gateway.kit.messages import Order
from gateway.providers.payoo.config import Config


def sign(key: str, text: str) -> str:
    """Give the SHA-512 of key and text, in lower hex."""
    return hashlib.sha512((key + text).encode()).hexdigest()


def order_xml(shop: Config, order: Order) -> str:
    """Write the order; what Payoo wants percent-encoded needs no escaping."""
    elements = {
        "username": escape(shop.username),
        "shop_id": shop.shop_id,
        "session": order.reference,
        "shop_title": escape(shop.shop_title),
        "shop_domain": escape(shop.shop_domain),
        "shop_back_url": quote(order.return_url, safe=""),
        "order_no": order.reference,
        "order_cash_amount": order.amount_dong,
        "order_ship_date": ship_date(order),
        "order_ship_days": 1,
        "order_description": quote(description(order), safe=""),
        "notify_url": quote(order.notify_url, safe=""),
        "validity_time": stamp(order.expires_at),
        # Without it Payoo tells in XML.
        **({"JsonResponse": "TRUE"} if shop.notifications == "json" else {}),
    }
    return f"<shops><shop>{''.join(f'<{n}>{v}</{n}>' for n, v in elements.items())}</shop></shops>"


def description(order: Order) -> str:
    """Write what Payoo shows of the order: it refuses 50 characters and fewer, and shows HTML."""
    return f"Thanh toán hóa đơn tiền điện {plain(order.text)}, mã giao dịch {order.reference}"


def ship_date(order: Order) -> str:
    """Give a day that is today or later, as Payoo wants it, for as long as it can be repeated."""
    return order.expires_at.astimezone(VIETNAM).strftime("%d/%m/%Y")


def plain(text: str) -> str:
    """Normalise to NFC, without what HTML could read, 150 characters at most."""
    clean = "".join(c if c.isprintable() and c not in "<>&|" else " " for c in text)
    return unicodedata.normalize("NFC", " ".join(clean.split()))[:150].rstrip()


def stamp(moment: datetime) -> str:
    """Write an instant as Payoo does: 14 digits, Vietnam's."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
