"""Walls between tenants, over every route of the document: scopes, keys, and whose object it is."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from httpx import AsyncClient, Response

from gateway.domain.partner import Scope
from gateway.flows import operate
from gateway.runtime import Clock, Runtime
from tests.contract import document
from tests.providing.conftest import with_providers
from tests.providing.scripted import HOST
from tests.world import BILLER, CUSTOMER, World

KEY = "a-key-of-the-bank-alone"
OPENED = httpx.Response(200, json={"outcome": "opened"})
CHOICE: dict[str, Any] = {
    "provider": "scripted",
    "channel": "qr",
    "return_url": "https://portal.test/thanks",
    "payer_ip": "113.160.92.202",
}
SCOPES = {
    ("GET", "/v1/billers"): Scope.LOOKUP,
    ("GET", "/v1/billers/{biller}"): Scope.LOOKUP,
    ("GET", "/v1/bills"): Scope.LOOKUP,
    ("POST", "/v1/payments"): Scope.PAY,
    ("POST", "/v1/payments/{payment_id}/reversal"): Scope.REVERSE,
    ("GET", "/v1/payments"): Scope.READ,
    ("GET", "/v1/payments/{payment_id}"): Scope.READ,
    ("GET", "/v1/payments/{payment_id}/timeline"): Scope.READ,
    ("POST", "/v1/payments/{payment_id}/attempts"): Scope.PAY,
    ("POST", "/v1/payments/{payment_id}/cancel"): Scope.PAY,
    ("GET", "/v1/providers"): Scope.LOOKUP,
    ("GET", "/v1/payments/by-key/{idempotency_key}"): Scope.READ,
    ("GET", "/v1/payments/by-reference/{partner_reference}"): Scope.READ,
    ("PUT", "/v1/billers/{biller}/bills"): Scope.BILLS,
    ("GET", "/v1/billers/{biller}/bills"): Scope.BILLS,
    ("GET", "/v1/billers/{biller}/bills/{bill_id}"): Scope.BILLS,
    ("POST", "/v1/billers/{biller}/bills/{bill_id}/cancel"): Scope.BILLS,
    ("PUT", "/v1/billers/{biller}/customers"): Scope.BILLS,
    ("GET", "/v1/suspense"): Scope.READ,
    ("GET", "/v1/refund-instructions"): Scope.READ,
    ("POST", "/v1/hand-over-lists"): Scope.CASH,
    ("GET", "/v1/hand-over-lists"): Scope.CASH,
    ("GET", "/v1/hand-over-lists/{list_id}"): Scope.CASH,
    ("POST", "/v1/hand-over-lists/{list_id}/receipts"): Scope.CASH,
    ("POST", "/v1/hand-over-lists/{list_id}/close"): Scope.CASH,
    ("POST", "/v1/cash-deposits"): Scope.CASH,
    ("GET", "/v1/cash-phase-out/areas"): Scope.READ,
    ("PUT", "/v1/cash-phase-out/areas/{area}"): Scope.BILLS,
    ("POST", "/v1/cash-phase-out/areas/{area}/pause"): Scope.BILLS,
    ("POST", "/v1/cash-phase-out/areas/{area}/resume"): Scope.BILLS,
    ("POST", "/v1/cash-phase-out/complaints"): Scope.BILLS,
    ("POST", "/v1/cash-phase-out/assists"): Scope.CASH,
    ("GET", "/v1/cash-phase-out/assists"): Scope.READ,
    ("POST", "/v1/cash-phase-out/opt-outs"): Scope.OUTREACH,
    ("GET", "/v1/cash-phase-out/cash-payers"): Scope.OUTREACH,
}
OF_A_COLLECTOR = ("/v1/hand-over-lists", "/v1/cash-", "/v1/suspense", "/v1/refund-")
"""Routes about what neither the bank nor a bill names; their own tests say who is let in."""
MISSING = {
    "payment_id": "pay_" + "0" * 32,
    "idempotency_key": "a-key-of-nobody-at-all",
    "partner_reference": "REF-NONE",
    "bill_id": "HD-NONE",
    "biller": "evnspc-baclieu",
}


def routes() -> Iterator[tuple[str, str]]:
    for path, item in document()["paths"].items():
        yield from ((method.upper(), path) for method in item if path.startswith("/v1/"))


ROUTES = sorted(routes())
OF_ALL = [(method, path) for method, path in ROUTES if not path.startswith(OF_A_COLLECTOR)]
WITH_OBJECT = [(method, path) for method, path in OF_ALL if "{" in path]


@dataclass
class Ours:
    """What belongs to the bank and to the first biller; each route is asked about what it may do.

    `of_route`: the payment that another attempt, or a cancellation, may be asked of.
    """

    names: dict[str, str]
    of_route: dict[str, str]

    def for_route(self, route: tuple[str, str]) -> dict[str, str]:
        """Give the names that stand in the path of a route."""
        payment_id = self.of_route.get(route[1], self.names["payment_id"])
        return self.names | {"payment_id": payment_id}


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    """A started runtime with the scripted providers."""
    runtime = with_providers(database, clock)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
def rail() -> Iterator[respx.Route]:
    """What the scripted provider answers: the order is open."""
    with respx.mock(assert_all_called=False) as router:
        route = router.route(host=httpx.URL(HOST).host)
        yield route.mock(return_value=OPENED)


@pytest.fixture
async def ours(api: AsyncClient, world: World, rail: respx.Route) -> Ours:
    paid = (await world.pay(api, await world.add_bill(), key=KEY)).json()
    opened = await world.pay(api, await world.add_bill(), method="provider", **CHOICE)
    rail.mock(side_effect=httpx.ConnectError("refused"))
    failed = await world.pay(api, await world.add_bill(), method="provider", **CHOICE)
    rail.mock(return_value=OPENED)
    return Ours(
        {
            "payment_id": paid["id"],
            "idempotency_key": KEY,
            "partner_reference": paid["partner_reference"],
            "bill_id": await world.add_bill(),
            "biller": BILLER,
            "list_id": "hol_" + "0" * 32,
            "area": "32008",
        },
        {
            "/v1/payments/{payment_id}/attempts": failed.json()["id"],
            "/v1/payments/{payment_id}/cancel": opened.json()["id"],
        },
    )


async def send(
    api: AsyncClient, route: tuple[str, str], names: dict[str, str], headers: dict[str, str]
) -> Response:
    """Send a well-formed request to a route, with these names in its path."""
    method, template = route
    bill = {
        "id": "HD-NEW",
        "customer_code": CUSTOMER,
        "period": "2026-10",
        "net_dong": 1,
        "vat_dong": 0,
        "amount_dong": 1,
        "issued_on": "2026-11-02",
        "due_on": "2026-11-09",
    }
    person = {"code": CUSTOMER, "name": "Tên", "address": "Phường 5", "area_code": "32008"}
    bodies: dict[str, Any] = {
        "/v1/payments": {
            "method": "collected",
            "biller": BILLER,
            "customer_code": CUSTOMER,
            "partner_reference": "REF-OF-WALLS",
            "channel": "qr",
            "bills": [{"id": names["bill_id"], "amount_dong": 150_000}],
        },
        "/v1/payments/{payment_id}/reversal": {"reason": "thử"},
        "/v1/payments/{payment_id}/attempts": CHOICE,
        "/v1/billers/{biller}/bills": {"bills": [bill]},
        "/v1/billers/{biller}/customers": {"customers": [person | {"segment": "household"}]},
    }
    body = bodies.get(template) if method in {"POST", "PUT"} else None
    params = {"biller": BILLER, "customer_code": CUSTOMER} if template == "/v1/bills" else {}
    return await api.request(
        method,
        template.format(**names),
        json=body,
        params=params,
        headers=headers | {"idempotency-key": "a-key-of-the-walls-0001"},
    )


def test_every_route_stands_in_the_table_of_scopes() -> None:
    assert set(SCOPES) == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer ", "Bearer sk_test_wrong", "Basic YTpi", "sk_test_wrong"]
)
async def test_without_a_key_that_is_known_a_route_answers_401_in_one_shape(
    api: AsyncClient, ours: Ours, world: World, route: tuple[str, str], sent: str | None
) -> None:
    before = await world.moved()
    refused = await send(
        api, route, ours.for_route(route), {} if sent is None else {"authorization": sent}
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == 'Bearer realm="gateway"'
    assert await world.moved() == before


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_a_key_that_lacks_the_routes_scope_is_refused_by_its_name(
    api: AsyncClient, ours: Ours, world: World, route: tuple[str, str]
) -> None:
    needed = SCOPES[route]
    await world.add_key("all but one", "bank", *(set(Scope) - {needed}))
    before = await world.moved()
    refused = await send(api, route, ours.for_route(route), world.headers("all but one"))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert f"'{needed}'" in refused.json()["detail"]
    assert await world.moved() == before


@pytest.mark.parametrize("route", OF_ALL, ids=" ".join)
async def test_a_key_with_no_more_than_the_routes_scope_is_let_in(
    api: AsyncClient, ours: Ours, world: World, route: tuple[str, str]
) -> None:
    partner = "utility" if SCOPES[route] is Scope.BILLS else "bank"
    await world.add_key("just one", partner, SCOPES[route])
    answer = await send(api, route, ours.for_route(route), world.headers("just one"))
    assert answer.is_success, answer.text


def shape_of(answer: Response, names: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Give an answer without the names that were asked for."""
    text = answer.text
    for name in sorted(names.values(), key=len, reverse=True):
        text = text.replace(name, "NAME")
    found = re.sub(r'"request_id":"[^"]*"', '"request_id":""', text)
    return answer.status_code, {"body": found, "type": answer.headers["content-type"]}


@pytest.mark.parametrize("stranger", ["wallet", "evnspc-baclieu"])
@pytest.mark.parametrize("route", WITH_OBJECT, ids=" ".join)
async def test_an_object_of_somebody_else_is_answered_just_like_one_that_is_not_there(
    api: AsyncClient, ours: Ours, world: World, route: tuple[str, str], stranger: str
) -> None:
    if route == ("GET", "/v1/billers/{biller}"):
        return  # who can be paid is no secret among partners
    await world.add_biller("evnspc-baclieu")
    before = await world.moved()
    missing = MISSING | ({"biller": "nobody"} if stranger != "wallet" else {})
    theirs = await send(api, route, ours.for_route(route), world.headers(stranger))
    none = await send(api, route, missing, world.headers(stranger))
    assert theirs.status_code == 404
    assert shape_of(theirs, ours.for_route(route)) == shape_of(none, missing)
    assert await world.moved() == before


async def test_a_stranger_lists_nothing_of_others(
    api: AsyncClient, ours: Ours, world: World
) -> None:
    await world.add_biller("evnspc-baclieu")
    for stranger in ("wallet", "evnspc-baclieu"):
        assert (await world.read(api, "/payments", stranger)).json()["data"] == []
    refused = await world.read(api, f"/billers/{BILLER}/bills", "evnspc-baclieu")
    assert refused.status_code == 404


async def test_a_stranger_with_the_same_reference_and_key_gets_its_own(
    api: AsyncClient, ours: Ours, world: World
) -> None:
    reference = ours.names["partner_reference"]
    mine = await world.pay(
        api, ours.names["bill_id"], partner="wallet", key=KEY, partner_reference=reference
    )
    assert mine.status_code == 201
    by_reference = await world.read(api, f"/payments/by-reference/{reference}", "wallet")
    by_key = await world.read(api, f"/payments/by-key/{KEY}", "wallet")
    assert by_reference.json() == by_key.json() == mine.json()


@pytest.mark.parametrize("prefix", ["sk_live_", "SK_TEST_", "sk_", ""])
async def test_a_key_of_the_other_mode_is_refused(
    api: AsyncClient, world: World, prefix: str
) -> None:
    key = prefix + world.keys["bank"].removeprefix("sk_test_")
    refused = await api.get("/v1/billers", headers={"authorization": f"Bearer {key}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


async def test_two_authorizations_are_none(api: AsyncClient, world: World) -> None:
    headers = [("authorization", f"Bearer {world.keys[name]}") for name in ("bank", "wallet")]
    for twice in (headers, headers[:1] * 2):
        assert (await api.get("/v1/billers", headers=twice)).status_code == 401


async def test_a_key_is_refused_from_the_instant_it_expires_or_is_revoked(
    api: AsyncClient, world: World
) -> None:
    now, day = world.rt.clock.now(), timedelta(days=1)
    await world.add_key("old", "bank", Scope.LOOKUP, expires_at=now - day)
    await world.add_key("fresh", "wallet", Scope.LOOKUP, expires_at=now + day)
    assert (await world.read(api, "/billers", "old")).status_code == 401
    assert (await world.read(api, "/billers", "fresh")).status_code == 200
    assert await operate.revoke_key(world.rt, world.keys["fresh"][:14], actor="test")
    await world.rt.refresh()
    assert (await world.read(api, "/billers", "fresh")).status_code == 401


async def test_a_fresh_key_is_known_at_once_in_every_process(
    api: AsyncClient, other_api: AsyncClient, world: World
) -> None:
    made = await operate.create_key(world.rt, "bank", [Scope.LOOKUP], expires_at=None, actor="test")
    headers = {"authorization": f"bearer {made.api_key}"}
    for client in (other_api, api):
        assert (await client.get("/v1/billers", headers=headers)).status_code == 200
