"""A bank that asks at our door on its own wires, against a runtime with the adapters attached."""

import itertools
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from httpx import AsyncClient, Response

from gateway.domain.partner import Mode
from gateway.kit.abilities import Provider
from gateway.kit.attached import Providers
from gateway.kit.messages import Acknowledgement
from gateway.providers.appotabill import AppotaBill
from gateway.providers.appotabill import Config as AppotaConfig
from gateway.providers.bidvrest import BidvRest
from gateway.providers.bidvrest import Config as RestConfig
from gateway.providers.bidvxml import BidvXml
from gateway.providers.bidvxml import Config as XmlConfig
from gateway.providers.keypay import Config as KeyPayConfig
from gateway.providers.keypay import KeyPay
from gateway.runtime import Clock, Runtime, Secrets
from gateway.testing.promises_of_inquiries import Sent
from tests.providers.bank_wires import (
    APPOTA,
    REST,
    getbill,
    message,
    paybill,
    pays,
    signed_fields,
    xml_config,
)
from tests.providers.test_keypay_conformance import ACCOUNT
from tests.world import CUSTOMER, MASTER_SECRET, World

_numbers = itertools.count(1)


@cache
def adapters() -> tuple[Provider[Any], ...]:
    """Give the adapters; reading the keys of one takes a while."""
    return (
        BidvRest(RestConfig.model_validate(REST)),
        BidvXml(XmlConfig.model_validate(xml_config())),
        AppotaBill(AppotaConfig.model_validate(APPOTA)),
        KeyPay(KeyPayConfig.model_validate({**ACCOUNT, "partner": "bank"})),
    )


def open_runtime(url: str, clock: Clock) -> Runtime:
    """Open a runtime that partners may ask on their own wires."""
    return Runtime(
        database_url=url,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers(adapters(), now=clock.now),
        public_url="http://gateway",
    )


@dataclass
class Bank:
    """Sends signed requests and reads the codes of the answers."""

    world: World
    api: AsyncClient

    def trace(self) -> str:
        """Give a transaction id that no test has used."""
        return f"BK{next(_numbers):012d}"

    async def send(self, wire: str, sent: Sent) -> Response:
        """Send a request to our door."""
        return await self.api.request(
            sent.incoming.method,
            f"/v1/collections/{wire}/{sent.operation}",
            content=sent.incoming.body,
            headers=dict(sent.incoming.headers),
        )

    async def ask(self, customer: str = CUSTOMER) -> dict[str, Any]:
        """Ask over JSON what a customer owes."""
        answer = await self.send("bidvrest", getbill(customer))
        return dict(json.loads(answer.content))

    async def answer(self, trace: str, bill: str, **changes: Any) -> Response:
        """Pay one bill of 150,000 đồng over JSON."""
        whole = {"trans_id": trace, "bill_id": bill, "customer_id": CUSTOMER, "amount": 150_000}
        return await self.send("bidvrest", paybill(**{**whole, **changes}))

    async def pay(self, trace: str, bill: str, **changes: Any) -> str:
        """Pay one bill over JSON; give the code."""
        answer = await self.answer(trace, bill, **changes)
        return str(answer.json()["result_code"])

    async def pay_xml(self, trace: str, *bills: str, **changes: str) -> dict[str, str]:
        """Pay bills of 150,000 đồng each over XML; give our signed fields."""
        whole = {
            "f2": CUSTOMER,
            "f11": trace,
            "f4": str(15_000_000 * len(bills)),
            "f62": "".join(f"[{bill}||150000|Ky]" for bill in bills),
        }
        answer = await self.send("bidvxml", pays(**{**whole, **changes}))
        assert answer.status_code == 200, answer.text
        return signed_fields(_said(answer))

    async def undo(self, trace: str) -> str:
        """Take an XML payment back; give the code."""
        sent = message("1200", f2=CUSTOMER, f11=self.trace(), f56=f"20261124100000{trace}")
        return signed_fields(_said(await self.send("bidvxml", sent)))["f39"]


def _said(answer: Response) -> Acknowledgement:
    return Acknowledgement(answer.status_code, answer.content)
