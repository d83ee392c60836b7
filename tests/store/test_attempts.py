"""Attempts as stored: held, moved, leased by one at a time, woken and postponed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from gateway.store import attempts, database
from gateway.store.database import Raw
from tests.store.begun import RAIL, a_new_attempt, begun, put_rail
from tests.store.waiting import until_blocked
from tests.world import World

MINUTE = timedelta(minutes=1)
NONE = timedelta()


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        await put_rail(connection)
        yield connection


@pytest.fixture
async def other(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        yield connection


async def claim(
    raw: Raw, *, spacing: timedelta = NONE, most: int = 16, provider: str = RAIL
) -> list[attempts.AttemptRow]:
    return await attempts.claim_due(raw, provider, spacing=spacing, lease=MINUTE, most=most)


async def due(raw: Raw, *rows: attempts.AttemptRow, ago_s: float = 0.0) -> None:
    await raw.execute(
        "UPDATE attempts SET due_at = now() - make_interval(secs => $2) WHERE id = ANY ($1)",
        [row.id for row in rows],
        ago_s,
    )


async def test_what_is_moved_is_read_back(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    now = datetime.now(UTC)
    moved = replace(
        row,
        state="unknown",
        rank=3,
        code="7000",
        provider_id="4000000001",
        memory='{"trans":"7"}',
        redirect_url="https://pay.test/",
        deeplink="app://pay",
        qr_content="0002",
        payment_code="888515992",
        negatives=2,
        negative_since=now,
        due_at=now,
        asked=5,
        doubt_since=now,
        settled_at=now,
    )
    await attempts.move(raw, moved)
    assert await attempts.by_reference(raw, RAIL, row.reference) == moved
    assert await attempts.hold(raw, 1, row.id) == moved
    assert await attempts.hold_by_reference(raw, RAIL, row.reference) == moved
    assert await attempts.of_payment(raw, 1, row.payment_id) == [moved]


async def test_nothing_is_found_where_nothing_is(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    assert await attempts.by_reference(raw, "another", row.reference) is None
    assert await attempts.hold_by_reference(raw, RAIL, "att_nobody") is None
    assert await attempts.hold(raw, 2, row.id) is None
    assert await attempts.of_payment(raw, 2, row.payment_id) == []


async def test_whoever_holds_an_attempt_holds_its_payment(
    raw: Raw, other: Raw, world: World
) -> None:
    row = await begun(raw, world)
    holds: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: attempts.hold(other, 1, row.id),
        lambda: attempts.hold_by_reference(other, RAIL, row.reference),
    )
    for hold in holds:
        async with raw.transaction():
            await raw.execute("SELECT FROM payments WHERE id = $1 FOR UPDATE", row.payment_id)
            waiting = asyncio.ensure_future(hold())
            await until_blocked(raw)
        assert await waiting == row


async def test_a_claim_takes_what_is_due_and_leases_it(raw: Raw, world: World) -> None:
    first, second = await begun(raw, world), await begun(raw, world)
    await due(raw, first, second)
    leased = await claim(raw)
    assert {row.id for row in leased} == {first.id, second.id}
    assert {row.lease_no for row in leased} == {1}
    assert await claim(raw) == []
    await due(raw, first)
    assert [row.lease_no for row in await claim(raw)] == [2]


async def test_a_claim_takes_the_longest_due_first(raw: Raw, world: World) -> None:
    rows = [await begun(raw, world) for _ in range(3)]
    for ago, row in enumerate(rows):
        await due(raw, row, ago_s=ago)
    assert [row.id for row in await claim(raw, most=1)] == [rows[2].id]


@pytest.mark.parametrize("state", ["sent", "pending", "unknown"])
async def test_a_claim_takes_what_is_in_doubt_before_what_waits_for_its_payer(
    raw: Raw, world: World, state: str
) -> None:
    waits = await begun(raw, world)
    doubted = await begun(raw, world, state=state)
    await due(raw, waits, ago_s=3600)
    await due(raw, doubted)
    assert [row.id for row in await claim(raw, spacing=MINUTE)] == [doubted.id]


@pytest.mark.parametrize(
    "due_at", [None, datetime.now(UTC) + timedelta(days=1)], ids=["never", "later"]
)
async def test_a_claim_leaves_what_is_not_due(
    raw: Raw, world: World, due_at: datetime | None
) -> None:
    await begun(raw, world, due_at=due_at)
    assert await claim(raw) == []


async def test_a_claim_leaves_what_is_due_at_another_provider(raw: Raw, world: World) -> None:
    await due(raw, await begun(raw, world))
    await put_rail(raw, "another")
    assert await claim(raw, provider="another") == []


async def test_a_claim_passes_over_what_another_session_holds(
    raw: Raw, other: Raw, world: World
) -> None:
    held, free = await begun(raw, world), await begun(raw, world)
    await due(raw, held, free)
    async with raw.transaction():
        await attempts.hold(raw, 1, held.id)
        assert [row.id for row in await claim(other)] == [free.id]


async def test_many_claims_at_once_lease_each_attempt_once(world: World, raw: Raw) -> None:
    rows = [await begun(raw, world) for _ in range(20)]
    await due(raw, *rows)

    async def one() -> list[attempts.AttemptRow]:
        async with database.borrow(world.rt.pool) as connection:
            return await claim(connection, most=3)

    taken = [
        row.id for leased in await asyncio.gather(*(one() for _ in range(20))) for row in leased
    ]
    assert len(taken) == len(set(taken)) == 20


async def test_a_spaced_claim_takes_one_and_then_none_until_the_turn(
    raw: Raw, world: World
) -> None:
    await due(raw, await begun(raw, world), await begun(raw, world))
    assert len(await claim(raw, spacing=MINUTE)) == 1
    assert await claim(raw, spacing=MINUTE) == []
    await raw.execute("UPDATE providers SET next_query_at = now()")
    assert len(await claim(raw, spacing=MINUTE)) == 1


async def test_a_turn_is_not_used_up_where_nothing_is_due(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    assert await claim(raw, spacing=MINUTE) == []
    await due(raw, row)
    assert len(await claim(raw, spacing=MINUTE)) == 1


@pytest.mark.parametrize("spacing", [NONE, MINUTE], ids=["free", "spaced"])
async def test_nothing_is_claimed_at_a_provider_that_is_postponed(
    raw: Raw, world: World, spacing: timedelta
) -> None:
    await due(raw, await begun(raw, world))
    await attempts.postpone(raw, RAIL, MINUTE)
    assert await claim(raw, spacing=spacing) == []
    await raw.execute("UPDATE providers SET next_query_at = now()")
    assert len(await claim(raw, spacing=spacing)) == 1


async def test_a_turn_is_taken_by_one(raw: Raw, world: World) -> None:
    async def one() -> bool:
        async with database.borrow(world.rt.pool) as connection:
            return await attempts.take_turn(connection, RAIL, MINUTE)

    assert sorted(await asyncio.gather(*(one() for _ in range(20)))) == [False] * 19 + [True]


async def test_unspaced_turns_are_always_there_unless_postponed(raw: Raw) -> None:
    assert [await attempts.take_turn(raw, RAIL, NONE) for _ in range(2)] == [True, True]
    await attempts.postpone(raw, RAIL, MINUTE)
    assert not await attempts.take_turn(raw, RAIL, NONE)


async def test_a_lease_outnumbers_the_one_before_and_keeps_what_has_ended_ended(
    raw: Raw, world: World
) -> None:
    row = await begun(raw, world, due_at=None)
    assert [await attempts.lease(raw, row, MINUTE) for _ in range(2)] == [1, 2]
    found = await attempts.by_reference(raw, RAIL, row.reference)
    assert found is not None
    assert found.due_at is None


async def test_waking_makes_open_attempts_due_and_ended_ones_not(raw: Raw, world: World) -> None:
    ended = await begun(raw, world, state="failed", due_at=None)
    waits = await begun(raw, world)
    await attempts.wake(raw, 1, [ended.payment_id, waits.payment_id])
    assert [row.id for row in await claim(raw)] == [waits.id]


async def test_waking_puts_off_nothing_that_is_due_already(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    await due(raw, row, ago_s=60)
    before = await attempts.by_reference(raw, RAIL, row.reference)
    await attempts.wake(raw, 1, [row.payment_id])
    assert await attempts.by_reference(raw, RAIL, row.reference) == before


@pytest.mark.parametrize("state", ["sent", "waiting", "pending", "unknown"])
async def test_a_payment_has_one_live_attempt(raw: Raw, world: World, state: str) -> None:
    row = await begun(raw, world, state=state)
    with pytest.raises(asyncpg.UniqueViolationError, match="attempts_live"):
        await another(raw, row, world)


@pytest.mark.parametrize("state", ["succeeded", "failed", "not_sent", "absent", "expired"])
async def test_an_ended_attempt_leaves_room_for_another(raw: Raw, world: World, state: str) -> None:
    row = await begun(raw, world, state=state)
    await another(raw, row, world)
    numbers = [one.number for one in await attempts.of_payment(raw, 1, row.payment_id)]
    assert numbers == [2, 1]


async def test_an_older_attempt_may_be_disputed_beside_a_live_one(raw: Raw, world: World) -> None:
    row = await begun(raw, world, state="failed")
    await another(raw, row, world)
    await attempts.move(raw, replace(row, state="conflicted"))
    states = [one.state for one in await attempts.of_payment(raw, 1, row.payment_id)]
    assert states == ["sent", "conflicted"]


@pytest.mark.parametrize(
    "change", ["state = 'paid'", "amount_dong = 0", "provider = 'scripted', reference = 'twin'"]
)
async def test_what_an_attempt_may_not_be_is_refused(raw: Raw, world: World, change: str) -> None:
    row = await begun(raw, world)
    await raw.execute(
        "UPDATE attempts SET reference = 'twin' WHERE id = $1", (await begun(raw, world)).id
    )
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await raw.execute(f"UPDATE attempts SET {change} WHERE id = $1", row.id)


async def test_doubts_are_counted_by_provider_with_the_oldest(raw: Raw, world: World) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    later = datetime.now(UTC) + MINUTE
    await begun(raw, world, state="unknown", due_at=later, doubt_since=long_ago)
    await begun(raw, world, state="unknown", due_at=later, doubt_since=datetime.now(UTC))
    # It was in doubt once, and is not now.
    await begun(raw, world, state="pending", due_at=later, doubt_since=long_ago - MINUTE)
    [(provider, count, oldest_s)] = await attempts.doubts(raw)
    assert (provider, count) == (RAIL, 2)
    assert 3590 < oldest_s < 3660


async def test_no_doubt_has_no_age(raw: Raw, world: World) -> None:
    await begun(raw, world, due_at=datetime.now(UTC))
    assert await attempts.doubts(raw) == [(RAIL, 0, 0.0)]


async def another(raw: Raw, row: attempts.AttemptRow, world: World) -> None:
    """Write a second attempt of the same payment, past what the flows would refuse."""
    new = a_new_attempt(world)
    await raw.execute(
        "INSERT INTO attempts (biller_id, id, payment_id, number, provider, reference, text,"
        " amount_dong, return_url, notify_url, payer_ip, locale, visibility_s, state, created_at,"
        " expires_at) SELECT biller_id, $2, payment_id, 2, provider, $3, text, amount_dong,"
        " return_url, notify_url, payer_ip, locale, visibility_s, 'sent', now(), now()"
        " FROM attempts WHERE id = $1",
        row.id,
        new.attempt_id,
        new.reference,
    )
