"""Users, sessions and tries as rows."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gateway.domain.user import Limit, Role, Stage
from gateway.runtime import Runtime
from gateway.store import database, users

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SOMEBODY = UUID(int=7)


async def test_twenty_at_once_take_one_name(rt: Runtime) -> None:
    async def add(number: int) -> bool:
        async with database.borrow(rt.pool) as connection:
            return await users.add(connection, UUID(int=number), "dung", Role.VIEWER, [], "hash")

    added = await asyncio.gather(*(add(n) for n in range(20)))
    assert added.count(True) == 1


async def test_tries_are_free_at_first_and_then_wait_twice_as_long_each_time(rt: Runtime) -> None:
    waits, at = [], NOW
    async with database.borrow(rt.pool) as connection:
        for _ in range(12):
            wait = await users.count_try(connection, "pair:x", at, Limit(free=3, longest_s=30))
            while wait is not None:
                waits.append(int(wait.total_seconds()))
                at += wait
                wait = await users.count_try(connection, "pair:x", at, Limit(3, 30))
    assert waits[:5] == [2, 4, 8, 16, 30]
    assert max(waits) == 30


async def test_an_hour_without_a_try_is_forgiven(rt: Runtime) -> None:
    limit = Limit(free=1, longest_s=900)
    async with database.borrow(rt.pool) as connection:
        for _ in range(3):
            await users.count_try(connection, "pair:x", NOW, limit)
        later = NOW + timedelta(hours=1, seconds=1)
        assert await users.count_try(connection, "pair:x", later, limit) is None
        assert await users.count_try(connection, "pair:x", later, limit) is None


async def test_a_step_is_taken_once_and_no_earlier_one_after_it(rt: Runtime) -> None:
    async with database.borrow(rt.pool) as connection:
        await users.add(connection, SOMEBODY, "dung", Role.VIEWER, [], "hash")
        taken = [await users.take_step(connection, SOMEBODY, step) for step in (5, 5, 4, 6)]
    assert taken == [True, False, False, True]


async def test_what_is_over_is_swept_and_what_is_not_stays(rt: Runtime) -> None:
    async with database.borrow(rt.pool) as connection:
        await users.add(connection, SOMEBODY, "dung", Role.VIEWER, [], "hash")
        for number, until in ((1, NOW - timedelta(hours=1)), (2, NOW + timedelta(hours=1))):
            digest = bytes([number])
            await users.open_session(connection, digest, SOMEBODY, Stage.IN, NOW, until)
        await users.count_try(connection, "pair:x", NOW, Limit(1, 1))
        await users.sweep(connection, ended=NOW, forgotten=NOW)
        assert await users.session(connection, b"\x01") is None
        assert await users.session(connection, b"\x02") is not None
        await users.close_sessions(connection, SOMEBODY, but=b"\x02")
        assert await users.session(connection, b"\x02") is not None
