"""What PAY writes, and what it leaves; races are in test_races.py, reversals in test_reverse.py."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from uuid import UUID

import pytest

from gateway.domain import receipt
from gateway.flows import payments as payments_flow
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import database, moves
from tests.orders import WRITTEN, a_row, assert_books_agree, caller_of, id_in, written
from tests.world import BILLER, World

NOTHING = dict.fromkeys(WRITTEN, 0)
SEPTEMBER = date(2026, 9, 1)
OTHER_CUSTOMER = "PB14010000002"


@pytest.fixture
async def lane(rt: Runtime) -> AsyncIterator[database.Lane]:
    lane = database.Lane(rt.pool, moves.PAY)
    yield lane
    lane.close()


async def pay(rt: Runtime, lane: database.Lane, *rows: moves.PayRow) -> list[moves.Paid | None]:
    return await moves.pay(lane, rows, rt._months())


async def cancel(world: World, bill_id: str) -> None:
    async with database.borrow(world.rt.pool) as connection:
        await bills_store.cancel(connection, 1, bill_id)


async def unknown(world: World) -> moves.PayRow:
    return a_row(world.rt, "HD-nobody")


async def anothers(world: World) -> moves.PayRow:
    await world.add_customer(OTHER_CUSTOMER)
    return a_row(world.rt, await world.add_bill(customer=OTHER_CUSTOMER))


async def cancelled(world: World) -> moves.PayRow:
    bill_id = await world.add_bill()
    await cancel(world, bill_id)
    return a_row(world.rt, bill_id)


async def less(world: World) -> moves.PayRow:
    return a_row(world.rt, await world.add_bill(), amount_dong=149_999)


async def more(world: World) -> moves.PayRow:
    return a_row(world.rt, await world.add_bill(), amount_dong=150_001)


async def one_unknown_of_two(world: World) -> moves.PayRow:
    return a_row(world.rt, await world.add_bill(), "HD-nobody")


async def one_cancelled_of_two(world: World) -> moves.PayRow:
    one, other = await world.add_bill(), await world.add_bill()
    await cancel(world, other)
    return a_row(world.rt, one, other)


async def newer_before_older(world: World) -> moves.PayRow:
    await world.set_rules(oldest_first=True)
    await world.add_bill(period=SEPTEMBER)
    return a_row(world.rt, await world.add_bill())


async def bill_of_another_biller(world: World) -> moves.PayRow:
    row = a_row(world.rt, await world.add_bill())
    row.biller_id += 1
    return row


UNPAYABLE: dict[str, Callable[[World], Awaitable[moves.PayRow]]] = {
    "unknown-bill": unknown,
    "bill-of-another-customer": anothers,
    "bill-of-another-biller": bill_of_another_biller,
    "cancelled-bill": cancelled,
    "less-than-due": less,
    "more-than-due": more,
    "one-of-two-unknown": one_unknown_of_two,
    "one-of-two-cancelled": one_cancelled_of_two,
    "an-older-bill-open": newer_before_older,
}


@pytest.mark.parametrize("build", UNPAYABLE.values(), ids=UNPAYABLE.keys())
async def test_what_cannot_be_paid_leaves_nothing(
    build: Callable[[World], Awaitable[moves.PayRow]], world: World, lane: database.Lane
) -> None:
    row = await build(world)
    assert await pay(world.rt, lane, row) == [None]
    assert await written(world) == NOTHING
    touched = await world.rows("SELECT id FROM bills WHERE event_sequence > 0 OR paid_dong > 0")
    assert touched == []


async def test_a_paid_bill_is_not_paid_again(world: World, lane: database.Lane) -> None:
    bill_id = await world.add_bill()
    assert await pay(world.rt, lane, a_row(world.rt, bill_id)) != [None]
    before = await written(world)
    assert await pay(world.rt, lane, a_row(world.rt, bill_id)) == [None]
    assert await written(world) == before


@pytest.mark.parametrize("months_back", [0, 1, 2])
async def test_a_key_that_is_still_kept_pays_nothing_more(
    months_back: int, world: World, lane: database.Lane
) -> None:
    rt = world.rt
    await pay(rt, lane, a_row(rt, await world.add_bill(), key="key-of-long-ago-1234"))
    later = a_row(rt, await world.add_bill(), key="key-of-long-ago-1234")
    this_month = rt._months()[0]
    number = this_month.year * 12 + this_month.month - 1 + months_back
    months = [date((number - back) // 12, (number - back) % 12 + 1, 1) for back in range(3)]
    assert await moves.pay(lane, [later], months) == [None]
    assert (await written(world))["payments"] == 1


async def test_a_reference_names_one_payment_for_ever(world: World, lane: database.Lane) -> None:
    rt = world.rt
    await pay(rt, lane, a_row(rt, await world.add_bill(), reference="R-1"))
    assert await pay(rt, lane, a_row(rt, await world.add_bill(), reference="R-1")) == [None]
    assert (await written(world))["payments"] == 1


async def test_a_key_and_a_reference_are_a_partners_own(world: World, lane: database.Lane) -> None:
    mine = {"key": "key-of-two-partners-1", "reference": "R-1"}
    bank = a_row(world.rt, await world.add_bill(), **mine)
    wallet = a_row(world.rt, await world.add_bill(), partner="wallet", **mine)
    assert None not in await pay(world.rt, lane, bank, wallet)


ENDPOINTS = """
INSERT INTO webhook_endpoints (id, url, biller_id, event_types, disabled_at)
SELECT n::text::uuid, 'https://evn.example/', 1, types::text[], at
FROM (VALUES
    ('00000000-0000-0000-0000-000000000001', '{payment.succeeded,payment.reversed}', NULL),
    ('00000000-0000-0000-0000-000000000002', '{payment.succeeded}', NULL),
    ('00000000-0000-0000-0000-000000000003', '{payment.reversed}', NULL),
    ('00000000-0000-0000-0000-000000000004', '{payment.succeeded}', now())) AS e (n, types, at)
"""


async def test_a_payment_writes_one_row_of_each_and_a_delivery_for_each_live_subscriber(
    world: World, lane: database.Lane
) -> None:
    await world.rows(ENDPOINTS)
    assert await pay(world.rt, lane, a_row(world.rt, await world.add_bill())) != [None]
    assert await written(world) == dict.fromkeys(WRITTEN, 1) | {"deliveries": 2}
    to = await world.rows("SELECT endpoint_id FROM deliveries ORDER BY endpoint_id")
    assert [row["endpoint_id"] for row in to] == [UUID(int=1), UUID(int=2)]


async def test_a_payment_of_three_bills_is_one_transfer_and_three_lines(
    world: World, lane: database.Lane
) -> None:
    bills = [await world.add_bill() for _ in range(3)]
    assert await pay(world.rt, lane, a_row(world.rt, *reversed(bills))) != [None]
    counted = await written(world)
    assert (counted["payments"], counted["payment_bills"], counted["transfers"]) == (1, 3, 1)
    await assert_books_agree(world)


async def test_answer_key_event_and_a_later_reading_say_the_same_byte_for_byte(
    world: World, lane: database.Lane
) -> None:
    rt = world.rt
    row = a_row(rt, await world.add_bill("HD-b"), await world.add_bill("HD-a"), reference='"\\đ')
    [paid] = await pay(rt, lane, row)
    assert paid is not None
    body = paid.body
    [kept] = await world.rows("SELECT body, status_code, resource_id, month FROM idempotency_keys")
    [event] = await world.rows("SELECT id, type, body, subject FROM events")
    assert (kept["body"], kept["status_code"]) == (body, 201)
    assert kept["resource_id"] == event["subject"] == row.payment_id == id_in(body)
    assert event["body"] == row.event_head + body + "}"
    assert (event["id"], event["type"]) == (row.event_id, "payment.succeeded")
    assert receipt.body(await payments_flow.read(rt, caller_of(rt), row.payment_id)) == body


async def test_the_ledger_owes_the_biller_what_the_partner_owes_us(
    world: World, lane: database.Lane
) -> None:
    await pay(world.rt, lane, a_row(world.rt, await world.add_bill()))
    [moved] = await world.rows(
        "SELECT d.code AS debit, c.code AS credit, t.amount_dong, t.kind FROM transfers t "
        "JOIN ledger_accounts d ON d.id = t.debit_account "
        "JOIN ledger_accounts c ON c.id = t.credit_account"
    )
    assert dict(moved) == {
        "debit": "receivable:bank",
        "credit": f"payable:{BILLER}",
        "amount_dong": 150_000,
        "kind": "payment",
    }


@pytest.mark.parametrize(
    ("rule", "parts", "taken"),
    [
        ({"amount_rule": "exact"}, [50_000, 149_999, 150_000], [False, False, True]),
        (
            {"amount_rule": "range", "partial_min_dong": 60_000},
            [59_999, 60_000, 59_999, 60_000, 30_001, 30_000],
            [False, True, False, True, False, True],
        ),
        ({"amount_rule": "any"}, [1, 149_998, 2, 1, 1], [True, True, False, True, False]),
    ],
    ids=["exact", "range", "any"],
)
async def test_parts_are_taken_by_the_rule_until_the_bill_is_paid(
    rule: dict[str, object],
    parts: list[int],
    taken: list[bool],
    world: World,
    lane: database.Lane,
) -> None:
    await world.set_rules(**rule)
    bill_id = await world.add_bill()
    rows = [a_row(world.rt, bill_id, amount_dong=part) for part in parts]
    told = [(await pay(world.rt, lane, row))[0] for row in rows]
    assert [paid is not None for paid in told] == taken
    [bill] = await world.rows("SELECT status, paid_dong FROM bills")
    assert (bill["status"], bill["paid_dong"]) == ("paid", 150_000)
    await assert_books_agree(world)


async def test_an_older_bill_in_the_same_payment_lets_the_newer_one_pass(
    world: World, lane: database.Lane
) -> None:
    await world.set_rules(oldest_first=True)
    older, newer = await world.add_bill(period=SEPTEMBER), await world.add_bill()
    assert await pay(world.rt, lane, a_row(world.rt, newer, older)) != [None]


async def test_two_payments_of_one_bill_or_reference_never_share_a_statement(world: World) -> None:
    one, other = a_row(world.rt, "HD-1", "HD-2"), a_row(world.rt, "HD-2", "HD-3")
    same = a_row(world.rt, "HD-4", reference=one.partner_reference)
    wallet = a_row(world.rt, "HD-5", partner="wallet", reference=one.partner_reference)
    touched = [set(moves.touched_by(row)) for row in (one, other, same, wallet)]
    assert touched[0] & touched[1] == {(1, "HD-2")}
    assert touched[0] & touched[2]
    assert not touched[0] & touched[3]


async def test_a_bill_that_is_not_an_older_one_of_the_same_customer_is_in_nobodys_way(
    world: World, lane: database.Lane
) -> None:
    await world.set_rules(oldest_first=True)
    await world.add_customer(OTHER_CUSTOMER)
    await world.add_bill(customer=OTHER_CUSTOMER, period=SEPTEMBER)
    await cancel(world, await world.add_bill(period=SEPTEMBER))
    await world.add_bill()
    assert await pay(world.rt, lane, a_row(world.rt, await world.add_bill())) != [None]


async def test_what_is_paid_is_paid_at_the_time_that_the_row_says(
    world: World, lane: database.Lane
) -> None:
    row = a_row(world.rt, await world.add_bill())
    await pay(world.rt, lane, row)
    found = await world.rows(
        "SELECT created_at FROM payments UNION ALL SELECT created_at FROM transfers UNION ALL "
        "SELECT created_at FROM events UNION ALL SELECT created_at FROM idempotency_keys"
    )
    assert [one["created_at"] for one in found] == [row.created_at] * 4
