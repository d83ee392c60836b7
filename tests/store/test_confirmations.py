"""What is read of an order that a provider asks about."""

import asyncpg
import pytest

from gateway.store import confirmations, database
from tests.store.begun import begun, put_rail
from tests.world import World

EXACT = 2**53


async def test_an_order_as_it_was_begun_holds_its_bills(world: World) -> None:
    async with database.borrow(world.rt.pool) as raw:
        await put_rail(raw)
        row = await begun(raw, world)
        asked = await confirmations.asked_about(raw, row.biller_id, row.id, least_part=EXACT)
        assert asked is not None
        assert (asked.amount_dong, asked.state, asked.status) == (150_000, "waiting", "processing")
        assert asked.is_newest
        assert asked.holds_its_bills
        assert not asked.is_cancelling


async def test_a_part_of_a_bill_is_held_only_where_parts_may_be_paid(world: World) -> None:
    async with database.borrow(world.rt.pool) as raw:
        await put_rail(raw)
        row = await begun(raw, world)
        await raw.execute("UPDATE payment_bills SET amount_dong = 100000")
        for least_part, holds in ((100_000, True), (100_001, False), (EXACT, False)):
            asked = await confirmations.asked_about(
                raw, row.biller_id, row.id, least_part=least_part
            )
            assert asked is not None
            assert asked.holds_its_bills is holds


async def test_there_is_nothing_to_know_of_an_attempt_that_is_not_there(world: World) -> None:
    async with database.borrow(world.rt.pool) as raw:
        assert await confirmations.asked_about(raw, 1, world.rt.new_id(), least_part=1) is None


async def test_only_the_transaction_that_hurries_is_cut_short(world: World) -> None:
    async with database.borrow(world.rt.pool) as raw:
        before = await raw.fetchval("SHOW statement_timeout")
        async with raw.transaction():
            await confirmations.hurry(raw)
            with pytest.raises(asyncpg.QueryCanceledError):
                await raw.execute("SELECT pg_sleep(30)")
        assert await raw.fetchval("SHOW statement_timeout") == before
