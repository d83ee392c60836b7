"""Every event that is written is as the document says its webhook is."""

import json
from typing import Any

import pytest
from httpx import AsyncClient

from gateway.api.events import WEBHOOKS
from gateway.flows.operate import EVENT_TYPES
from tests.contract import faults_of, model_of
from tests.world import World


def model(event_type: str) -> str:
    """Give the name of the schema of an event's body."""
    body = WEBHOOKS[event_type]["post"]["requestBody"]
    return model_of(body["content"]["application/json"])


async def events(world: World) -> list[dict[str, Any]]:
    rows = await world.rows("SELECT type, body FROM events ORDER BY created_at")
    bodies: list[dict[str, Any]] = [json.loads(row["body"]) for row in rows]
    assert [body["type"] for body in bodies] == [row["type"] for row in rows]
    return bodies


def test_the_webhooks_that_are_described_are_those_that_are_sent() -> None:
    assert set(WEBHOOKS) == set(EVENT_TYPES)


async def test_every_event_body_is_as_its_webhook_says(api: AsyncClient, world: World) -> None:
    await world.set_rules(amount_rule="any")
    several = await world.pay(api, *[await world.add_bill() for _ in range(3)])
    part = await world.pay(api, await world.add_bill(), amount_dong=1, channel="qr")
    for payment in (several, part):
        reason = '"quoted" \\ \u1ea1 \U0001f642 </script>'
        assert (await world.reverse(api, payment.json()["id"], reason=reason)).status_code == 201
    bodies = await events(world)
    assert [body["type"] for body in bodies] == [
        *("payment.succeeded", "payment.succeeded"),
        *("payment.reversed", "payment.reversed"),
    ]
    for body in bodies:
        assert faults_of(model(body["type"]), body) == []


async def test_an_event_carries_what_was_answered(api: AsyncClient, world: World) -> None:
    paid = await world.pay(api, await world.add_bill(), await world.add_bill())
    undone = await world.reverse(api, paid.json()["id"])
    first, second = await events(world)
    assert (first["data"], second["data"]) == (paid.json(), undone.json())
    assert first["timestamp"] == paid.json()["created_at"]
    assert second["timestamp"] == undone.json()["reversed_at"]


async def test_a_refused_payment_tells_nobody(api: AsyncClient, world: World) -> None:
    await world.pay(api, "HD-NONE")
    assert await events(world) == []


@pytest.mark.parametrize("change", [{"type": "payment.made"}, {"timestamp": 1}, {"data": {}}])
async def test_the_schema_of_a_webhook_refuses_another_body(
    api: AsyncClient, world: World, change: dict[str, object]
) -> None:
    await world.pay(api, await world.add_bill())
    body = (await events(world))[0]
    assert faults_of(model("payment.succeeded"), body | change) != []
