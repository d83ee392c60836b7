"""Money on an account: recorded once, matched, settled, or kept in suspense with an owner."""

import asyncio
from datetime import date

import asyncpg
import pytest

from gateway.flows import crediting
from tests.crediting.bank import SHARE, Bank
from tests.world import BILLER, CUSTOMER


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


async def test_the_oldest_bills_that_are_covered_exactly_are_paid(bank: Bank) -> None:
    old = await bank.stage.world.add_bill(amount_dong=100_000, period=date(2026, 9, 1))
    new = await bank.stage.world.add_bill(amount_dong=70_000)
    await bank.send(100_000)
    assert [await bank.bill(old), await bank.bill(new)] == ["paid", "open"]
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


async def test_what_is_over_is_to_be_refunded(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    await bank.send(SHARE + 7_000, bank.code_of(payment))
    assert (await bank.stage.read(payment))["status"] == "succeeded"
    assert (await bank.lines(), await bank.refunds()) == ([("over", 7_000)], [7_000])
    await bank.assert_kept()


@pytest.mark.parametrize("changes", [{}, {"key": "another"}], ids=["same id", "another id"])
@pytest.mark.parametrize("code", ["telling", "second"])
async def test_a_movement_told_again_changes_nothing(
    bank: Bank, changes: dict[str, str], code: str
) -> None:
    bill = await bank.stage.world.add_bill()
    credit = bank.credit()
    assert (await bank.tell(credit)).text == "recorded"
    assert (await bank.tell(credit | changes, code=code)).text == "repeated"
    assert await bank.bill(bill) == "paid"
    assert await bank.stage.count("credits") == 1
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


@pytest.mark.parametrize(
    "text", ["chuc mung nam moi", "PB14010000001 PB14010000002", "PB1401000", ""]
)
async def test_what_nobody_can_read_waits_for_a_person_and_is_not_refunded(
    bank: Bank, text: str
) -> None:
    bill = await bank.stage.world.add_bill()
    await bank.stage.world.add_customer("PB14010000002")
    await bank.send(SHARE, text)
    assert (await bank.lines(), await bank.refunds()) == ([("unknown", SHARE)], [])
    assert await bank.bill(bill) == "open"
    await bank.assert_kept()


async def test_a_virtual_account_says_more_than_the_text(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    await bank.stage.world.add_customer("PB14010000002")
    await bank.send(SHARE, "cho PB14010000002", virtual_account=f"EVNCM{CUSTOMER}")
    assert await bank.bill(bill) == "paid"


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


async def test_a_forged_notice_leaves_nothing_but_its_quarantine(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    credit = bank.credit()
    assert (await bank.tell(credit, signature="0" * 64)).text == "refused"
    assert [await bank.stage.count(t) for t in ("credits", "quarantine")] == [0, 1]
    assert (await bank.tell(credit)).text == "recorded"


async def test_a_notice_of_an_account_that_is_not_ours_is_to_come_again(bank: Bank) -> None:
    known, other = bank.credit(), bank.credit(account="999")
    told = await bank.tell(known, other)
    assert (told.status_code, told.text) == (503, "try_later")
    assert await bank.stage.count("credits") == 1
    await crediting.put_account(bank.stage.rt, "999", BILLER, "utility", actor="test")
    assert (await bank.tell(known, other)).text == "recorded"
    assert await bank.stage.count("credits") == 2


async def test_an_authentic_notice_in_which_nothing_came_is_taken(bank: Bank) -> None:
    assert (await bank.tell()).text == "recorded"
    assert await bank.stage.count("credits") == 0


async def test_a_source_that_is_not_here_is_said_so(bank: Bank) -> None:
    assert (await bank.tell(bank.credit(), code="coded")).status_code == 422
    assert (await bank.tell(bank.credit(), code="nobody")).status_code == 422


@pytest.mark.parametrize("table", ["credits", "transfers", "credit_uses", "evidence"])
async def test_what_cannot_be_written_down_whole_is_not_accepted_and_leaves_nothing(
    bank: Bank, database: str, table: str
) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    credit = bank.credit(text=bank.code_of(payment))
    owner = await asyncpg.connect(database)
    try:
        await owner.execute(f"REVOKE INSERT ON {table} FROM gateway_service")
        assert (await bank.tell(credit)).status_code == 503
    finally:
        await owner.execute(f"GRANT INSERT ON {table} TO gateway_service")
        await owner.close()
    assert await bank.stage.count("credits") == 0
    assert (await bank.tell(credit)).text == "recorded"
    await bank.assert_kept()


async def test_twenty_notices_of_one_movement_settle_once(bank: Bank) -> None:
    payment = await bank.opened(await bank.stage.world.add_bill())
    credit = bank.credit(text=bank.code_of(payment))
    told = await asyncio.gather(
        *(
            bank.tell(credit | {"key": f"n{n % 4}"}, code=("telling", "second")[n % 2])
            for n in range(20)
        )
    )
    assert {answer.status_code for answer in told} == {200}
    assert [answer.text for answer in told].count("recorded") == 1
    assert await bank.lines() == []
    await bank.assert_kept()


@pytest.mark.parametrize("by_code", [True, False], ids=["order code", "customer code"])
async def test_a_notice_that_races_a_collected_payment_settles_one_and_keeps_the_other(
    bank: Bank,
    by_code: bool,  # noqa: FBT001 (a case)
) -> None:
    for _ in range(5):
        bill = await bank.stage.world.add_bill()
        text = bank.code_of(await bank.opened(bill)) if by_code else CUSTOMER
        _, answer = await asyncio.gather(
            bank.send(SHARE, text), bank.stage.world.pay(bank.stage.api, bill)
        )
        assert answer.status_code in {201, 409}
        assert await bank.bill(bill) == "paid"
        await bank.assert_kept()
    late = [line for line in await bank.lines() if line == ("late", SHARE)]
    collected = await bank.stage.sql(
        "SELECT 1 FROM payments p JOIN partners q ON q.id = p.partner_id"
        " WHERE q.code = 'bank' AND p.status = 'succeeded'"
    )
    assert len(late) == len(collected)
