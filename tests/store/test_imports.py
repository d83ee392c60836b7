import asyncpg

from gateway.runtime import Runtime
from gateway.store import database, imports
from tests.world import CUSTOMER, World

FACTS = f"{CUSTOMER},2026-10-01,45,92593,7407,100000,2026-11-02,2026-11-09"


def lines(*ids: str) -> dict[str, str]:
    return {name: f"{name},{FACTS}" for name in ids}


async def test_new_bills_go_straight_into_the_table(rt: Runtime, world: World) -> None:
    async with database.borrow(rt.pool) as connection, connection.transaction():
        assert await imports.merge_bills(connection, 1, lines("HD-1")) == (1, [])
        assert await connection.fetchval("SELECT to_regclass('staged_bills')") is None


async def test_a_line_that_cannot_stand_says_what_stands_there(rt: Runtime, world: World) -> None:
    await world.add_bill("HD-1")
    await world.rows("UPDATE bills SET status = 'cancelled'")
    async with database.borrow(rt.pool) as connection, connection.transaction():
        written, told = await imports.merge_bills(connection, 1, lines("HD-1"))
    assert (written, [(line.id, line.status) for line in told]) == (0, [("HD-1", "cancelled")])


async def test_a_known_bill_that_no_sample_met_is_merged_all_the_same(
    rt: Runtime, world: World
) -> None:
    ids = [f"HD-{number:04}" for number in range(250)]
    await world.add_bill(ids[1])
    async with database.borrow(rt.pool) as connection, connection.transaction():
        assert await imports._are_new(connection, 1, ids)
        assert await imports.merge_bills(connection, 1, lines(*ids)) == (250, [])
    assert await world.count("bills WHERE kwh = 45") == 250


async def test_a_chunk_is_staged_apart_from_the_one_before(rt: Runtime, world: World) -> None:
    await world.add_bill("HD-1")
    async with database.borrow(rt.pool) as connection, connection.transaction():
        assert (await imports.merge_bills(connection, 1, lines("HD-1")))[0] == 1
        assert (await imports.merge_bills(connection, 1, lines("HD-1", "HD-2")))[0] == 1
    assert await world.count("bills") == 2


async def test_customers_that_are_not_there_are_told_apart(rt: Runtime, world: World) -> None:
    async with database.borrow(rt.pool) as connection:
        assert await imports.unknown_customers(connection, 1, {CUSTOMER}) == set()
        asked = {CUSTOMER, "PB14019999999"}
        assert await imports.unknown_customers(connection, 1, asked) == {"PB14019999999"}
        assert await imports.unknown_customers(connection, 2, {CUSTOMER}) == {CUSTOMER}


async def test_a_login_that_owns_nothing_renews_statistics_and_keeps_the_indexes(
    rt: Runtime, world: World, database_url: str
) -> None:
    role = database.SERVICE_ROLE
    owner = await asyncpg.connect(database_url)
    await owner.execute("DROP ROLE IF EXISTS stranger")
    await owner.execute(f"CREATE ROLE stranger LOGIN IN ROLE {role}")
    stranger = await asyncpg.connect(database_url, user="stranger", server_settings={"role": role})
    try:
        async with stranger.transaction():
            assert await imports.drop_indexes(stranger) == []
        await imports.analyze(stranger)
    finally:
        await stranger.close()
        await owner.execute("DROP ROLE stranger")
        await owner.close()
    known = await world.rows("SELECT reltuples FROM pg_class WHERE relname = 'customers'")
    assert known[0]["reltuples"] == 1


async def test_indexes_are_dropped_for_empty_tables_only_and_built_as_they_were(
    rt: Runtime, world: World
) -> None:
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef"
    before = await world.rows(indexes)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        role = await connection.fetchval("SELECT current_user")
        dropped = await imports.drop_indexes(connection)
        assert len(await connection.fetch(indexes)) == len(before) - len(dropped) < len(before)
        await imports.build_indexes(connection, dropped)
        assert await connection.fetchval("SELECT current_user") == role
    assert await world.rows(indexes) == before
    await world.add_bill("HD-1")
    async with database.borrow(rt.pool) as connection, connection.transaction():
        assert await imports.drop_indexes(connection) == []
