"""SETTLE, SUSPEND and the claims: money pays all of its bills once, or waits, or nothing moves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime

import asyncpg
import pytest

from gateway.store import database, settlement
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw
from tests.store.begun import RAIL, a_new_attempt, a_new_payment, begin, begun, put_rail
from tests.store.waiting import until_blocked
from tests.world import World

MOVED = ("transfers", "events", "deliveries")


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        await put_rail(connection)
        await connection.execute(
            "INSERT INTO webhook_endpoints (id, biller_id, url, event_types) VALUES"
            " (gen_random_uuid(), 1, 'https://a.example/', '{payment.succeeded}'),"
            " (gen_random_uuid(), 1, 'https://b.example/', '{payment.late_money}'),"
            " (gen_random_uuid(), 1, 'https://c.example/', '{payment.conflicted}')"
        )
        yield connection


@pytest.fixture
async def other(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        yield connection


async def account(raw: Raw, code: str) -> int:
    return int(await raw.fetchval("SELECT id FROM ledger_accounts WHERE code = $1", code))


async def settle_row(raw: Raw, world: World, row: AttemptRow) -> settlement.SettleRow:
    return settlement.SettleRow(
        biller_id=1,
        payment_id=row.payment_id,
        settled_at=datetime.now(UTC),
        business_date=date(2026, 11, 25),
        head='{"bills":[',
        tail="]}",
        receivable=await account(raw, f"receivable:{RAIL}"),
        payable=await account(raw, "payable:evnspc-camau"),
        event_id=world.rt.new_id(),
        event_head='{"data":',
        least_part=2**53,
    )


async def settle(raw: Raw, world: World, row: AttemptRow) -> object:
    return await settlement.settle(raw, await settle_row(raw, world, row))


async def suspend(raw: Raw, world: World, row: AttemptRow) -> None:
    await settlement.suspend(
        raw,
        settlement.SuspendRow(
            biller_id=1,
            payment_id=row.payment_id,
            attempt_id=row.id,
            amount_dong=row.amount_dong,
            receivable=await account(raw, f"receivable:{RAIL}"),
            suspense=await account(raw, "suspense:payer"),
            at=datetime.now(UTC),
            event_id=world.rt.new_id(),
            body="{}",
        ),
    )


async def moved(world: World) -> dict[str, int]:
    return {table: await world.count(table) for table in MOVED}


async def held(raw: Raw, row: AttemptRow) -> settlement.HeldPayment:
    found = await settlement.hold(raw, 1, row.payment_id)
    assert found is not None
    return found


async def test_money_pays_its_bills_the_ledger_and_tells_the_biller(raw: Raw, world: World) -> None:
    bills = [await world.add_bill("HD-A"), await world.add_bill("HD-B")]
    row = await begun(raw, world, *bills)
    assert await settle(raw, world, row) == ()
    found = await raw.fetch("SELECT status, paid_dong, claim, claimed_by FROM bills")
    assert [tuple(one) for one in found] == [("paid", 150_000, None, row.payment_id)] * 2
    payment = dict((await world.rows("SELECT * FROM payments"))[0])
    assert (payment["status"], payment["business_date"]) == ("succeeded", date(2026, 11, 25))
    assert payment["settled_at"] is not None
    lines = await world.rows("SELECT sequence FROM payment_bills")
    assert [line["sequence"] for line in lines] == [1, 1]
    balances = await world.balances()
    assert balances == {"receivable:scripted": 300_000, "payable:evnspc-camau": -300_000}
    event = dict((await world.rows("SELECT * FROM events"))[0])
    assert event["body"] == (
        '{"data":{"bills":[{"id":"HD-A","period":"2026-10","amount_dong":150000,"sequence":1},'
        '{"id":"HD-B","period":"2026-10","amount_dong":150000,"sequence":1}]}}'
    )
    assert (event["type"], event["subject"]) == ("payment.succeeded", row.payment_id)
    assert await moved(world) == {"transfers": 1, "events": 1, "deliveries": 1}


async def test_a_payment_is_settled_once(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    assert await settle(raw, world, row) == ()
    assert await settle(raw, world, row) is None
    assert await moved(world) == {"transfers": 1, "events": 1, "deliveries": 1}


@pytest.mark.parametrize(
    "change",
    [
        "status = 'cancelled', claim = NULL",
        "status = 'paid', paid_dong = amount_dong, claim = NULL",
        "paid_dong = 1",
        "claimed_by = gen_random_uuid()",
    ],
    ids=["cancelled", "paid", "owes-less", "held-hard-by-another"],
)
async def test_money_pays_no_bill_if_one_of_its_bills_cannot_be_paid(
    raw: Raw, world: World, change: str
) -> None:
    bills = [await world.add_bill("HD-A"), await world.add_bill("HD-B")]
    row = await begun(raw, world, *bills)
    await raw.execute(f"UPDATE bills SET {change} WHERE id = 'HD-B'")
    assert await settle(raw, world, row) is None
    assert await moved(world) == dict.fromkeys(MOVED, 0)
    assert await raw.fetchval("SELECT paid_dong FROM bills WHERE id = 'HD-A'") == 0


async def test_money_takes_a_bill_that_another_holds_softly_and_names_it(
    raw: Raw, world: World
) -> None:
    bill = await world.add_bill()
    older = await begun(raw, world, bill)
    await raw.execute("UPDATE bills SET claim = 'soft' WHERE claim = 'hard'")
    newer = await begun(raw, world, bill)
    await raw.execute("UPDATE bills SET claim = 'soft' WHERE claim = 'hard'")
    assert list(await settle(raw, world, older)) == [newer.payment_id]  # type: ignore[call-overload]


async def test_money_that_lets_go_its_bill_still_pays_it_if_nobody_took_it(
    raw: Raw, world: World
) -> None:
    row = await begun(raw, world, state="expired")
    await settlement.claim(raw, 1, row.payment_id, None)
    assert await settle(raw, world, row) == ()


@pytest.mark.parametrize("count", [1, 2])
async def test_money_that_loses_its_bill_in_a_race_moves_nothing(
    raw: Raw, other: Raw, world: World, count: int
) -> None:
    bills = [await world.add_bill() for _ in range(count)]
    first = await begun(raw, world, bills[0])
    await raw.execute("UPDATE bills SET claim = 'soft' WHERE claim = 'hard'")
    second = await begun(raw, world, *bills)
    await raw.execute("UPDATE bills SET claim = 'soft' WHERE claim = 'hard'")
    row = await settle_row(raw, world, second)
    async with raw.transaction():
        assert await settle(raw, world, first) is not None
        rival = asyncio.create_task(settlement.settle(other, row))
        await until_blocked(raw)
    with pytest.raises(asyncpg.CheckViolationError, match="payments_whole_check") as lost:
        await rival
    assert database.is_contention(lost.value)
    assert await settlement.settle(other, row) is None
    assert await moved(world) == {"transfers": 1, "events": 1, "deliveries": 1}


async def test_a_part_leaves_the_bill_open_for_the_rest(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    await raw.execute("UPDATE payment_bills SET amount_dong = 50000")
    whole_only = await settle_row(raw, world, row)
    assert await settlement.settle(raw, whole_only) is None
    assert await settlement.settle(raw, replace(whole_only, least_part=50_000)) == ()
    found = await raw.fetchrow("SELECT status, paid_dong, claim FROM bills")
    assert found is not None
    assert tuple(found) == ("open", 50_000, None)


async def test_money_in_suspense_is_owed_to_its_payer_once(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    await suspend(raw, world, row)
    assert await world.balances() == {"receivable:scripted": 150_000, "suspense:payer": -150_000}
    assert (await world.rows("SELECT refund FROM payments"))[0]["refund"] == "due"
    events = await world.rows("SELECT type, subject FROM events")
    assert [tuple(event) for event in events] == [("payment.late_money", row.payment_id)]
    with pytest.raises(asyncpg.UniqueViolationError):
        await suspend(raw, world, row)
    assert await moved(world) == {"transfers": 1, "events": 1, "deliveries": 1}


async def test_what_is_told_moves_no_money(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    await settlement.tell(
        raw,
        1,
        row.payment_id,
        event_id=world.rt.new_id(),
        event_type="payment.conflicted",
        body="{}",
        at=datetime.now(UTC),
    )
    assert await moved(world) == {"transfers": 0, "events": 1, "deliveries": 1}


async def test_a_claim_is_weakened_strengthened_and_let_go(raw: Raw, world: World) -> None:
    row = await begun(raw, world, await world.add_bill(), await world.add_bill())
    for strength, left in (("soft", "soft"), ("hard", "hard"), (None, None)):
        assert await settlement.claim(raw, 1, row.payment_id, strength) == 2
        found = await raw.fetch("SELECT claim, claimed_by FROM bills")
        owner = None if left is None else row.payment_id
        assert [tuple(one) for one in found] == [(left, owner)] * 2
    assert await settlement.claim(raw, 1, row.payment_id, "soft") == 0


async def test_nobody_changes_the_claim_of_another(raw: Raw, world: World) -> None:
    bill = await world.add_bill()
    older = await begun(raw, world, bill)
    await raw.execute("UPDATE bills SET claim = 'soft' WHERE claim = 'hard'")
    newer = a_new_attempt(world)
    await begin(raw, newer, a_new_payment(bill))
    for strength in ("soft", "hard", None):
        assert await settlement.claim(raw, 1, older.payment_id, strength) == 0
    assert await settlement.reclaim(raw, 1, older.payment_id) == 0
    assert await raw.fetchval("SELECT claim FROM bills") == "hard"
    assert await raw.fetchval("SELECT claimed_by FROM bills") == newer.payment_id


@pytest.mark.parametrize("change", ["claim = NULL, claimed_by = NULL", "claim = 'soft'"])
async def test_what_nobody_holds_hard_is_reclaimed(raw: Raw, world: World, change: str) -> None:
    row = await begun(raw, world)
    await raw.execute(f"UPDATE bills SET {change}")
    assert await settlement.reclaim(raw, 1, row.payment_id) == 1
    assert await raw.fetchval("SELECT claim FROM bills") == "hard"


async def test_a_paid_bill_is_neither_claimed_nor_reclaimed(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    await settle(raw, world, row)
    assert await settlement.claim(raw, 1, row.payment_id, "soft") == 0
    assert await settlement.reclaim(raw, 1, row.payment_id) == 0


async def test_a_payment_that_succeeded_stays_so(raw: Raw, world: World) -> None:
    row = await begun(raw, world)
    before = await held(raw, row)
    await settle(raw, world, row)
    await settlement.set_status(raw, before, "failed", "failed", datetime.now(UTC))
    assert (await held(raw, row)).status == "succeeded"


async def test_a_status_is_written_with_its_reason_and_day(raw: Raw, world: World) -> None:
    row, now = await begun(raw, world), datetime.now(UTC)
    await settlement.set_status(raw, await held(raw, row), "expired", "absent", now)
    payment = dict((await world.rows("SELECT * FROM payments"))[0])
    assert (payment["status"], payment["failure"]) == ("expired", "absent")
    assert payment["settled_at"] == now


async def test_cancelling_is_asked_for_once(raw: Raw, world: World) -> None:
    row, now = await begun(raw, world), datetime.now(UTC)
    before = await held(raw, row)
    await settlement.ask_cancel(raw, before, now, "cancelling")
    await settlement.ask_cancel(raw, before, datetime.now(UTC), "processing")
    after = await held(raw, row)
    assert after == replace(before, cancel_asked_at=now, status="cancelling")
    assert (after.newest, after.bill_count) == (1, 1)


async def test_a_payment_that_is_not_there_is_not_held(raw: Raw, world: World) -> None:
    assert await settlement.hold(raw, 1, world.rt.new_id()) is None
