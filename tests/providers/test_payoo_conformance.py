"""Payoo keeps every promise of an adapter."""

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from defusedxml.ElementTree import fromstring

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.payoo import Config, Payoo, sign
from gateway.sandbox.payoo import Payoo as Simulator
from gateway.sandbox.payoo_wire import Shop
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.served import Application
from tests.providers.payoo import (
    KEY,
    PAID,
    PEER,
    PUBLISHED,
    SETTINGS,
    SHOP_ID,
    a_notice,
    answer,
    digest,
    opened,
    packed,
    refused,
)
from tests.providers.payoo_xml import STANDS, package, shop_form, signed

FAILED, UNKNOWN = Outcome.FAILED, Outcome.UNKNOWN
CODES = {
    "created": {
        "success": Outcome.WAITING,
        "fail": UNKNOWN,
        **dict.fromkeys(("503", "505", "755"), FAILED),
    },
    "queried": {
        "0/0": Outcome.WAITING,
        "0/1": Outcome.SUCCEEDED,
        "0/2": Outcome.PENDING,
        "0/3": FAILED,
        "0/4": FAILED,
        "9": Outcome.WAITING,
        **dict.fromkeys(("3", "1000", "1001", "1002", "1003"), UNKNOWN),
    },
    "notified": {"1": Outcome.SUCCEEDED},
}


class TestPayoo(ProviderConformance):
    """Codes of a query are ResponseCode, or `0/` and OrderStatus."""

    provider_class = Payoo
    reference_pattern = r"att_[0-9a-f]{32}"
    codes = CODES
    # The profile names neither the shop nor anything else of ours beside the order.
    facts = {"queried": frozenset({"reference", "amount"})}  # noqa: RUF012 (read only)
    # The sandbox closes an order that the payer declined.
    declined = FAILED

    def config(self, host: str) -> Config:
        """Put Payoo's two addresses at `host`, which is also where notifications come from."""
        where = {
            "host": host,
            "business_url": f"{host}/BusinessRestAPI.svc",
            "notify_addresses": f"127.0.0.1,{PEER}",
        }
        return Config.model_validate_strings(SETTINGS | where)

    def simulator(self, notify_url: str) -> Application:
        """Payoo is told the address with each order."""
        shop = Shop(
            username=SETTINGS["username"],
            shop_id=int(SHOP_ID),
            checksum_key=KEY,
            api_username=SETTINGS["api_username"],
            api_password=SETTINGS["api_password"],
            api_signature=SETTINGS["api_signature"],
        )
        return Simulator(shop).application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give what Payoo's sandbox signed for two shops of dilab/omnipay-payoo."""
        for printed, text in PUBLISHED.items():
            key, bar, values = text.partition("|")
            yield sign(key, bar + values), printed.lower()

    def created(self, order: Order, said: Said) -> Reply:
        """Answer a create: signed if opened, with an errorcode if not."""
        if said.code == "fail":
            return refused(message="Order no existed")
        if said.code != "success":
            return refused(errorcode=int(said.code))
        about = {"order_no": said.reference, "amount": str(said.amount_dong)}
        url = "https://newsandbox.payoo.com.vn/v2/paynow/prepare?_token=x"
        return opened(json.dumps({"order_id": 1, **about, "payment_url": url}))

    def queried(self, order: Order, said: Said) -> Reply:
        """Answer GetOrderInfo by the profile."""
        code, _, status = said.code.partition("/")
        facts = {"OrderNo": said.reference, "OrderCash": f"{said.amount_dong}.00000000"}
        state: dict[str, Any] = {"OrderStatus": int(status)} if status else {}
        return answer({"ResponseCode": int(code), **facts, **state})

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign a JSON notification."""
        facts = {
            "OrderNo": said.reference,
            "OrderCash": f"{said.amount_dong}.00000000",
            "ShopId": int(said.merchant),
            "PaymentStatus": int(said.code),
        }
        return a_notice(PAID | facts)

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter each field inside ResponseData, its text, the signature, and the sender."""
        form = dict(parse_qsl(incoming.body.decode()))
        outer = json.loads(base64.b64decode(form["NotifyData"]))
        data, given = outer["ResponseData"], outer["Signature"]
        for name, value in json.loads(data).items():
            changed = value + 1 if isinstance(value, int) else f"{value}1"
            yield name, _packed(json.dumps(json.loads(data) | {name: changed}), given)
        yield "a blank behind", _packed(f"{data} ", given)
        yield "signature", _packed(data, given[:-1] + "g")
        yield "no signature", packed({"ResponseData": data})
        yield "signed without an address", _packed(data, digest(data))
        yield "another sender", replace(a_notice(data, at="203.0.113.9"), peer=PEER)


class TestPayooInXml(TestPayoo):
    """The same shop with the older notifications."""

    codes = CODES | {
        "notified": {
            "PAYMENT_RECEIVED": Outcome.SUCCEEDED,
            "PAYMENT_PROCESSING": Outcome.PENDING,
        }
    }

    def config(self, host: str) -> Config:
        """Ask for notifications in XML."""
        return super().config(host).model_copy(update={"notifications": "xml"})

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign an XML notification."""
        names, values = zip(*_facts(said).items(), strict=True)
        return signed(_xml(_facts(said)), "|".join(names), "|".join(values))

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter each signed value, the names, and the signature."""
        xml = fromstring(dict(parse_qsl(incoming.body.decode()))["NotifyData"])
        names, given = (str(xml.findtext(name)) for name in ("KeyFields", "Signature"))
        data = base64.b64decode(str(xml.findtext("Data"))).decode()
        yield "State", package(data.replace("_RECEIVED", "_PROCESSING"), names, given)
        yield "order", package(data.replace("<order_no>", "<order_no>1"), names, given)
        yield "amount", package(data.replace("</order_cash", "0</order_cash"), names, given)
        yield "shop", package(data.replace("</shop_id>", "1</shop_id>"), names, given)
        yield "no names", package(data, "", given)
        yield "one name less", package(data, names.replace("|ShopID", ""), given)
        yield "signature", package(data, names, given[:-1] + "g")
        yield "no signature", package(data, names, "")


def _facts(said: Said) -> dict[str, str]:
    return {
        "State": said.code,
        "ShopID": said.merchant,
        "OrderNo": said.reference,
        "OrderCashAmount": str(said.amount_dong),
    }


def _xml(facts: dict[str, str]) -> str:
    shop = {STANDS[name]: value for name, value in facts.items() if name != "State"}
    return shop_form(shop, {"State": facts["State"]})


def _packed(data: str, signature: str) -> Incoming:
    return packed({"ResponseData": data, "Signature": signature})
