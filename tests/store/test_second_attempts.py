"""TRY_AGAIN: one more attempt of what is proved to have failed, and of nothing else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.store import attempts, beginnings, database, idempotency
from gateway.store.database import Raw
from tests.store.begun import a_new_attempt, a_new_payment, begin, begun, put_rail
from tests.store.test_beginnings import claims, written
from tests.store.waiting import until_blocked
from tests.world import World


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        await put_rail(connection)
        yield connection


@pytest.fixture
async def other(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        yield connection


async def failed(raw: Raw, world: World, *bills: str) -> attempts.AttemptRow:
    """A payment whose one attempt has failed and whose bills are free."""
    row = await begun(raw, world, *bills, state="failed", due_at=None)
    await raw.execute("UPDATE payments SET status = 'failed', failure = 'failed'")
    await raw.execute("UPDATE bills SET claim = NULL, claimed_by = NULL WHERE status = 'open'")
    return row


def second_of(world: World, row: attempts.AttemptRow, **changes: object) -> beginnings.NewAttempt:
    own: dict[str, Any] = {
        "payment_id": row.payment_id,
        "amount_dong": row.amount_dong,
        "operation": "create_attempt",
    }
    return a_new_attempt(world, **(own | changes))


async def again(raw: Raw, new: beginnings.NewAttempt) -> object:
    return await beginnings.try_again(raw, new, idempotency.months_kept(new.created_at.date())[0])


async def test_a_failed_payment_is_tried_again_as_number_two(raw: Raw, world: World) -> None:
    row = await failed(raw, world)
    new = second_of(world, row, channel="e_wallet")
    assert await again(raw, new) == ()
    assert [one.number for one in await attempts.of_payment(raw, 1, row.payment_id)] == [2, 1]
    payment = dict((await world.rows("SELECT * FROM payments"))[0])
    assert (payment["status"], payment["failure"]) == ("processing", None)
    assert (payment["channel"], payment["expires_at"]) == ("e_wallet", new.expires_at)
    assert await claims(raw) == [("hard", row.payment_id, "open", 0)]
    assert (await written(world))["idempotency_keys"] == 2


@pytest.mark.parametrize(
    "status", ["succeeded", "awaiting_payer", "processing", "in_doubt", "cancelling", "cancelled"]
)
async def test_only_a_failed_or_expired_payment_is_tried_again(
    raw: Raw, world: World, status: str
) -> None:
    row = await failed(raw, world)
    await raw.execute("UPDATE payments SET status = $1", status)
    before = await written(world)
    assert await again(raw, second_of(world, row)) is None
    assert await written(world) == before


async def test_no_payment_is_tried_again_whose_money_came_late(raw: Raw, world: World) -> None:
    row = await failed(raw, world)
    await raw.execute("UPDATE payments SET refund = 'due'")
    assert await again(raw, second_of(world, row)) is None


@pytest.mark.parametrize("kind", ["conflicted", "second_movement"])
async def test_no_payment_is_tried_again_while_it_is_disputed(
    raw: Raw, world: World, kind: str
) -> None:
    row = await failed(raw, world)
    await raw.execute(
        "INSERT INTO exceptions (id, biller_id, payment_id, attempt_id, kind, amount_dong, owner,"
        " next_action, due_on, opened_at) VALUES ($1, 1, $2, $1, $3, 1, 'x', 'y', now(), now())",
        row.id,
        row.payment_id,
        kind,
    )
    assert await again(raw, second_of(world, row)) is None
    await raw.execute("UPDATE exceptions SET closed_at = now()")
    assert await again(raw, second_of(world, row)) == ()


async def test_no_payment_is_tried_again_whose_bill_is_held_or_paid(raw: Raw, world: World) -> None:
    bill = await world.add_bill()
    row = await failed(raw, world, bill)
    held = a_new_attempt(world)
    await begin(raw, held, a_new_payment(bill))
    assert await again(raw, second_of(world, row)) is None
    await raw.execute("UPDATE bills SET status = 'paid', paid_dong = amount_dong, claim = NULL")
    assert await again(raw, second_of(world, row)) is None


async def test_two_second_attempts_in_a_race_make_one(raw: Raw, other: Raw, world: World) -> None:
    row = await failed(raw, world)
    async with raw.transaction():
        assert await again(raw, second_of(world, row)) == ()
        rival = asyncio.create_task(again(other, second_of(world, row)))
        await until_blocked(raw)
    assert await rival is None
    assert len(await attempts.of_payment(raw, 1, row.payment_id)) == 2


async def test_a_payment_that_late_money_is_settling_is_not_tried_again(
    raw: Raw, other: Raw, world: World
) -> None:
    # Part of the bill stays open, so that the bill alone would not stop it.
    row = await failed(raw, world)
    new = second_of(world, row, amount_dong=50_000, least_part=1)
    await raw.execute("UPDATE payment_bills SET amount_dong = 50000")
    async with raw.transaction():
        await raw.execute("SELECT FROM payments FOR UPDATE")
        rival = asyncio.create_task(again(other, new))
        await until_blocked(raw)
        await raw.execute("UPDATE bills SET paid_dong = 50000")
        await raw.execute("UPDATE payments SET status = 'succeeded'")
    assert await rival is None
    assert (await world.rows("SELECT status FROM payments"))[0]["status"] == "succeeded"
