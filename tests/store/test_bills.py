"""Bills as the biller writes them, and as a payer's lookup finds them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import asyncpg
import pytest

from gateway.domain.payment import BillStatus
from gateway.runtime import Runtime
from gateway.store import bills, database
from gateway.store.bills import Filter, NewBill
from gateway.store.database import Lane, Raw
from tests.orders import collect
from tests.world import CUSTOMER, World

OTHER = "PB14010000002"
BILL = NewBill(
    id="HD-1",
    customer_code=CUSTOMER,
    period=date(2026, 10, 1),
    kwh=70,
    net_dong=140_000,
    vat_dong=10_000,
    amount_dong=150_000,
    issued_on=date(2026, 11, 2),
    due_on=date(2026, 11, 9),
)


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    await world.add_customer(OTHER)
    async with database.borrow(world.rt.pool) as connection:
        yield connection


@pytest.fixture
async def lane(rt: Runtime) -> AsyncIterator[Lane]:
    lane = Lane(rt.pool, bills.LOOKUP)
    yield lane
    lane.close()


async def put(raw: Raw, *new: NewBill) -> list[tuple[str, bool, bool]]:
    told = await bills.upsert(raw, 1, new)
    return sorted((one.id, one.written, one.same) for one in told)


async def test_a_bill_of_nobody_is_not_written(raw: Raw) -> None:
    [told] = await bills.upsert(raw, 1, [replace(BILL, customer_code="PB14019999999")])
    assert not told.written
    assert not told.has_customer
    assert await bills.one(raw, 1, "HD-1") is None


async def test_a_bill_of_another_billers_customer_is_not_written(raw: Raw) -> None:
    [told] = await bills.upsert(raw, 2, [BILL])
    assert (told.written, told.has_customer) == (False, False)


@pytest.mark.parametrize("change", [{"customer_code": OTHER}])
async def test_a_bill_never_moves_to_another_customer(change: dict[str, str], raw: Raw) -> None:
    await put(raw, BILL)
    assert await put(raw, replace(BILL, customer_code=change["customer_code"])) == [
        ("HD-1", False, False)
    ]
    kept = await bills.one(raw, 1, "HD-1")
    assert kept is not None
    assert kept.customer_code == CUSTOMER


@pytest.mark.parametrize("amount_dong", [150_000, 1])
async def test_a_bill_with_a_payment_takes_no_new_facts(
    amount_dong: int, world: World, raw: Raw
) -> None:
    await world.set_rules(amount_rule="any")
    await put(raw, BILL)
    await collect(world.rt, "HD-1", amount_dong=amount_dong)
    changed = replace(BILL, net_dong=1, amount_dong=10_001)
    [told] = await bills.upsert(raw, 1, [changed])
    assert (told.written, told.same, told.paid_dong) == (False, False, amount_dong)
    kept = await bills.one(raw, 1, "HD-1")
    assert kept is not None
    assert kept.amount_dong == 150_000


async def test_a_cancelled_bill_takes_no_new_facts(raw: Raw) -> None:
    await put(raw, BILL)
    await bills.cancel(raw, 1, "HD-1")
    [told] = await bills.upsert(raw, 1, [replace(BILL, kwh=71)])
    assert (told.written, told.status) == (False, "cancelled")


async def test_a_wrong_sum_writes_nothing_of_the_batch(raw: Raw) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await put(raw, BILL, replace(BILL, id="HD-2", vat_dong=0))
    assert await bills.one(raw, 1, "HD-1") is None


async def test_the_same_bill_again_is_neither_written_nor_refused(raw: Raw) -> None:
    assert await put(raw, BILL) == [("HD-1", True, False)]
    before = await bills.one(raw, 1, "HD-1")
    assert await put(raw, BILL) == [("HD-1", False, True)]
    assert await bills.one(raw, 1, "HD-1") == before


@pytest.mark.parametrize(
    "change",
    [
        {"period": date(2026, 9, 1)},
        {"kwh": None},
        {"net_dong": 140_001, "amount_dong": 150_001},
        {"vat_dong": 10_001, "amount_dong": 150_001},
        {"issued_on": date(2026, 11, 3)},
        {"due_on": date(2026, 11, 10)},
    ],
)
async def test_an_open_bill_takes_each_new_fact(change: dict[str, object], raw: Raw) -> None:
    await put(raw, BILL)
    changed = replace(BILL, **change)  # type: ignore[arg-type]  # a table of fields
    assert await put(raw, changed) == [("HD-1", True, False)]
    kept = await bills.one(raw, 1, "HD-1")
    assert kept is not None
    assert {name: getattr(kept, name) for name in change} == change


async def test_a_batch_is_told_line_by_line(raw: Raw) -> None:
    await put(raw, BILL)
    new, lost = replace(BILL, id="HD-2"), replace(BILL, id="HD-3", customer_code="PB14019999999")
    assert await put(raw, BILL, new, lost) == [
        ("HD-1", False, True),
        ("HD-2", True, False),
        ("HD-3", False, False),
    ]


async def test_a_bill_with_a_payment_is_not_cancelled(world: World, raw: Raw) -> None:
    await put(raw, BILL)
    await collect(world.rt, "HD-1")
    assert await bills.cancel(raw, 1, "HD-1") is None


async def test_a_bill_is_cancelled_once(raw: Raw) -> None:
    await put(raw, BILL)
    cancelled = await bills.cancel(raw, 1, "HD-1")
    assert cancelled is not None
    assert cancelled.status == "cancelled"
    assert await bills.cancel(raw, 1, "HD-1") is None
    assert await bills.cancel(raw, 2, "HD-1") is None


async def test_a_lookup_tells_an_unknown_customer_from_one_without_debt(
    raw: Raw, lane: Lane
) -> None:
    unknown, clean = await bills.look_up(lane, [(1, "PB14019999999"), (1, OTHER)])
    assert unknown is None
    assert clean is not None
    assert clean.bills == ()


async def test_a_lookup_shows_only_what_is_open_oldest_first(
    world: World, raw: Raw, lane: Lane
) -> None:
    ids = [
        await world.add_bill("HD-new", period=date(2026, 10, 1)),
        await world.add_bill("HD-old", period=date(2026, 8, 1)),
        await world.add_bill("HD-b", period=date(2026, 9, 1)),
        await world.add_bill("HD-a", period=date(2026, 9, 1)),
    ]
    assert len(ids) == 4
    paid, gone = await world.add_bill(), await world.add_bill()
    await collect(world.rt, paid)
    await bills.cancel(raw, 1, gone)
    await world.add_bill(customer=OTHER)
    [found] = await bills.look_up(lane, [(1, CUSTOMER)])
    assert found is not None
    assert [bill.id for bill in found.bills] == ["HD-old", "HD-a", "HD-b", "HD-new"]


async def test_a_lookup_shows_what_is_left_of_a_bill(world: World, raw: Raw, lane: Lane) -> None:
    await world.set_rules(amount_rule="any")
    await put(raw, BILL)
    await collect(world.rt, "HD-1", amount_dong=60_000)
    [found] = await bills.look_up(lane, [(1, CUSTOMER)])
    assert found is not None
    assert (found.bills[0].amount_dong, found.bills[0].due_dong) == (150_000, 90_000)


async def test_customers_looked_up_together_get_each_their_own(
    world: World, raw: Raw, lane: Lane
) -> None:
    await put(raw, BILL, replace(BILL, id="HD-2", customer_code=OTHER))
    asked = [(1, OTHER), (2, CUSTOMER), (1, CUSTOMER), (1, OTHER)]
    found = await bills.look_up(lane, asked)
    assert [[bill.id for bill in one.bills] if one else None for one in found] == [
        ["HD-2"],
        None,
        ["HD-1"],
        ["HD-2"],
    ]


async def test_the_states_behind_a_refusal_are_the_customers_alone(world: World, raw: Raw) -> None:
    await put(raw, BILL, replace(BILL, id="HD-2", customer_code=OTHER), replace(BILL, id="HD-3"))
    await collect(world.rt, "HD-3")
    found = await bills.states(raw, 1, CUSTOMER, ["HD-2", "HD-3", "HD-9"])
    assert {(state.id, state.status, state.due_dong) for state in found} == {
        ("HD-1", BillStatus.OPEN, 150_000),
        ("HD-3", BillStatus.PAID, 0),
    }


async def test_a_page_goes_on_after_the_last_id_and_filters(world: World, raw: Raw) -> None:
    made = [replace(BILL, id=f"HD-{n}") for n in range(5)]
    await put(raw, *made, replace(BILL, id="HD-x", customer_code=OTHER, period=date(2026, 9, 1)))
    await bills.cancel(raw, 1, "HD-4")

    async def ids(wanted: Filter) -> list[str]:
        return [bill.id for bill in await bills.list_page(raw, 1, wanted)]

    assert await ids(Filter(limit=2)) == ["HD-0", "HD-1"]
    assert await ids(Filter(after="HD-1", limit=2)) == ["HD-2", "HD-3"]
    assert await ids(Filter(customer_code=OTHER)) == ["HD-x"]
    assert await ids(Filter(status="cancelled")) == ["HD-4"]
    assert await ids(Filter(period=date(2026, 9, 1))) == ["HD-x"]
    assert await bills.list_page(raw, 2, Filter()) == []
