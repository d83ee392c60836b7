"""Adoption is counted from what happened, corrected when it happens late, and never half."""

import asyncio
from dataclasses import astuple
from datetime import date

import pytest
from httpx import AsyncClient

from gateway.domain.adoption import months_later
from gateway.flows import adoption
from gateway.flows.adoption import Wanted
from gateway.store import database, rolling
from tests.history import FIRST, History
from tests.world import BILLER, CUSTOMER, World


async def counted(world: World) -> dict[tuple[date, str, str, str], tuple[int, ...]]:
    """Roll up, and give the cells as the oracle does."""
    await adoption.roll_up(world.rt)
    cells = await adoption.read_cells(world.rt, world.rt.directory.billers[BILLER], Wanted())
    return {(c.month, c.area_code, c.segment, c.channel): tuple(astuple(c)[4:]) for c in cells}


@pytest.mark.parametrize("seed", range(6))
async def test_any_history_is_counted_as_brute_force_counts_it(world: World, seed: int) -> None:
    history = History(world, seed)
    await history.begin(customers=9, months=5)
    for _ in range(12):
        for _ in range(history.random.randrange(1, 15)):
            await history.step()
        assert await counted(world) == history.counts()


@pytest.mark.parametrize("seed", range(3))
async def test_one_count_at_the_end_gives_the_same_as_a_count_after_every_event(
    world: World, seed: int
) -> None:
    history = History(world, 100 + seed)
    await history.begin(customers=6, months=4)
    for _ in range(60):
        await history.step()
    first = await counted(world)
    assert first == history.counts()
    for customer in history.areas:
        month, at = await adoption.read_first_paid(
            world.rt, world.rt.directory.billers[BILLER], customer
        )
        assert month == history.first_month(customer)
        assert (at is None) == (month is None)
    assert (await adoption.roll_up(world.rt)).months == 0


async def test_a_payment_makes_an_electronic_payer_and_its_reversal_unmakes_it(
    world: World, api: AsyncClient
) -> None:
    biller = world.rt.directory.billers[BILLER]
    bill = await world.add_bill()
    await adoption.roll_up(world.rt)
    [month] = await adoption.read_months(world.rt, biller, Wanted())
    assert (month.tally.billed, month.tally.unsettled) == (1, 1)
    paid = await world.pay(api, bill)
    await adoption.roll_up(world.rt)
    [month] = await adoption.read_months(world.rt, biller, Wanted())
    assert (month.tally.electronic, month.tally.new, month.tally.unsettled) == (1, 1, 0)
    assert (await adoption.read_first_paid(world.rt, biller, CUSTOMER))[0] == date(2026, 10, 1)
    await world.reverse(api, paid.json()["id"])
    await adoption.roll_up(world.rt)
    [month] = await adoption.read_months(world.rt, biller, Wanted())
    assert (month.tally.electronic, month.tally.new, month.tally.unsettled) == (0, 0, 1)
    assert await adoption.read_first_paid(world.rt, biller, CUSTOMER) == (None, None)
    assert (await adoption.roll_up(world.rt)).months == 0


async def test_a_late_first_payment_and_its_reversal_correct_every_month_they_change(
    world: World,
) -> None:
    history = History(world, 4)
    await history.begin(customers=1, months=0)
    [customer] = history.areas
    months = [months_later(FIRST, later) for later in range(6)]
    bills = [await history.add_bill(customer, month) for month in months]
    await history.pay(bills[5], "portal")
    assert (await counted(world)) == history.counts()
    await history.pay(bills[0], "e_wallet")
    assert (await counted(world)) == history.counts()
    biller = world.rt.directory.billers[BILLER]
    resumed = [m.tally.resumed for m in await adoption.read_months(world.rt, biller, Wanted())]
    assert resumed == [0, 0, 0, 0, 0, 1]
    await history.reverse(bills[0])
    assert (await counted(world)) == history.counts()
    month, at = await adoption.read_first_paid(world.rt, biller, customer)
    assert (month, at is None) == (months[5], False)


async def test_what_commits_while_a_month_is_counted_is_counted_the_next_time(
    world: World,
) -> None:
    history = History(world, 1)
    await history.begin(customers=3, months=1)
    bill = history.bills[0]
    async with database.borrow(world.rt.pool) as connection:
        late = connection.transaction()
        await late.start()
        await connection.execute(
            "UPDATE bills SET kwh = 2 WHERE biller_id = 1 AND id = $1", bill.id
        )
        assert (await adoption.roll_up(world.rt)).months == 1
        assert (await adoption.roll_up(world.rt)).months == 0
        await late.commit()
    assert (await adoption.roll_up(world.rt)).months == 1


async def test_twenty_roll_ups_at_once_count_everything_once(world: World) -> None:
    history = History(world, 2)
    await history.begin(customers=6, months=4)
    for _ in range(40):
        await history.step()
    await asyncio.gather(*(adoption.roll_up(world.rt) for _ in range(20)))
    assert await counted(world) == history.counts()


async def test_a_roll_up_that_is_cut_off_leaves_the_month_to_be_counted(world: World) -> None:
    history = History(world, 3)
    await history.begin(customers=3, months=2)
    async with database.borrow(world.rt.pool) as connection:
        whole = connection.transaction()
        await whole.start()
        await rolling.roll(connection, 1, FIRST, world.rt.clock.now())
        await whole.rollback()
    assert await world.count("adoption_monthly") == 0
    assert await counted(world) == history.counts()
