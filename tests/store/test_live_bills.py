"""One answer of a live service, kept in one statement."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.store import database, live_bills
from gateway.store.live_bills import LiveBill, Snapshot
from tests.world import CUSTOMER, World

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
BILL = LiveBill("HD-1", date(2026, 10, 1), 150_000, '{"code":"C1"}')
TOLD = Snapshot(1, CUSTOMER, "Án", "Phường 5", NOW, NOW.date(), NOW.date(), [BILL])


async def renew(world: World, told: Snapshot) -> bool:
    async with database.borrow(world.rt.pool) as connection:
        return await live_bills.renew(connection, told)


async def bills(world: World) -> list[tuple[str, str, int]]:
    rows = await world.rows("SELECT id, status, amount_dong FROM bills ORDER BY id")
    return [(row["id"], row["status"], row["amount_dong"]) for row in rows]


async def test_an_answer_is_kept_with_what_the_adapter_wants_back(world: World) -> None:
    assert await renew(world, TOLD)
    assert await bills(world) == [("HD-1", "open", 150_000)]
    assert (await world.rows("SELECT memory FROM live_bills"))[0]["memory"] == BILL.memory
    async with database.borrow(world.rt.pool) as connection:
        assert await live_bills.as_of(connection, 1, CUSTOMER) == NOW
        assert await live_bills.as_of(connection, 1, "PB14010000009") is None


async def test_an_older_answer_changes_nothing(world: World) -> None:
    await renew(world, TOLD)
    older = replace(TOLD, as_of=NOW - timedelta(seconds=1), bills=[], name="Khác")
    assert not await renew(world, older)
    assert await bills(world) == [("HD-1", "open", 150_000)]
    assert (await world.rows("SELECT name FROM customers"))[0]["name"] == "Án"


async def test_what_the_biller_wrote_of_a_customer_before_keeps_its_ward(world: World) -> None:
    await renew(world, TOLD)
    [row] = await world.rows("SELECT name, area_code FROM customers")
    assert (row["name"], row["area_code"]) == ("Án", "32008")


@pytest.mark.parametrize(
    ("standing", "status"),
    [
        ("status = 'open'", "cancelled"),
        ("claim = 'soft', claimed_by = gen_random_uuid()", "open"),
        ("claim = 'hard', claimed_by = gen_random_uuid()", "open"),
        ("status = 'paid', paid_dong = amount_dong, claimed_by = gen_random_uuid()", "paid"),
    ],
    ids=["free", "soft", "hard", "paid"],
)
async def test_a_bill_that_vanished_is_no_longer_owed_unless_a_payment_has_it(
    world: World, standing: str, status: str
) -> None:
    await renew(world, TOLD)
    await world.rows(f"UPDATE bills SET {standing} RETURNING id")
    await renew(world, replace(TOLD, as_of=NOW + timedelta(seconds=1), bills=[]))
    assert await bills(world) == [("HD-1", status, 150_000)]


@pytest.mark.parametrize(
    ("standing", "amount"),
    [
        ("status = 'cancelled'", 160_000),
        ("claim = 'hard', claimed_by = gen_random_uuid()", 150_000),
        ("status = 'paid', paid_dong = amount_dong, claimed_by = gen_random_uuid()", 150_000),
        ("customer_code = 'PB14010000009'", 150_000),
    ],
    ids=["gone_before", "hard", "paid", "of_another_customer"],
)
async def test_a_bill_takes_a_new_amount_only_while_no_money_is_on_it(
    world: World, standing: str, amount: int
) -> None:
    await renew(world, TOLD)
    await world.rows(f"UPDATE bills SET {standing} RETURNING id")
    changed = replace(BILL, amount_dong=160_000)
    await renew(world, replace(TOLD, as_of=NOW + timedelta(seconds=1), bills=[changed]))
    [(_, _, found)] = await bills(world)
    assert found == amount
