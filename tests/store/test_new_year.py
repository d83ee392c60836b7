"""Payments over the end of a month, a year and a Vietnamese day: every row finds its partition."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.refusals import PartnerReferenceUsed
from gateway.store import idempotency
from gateway.testing.clock import FrozenClock
from tests.orders import assert_books_agree, collect, id_in, reverse
from tests.world import World

TICK = timedelta(microseconds=1)
NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)
PLACE = """
SELECT (SELECT array_agg(tableoid::regclass::text ORDER BY id) FROM transfers) AS transfers,
    (SELECT array_agg(tableoid::regclass::text ORDER BY created_at) FROM events) AS events,
    (SELECT array_agg(tableoid::regclass::text ORDER BY created_at) FROM idempotency_keys) AS keys
"""


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NEW_YEAR - TICK)


@pytest.fixture(autouse=True)
async def days(world: World) -> None:
    await world.open_days(date(2029, 12, 30))


async def test_the_last_and_the_first_microsecond_of_a_year_lie_apart(
    world: World, clock: FrozenClock
) -> None:
    assert (await collect(world.rt, await world.add_bill())).status_code == 201
    clock.move(TICK)
    assert (await collect(world.rt, await world.add_bill())).status_code == 201
    [place] = await world.rows(PLACE)
    assert place["transfers"] == ["transfers_p2029_12", "transfers_p2030_01"]
    assert place["events"] == ["events_p2029_12_31", "events_p2030_01_01"]
    assert place["keys"] == ["idempotency_keys_p2029_12", "idempotency_keys_p2030_01"]
    await assert_books_agree(world)


async def test_a_reversal_after_the_change_of_month_lies_with_its_payment_in_the_ledger(
    world: World, clock: FrozenClock
) -> None:
    payment_id = id_in(await collect(world.rt, await world.add_bill()))
    clock.move(TICK)
    assert (await reverse(world.rt, payment_id)).status_code == 201
    [place] = await world.rows(PLACE)
    assert place["transfers"] == ["transfers_p2029_12"] * 2
    assert place["events"] == ["events_p2029_12_31", "events_p2030_01_01"]
    await assert_books_agree(world)


@pytest.mark.parametrize("days_later", [0, 1, 31, idempotency.KEPT_DAYS])
async def test_a_key_of_last_month_still_answers(
    days_later: int, world: World, clock: FrozenClock
) -> None:
    bill_id = await world.add_bill()
    same = {"key": "key-of-last-year-1", "reference": "R-1"}
    first = await collect(world.rt, bill_id, **same)
    clock.move(timedelta(days=days_later))
    again = await collect(world.rt, bill_id, **same)
    assert again.is_replay
    assert (again.status_code, again.body) == (first.status_code, first.body)
    assert await world.count("payments") == 1


async def test_a_reference_of_last_month_is_still_used(world: World, clock: FrozenClock) -> None:
    await collect(world.rt, await world.add_bill(), reference="R-1")
    clock.move(timedelta(days=1))
    with pytest.raises(PartnerReferenceUsed):
        await collect(world.rt, await world.add_bill(), reference="R-1")


async def test_the_business_date_changes_at_midnight_in_vietnam(
    world: World, clock: FrozenClock
) -> None:
    clock.move(-timedelta(hours=7))
    await collect(world.rt, await world.add_bill())
    clock.move(TICK)
    await collect(world.rt, await world.add_bill())
    rows = await world.rows("SELECT business_date FROM payments ORDER BY created_at")
    assert [row["business_date"] for row in rows] == [date(2029, 12, 31), date(2030, 1, 1)]


async def test_no_payment_is_reversed_on_the_next_vietnamese_day(
    world: World, clock: FrozenClock
) -> None:
    clock.move(-timedelta(hours=7))
    payment_id = id_in(await collect(world.rt, await world.add_bill()))
    clock.move(TICK)
    answer = await reverse(world.rt, payment_id)
    assert (answer.status_code, answer.body) == (409, '{"code": "reversal_too_late"}')
    await assert_books_agree(world)


async def test_a_payment_on_a_day_without_a_place_is_not_made(
    world: World, clock: FrozenClock
) -> None:
    clock.move(timedelta(days=400))
    with pytest.raises(Exception, match="no partition"):
        await collect(world.rt, await world.add_bill())
    assert await world.count("payments") == 0
    await assert_books_agree(world)
