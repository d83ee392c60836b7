"""What REVERSE writes, and what it leaves."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from gateway.domain import receipt
from gateway.domain.refusals import PaymentNotFound
from gateway.flows import payments as payments_flow
from gateway.flows import reversals
from gateway.flows.idempotency import Answer
from gateway.runtime import Runtime
from gateway.store import database, ledger, moves
from gateway.store import payments as payments_store
from tests.orders import (
    another_process,
    assert_books_agree,
    caller_of,
    collect,
    id_in,
    keyed_by,
    reverse,
    sequences,
    written,
)
from tests.store.waiting import until_blocked
from tests.world import BILLER, World


@pytest.fixture
async def other(world: World, database: str) -> AsyncIterator[Runtime]:
    async with another_process(database) as runtime:
        yield runtime


async def a_turn(rt: Runtime, payment_id: UUID) -> moves.ReverseRow:
    """Write what REVERSE is given, as the flow does."""
    async with database.borrow(rt.pool) as connection:
        row = await payments_store.by_id(connection, payment_id, [1])
    assert row is not None
    key = f"key-of-a-row-{uuid4().hex}"
    keyed = keyed_by(caller_of(rt), reversals.OPERATION, key, {"payment": payment_id.hex})
    asked = reversals.Reversal(payment_id, "nhầm", keyed)
    return reversals._row(rt, rt.directory.billers[BILLER], row, asked, rt.clock.now())


async def move_back(rt: Runtime, row: moves.ReverseRow) -> str | None:
    async with database.borrow(rt.pool) as connection:
        return await moves.reverse(connection, row)


async def test_a_payment_that_is_not_there_is_not_reversed(world: World) -> None:
    with pytest.raises(PaymentNotFound):
        await reverse(world.rt, uuid4())


async def test_only_the_partner_that_made_a_payment_may_reverse_it(world: World) -> None:
    payment_id = id_in(await collect(world.rt, await world.add_bill()))
    for partner in ("wallet", "utility"):
        with pytest.raises(PaymentNotFound):
            await reverse(world.rt, payment_id, partner=partner)
    assert (await written(world))["transfers"] == 1


async def test_a_second_reversal_moves_nothing(world: World) -> None:
    payment_id = id_in(await collect(world.rt, await world.add_bill()))
    row = await a_turn(world.rt, payment_id)
    assert await move_back(world.rt, row) is not None
    before = await written(world)
    assert await move_back(world.rt, await a_turn(world.rt, payment_id)) is None
    assert await written(world) == before


async def test_a_reversal_whose_key_is_taken_moves_nothing(world: World) -> None:
    one, other = [id_in(await collect(world.rt, await world.add_bill())) for _ in range(2)]
    taken, row = await a_turn(world.rt, one), await a_turn(world.rt, other)
    assert await move_back(world.rt, taken) is not None
    before = await written(world)
    with pytest.raises(Exception, match="idempotency_keys") as caught:
        await move_back(world.rt, replace(row, key=taken.key))
    assert database.is_contention(caught.value)
    assert await written(world) == before
    await assert_books_agree(world)


async def test_a_reversal_turns_every_part_of_a_payment_back(world: World) -> None:
    bills = [await world.add_bill() for _ in range(3)]
    payment_id = id_in(await collect(world.rt, *bills))
    assert (await reverse(world.rt, payment_id)).status_code == 201
    assert await written(world) == {
        "payments": 1,
        "payment_bills": 3,
        "transfers": 2,
        "idempotency_keys": 2,
        "events": 2,
        "deliveries": 0,
    }
    states = await world.rows("SELECT status, paid_dong, claimed_by FROM bills")
    assert [tuple(state) for state in states] == [("open", 0, None)] * 3
    async with database.borrow(world.rt.pool) as connection:
        balances = await ledger.balances(connection)
    assert set(balances.values()) == {0}
    await assert_books_agree(world)


async def test_the_answer_to_a_reversal_is_what_is_kept_told_and_read_afterwards(
    world: World,
) -> None:
    rt = world.rt
    bills = await world.add_bill("HD-b"), await world.add_bill("HD-a")
    payment_id = id_in(await collect(rt, *bills))
    body = (await reverse(rt, payment_id)).body
    [kept] = await world.rows(
        "SELECT body FROM idempotency_keys WHERE operation = 'create_reversal'"
    )
    [event] = await world.rows("SELECT body FROM events WHERE type = 'payment.reversed'")
    assert kept["body"] == body
    assert json.loads(event["body"])["data"] == json.loads(body)
    assert event["body"].endswith(f'"data":{body}}}')
    assert receipt.body(await payments_flow.read(rt, caller_of(rt), payment_id)) == body


async def test_a_reversal_of_one_part_leaves_the_other_parts_paid(world: World) -> None:
    await world.set_rules(amount_rule="any")
    bill_id = await world.add_bill()
    first = id_in(await collect(world.rt, bill_id, amount_dong=100_000))
    await collect(world.rt, bill_id, amount_dong=50_000)
    assert (await reverse(world.rt, first)).status_code == 201
    [bill] = await world.rows("SELECT status, paid_dong FROM bills")
    assert tuple(bill) == ("open", 50_000)
    await assert_books_agree(world)


async def test_a_bills_events_are_numbered_without_a_gap_over_pay_reverse_and_pay(
    world: World,
) -> None:
    bill_id = await world.add_bill()
    first = id_in(await collect(world.rt, bill_id))
    await reverse(world.rt, first)
    second = await collect(world.rt, bill_id)
    assert second.status_code == 201
    assert id_in(second) != first
    assert await sequences(world, bill_id) == [1, 2, 3]
    assert json.loads(second.body)["bills"][0]["sequence"] == 3
    await assert_books_agree(world)


async def test_a_refused_payment_uses_up_no_number(world: World) -> None:
    bill_id = await world.add_bill()
    for amount in (1, 150_001, 150_000, 150_000):
        await collect(world.rt, bill_id, amount_dong=amount)
    assert await sequences(world, bill_id) == [1]


async def test_a_payment_made_while_a_reversal_is_not_committed_is_refused(world: World) -> None:
    bill_id = await world.add_bill()
    row = await a_turn(world.rt, id_in(await collect(world.rt, bill_id)))
    async with database.borrow(world.rt.pool) as connection, connection.transaction():
        assert await moves.reverse(connection, row) is not None
        told = await collect(world.rt, bill_id)
    assert (told.status_code, told.body) == (409, '{"code": "bill_already_paid"}')
    await assert_books_agree(world)


async def test_a_reversal_that_waited_for_the_same_reversal_gives_none(
    world: World, other: Runtime
) -> None:
    payment_id = id_in(await collect(world.rt, await world.add_bill()))
    row, late = await a_turn(world.rt, payment_id), await a_turn(world.rt, payment_id)
    async with database.borrow(world.rt.pool) as connection:
        async with connection.transaction():
            assert await moves.reverse(connection, row) is not None
            waiting = asyncio.create_task(move_back(other, late))
            await until_blocked(connection)
        assert await waiting is None
    await assert_books_agree(world)


def paid(told: list[Answer]) -> list[str]:
    return [one.body for one in told if one.status_code == 201 and not one.is_replay]


async def test_a_reversal_asked_fifty_times_at_once_is_one_transfer(
    world: World, other: Runtime
) -> None:
    payment_id = id_in(await collect(world.rt, await world.add_bill()))
    told = await asyncio.gather(*(reverse((world.rt, other)[n % 2], payment_id) for n in range(50)))
    assert len(paid(told)) == 1
    assert sum(one.body == '{"code": "already_reversed"}' for one in told) == 49
    moved = await world.rows("SELECT kind FROM transfers ORDER BY id")
    assert [row["kind"] for row in moved] == ["payment", "reversal"]
    await assert_books_agree(world)


async def test_a_reversal_and_new_payments_at_once_leave_the_books_in_order(
    world: World, other: Runtime
) -> None:
    bill_id = await world.add_bill()
    payment_id = id_in(await collect(world.rt, bill_id))
    told = await asyncio.gather(
        reverse(world.rt, payment_id), *(collect(other, bill_id) for _ in range(10))
    )
    assert told[0].status_code == 201
    assert len(paid(told[1:])) <= 1
    await assert_books_agree(world)
