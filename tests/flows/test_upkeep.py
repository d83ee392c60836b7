"""What must be done now and then; safe to repeat, and from many workers."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.flows.upkeep import DELIVERED_KEPT_DAYS, keep_up, measure_backlog
from gateway.kit import metrics
from gateway.runtime import Runtime
from gateway.store import database, upkeep
from gateway.store.idempotency import KEPT_DAYS
from tests.conftest import open_runtime
from tests.orders import another_process
from tests.world import World

DELIVERIES = """
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at, state, finished_at)
SELECT 1, gen_random_uuid(), gen_random_uuid(), now() - make_interval(secs => n), s,
    CASE WHEN s = 'delivered' THEN now() - make_interval(days => n) END
FROM (VALUES ('due', 40), ('due', 7), ('delivered', 29), ('delivered', 31)) v (s, n)
"""


def gauge(name: str) -> float:
    for line in metrics.render().decode().splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    raise AssertionError(name)


async def partitions(world: World, parent: str) -> set[str]:
    rows = await world.rows(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits "
        "WHERE inhparent = $1::text::regclass",
        parent,
    )
    return {row["name"] for row in rows}


async def test_a_turn_leaves_a_place_for_every_day_and_month_ahead(world: World) -> None:
    await keep_up(world.rt)
    today = world.rt.clock.now().date()
    async with database.borrow(world.rt.pool) as connection:
        for days in (0, 1, upkeep.DAYS_AHEAD):
            assert await upkeep.covers(connection, today + timedelta(days=days))


async def test_a_second_turn_changes_nothing(world: World) -> None:
    await keep_up(world.rt)
    tables = ("events", "transfers", "idempotency_keys")
    before = {table: await partitions(world, table) for table in tables}
    await keep_up(world.rt)
    assert before == {table: await partitions(world, table) for table in tables}


async def test_keys_past_their_time_are_dropped_and_no_others(world: World) -> None:
    await world.open_days(date(2020, 1, 1))
    oldest_kept = world.rt.clock.now().date() - timedelta(days=KEPT_DAYS)
    await world.open_days(oldest_kept)
    await keep_up(world.rt)
    left = await partitions(world, "idempotency_keys")
    assert not [name for name in left if "_p2020_" in name]
    assert f"idempotency_keys_p{oldest_kept:%Y_%m}" in left
    assert f"idempotency_keys_p{world.rt.clock.now():%Y_%m}" in left
    assert "transfers_p2020_01" in await partitions(world, "transfers")


async def test_what_was_delivered_long_ago_is_forgotten(world: World) -> None:
    await world.rows(DELIVERIES)
    await keep_up(world.rt)
    left = await world.rows("SELECT finished_at FROM deliveries WHERE state = 'delivered'")
    assert len(left) == 1
    assert left[0]["finished_at"] > datetime.now(UTC) - timedelta(days=DELIVERED_KEPT_DAYS)
    [[waiting]] = await world.rows("SELECT count(*) FROM deliveries WHERE state = 'due'")
    assert waiting == 2


async def test_the_queue_is_measured(world: World) -> None:
    await world.rows(DELIVERIES)
    await keep_up(world.rt)
    assert gauge("gateway_deliveries_waiting") == 2
    assert gauge("gateway_delivery_oldest_due_seconds") >= 40


async def test_a_queue_in_which_nothing_is_due_yet_has_no_age(world: World) -> None:
    await world.rows(DELIVERIES)
    await world.rows("UPDATE deliveries SET due_at = now() + interval '1 hour'")
    await measure_backlog(world.rt)
    assert gauge("gateway_delivery_oldest_due_seconds") == 0


async def test_workers_that_keep_up_at_once_do_not_meet(world: World, database: str) -> None:
    await world.open_days(date(2020, 1, 1))
    async with another_process(database) as other:
        turns = (keep_up(rt) for rt in (world.rt, other, world.rt, other))
        assert await asyncio.gather(*turns, return_exceptions=True) == [None] * 4
    assert "idempotency_keys_p2020_01" not in await partitions(world, "idempotency_keys")


@pytest.mark.parametrize("pool_size", [1])
async def test_one_connection_is_enough(pool_size: int, world: World, database: str) -> None:
    rt: Runtime = open_runtime(database, world.rt.clock, pool_size)
    await keep_up(rt)
    await rt.stop()
