"""Money on an account: recorded once, matched, settled, or kept in suspense with an owner."""


from tests.crediting.bank import SHARE, Bank
from tests.world import CUSTOMER


async def test_the_exact_sum_with_an_order_code_settles_its_payment(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    payment = await bank.opened(bill)
    await bank.send(SHARE, f"MBVCB.99.{bank.code_of(payment)} {CUSTOMER}.CT tu 001")
    paid = await bank.stage.read(payment)
    assert (paid["status"], paid["certainty"]) == ("succeeded", "proved")
    assert await bank.bill(bill) == "paid"
    assert await bank.lines() == []
    await bank.assert_kept()


async def test_the_exact_sum_of_all_open_bills_pays_them_in_the_owners_name(bank: Bank) -> None:
    bills = [await bank.stage.world.add_bill() for _ in range(2)]
    await bank.send(2 * SHARE, f"NOP TIEN {CUSTOMER.lower()} thang nay")
    assert [await bank.bill(bill) for bill in bills] == ["paid", "paid"]
    rows = await bank.stage.sql("SELECT channel, method, partner_reference FROM payments")
    assert [(r["channel"], r["method"]) for r in rows] == [("qr", "collected")]
    await bank.assert_kept()
