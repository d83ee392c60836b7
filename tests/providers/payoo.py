"""Payoo's messages, signed by the documents' rule apart from the adapter."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from gateway.kit.messages import Call, Incoming, Moment, Order, RefundOrder, Reply
from gateway.providers.payoo import Config, Payoo

# Keys of two shops of Payoo's sandbox, and what Payoo signed with them; all as published in the
# tests of dilab/omnipay-payoo (of 2018, read 2026-11-24).
SHOP_691, SHOP_741 = "73b3f5b8efa2c3654b75bf6f5afb76d0", "69c215746ce4209a2e2ede09de9cca87"
PUBLISHED = {
    "5765046C20D8479C31DEB1751715E88543B7D4B2588C0E1374679FCC32EA5375"
    "B3AC1785A4064DC8BCDC70583985240C0BF58B788B17E52D2D2DAE19BD75BE19": f"{SHOP_741}"
    "|PAYMENT_RECEIVED|741|sbb-test-359|10000|0|888515992",
    "57B7AF83FF7D5F3AE305A28C467B900871A64DE7C9788F25B0B484944074333F"
    "47F191FBFD7084983A0128C40BCB856C9A2A5C329F3A7A154DA5055FD0D32D53": f"{SHOP_741}"
    "|E_WALLET|PAYMENT_RECEIVED|sbb-test-367|iss_pulse_active|741|pulse_active"
    "|http://test.sbbhosted.com"
    "|http://test.sbbhosted.com/payments/complete_purchase/367/payoo|sbb-test-367|10000"
    "|23/02/2018|0|Thank you for purchasing Test Test, enjoy this wonderful event."
    "|http://test.sbbhosted.com/payments/notify/367/payoo|20180223030242",
    "CB87D58C18E4D6BAE5949D9C21A61C997671D4304CCFF519B82C5E0739453F57"
    "80781CEDFD4831885EDD3D7A34EC5E4BB80CCA43B6C45C9FDFB33626BF4F71C5": f"{SHOP_691}"
    "|E_WALLET|PAYMENT_RECEIVED|1508901347|iss_shop_client|691|shop_client|http://localhost"
    "|http://localhost:8080/Checksum_Demo_php_v2/verifyResponse.php|1508901347|10000"
    "|25/10/2017|1|Order No: [1508901347].</br>Product info, travel info or service info..."
    "(ex: )</br>Money total: 10000|http://192.168.11.31:8333/NotifyListener.aspx\t"
    "|20171026051547",
}
"""What Payoo signed, by its signature: the key and the values of an XML notification."""

KEY, SHOP_ID = SHOP_691, "691"
SETTINGS = {
    "username": "iss_shop_client",
    "shop_id": SHOP_ID,
    "shop_title": "shop_client",
    "shop_domain": "http://localhost",
    "checksum_key": KEY,
    "api_username": "iss_shop_client_BizAPI",
    "api_password": "xL0EFyakWD925t8V",
    "api_signature": "hsiPxtzDUjkfb2iRHhP3JSwgw4uMTJoV16AW3aSPmP36IdeZIwU2Wgmv4AyCd1cQ",
}
PAYOO = Payoo(Config.model_validate_strings(SETTINGS))
PEER = "118.69.206.8"
# 00:30 of the 25th in Vietnam, still the 24th in UTC.
NOW = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
MOMENT = Moment(NOW + timedelta(minutes=30), "c" * 32)
ORDER = Order(
    reference="att_01936b2e000070008000000000000001",
    amount_dong=150_000,
    text="PB14010000123",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/v1/returns/payoo",
    notify_url="https://pay.example/v1/notifications/payoo",
)
REFUND = RefundOrder(ORDER, "ref_" + "1" * 32, 50_000, "Hoàn tiền một phần", NOW)
PAID: dict[str, Any] = {
    "PaymentMethod": "1",
    "PaymentSource": "",
    "PurchaseDate": "20261125003500",
    "MerchantUsername": "iss_shop_client",
    "ShopId": 691,
    "MasterShopId": 691,
    "OrderNo": ORDER.reference,
    "OrderCash": "150000.00000000",
    "BankName": "",
    "CardNumber": "411111******1111",
    "BillingCode": "",
    "CardIssuanceType": 0,
    "PaymentStatus": 1,
    "TransactionFee": "0.00000000",
}
# As PHP writes JSON: every slash has a backslash before it.
OPENED = (
    f'{{"order_id":123456,"order_no":"{ORDER.reference}","amount":"150000",'
    '"payment_code":"","expiry_date":"25\\/11\\/2026 00:45:00","token":"1gh4Mg83167",'
    '"payment_url":"https:\\/\\/newsandbox.payoo.com.vn\\/v2\\/paynow\\/prepare?_token=1gh4"}'
)


def digest(text: str, key: str = KEY) -> str:
    return hashlib.sha512((key + text).encode()).hexdigest()


def opened(order: str = OPENED, checksum: str | None = None) -> Reply:
    given = json.dumps(digest(order) if checksum is None else checksum)
    return Reply(200, f'{{"result":"success","checksum":{given},"order":{order}}}'.encode())


def refused(**fields: object) -> Reply:
    return Reply(200, json.dumps({"result": "fail", "order": None, **fields}).encode())


def answer(fields: Mapping[str, object] | str, signature: str | None = None) -> Reply:
    """A reply of the business API."""
    data = fields if isinstance(fields, str) else json.dumps(fields)
    given = digest(data).upper() if signature is None else signature
    return Reply(200, json.dumps({"ResponseData": data, "Signature": given}).encode())


def a_notice(data: Mapping[str, object] | str, *, at: str = PEER, peer: str = PEER) -> Incoming:
    """A notification signed for one address and coming from another, or the same."""
    text = data if isinstance(data, str) else json.dumps(data)
    return packed({"ResponseData": text, "Signature": digest(text + at).upper()}, peer)


def packed(envelope: object, peer: str = PEER) -> Incoming:
    text = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
    body = f"NotifyData={quote_plus(base64.b64encode(text))}"
    return Incoming("POST", body=body.encode(), peer=peer)


def sent(call: object) -> dict[str, Any]:
    """The RequestData of a call of the business API; its signature is checked on the way."""
    assert isinstance(call, Call)
    whole = json.loads(call.body)
    assert whole["Signature"] == digest(whole["RequestData"])
    fields: dict[str, Any] = json.loads(whole["RequestData"])
    return fields


def form_of(call: object) -> dict[str, str]:
    assert isinstance(call, Call)
    return dict(parse_qsl(call.body.decode(), strict_parsing=True, keep_blank_values=True))
