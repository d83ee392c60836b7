"""The simulated bank on its three wires at our door: what its books say is what ours say."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.domain.partner import Mode
from gateway.kit.attached import Providers
from gateway.providers.appotabill import AppotaBill
from gateway.providers.bidvrest import BidvRest
from gateway.providers.bidvxml import BidvXml
from gateway.runtime import Clock, Runtime, Secrets
from gateway.sandbox import appotabill, bidvrest, bidvxml, bidvxml_keys
from gateway.sandbox.bank_collector import BankCore, Wire
from tests.conftest import client_of
from tests.providers.bank_wires import PARTNER
from tests.world import CUSTOMER, MASTER_SECRET, World, at_noon


def noon() -> float:
    """Give the seconds since 1970 at which the clock of these tests stands."""
    return at_noon().now().timestamp()


WIRES: dict[str, Callable[[], Wire]] = {
    "bidvrest": bidvrest.JsonWire,
    "bidvxml": bidvxml.XmlWire,
    "appotabill": lambda: appotabill.AppotaWire(clock=noon),
}
ADAPTERS = Providers(
    (
        BidvRest(
            BidvRest.Config.model_validate(
                {**PARTNER, "secret": bidvrest.SECRET, "service_id": bidvrest.SERVICE}
            )
        ),
        BidvXml(
            BidvXml.Config.model_validate(
                {
                    **PARTNER,
                    "bank_public_key": bidvxml_keys.BANK_PUBLIC_KEY,
                    "private_key": bidvxml_keys.GATEWAY_PRIVATE_KEY,
                    "service_id": bidvrest.SERVICE,
                }
            )
        ),
        AppotaBill(
            AppotaBill.Config.model_validate(
                {
                    **PARTNER,
                    "partner_code": "EVNSANDBOX",
                    "api_key": "appotabill-simulator-key",
                    "secret_key": appotabill.SECRET,
                    "service_code": "EVN",
                }
            )
        ),
    ),
    now=lambda: at_noon().now(),
)


@pytest.fixture
def clock() -> Clock:
    return at_noon()


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    runtime = Runtime(
        database_url=database,
        pool_size=4,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=ADAPTERS,
        public_url="http://gateway",
    )
    await runtime.start()
    yield runtime
    await runtime.stop()


class Customer:
    """Somebody with the bank's app."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def do(self, act: str, **asked: object) -> dict[str, Any]:
        answer = await self.http.post(f"/control/{act}", json=asked)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    async def pays(self, bill: str, **asked: object) -> dict[str, Any]:
        return await self.do("pay", customer_code=CUSTOMER, bills={bill: 150_000}, **asked)

    async def dong(self) -> dict[str, int]:
        return dict((await self.http.get("/control/books")).json()["dong"])


@asynccontextmanager
async def customer_of(wire: Wire, rt: Runtime) -> AsyncIterator[Customer]:
    core = BankCore(wire, "http://gateway", first_trace=1)
    await core.http.aclose()
    async with client_of(rt) as core.http:
        app = httpx.ASGITransport(app=core.application())
        async with httpx.AsyncClient(transport=app, base_url="http://bank") as http:
            yield Customer(http)


@pytest.mark.parametrize("wire", WIRES)
async def test_an_answer_that_is_lost_after_the_booking_is_found_by_the_same_trace(
    rt: Runtime, wire: str
) -> None:
    world = await World.make(rt)
    bill = await world.add_bill()
    async with customer_of(WIRES[wire](), rt) as customer:
        assert (await customer.do("inquire", customer_code=CUSTOMER))["bills"] == {bill: 150_000}
        await customer.do("faults", operation="pay", fault="hang_after")
        lost = await customer.pays(bill)
        assert (lost["money"], lost["code"]) == ("in_doubt", None)
        found = [await customer.do("repeat", trace=lost["trace"]) for _ in range(2)]
        assert found[0] == found[1]
        assert found[0]["money"] == "booked"
        assert found[0]["number"].startswith("pay_")
        assert await customer.dong() == {"booked": 150_000, "returned": 0, "in_doubt": 0}
    assert await world.count("payments") == 1


@pytest.mark.parametrize("wire", WIRES)
async def test_a_wrong_signature_is_refused_and_the_money_goes_back(rt: Runtime, wire: str) -> None:
    world = await World.make(rt)
    bill = await world.add_bill()
    async with customer_of(WIRES[wire](), rt) as customer:
        for fault in ("bad_signature", "unsigned"):
            await customer.do("faults", operation="pay", fault=fault)
            assert (await customer.pays(bill))["money"] == "returned"
        assert (await customer.pays(bill))["money"] == "booked"
        assert (await customer.pays(bill))["money"] == "returned"
        assert (await customer.dong())["booked"] == 150_000
    assert await world.count("payments") == 1


async def test_a_payment_is_taken_back_on_the_wire_that_can(rt: Runtime) -> None:
    world = await World.make(rt)
    bill = await world.add_bill()
    async with customer_of(bidvxml.XmlWire(), rt) as customer:
        trace = (await customer.pays(bill))["trace"]
        assert (await customer.do("undo", trace=trace))["money"] == "returned"
        assert (await customer.do("repeat", trace=trace))["code"] == "105"
    assert sum((await world.balances()).values()) == 0


async def test_a_status_is_asked_for_on_the_wire_that_can(rt: Runtime) -> None:
    world = await World.make(rt)
    bill = await world.add_bill()
    async with customer_of(appotabill.AppotaWire(clock=noon), rt) as customer:
        await customer.do("inquire", customer_code=CUSTOMER)
        await customer.do("faults", operation="pay", fault="hang_after")
        trace = (await customer.pays(bill))["trace"]
        assert (await customer.do("status", trace=trace))["money"] == "booked"
    async with customer_of(bidvrest.JsonWire(), rt) as customer:
        trace = (await customer.pays(bill))["trace"]
        for act in ("status", "undo"):
            answer = await customer.http.post(f"/control/{act}", json={"trace": trace})
            assert answer.status_code == 405


async def test_bad_control_calls_say_so(rt: Runtime) -> None:
    async with customer_of(bidvrest.JsonWire(), rt) as customer:
        for act, body, status in (
            ("pay", {"customer_code": CUSTOMER}, 400),
            ("repeat", {"trace": "none"}, 404),
            ("pay", {"customer_code": CUSTOMER, "bills": {"a": 1}, "channel": "fax"}, 409),
        ):
            assert (await customer.http.post(f"/control/{act}", json=body)).status_code == status
        assert (await customer.http.get("/health")).json()["status"] == "ok"
