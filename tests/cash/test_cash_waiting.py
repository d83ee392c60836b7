"""One receipt in the books: what is kept of cash that waits, and what a forgery leaves."""

from gateway.sandbox.field_device import forged
from tests.cash.round import Round
from tests.world import CUSTOMER


async def test_cash_that_waits_keeps_its_receipt_word_for_word_and_whose_it_is(
    tour: Round,
) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    await tour.results(given, tour.collect(given, 0, 100_000))
    kept = await tour.world.rows(
        "SELECT c.account, convert_from(c.body, 'UTF8') = r.canonical AS is_whole,"
        " l.customer_code FROM suspense_lines l JOIN credits c ON c.id = l.credit_id"
        " JOIN cash_receipts r ON r.suspense_id = l.id"
    )
    assert [tuple(row) for row in kept] == [("cash:an", True, CUSTOMER)]


async def test_cash_for_a_later_bill_waits_where_the_oldest_must_be_paid_first(
    tour: Round,
) -> None:
    await tour.world.add_bill("HD-A")
    later = (await tour.world.rows("SELECT period + 31 AS day FROM bills"))[0]["day"]
    await tour.world.add_bill("HD-B", period=later.replace(day=1))
    given = await tour.hand_over()
    await tour.world.set_rules(oldest_first=True)
    assert await tour.results(given, tour.collect(given, "HD-B")) == ["OLDER_BILL_OPEN"]
    assert await tour.world.count("payments") == 0
    await tour.assert_nothing_is_lost()


async def test_a_forgery_after_the_close_is_no_cash_that_came_late(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipt = tour.collect(given)
    await tour.close(given, 0)
    await tour.results(given, forged(receipt))
    assert await tour.exceptions() == {"cash_signature_wrong": "operations"}


async def test_cash_for_a_biller_that_is_asked_live_is_to_be_cleared_there(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipt = tour.collect(given)
    await tour.world.set_rules(bills_source="ownservice")
    assert await tour.results(given, receipt) == ["ACCEPTED"]
    rows = await tour.world.rows("SELECT source FROM postings")
    assert [row["source"] for row in rows] == ["ownservice"]
