"""Money for a customer's bills: all of them, the oldest, too little, too much, or not now."""

from datetime import date

from tests.crediting.bank import SHARE, Bank
from tests.world import CUSTOMER


async def test_the_exact_sum_of_all_open_bills_pays_them_in_the_owners_name(bank: Bank) -> None:
    bills = [await bank.stage.world.add_bill() for _ in range(2)]
    await bank.send(2 * SHARE, f"NOP TIEN {CUSTOMER.lower()} thang nay")
    assert [await bank.bill(bill) for bill in bills] == ["paid", "paid"]
    rows = await bank.stage.sql("SELECT channel, method, partner_reference FROM payments")
    assert [(r["channel"], r["method"]) for r in rows] == [("qr", "collected")]
    await bank.assert_kept()


async def test_the_oldest_bills_that_are_covered_exactly_are_paid(bank: Bank) -> None:
    old = await bank.stage.world.add_bill(amount_dong=100_000, period=date(2026, 9, 1))
    new = await bank.stage.world.add_bill(amount_dong=70_000)
    await bank.send(100_000)
    assert [await bank.bill(old), await bank.bill(new)] == ["paid", "open"]
    await bank.assert_kept()


async def test_a_short_sum_for_a_customer_is_completed_too(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    for part, missing in ((90_000, 60_000), (20_000, 40_000)):
        await bank.send(part)
        rows = await bank.stage.sql("SELECT DISTINCT missing_dong FROM suspense_lines")
        assert [row[0] for row in rows] == [missing]
    await bank.send(45_000)
    assert await bank.bill(bill) == "paid"
    assert (await bank.lines(), await bank.refunds()) == ([("over", 5_000)], [5_000])
    await bank.assert_kept()


async def test_bills_whose_money_may_be_moving_are_left_and_a_person_waits(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    payment = await bank.opened(bill)
    bank.stage.says["query"] = {"outcome": "pending"}
    await bank.stage.resolve()
    await bank.send(SHARE)
    assert (await bank.lines(), await bank.refunds()) == ([("being_paid", SHARE)], [])
    bank.stage.says["query"] = {"outcome": "succeeded", "amount_dong": SHARE}
    await bank.stage.resolve()
    assert (await bank.stage.read(payment))["status"] == "succeeded"
