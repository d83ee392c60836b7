"""The ORM service of the bench does the work of ours: same checks, same rows, same answers."""

import importlib
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from gateway.flows import operate
from gateway.runtime import Runtime
from gateway.store import database
from tests.world import BILLER, CUSTOMER, MOVED, World

PEER = "peer"
"""The peer's cached key of partner 2, which is the World's bank."""
OWN = {"id", "partner", "partner_reference", "created_at"}
"""What differs between any two payments of one partner; the peer invents the partner's code."""
DIFFERS = {
    *("id", "payment_id", "event_id", "source", "subject", "resource_id", "claimed_by", "bill_id"),
    *("key", "partner_reference", "fingerprint", "field_digests", "body"),
    *("created_at", "updated_at", "due_at"),
}
"""Names and instants; and digests, which each service takes in its own way."""


@pytest.fixture
async def peer(
    database_url: str, world: World, rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AsyncClient]:
    """A client of the peer, on the database of our service; the biller has an endpoint."""
    monkeypatch.setenv("PEER_DATABASE_URL", database_url)
    made = importlib.import_module("bench.peer_orm.app")
    world.keys[PEER] = "sk_test_bench_2"
    await world.set_rules(oldest_first=True)
    endpoint = operate.NewEndpoint(
        BILLER, "http://127.0.0.1:9/", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", allow_private=True
    )
    await operate.add_endpoint(rt, endpoint, actor="test")
    async with AsyncClient(transport=ASGITransport(app=made.app), base_url="http://peer") as client:
        yield client
    await made.engine.dispose()


async def rows(rt: Runtime) -> dict[str, list[dict[str, Any]]]:
    """Read all that a payment moves, without names and instants."""
    found = {}
    async with database.borrow(rt.pool) as connection:
        for table in (*MOVED, "bills"):
            records = await connection.fetch(f"SELECT * FROM {table}")
            found[table] = [
                {name: value for name, value in record.items() if name not in DIFFERS}
                for record in records
            ]
    return found


async def bodies(rt: Runtime) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Read each stored answer with the event that tells of it, in the order of payment."""
    sql = """
    SELECT k.body AS answer, e.body AS event
    FROM idempotency_keys k JOIN events e ON e.subject = k.resource_id ORDER BY k.created_at
    """
    async with database.borrow(rt.pool) as connection:
        return [
            (json.loads(row["answer"]), json.loads(row["event"]))
            for row in await connection.fetch(sql)
        ]


def facts(body: dict[str, Any]) -> dict[str, Any]:
    """Give what of an answer does not name this very payment or its bill."""
    bills = [{k: v for k, v in bill.items() if k != "id"} for bill in body["bills"]]
    return {name: value for name, value in body.items() if name not in OWN} | {"bills": bills}


async def test_the_peer_writes_the_same_rows_as_our_service(
    rt: Runtime, world: World, api: AsyncClient, peer: AsyncClient
) -> None:
    ours = await world.pay(api, await world.add_bill())
    theirs = await world.pay(peer, await world.add_bill(), partner=PEER)
    assert (ours.status_code, theirs.status_code) == (201, 201)
    for table, found in (await rows(rt)).items():
        assert len(found) == 2, table
        assert found[0] == found[1], table
    assert facts(ours.json()) == facts(theirs.json())


async def test_the_peer_keeps_the_same_answer_and_event_as_our_service(
    rt: Runtime, world: World, api: AsyncClient, peer: AsyncClient
) -> None:
    await world.pay(api, await world.add_bill())
    await world.pay(peer, await world.add_bill(), partner=PEER)
    (ours, our_event), (theirs, their_event) = await bodies(rt)
    assert facts(ours) == facts(theirs)
    assert our_event.keys() == their_event.keys()
    assert facts(our_event["data"]) == facts(their_event["data"])


async def test_both_answer_a_repetition_with_what_they_stored(
    rt: Runtime, world: World, api: AsyncClient, peer: AsyncClient
) -> None:
    for client, partner in ((api, "bank"), (peer, PEER)):
        order, key = world.order(await world.add_bill()), world.new_key()
        headers = world.headers(partner, key)
        first = await client.post("/v1/payments", json=order, headers=headers)
        again = await client.post("/v1/payments", json=order, headers=headers)
        assert first.status_code == again.status_code == 201
        assert again.content == first.content
    assert len((await rows(rt))["payments"]) == 2


async def refused(world: World, client: AsyncClient, partner: str) -> dict[str, Response]:
    """Ask for all that cannot be paid; the bills are new, and the same for every service."""
    paid, older = await world.add_bill(), await world.add_bill()
    first, key = world.order(paid), world.new_key()
    headers = world.headers(partner, key)
    assert (await client.post("/v1/payments", json=first, headers=headers)).status_code == 201
    newer = await world.add_bill(period=date(2026, 11, 1))
    spent = first["partner_reference"]
    return {
        "paid": await world.pay(client, paid, partner=partner),
        "amount": await world.pay(client, older, partner=partner, amount_dong=149_999),
        "older": await world.pay(client, newer, partner=partner),
        "unknown": await world.pay(client, "HD-none", partner=partner),
        "reference": await world.pay(client, older, partner=partner, partner_reference=spent),
        "key": await client.post("/v1/payments", json=world.order(older), headers=headers),
        "customer": await world.pay(client, older, partner=partner, customer_code="PB14000000009"),
        "field": await world.pay(client, older, partner=partner, extra=1),
        "no key": await client.post(
            "/v1/payments", json=world.order(older), headers=world.headers(partner)
        ),
    }


async def test_the_peer_refuses_what_our_service_refuses_and_moves_nothing(
    rt: Runtime, world: World, api: AsyncClient, peer: AsyncClient
) -> None:
    for client, partner in ((api, "bank"), (peer, PEER)):
        for why, answer in (await refused(world, client, partner)).items():
            assert 400 <= answer.status_code < 500, (partner, why, answer.text)
    moved = await rows(rt)
    assert {len(moved[name]) for name in ("payments", "transfers", "events", "deliveries")} == {2}


async def test_a_key_that_nobody_holds_is_refused_by_both(
    world: World, api: AsyncClient, peer: AsyncClient
) -> None:
    world.keys["stranger"] = "sk_test_bench_999"
    for client in (api, peer):
        answer = await world.pay(client, await world.add_bill(), partner="stranger")
        assert answer.status_code == 401


async def test_the_peer_looks_up_what_our_service_looks_up(
    world: World, api: AsyncClient, peer: AsyncClient
) -> None:
    await world.add_bill()
    await world.add_bill(period=date(2026, 11, 1))
    ours = (await world.look_up(api)).json()
    theirs = (await world.look_up(peer, partner=PEER)).json()
    assert theirs["bills"] == ours["bills"]
    assert theirs["total_due_dong"] == ours["total_due_dong"]
    assert theirs["name"] == ours["customer"]["name"]
    assert theirs["address"] == ours["customer"]["address"]
    assert theirs["customer_code"] == CUSTOMER
    assert len(theirs["lookup_token"]) == len(ours["lookup_token"])
