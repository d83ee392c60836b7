"""The bucket of each key: counted for all processes as one, leaking at an even pace."""

import asyncio
from datetime import UTC, datetime, timedelta

from gateway.domain.limit import Limit
from gateway.runtime import Runtime
from gateway.store import database, limits

FIVE = Limit("test", 5, timedelta(seconds=50))
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)


async def take(rt: Runtime, of: str = "a", after_s: float = 0) -> timedelta | None:
    async with database.borrow(rt.pool) as connection:
        return await limits.take(connection, FIVE, of, NOON + timedelta(seconds=after_s))


async def test_of_twenty_at_once_only_a_bucketful_is_let_through(rt: Runtime) -> None:
    answers = await asyncio.gather(*(take(rt) for _ in range(20)))
    assert answers.count(None) == FIVE.burst
    assert {wait for wait in answers if wait} == {FIVE.share}


async def test_it_leaks_one_at_a_time_and_a_refusal_adds_nothing(rt: Runtime) -> None:
    for _ in range(FIVE.burst + 3):
        await take(rt)
    assert await take(rt, after_s=9) == timedelta(seconds=1)
    assert await take(rt, after_s=10) is None
    assert await take(rt, after_s=10) == FIVE.share


async def test_each_key_has_its_own_bucket_and_an_empty_one_is_forgotten(rt: Runtime) -> None:
    for _ in range(FIVE.burst):
        await take(rt)
    assert await take(rt, "b") is None
    async with database.borrow(rt.pool) as connection:
        await limits.sweep(connection, NOON + timedelta(seconds=20))
        left = await connection.fetch("SELECT key FROM rate_limits")
    assert [row["key"] for row in left] == ["test:a"]
