"""Races for bills, keys and references: whoever wins, exactly one payment is made."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from gateway.domain.errors import Overloaded
from gateway.domain.refusals import PartnerReferenceUsed, StillProcessing
from gateway.flows.idempotency import Answer
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import database, moves
from tests.orders import (
    a_row,
    another_process,
    assert_books_agree,
    collect,
    written,
)
from tests.store.waiting import until_blocked
from tests.world import World


@pytest.fixture
async def other(world: World, database: str) -> AsyncIterator[Runtime]:
    async with another_process(database) as runtime:
        yield runtime


@pytest.fixture
async def owner(database: str) -> AsyncIterator[database.Raw]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


def paid(told: Sequence[object]) -> list[str]:
    return [
        one.body
        for one in told
        if isinstance(one, Answer) and one.status_code == 201 and not one.is_replay
    ]


@pytest.mark.parametrize("many", [2, 20, 50])
async def test_one_key_sent_many_times_at_once_to_two_processes_pays_once(
    many: int, world: World, other: Runtime
) -> None:
    bill_id = await world.add_bill()
    same = {"key": "key-of-a-storm-12345", "reference": "R-storm"}
    told = await asyncio.gather(
        *(collect((world.rt, other)[n % 2], bill_id, **same) for n in range(many)),
        return_exceptions=True,
    )
    [body] = paid(told)
    for one in told:
        assert isinstance(one, StillProcessing) or (isinstance(one, Answer) and one.body == body)
    assert (await written(world))["payments"] == 1
    await assert_books_agree(world)


@pytest.mark.parametrize("many", [20, 50])
async def test_one_key_for_many_bills_at_once_pays_one_of_them(
    many: int, world: World, other: Runtime
) -> None:
    bills = [await world.add_bill() for _ in range(many)]
    rows = [a_row(world.rt, bill_id, key="key-of-many-bills-1") for bill_id in bills]
    told = await asyncio.gather(
        *((world.rt, other)[n % 2].payments.ride(row) for n, row in enumerate(rows)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, moves.Paid) for one in told) == 1
    for one in told:
        assert one is None or isinstance(one, moves.Paid) or database.is_contention(one)
    assert (await written(world))["payments"] == 1
    await assert_books_agree(world)


@pytest.mark.parametrize("many", [20, 50])
async def test_one_reference_for_many_bills_at_once_pays_one_of_them(
    many: int, world: World, other: Runtime
) -> None:
    bills = [await world.add_bill() for _ in range(many)]
    told = await asyncio.gather(
        *(
            collect((world.rt, other)[n % 2], bill_id, reference="R-shared")
            for n, bill_id in enumerate(bills)
        ),
        return_exceptions=True,
    )
    assert len(paid(told)) == 1
    assert sum(isinstance(one, PartnerReferenceUsed) for one in told) == many - 1
    assert (await written(world))["payments"] == 1
    await assert_books_agree(world)


@pytest.mark.parametrize("many", [20, 50])
async def test_one_bill_paid_by_many_at_once_is_paid_once(
    many: int, world: World, other: Runtime
) -> None:
    bill_id = await world.add_bill()
    told = await asyncio.gather(
        *(
            collect((world.rt, other)[n % 2], bill_id, partner=("bank", "wallet")[n // 2 % 2])
            for n in range(many)
        )
    )
    assert len(paid(told)) == 1
    assert sum(one.body == '{"code": "bill_already_paid"}' for one in told) == many - 1
    assert (await written(world))["payments"] == 1
    await assert_books_agree(world)


async def test_a_bill_lost_in_the_middle_of_a_payment_undoes_the_whole_payment(
    world: World, owner: database.Raw
) -> None:
    first, second = await world.add_bill(), await world.add_bill()
    async with owner.transaction():
        await owner.execute("UPDATE bills SET status = 'cancelled' WHERE id = $1", second)
        paying = asyncio.create_task(world.rt.payments.ride(a_row(world.rt, first, second)))
        await until_blocked(owner)
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await paying
    assert database.is_contention(caught.value)
    assert set((await written(world)).values()) == {0}
    await assert_books_agree(world)


async def test_the_flow_then_says_which_bill_was_lost(world: World, owner: database.Raw) -> None:
    first, second = await world.add_bill(), await world.add_bill()
    async with owner.transaction():
        await owner.execute("UPDATE bills SET status = 'cancelled' WHERE id = $1", second)
        paying = asyncio.create_task(collect(world.rt, first, second))
        await until_blocked(owner)
    answer = await paying
    assert (answer.status_code, answer.body) == (409, '{"code": "bill_cancelled"}')
    assert (await written(world))["payments"] == 0


async def test_a_lost_race_costs_the_rest_of_its_flight_nothing(
    world: World, owner: database.Raw
) -> None:
    first, second = await world.add_bill(), await world.add_bill()
    others = [a_row(world.rt, await world.add_bill()) for _ in range(20)]
    async with owner.transaction():
        await owner.execute("UPDATE bills SET status = 'cancelled' WHERE id = $1", second)
        rows = [a_row(world.rt, first, second), *others]
        flying = [asyncio.create_task(world.rt.payments.ride(row)) for row in rows]
        await until_blocked(owner)
    told = await asyncio.gather(*flying, return_exceptions=True)
    assert told[0] is None
    assert all(isinstance(one, moves.Paid) for one in told[1:])
    await assert_books_agree(world)


async def test_a_part_that_a_race_made_too_much_is_not_taken(
    world: World, other: Runtime, owner: database.Raw
) -> None:
    await world.set_rules(amount_rule="any")
    await other.refresh()
    bill_id = await world.add_bill()
    async with owner.transaction():
        await owner.execute("SELECT FROM bills WHERE id = $1 FOR UPDATE", bill_id)
        flying = [
            asyncio.create_task(rt.payments.ride(a_row(rt, bill_id, amount_dong=100_000)))
            for rt in (world.rt, other)
        ]
        await until_blocked(owner, sessions=2)
    told = await asyncio.gather(*flying)
    assert sorted(one is None for one in told) == [False, True]
    await assert_books_agree(world)


async def test_two_processes_that_take_the_same_bills_in_opposite_order_both_end(
    world: World, other: Runtime
) -> None:
    bills = [await world.add_bill() for _ in range(20)]
    told = await asyncio.gather(
        *(collect(world.rt, one, two) for one, two in zip(bills[::2], bills[1::2], strict=True)),
        *(collect(other, two, one) for one, two in zip(bills[::2], bills[1::2], strict=True)),
        return_exceptions=True,
    )
    assert len(paid(told)) == 10
    assert not [
        one for one in told if isinstance(one, Exception) and not isinstance(one, Overloaded)
    ]
    await assert_books_agree(world)


async def test_a_bill_is_either_paid_or_cancelled_never_both(world: World, other: Runtime) -> None:
    bills = [await world.add_bill() for _ in range(20)]

    async def cancel(bill_id: str) -> bool:
        async with database.borrow(other.pool) as connection:
            return await bills_store.cancel(connection, 1, bill_id) is not None

    async def race(bill_id: str) -> tuple[bool, bool]:
        told, was_cancelled = await asyncio.gather(collect(world.rt, bill_id), cancel(bill_id))
        return told.status_code == 201, was_cancelled

    for was_paid, was_cancelled in await asyncio.gather(*map(race, bills)):
        assert was_paid != was_cancelled
    await assert_books_agree(world)


async def test_no_flight_of_a_lost_race_leaves_its_lane_broken(world: World) -> None:
    lane = database.Lane(world.rt.pool, moves.PAY)
    key = "key-of-one-flight-1"
    rows = [a_row(world.rt, await world.add_bill(), key=key) for _ in range(2)]
    with pytest.raises(asyncpg.UniqueViolationError):
        await moves.pay(lane, rows, world.rt._months())
    assert await moves.pay(lane, rows[:1], world.rt._months()) != [None]
    lane.close()
