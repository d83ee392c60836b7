"""BEGIN: all is written down or nothing, and only what may be begun."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import date

import asyncpg
import pytest

from gateway.domain.payment import Line
from gateway.store import attempts, beginnings, database, idempotency
from gateway.store import bills as bills_store
from gateway.store.database import Raw
from tests.store.begun import RAIL, a_new_attempt, a_new_payment, begin, put_rail
from tests.store.waiting import until_blocked
from tests.world import World

TABLES = ("payments", "payment_bills", "attempts", "idempotency_keys", "transfers", "events")
New = tuple[beginnings.NewAttempt, beginnings.NewPayment]


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        await put_rail(connection)
        yield connection


@pytest.fixture
async def other(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        yield connection


async def written(world: World) -> dict[str, int]:
    return {table: await world.count(table) for table in TABLES}


async def claims(raw: Raw) -> list[tuple[object, ...]]:
    rows = await raw.fetch("SELECT claim, claimed_by, status, paid_dong FROM bills ORDER BY id")
    return [tuple(row) for row in rows]


async def test_a_payment_is_begun_with_its_lines_attempt_and_running_key(
    raw: Raw, world: World
) -> None:
    bills = [await world.add_bill(), await world.add_bill()]
    new = a_new_attempt(world, bills=2)
    assert await begin(raw, new, a_new_payment(*bills)) == ()
    assert await written(world) == {
        "payments": 1,
        "payment_bills": 2,
        "attempts": 1,
        "idempotency_keys": 1,
        "transfers": 0,
        "events": 0,
    }
    assert await claims(raw) == [("hard", new.payment_id, "open", 0)] * 2
    payment = dict((await world.rows("SELECT * FROM payments"))[0])
    assert (payment["status"], payment["method"]) == ("processing", "provider")
    assert (payment["provider"], payment["expires_at"]) == (RAIL, new.expires_at)
    key = dict((await world.rows("SELECT * FROM idempotency_keys"))[0])
    assert (key["status_code"], key["body"]) == (idempotency.RUNNING, "")
    assert key["resource_id"] == new.payment_id
    row = await attempts.by_reference(raw, RAIL, new.reference)
    assert row is not None
    assert (row.state, row.number, row.amount_dong) == ("sent", 1, 300_000)
    assert (row.due_at, row.expires_at) == (new.due_at, new.expires_at)
    lines = await world.rows("SELECT sequence FROM payment_bills")
    assert [line["sequence"] for line in lines] == [None, None]


async def key_used(raw: Raw, world: World) -> New:
    first = a_new_attempt(world)
    await begin(raw, first, a_new_payment(await world.add_bill()))
    return a_new_attempt(world, key=first.key), a_new_payment(await world.add_bill())


async def reference_used(raw: Raw, world: World) -> New:
    paid = a_new_payment(await world.add_bill())
    await begin(raw, a_new_attempt(world), paid)
    twin = a_new_payment(await world.add_bill(), partner_reference=paid.partner_reference)
    return a_new_attempt(world), twin


async def held_hard(raw: Raw, world: World) -> New:
    bill = await world.add_bill()
    await begin(raw, a_new_attempt(world), a_new_payment(bill))
    return a_new_attempt(world), a_new_payment(bill)


async def half_held(raw: Raw, world: World) -> New:
    bill, free = await world.add_bill(), await world.add_bill()
    await begin(raw, a_new_attempt(world), a_new_payment(bill))
    return a_new_attempt(world, bills=2), a_new_payment(bill, free)


async def unknown_bill(_: Raw, world: World) -> New:
    return a_new_attempt(world), a_new_payment("HD-nobody")


async def anothers_bill(_: Raw, world: World) -> New:
    return a_new_attempt(world), a_new_payment(
        await world.add_bill(), customer_code="PB14010000009"
    )


async def cancelled_bill(raw: Raw, world: World) -> New:
    bill = await world.add_bill()
    await bills_store.cancel(raw, 1, bill)
    return a_new_attempt(world), a_new_payment(bill)


async def less(_: Raw, world: World) -> New:
    bill = await world.add_bill()
    return a_new_attempt(world), a_new_payment(bill, lines=(Line(bill, 149_999),))


async def more(_: Raw, world: World) -> New:
    bill = await world.add_bill()
    return a_new_attempt(world), a_new_payment(bill, lines=(Line(bill, 150_001),))


async def newer_before_older(_: Raw, world: World) -> New:
    await world.add_bill(period=date(2026, 9, 1))
    return a_new_attempt(world), a_new_payment(await world.add_bill(), oldest_first=True)


@pytest.mark.parametrize(
    "ask",
    [
        key_used,
        reference_used,
        held_hard,
        half_held,
        unknown_bill,
        anothers_bill,
        cancelled_bill,
        less,
        more,
        newer_before_older,
    ],
    ids=lambda ask: ask.__name__,
)
async def test_what_may_not_be_begun_leaves_nothing(
    raw: Raw, world: World, ask: Callable[[Raw, World], Awaitable[New]]
) -> None:
    attempt, payment = await ask(raw, world)
    before = (await written(world), await claims(raw))
    assert await begin(raw, attempt, payment) is None
    assert (await written(world), await claims(raw)) == before


async def test_a_part_is_begun_where_the_biller_takes_parts(raw: Raw, world: World) -> None:
    bill = await world.add_bill()
    new = a_new_attempt(world, least_part=1, amount_dong=50_000)
    assert await begin(raw, new, a_new_payment(bill, lines=(Line(bill, 50_000),))) == ()


async def test_a_soft_claim_is_outbid_and_its_owner_named(raw: Raw, world: World) -> None:
    bills = [await world.add_bill(), await world.add_bill()]
    olders = []
    for bill in bills:
        older = a_new_attempt(world)
        await begin(raw, older, a_new_payment(bill))
        olders.append(older.payment_id)
    await raw.execute("UPDATE bills SET claim = 'soft'")
    newer = a_new_attempt(world, bills=2)
    outbid = await begin(raw, newer, a_new_payment(*bills))
    assert outbid is not None
    assert set(outbid) == set(olders)
    assert await claims(raw) == [("hard", newer.payment_id, "open", 0)] * 2


@pytest.mark.parametrize("count", [1, 2])
async def test_a_beginning_that_loses_its_bills_in_a_race_keeps_nothing(
    raw: Raw, other: Raw, world: World, count: int
) -> None:
    bills = [await world.add_bill() for _ in range(count)]
    async with raw.transaction():
        await begin(raw, a_new_attempt(world), a_new_payment(bills[0]))
        rival = asyncio.create_task(
            begin(other, a_new_attempt(world, bills=count), a_new_payment(*bills))
        )
        await until_blocked(raw)
    with pytest.raises(asyncpg.CheckViolationError, match="payments_whole_check") as lost:
        await rival
    assert database.is_contention(lost.value)
    assert (await written(world))["payments"] == (await written(world))["attempts"] == 1


@pytest.mark.parametrize("same", ["key", "reference"])
async def test_a_beginning_that_loses_its_key_or_reference_in_a_race_keeps_nothing(
    raw: Raw, other: Raw, world: World, same: str
) -> None:
    first, paid = a_new_attempt(world), a_new_payment(await world.add_bill())
    second, twin = a_new_attempt(world), a_new_payment(await world.add_bill())
    if same == "key":
        second = replace(second, key=first.key)
    else:
        twin = replace(twin, partner_reference=paid.partner_reference)
    async with raw.transaction():
        await begin(raw, first, paid)
        rival = asyncio.create_task(begin(other, second, twin))
        await until_blocked(raw)
    with pytest.raises(asyncpg.UniqueViolationError) as lost:
        await rival
    assert database.is_contention(lost.value)
    assert (await written(world))["payments"] == 1
