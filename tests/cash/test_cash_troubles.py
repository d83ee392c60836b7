"""Troubles about cash: open once for their subject, with an owner, until they are over."""

from datetime import timedelta

from gateway.domain.clock import business_date
from gateway.flows import day_close
from tests.cash.round import Round


async def a_day(tour: Round, bills: int = 2) -> dict[str, object]:
    """Hand over bills and collect all of them."""
    for number in range(bills):
        await tour.world.add_bill(f"HD-{number}X")
    given = await tour.hand_over()
    await tour.upload(given, [tour.collect(given, place) for place in range(bills)])
    return given


async def test_a_total_that_is_not_the_receipts_is_an_exception_and_never_a_refusal(
    tour: Round,
) -> None:
    given = await a_day(tour)
    assert (await tour.close(given, 290_000, "SLIP-1")).status_code == 200
    rows = await tour.world.rows("SELECT kind, owner, amount_dong FROM exceptions")
    assert [tuple(row) for row in rows] == [("cash_total_differs", "accounting", 10_000)]
    assert (await tour.world.balances())["cash:an"] == 10_000


async def test_a_receipt_that_comes_after_the_close_is_booked_and_seen(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipt = tour.collect(given)
    await tour.close(given, 0)
    assert await tour.results(given, receipt) == ["ACCEPTED"]
    assert await tour.exceptions() == {"cash_after_close": "accounting"}


async def test_cash_that_is_not_paid_in_by_the_end_of_the_next_day_raises_an_alert_once(
    tour: Round,
) -> None:
    await a_day(tour)
    today = business_date(tour.now())
    assert await day_close.watch(tour.rt, today + timedelta(days=1)) == []
    late = await day_close.watch(tour.rt, today + timedelta(days=2))
    again = await day_close.watch(tour.rt, today + timedelta(days=2))
    assert [(one.collector, one.amount_dong) for one in late] == [("an", 300_000)]
    assert late == again
    assert await tour.exceptions() == {"cash_not_deposited": "accounting"}
    assert await tour.world.count("exceptions") == 1


async def test_the_alert_ends_when_the_cash_is_paid_in(tour: Round) -> None:
    await a_day(tour)
    then = business_date(tour.now()) + timedelta(days=2)
    await day_close.watch(tour.rt, then)
    await tour.pay_in(299_999, "SLIP-1")
    assert [one.amount_dong for one in await day_close.watch(tour.rt, then)] == [1]
    await tour.pay_in(1, "SLIP-2")
    assert await day_close.watch(tour.rt, then) == []
    assert await tour.exceptions() == {}
