"""Adoption is counted from what happened, corrected when it happens late, and never half."""

import asyncio
from dataclasses import asdict, astuple
from datetime import date

import pytest
from httpx import AsyncClient

from gateway.domain.adoption import months_later
from gateway.domain.pilot import Outlook, Pilot, PilotUnknown
from gateway.flows import adoption
from gateway.flows.adoption import Wanted
from gateway.runtime import Clock
from gateway.sandbox.areas import AREAS
from gateway.store import database, imports, rolling
from tests.history import FIRST, History
from tests.world import BILLER, CUSTOMER, World, at_noon


@pytest.fixture
def clock() -> Clock:
    return at_noon()


async def counted(world: World) -> dict[tuple[date, str, str, str], tuple[int, ...]]:
    """Roll up, and give the cells as the oracle does."""
    await adoption.roll_up(world.rt)
    cells = await adoption.read_cells(world.rt, world.rt.directory.billers[BILLER], Wanted())
    return {(c.month, c.area_code, c.segment, c.channel): tuple(astuple(c)[4:]) for c in cells}


@pytest.mark.parametrize("seed", range(4))
async def test_any_history_is_counted_as_brute_force_counts_it(world: World, seed: int) -> None:
    history = History(world, seed)
    await history.begin(customers=9, months=5)
    for _ in range(8):
        for _ in range(history.random.randrange(1, 15)):
            await history.step()
        assert await counted(world) == history.counts()


@pytest.mark.parametrize("seed", range(2))
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


PILOT = Pilot(
    code="wards",
    name="Phường 2 và 5",
    areas=("32011", "32008"),
    comparison_areas=("32017",),
    baseline_from=FIRST,
    baseline_to=months_later(FIRST, 1),
    starts_on=months_later(FIRST, 2),
    ends_on=date(2027, 12, 31),
    target_percent=200,
)


async def planted(world: World) -> History:
    """Ward 2: nine customers, one more of them electronic each month; ward 6: one, always."""
    history = History(world, 0)
    for index in range(10):
        code = f"PB1499{index:07d}"
        history.areas[code] = "32011" if index < 9 else "32017"
        history.segments[code] = "household"
        await history.add_customer(code)
    for month in range(8):
        for index, code in enumerate(history.areas):
            bill = await history.add_bill(code, months_later(FIRST, month))
            is_electronic = index <= month or index == 9
            await history.pay(bill, "portal" if is_electronic else "home_cash")
    await adoption.put_pilot(world.rt, world.rt.directory.billers[BILLER], PILOT, actor="test")
    await adoption.roll_up(world.rt)
    return history


async def test_a_planted_growth_comes_out_to_the_person(world: World) -> None:
    await planted(world)
    found = await adoption.read_pilot(world.rt, world.rt.directory.billers[BILLER], "wards")
    assert [m.tally.electronic for m in found.whole.months] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [m.tally.new for m in found.whole.months] == [1] * 8
    assert [m.tally.habitual for m in found.whole.months] == [0, 0, 1, 2, 3, 4, 5, 6]
    assert (found.whole.baseline, found.whole.target) == (1.5, 3)
    assert found.whole.outlook is Outlook.REACHED
    assert [area.code for area in found.areas] == ["32011", "32008"]
    assert found.areas[1].progress.outlook is Outlook.TOO_EARLY
    assert found.comparison[0].progress.months[0].tally.electronic == 1
    assert found.effect is not None
    assert found.effect.share == pytest.approx((5.5 - 1.5) / 9)


async def test_a_reader_of_one_area_sees_that_one_and_its_sum(world: World) -> None:
    await planted(world)
    biller = world.rt.directory.billers[BILLER]
    found = await adoption.read_pilot(world.rt, biller, "wards", ["32008", "32017"])
    assert [area.code for area in found.areas] == ["32008"]
    assert found.whole.months == ()
    with pytest.raises(PilotUnknown):
        await adoption.read_pilot(world.rt, biller, "wards", ["32017"])
    with pytest.raises(PilotUnknown):
        await adoption.find_pilot(world.rt, "nowhere")


async def test_a_ward_that_was_merged_stays_the_ward_it_was(world: World) -> None:
    async with database.borrow(world.rt.pool) as connection:
        for area in AREAS:
            await imports.put_area(connection, imports.AreaRow(**asdict(area)))
    history = await planted(world)
    # The biller's new file: ward 2 is An Xuyên now, whose code was ward 4's.
    await world.rows("UPDATE customers SET area_code = '32002' WHERE area_code = '32011'")
    assert await counted(world) == history.counts()


async def test_who_moves_is_counted_in_the_new_place_from_that_month_on(world: World) -> None:
    history = await planted(world)
    [mover, *_] = history.areas
    await world.rows("UPDATE customers SET area_code = '32008' WHERE code = $1", mover)
    assert await counted(world) == history.counts()
    now = date.today().replace(day=1)  # noqa: DTZ011 (the trigger's own clock)
    history.areas = {mover: "32008"}
    await history.add_bill(mover, now)
    found = await counted(world)
    assert [key[1] for key in found if key[0] == now] == ["32008"]
