"""The pool and its lanes when the server, the network or the caller goes away."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.store import database
from gateway.store.database import (
    Lane,
    NotConnected,
    Pool,
    Raw,
    borrow,
    broke,
    close_pool,
    open_pool,
)

EVENT = "SELECT wait_event FROM pg_stat_activity WHERE pid = $1"
WHO = "SELECT pg_backend_pid() AS pid, $1::int AS n"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    pool = open_pool(database, size=2)
    yield pool
    await close_pool(pool)


def lent(pool: Pool) -> int:
    return pool.get_size() - pool.get_idle_size()


@pytest.fixture
async def admin(postgres: EmbeddedPostgres) -> AsyncIterator[Raw]:
    connection = await asyncpg.connect(postgres.admin_url)
    yield connection
    await connection.close()


async def kill(admin: Raw, pid: int) -> None:
    """End a session as a failing server does, and wait until it is gone."""
    await admin.execute("SELECT pg_terminate_backend($1, 10000)", pid)


async def pid_of(lane: Lane) -> int:
    [row] = await lane.fetch(1)
    return int(row["pid"])


async def test_a_lane_lives_on_after_the_server_ended_its_session(pool: Pool, admin: Raw) -> None:
    lane = Lane(pool, WHO)
    first = await pid_of(lane)
    await kill(admin, first)
    second = await pid_of(lane)
    assert second != first
    assert await pid_of(lane) == second
    lane.close()


async def test_a_session_ended_in_the_middle_of_a_statement_breaks_that_call_alone(
    pool: Pool, admin: Raw
) -> None:
    lane = Lane(pool, "SELECT pg_backend_pid() AS pid, pg_sleep($1)::text")
    [row] = await lane.fetch(0)
    asleep = asyncio.create_task(lane.fetch(60))
    while await admin.fetchval(EVENT, row["pid"]) != "PgSleep":  # noqa: ASYNC110
        await asyncio.sleep(0)  # the server rings no bell
    await kill(admin, row["pid"])
    with pytest.raises(Exception) as caught:  # noqa: PT011 (which of the driver's, the table says)
        await asleep
    assert broke(caught.value)
    assert await lane.fetch(0)
    lane.close()


async def test_a_cancelled_fetch_costs_the_connection_but_not_its_place_in_the_pool(
    pool: Pool,
) -> None:
    lane = Lane(pool, "SELECT pg_backend_pid() AS pid, pg_sleep($1)::text")
    [first] = await lane.fetch(0)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await lane.fetch(60)
    assert lent(pool) == 0
    [after] = await lane.fetch(0)
    assert after["pid"] != first["pid"]
    async with borrow(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    assert lent(pool) == 1  # the lane's
    lane.close()
    assert lent(pool) == 0


async def test_a_refused_row_costs_the_lane_nothing(pool: Pool) -> None:
    lane = Lane(
        pool,
        "INSERT INTO areas (code, valid_from, name, kind) VALUES ('32008', 'today', 'P5', $1)"
        " RETURNING pg_backend_pid() AS pid",
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await lane.fetch("kingdom")
    held = lane._held
    [row] = await lane.fetch("ward")
    assert lane._held is held
    with pytest.raises(asyncpg.UniqueViolationError):
        await lane.fetch("ward")
    assert row["pid"] > 0
    lane.close()


async def test_a_statement_that_cannot_be_prepared_leaves_no_connection_behind(
    pool: Pool,
) -> None:
    lane = Lane(pool, "SELECT nothing FROM nowhere")
    for _ in range(3):
        with pytest.raises(asyncpg.UndefinedTableError):
            await lane.fetch()
    assert lent(pool) == 0


async def test_a_lanes_connection_is_never_lent_to_others(pool: Pool) -> None:
    lane = Lane(pool, WHO)
    held = await pid_of(lane)
    lane.close()
    for _ in range(3):
        async with borrow(pool) as connection:
            assert await connection.fetchval("SHOW enable_seqscan") == "on"
            assert await connection.fetchval("SELECT pg_backend_pid()") != held


async def test_a_closed_lane_may_fly_again(pool: Pool) -> None:
    lane = Lane(pool, WHO)
    first = await pid_of(lane)
    lane.close()
    lane.close()
    assert await pid_of(lane) != first
    lane.close()


async def test_the_pool_lends_no_connection_whose_server_is_gone(pool: Pool, admin: Raw) -> None:
    async with borrow(pool) as one, borrow(pool) as other:
        gone = {await c.fetchval("SELECT pg_backend_pid()") for c in (one, other)}
    for pid in gone:
        await kill(admin, pid)
    for _ in range(3):
        async with borrow(pool) as connection:
            assert await connection.fetchval("SELECT pg_backend_pid()") not in gone


async def test_a_connection_that_was_left_in_a_transaction_is_not_lent_again(
    pool: Pool,
) -> None:
    # What a task leaves that is cancelled between the driver's BEGIN and its answer.
    async with borrow(pool) as connection:
        await connection.execute("BEGIN")
    async with borrow(pool) as one, borrow(pool) as other:
        assert not one.is_in_transaction()
        assert not other.is_in_transaction()


async def test_the_service_acts_as_its_role_in_utc_with_a_limit_on_each_statement(
    pool: Pool,
) -> None:
    async with borrow(pool) as connection:
        assert await connection.fetchval("SELECT current_user") == database.SERVICE_ROLE
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SHOW statement_timeout") == "15s"
        assert await connection.fetchval("SHOW plan_cache_mode") == "force_generic_plan"


async def test_a_pool_waits_for_a_free_connection_no_longer_than_it_says(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_S", 0.05)
    async with borrow(pool), borrow(pool):
        with pytest.raises(TimeoutError) as caught:
            async with borrow(pool):
                pass
    assert broke(caught.value)
    async with borrow(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_cancelled_borrower_leaves_nothing_open_and_nothing_lent(pool: Pool) -> None:
    async def begin_and_sleep() -> None:
        async with borrow(pool) as connection, connection.transaction():
            await connection.execute("SELECT pg_sleep(60)")

    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await begin_and_sleep()
    assert lent(pool) == 0
    async with borrow(pool) as one, borrow(pool) as other:
        assert not one.is_in_transaction()
        assert not other.is_in_transaction()


async def test_a_borrower_that_meets_a_broken_database_gives_nothing_back(
    pool: Pool, admin: Raw
) -> None:
    async def lose_it() -> None:
        async with borrow(pool) as connection:
            await kill(admin, await connection.fetchval("SELECT pg_backend_pid()"))
            await connection.fetchval("SELECT 1")

    with pytest.raises(Exception) as caught:  # noqa: PT011 (which of the driver's, the table says)
        await lose_it()
    assert broke(caught.value)
    assert pool.get_size() == 0


async def test_nothing_is_connected_before_it_is_needed(pool: Pool) -> None:
    assert pool.get_size() == 0
    async with borrow(pool):
        assert pool.get_size() == 1


async def test_a_pool_that_closes_cuts_off_who_does_not_give_back(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.database.CLOSE_TIMEOUT_S", 0.05)
    pool = open_pool(database, size=1)
    async with borrow(pool) as connection:
        await close_pool(pool)
        with pytest.raises(asyncpg.InterfaceError):
            await connection.fetchval("SELECT 1")


async def test_a_stranger_is_told_from_a_mistake_of_ours(database: str) -> None:
    pool = open_pool(database, size=1, role="nobody_here")
    with pytest.raises(NotConnected, match="nobody_here"):
        await Lane(pool, WHO).fetch(1)
    await close_pool(pool)


async def test_a_server_that_is_not_there_is_a_broken_database() -> None:
    pool = open_pool("postgresql://gateway@127.0.0.1:1/gateway", size=1)
    with pytest.raises(Exception) as caught:  # noqa: PT011 (the claim is about any of them)
        await Lane(pool, WHO).fetch(1)
    assert broke(caught.value)
    await close_pool(pool)
