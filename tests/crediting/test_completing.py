"""Money for an attempt: exact, in parts, over, a second time, too late, or told before."""

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


async def test_a_short_sum_is_held_and_the_rest_settles_both(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    code = bank.code_of(payment)
    await bank.send(100_000, code)
    line = (await bank.stage.sql("SELECT * FROM suspense_lines"))[0]
    assert (line["reason"], line["missing_dong"], line["owner"]) == ("short", 50_000, "operations")
    assert "underpaid by 50000" in line["next_action"]
    assert (await bank.stage.read(payment))["status"] == "requires_action"
    await bank.send(50_000, code)
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    assert (await bank.lines(), await bank.refunds()) == ([], [])
    open_ = await bank.stage.sql("SELECT 1 FROM exceptions WHERE closed_at IS NULL")
    assert open_ == []
    await bank.assert_kept()


async def test_what_is_over_is_to_be_refunded(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    await bank.send(SHARE + 7_000, bank.code_of(payment))
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    assert (await bank.lines(), await bank.refunds()) == ([("over", 7_000)], [7_000])
    await bank.assert_kept()


async def test_a_real_second_transfer_is_to_be_refunded(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    for _ in range(2):
        await bank.send(SHARE, bank.code_of(payment))
    assert (await bank.lines(), await bank.refunds()) == ([("second_transfer", SHARE)], [SHARE])
    await bank.assert_kept()


async def test_money_for_bills_that_were_paid_otherwise_is_to_be_refunded(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    payment = await bank.opened(bill)
    assert (await bank.stage.world.pay(bank.stage.api, bill)).status_code == 201
    await bank.send(SHARE, bank.code_of(payment))
    late = await bank.stage.read(payment)
    assert (late["status"], late["refund"]) == ("failed", "due")
    assert (await bank.lines(), await bank.refunds()) == ([("late", SHARE)], [SHARE])
    told = await bank.stage.sql("SELECT type FROM events ORDER BY id")
    assert [row[0] for row in told] == ["payment.succeeded", "payment.late_money"]
    await bank.send(SHARE)
    assert await bank.lines() == [("late", SHARE), ("late", SHARE)]
    await bank.assert_kept()


async def test_money_after_the_end_of_its_attempt_pays_a_bill_that_is_open(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    for _ in range(2):
        await bank.stage.pass_expiry()
        await bank.stage.resolve()
    assert (await bank.stage.read(payment))["status"] == "expired"
    await bank.send(SHARE, bank.code_of(payment))
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    await bank.assert_kept()


async def test_money_for_an_order_that_is_proved_closed_pays_its_customers_bill(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    payment = await bank.opened(bill)
    bank.stage.says["query"] = {"outcome": "failed", "code": "7"}
    await bank.stage.resolve()
    assert (await bank.stage.read(payment))["status"] == "failed"
    await bank.send(SHARE, bank.code_of(payment))
    assert await bank.bill(bill) == "paid"
    await bank.assert_kept()


async def test_money_that_its_provider_had_told_of_is_not_taken_for_a_second_one(
    bank: Bank,
) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    await bank.send(100_000, bank.code_of(payment))
    paid = {"outcome": "succeeded", "amount_dong": SHARE}
    bank.stage.says["query"] = paid
    await bank.stage.resolve()
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    await bank.send(50_000, bank.code_of(payment))
    assert (await bank.lines(), await bank.refunds()) == ([], [])
    await bank.assert_kept()
    await bank.send(SHARE, bank.code_of(payment))
    assert await bank.lines() == [("second_transfer", SHARE)]
    await bank.assert_kept()
