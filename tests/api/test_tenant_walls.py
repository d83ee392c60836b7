"""Walls between tenants, over every route of the document: scopes, keys, and whose object it is."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import respx
from httpx import AsyncClient, Response

from gateway.domain.ids import to_public
from gateway.domain.partner import Scope
from gateway.flows import mandates, operate
from gateway.runtime import Clock, Runtime
from gateway.store import database
from gateway.store import mandates as mandates_store
from tests.api.walls import (
    CHOICE,
    KEY,
    MISSING,
    NOT_HERE,
    OF_A_COLLECTOR,
    OF_THE_BILLER,
    OPENED,
    RUN,
    SCOPES,
    SENT,
    bodies_of,
    params_of,
)
from tests.contract import document
from tests.debiting.stage import new_mandate
from tests.providing.conftest import with_providers
from tests.providing.scripted import HOST
from tests.world import BILLER, World


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
    mandate_id, run_id = await of_mandates(world)
    return Ours(
        {
            "list_id": "hol_" + "0" * 32,
            "area": "32008",
            "mandate_id": to_public("mdt", mandate_id),
            "run_id": to_public("run", run_id),
            "payment_id": paid["id"],
            "idempotency_key": KEY,
            "partner_reference": paid["partner_reference"],
            "bill_id": await world.add_bill(),
            "biller": BILLER,
        },
        {
            "/v1/payments/{payment_id}/attempts": failed.json()["id"],
            "/v1/payments/{payment_id}/cancel": opened.json()["id"],
        },
    )


async def of_mandates(world: World) -> tuple[UUID, UUID]:
    """Write a mandate that the bank made, and a debit run of the biller."""
    directory, run_id = world.rt.directory, world.rt.new_id()
    partner = next(one.id for one in directory.partners_by_id.values() if one.code == "bank")
    row = mandates._row(world.rt, directory.billers[BILLER].id, partner, new_mandate())
    async with database.borrow(world.rt.pool) as connection:
        assert await mandates_store.insert(connection, row)
        await connection.execute(RUN, run_id, BILLER)
    return row.id, run_id


async def send(
    api: AsyncClient, route: tuple[str, str], names: dict[str, str], headers: dict[str, str]
) -> Response:
    """Send a well-formed request to a route, with these names in its path."""
    method, template = route
    bodies = bodies_of(names)
    body = bodies.get(template) if method in {"POST", "PUT"} else None
    params = params_of(template)
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
async def test_without_a_key_that_is_known_a_route_answers_401_in_one_shape(
    api: AsyncClient, ours: Ours, world: World, route: tuple[str, str]
) -> None:
    before = await world.moved()
    for sent in SENT:
        headers = {} if sent is None else {"authorization": sent}
        refused = await send(api, route, ours.for_route(route), headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated"), sent
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
    is_billers = SCOPES[route] in {Scope.BILLS, Scope.REPORTS} or route in OF_THE_BILLER
    partner = "utility" if is_billers else "bank"
    await world.add_key("just one", partner, SCOPES[route])
    answer = await send(api, route, ours.for_route(route), world.headers("just one"))
    # The scripted provider debits no mandates: how far a mandate gets is tested in debiting/.
    is_let_in = answer.is_success or answer.json()["code"] in NOT_HERE
    assert is_let_in, answer.text


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
