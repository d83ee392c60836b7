"""Endpoints: what is kept of one, disabled, moved, and its secrets."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from gateway.store import database, webhooks
from gateway.store.database import Raw
from tests.store.queue import ENDPOINT, queue, setting_due, state
from tests.world import BILLER, World


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        yield connection


async def add_endpoint(raw: Raw, endpoint_id: UUID = ENDPOINT) -> None:
    await webhooks.add_endpoint(raw, endpoint_id, 1, "https://evn.example/", ["payment.succeeded"])


async def test_an_endpoint_is_disabled_once_and_keeps_its_first_reason(raw: Raw) -> None:
    await add_endpoint(raw)
    assert await webhooks.disable(raw, ENDPOINT, "answered 410 Gone")
    assert not await webhooks.disable(raw, ENDPOINT, "again")
    assert (
        await raw.fetchval("SELECT disabled_reason FROM webhook_endpoints") == "answered 410 Gone"
    )
    [endpoint] = await webhooks.endpoints(raw)
    assert endpoint.is_disabled


async def test_moving_an_endpoint_enables_it_and_frees_what_was_held_for_it_alone(raw: Raw) -> None:
    await add_endpoint(raw)
    await webhooks.disable(raw, ENDPOINT, "answered 410 Gone")
    held, elsewhere, dead = await queue(raw, 3, due_in_s=900)
    await raw.execute("UPDATE deliveries SET state = 'held'")
    await raw.execute("UPDATE deliveries SET endpoint_id = $2 WHERE id = $1", elsewhere, uuid4())
    await raw.execute("UPDATE deliveries SET state = 'dead' WHERE id = $1", dead)
    async with setting_due(raw, held, 0):
        assert await webhooks.move_endpoint(raw, BILLER, "https://new.example/")
    [endpoint] = await webhooks.endpoints(raw)
    assert (endpoint.url, endpoint.is_disabled) == ("https://new.example/", False)
    assert (await state(raw, held))[0] == "due"
    assert (await state(raw, elsewhere))[0] == "held"
    assert (await state(raw, dead))[0] == "dead"


async def test_no_endpoint_is_moved_when_a_biller_has_none_or_two(raw: Raw) -> None:
    assert not await webhooks.move_endpoint(raw, BILLER, "https://new.example/")
    await add_endpoint(raw)
    await add_endpoint(raw, UUID(int=2))
    assert not await webhooks.move_endpoint(raw, BILLER, "https://new.example/")
    assert {one.url for one in await webhooks.endpoints(raw)} == {"https://evn.example/"}


async def test_live_secrets_are_read_newest_first_and_expired_ones_not_at_all(raw: Raw) -> None:
    await add_endpoint(raw)
    now = datetime.now(UTC)
    for number, expires_at in enumerate(
        [None, now - timedelta(seconds=1), now + timedelta(days=1)]
    ):
        await webhooks.add_secret(
            raw,
            secret_id=UUID(int=number),
            endpoint_id=ENDPOINT,
            sealed=bytes([number]),
            expires_at=expires_at,
        )
    [endpoint] = await webhooks.endpoints(raw)
    assert endpoint.sealed == ((UUID(int=2), b"\x02"), (UUID(int=0), b"\x00"))
