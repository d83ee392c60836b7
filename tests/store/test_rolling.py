"""What marks a month to be counted, and what bit it is."""

from datetime import date

import pytest
from httpx import AsyncClient

from gateway.domain.adoption import months_later
from gateway.runtime import Runtime
from gateway.store import database, rolling
from gateway.store.adoption_tables import BITS
from gateway.store.rolling import FIRST_MONTH, LAST_MONTH, bit_of
from tests.world import World

OCTOBER = date(2026, 10, 1)


async def touched(rt: Runtime) -> list[date]:
    async with database.borrow(rt.pool) as connection:
        return await rolling.touched(connection, 1)


@pytest.fixture
async def counted(world: World) -> World:
    """An open bill of October, counted."""
    await world.add_bill("HD-1")
    async with database.borrow(world.rt.pool) as connection:
        done = await rolling.roll(connection, 1, OCTOBER, world.rt.clock.now())
    assert (done.customers, done.bills, done.changed) == (1, 1, 1)
    return world


async def test_a_new_bill_a_payment_and_a_cancelled_bill_mark_their_month(
    counted: World, api: AsyncClient
) -> None:
    async def marks(answer_status: int) -> None:
        assert answer_status in {200, 201}
        assert await touched(counted.rt) == [OCTOBER]
        await counted.rows("DELETE FROM adoption_touched")

    assert await touched(counted.rt) == []
    await counted.add_bill("HD-2")
    await marks(200)
    await marks((await counted.cancel(api, "HD-2")).status_code)
    await marks((await counted.pay(api, "HD-1")).status_code)


async def test_a_bill_whose_month_is_corrected_marks_both_months(counted: World) -> None:
    await counted.add_bill("HD-1", period=date(2026, 9, 1))
    assert await touched(counted.rt) == [date(2026, 9, 1), OCTOBER]


async def test_a_customers_new_name_marks_nothing_and_a_new_segment_every_month(
    counted: World,
) -> None:
    await counted.rows("UPDATE customers SET name = 'Trần Thị Bé'")
    assert await touched(counted.rt) == []
    await counted.rows("UPDATE customers SET segment = 'business'")
    assert await touched(counted.rt) == [OCTOBER]


async def test_counting_again_writes_nothing(counted: World) -> None:
    async with database.borrow(counted.rt.pool) as connection:
        done = await rolling.roll(connection, 1, OCTOBER, counted.rt.clock.now())
    assert done.changed == 0


async def test_a_month_beyond_the_calendar_that_is_kept_is_left_alone(counted: World) -> None:
    await counted.rows("INSERT INTO adoption_touched VALUES (1, '1999-12-01'), (1, '2100-01-01')")
    assert await touched(counted.rt) == []


def test_every_month_that_a_bill_may_have_is_a_bit_and_looks_back_at_two() -> None:
    assert bit_of(FIRST_MONTH) == 2
    assert bit_of(LAST_MONTH) == BITS - 1
    assert bit_of(months_later(LAST_MONTH, -1)) == BITS - 2


async def test_the_first_and_the_last_month_can_be_counted(world: World) -> None:
    for month in (FIRST_MONTH, LAST_MONTH):
        async with database.borrow(world.rt.pool) as connection:
            done = await rolling.roll(connection, 1, month, world.rt.clock.now())
        assert (done.customers, done.bills) == (0, 0)
