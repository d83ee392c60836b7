"""A collector's day: totals against receipts, cash paid in, and what is late."""

from gateway.flows import health
from tests.cash.round import Round


async def a_day(tour: Round, bills: int = 2) -> dict[str, object]:
    """Hand over bills and collect all of them."""
    for number in range(bills):
        await tour.world.add_bill(f"HD-{number}X")
    given = await tour.hand_over()
    await tour.upload(given, [tour.collect(given, place) for place in range(bills)])
    return given


async def test_a_day_that_is_paid_in_leaves_nothing_in_hand(tour: Round) -> None:
    given = await a_day(tour)
    closed = (await tour.close(given, 300_000, "SLIP-1")).json()
    assert (closed["cash_total_dong"], closed["receipts_dong"]) == (300_000, 300_000)
    books = await tour.world.balances()
    assert (books["cash:an"], books["bank:collections"]) == (0, 300_000)
    assert await tour.exceptions() == {}
    await tour.assert_nothing_is_lost()


async def test_a_close_repeated_changes_nothing_and_with_other_figures_is_refused(
    tour: Round,
) -> None:
    given = await a_day(tour)
    first = await tour.close(given, 300_000, "SLIP-1")
    assert (await tour.close(given, 300_000, "SLIP-1")).content == first.content
    other = await tour.close(given, 299_000, "SLIP-1")
    assert (other.status_code, other.json()["code"]) == (409, "hand_over_list_closed")
    assert await tour.world.count("cash_deposits") == 1


async def test_a_slip_is_booked_once_and_never_with_another_amount(tour: Round) -> None:
    await a_day(tour)
    first = await tour.pay_in(200_000, "SLIP-7")
    assert (await tour.pay_in(200_000, "SLIP-7")).content == first.content
    other = await tour.pay_in(100_000, "SLIP-7")
    assert (other.status_code, other.json()["code"]) == (409, "deposit_reference_used")
    assert (await tour.world.balances())["bank:collections"] == 200_000
    await tour.assert_nothing_is_lost()


async def test_the_doctor_names_overdue_cash_without_stopping_the_house(tour: Round) -> None:
    await a_day(tour)
    well = {check.name: check for check in await health.examine(tour.rt)}
    assert well["cash"].is_well
    assert not well["cash"].blocks
