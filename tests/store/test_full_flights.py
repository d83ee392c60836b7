"""A flight of 32 payments of which some cannot be made, or break the statement."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from gateway.store import database, moves
from tests.orders import a_row, assert_books_agree, id_in
from tests.world import World


async def test_in_a_full_flight_each_row_is_judged_alone(world: World) -> None:
    lane = database.Lane(world.rt.pool, moves.PAY)
    rows = [a_row(world.rt, await world.add_bill()) for _ in range(32)]
    for n in (0, 7, 31):
        rows[n].customer_code = "PB14010000002"
    told = await moves.pay(lane, rows, world.rt._months())
    lane.close()
    assert [n for n, paid in enumerate(told) if paid is None] == [0, 7, 31]
    for row, paid in zip(rows, told, strict=True):
        assert paid is None or id_in(paid) == row.payment_id
    await assert_books_agree(world)


def with_a_null(row: moves.PayRow) -> None:
    row.partner_reference = "R\x00"


def of_a_month_without_a_partition(row: moves.PayRow) -> None:
    row.payment_id = UUID(int=1)


def of_nothing(row: moves.PayRow) -> None:
    row.amount_dong = 0


def not_writable(row: moves.PayRow) -> None:
    row.head = "\ud800"


@pytest.mark.parametrize(
    "poison", [with_a_null, of_a_month_without_a_partition, of_nothing, not_writable]
)
async def test_a_poisoned_row_fails_alone_and_the_rest_of_its_flight_is_paid(
    poison: Callable[[moves.PayRow], None], world: World
) -> None:
    rows = [a_row(world.rt, await world.add_bill()) for _ in range(32)]
    poison(rows[5])
    told = await asyncio.gather(
        *(world.rt.payments.ride(row) for row in rows), return_exceptions=True
    )
    assert [n for n, one in enumerate(told) if isinstance(one, Exception)] == [5]
    assert [n for n, one in enumerate(told) if isinstance(one, moves.Paid)] == [
        n for n in range(32) if n != 5
    ]
    await assert_books_agree(world)
