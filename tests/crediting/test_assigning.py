"""What a person, or time, decides of money in suspense."""

import asyncio
from datetime import date
from uuid import UUID

import pytest

from gateway.domain.errors import CallerError
from gateway.flows import assigning
from gateway.flows.assigning import Assigned, Assignment
from tests.crediting.bank import SHARE, Bank
from tests.world import CUSTOMER


async def line_of(bank: Bank) -> UUID:
    """Give the one open line."""
    rows = await bank.stage.sql("SELECT id FROM suspense_lines WHERE closed_at IS NULL")
    assert len(rows) == 1
    found: UUID = rows[0][0]
    return found


async def assigned(bank: Bank, line: UUID, customer: str = CUSTOMER) -> Assigned:
    """Say that a line is a customer's money."""
    wanted = Assignment(line, customer, by="Lan", reason="the payer called")
    return await assigning.assign(bank.stage.rt, wanted)


async def test_a_person_says_whose_money_it_is_and_it_pays_the_bills(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    await bank.send(SHARE, "tien dien")
    done = await assigned(bank, await line_of(bank))
    assert (done.paid_dong, done.rest_dong) == (SHARE, 0)
    assert await bank.bill(bill) == "paid"
    row = (await bank.stage.sql("SELECT * FROM suspense_lines"))[0]
    assert (row["closed_as"], row["closed_by"], row["resolution"]) == (
        *("settled", "Lan", "the payer called"),
    )
    assert await bank.stage.sql("SELECT 1 FROM exceptions WHERE closed_at IS NULL") == []
    audit = await bank.stage.sql("SELECT actor FROM audit_log WHERE action = 'suspense.assigned'")
    assert [row[0] for row in audit] == ["Lan"]
    await bank.assert_kept()


async def test_what_is_over_when_a_person_assigns_is_to_be_refunded(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    await bank.send(SHARE + 1, "tien dien")
    assert (await assigned(bank, await line_of(bank))).rest_dong == 1
    assert (await bank.lines(), await bank.refunds()) == ([("over", 1)], [1])
    await bank.assert_kept()


async def test_money_that_was_to_be_refunded_pays_instead_and_its_rest_is_refunded(
    bank: Bank,
) -> None:
    await bank.send(SHARE)
    assert (await bank.lines(), await bank.refunds()) == ([("late", SHARE)], [SHARE])
    await bank.stage.world.add_bill(amount_dong=SHARE - 9)
    await assigned(bank, await line_of(bank))
    assert (await bank.lines(), await bank.refunds()) == ([("over", 9)], [9])
    assert await bank.stage.count("refund_instructions") == 1
    await bank.assert_kept()


async def test_late_money_of_a_provider_has_a_line_and_may_be_assigned_as_well(bank: Bank) -> None:
    bill = await bank.stage.world.add_bill()
    payment = await bank.opened(bill)
    assert (await bank.stage.world.pay(bank.stage.api, bill)).status_code == 201
    await bank.stage.notify(payment)
    assert (await bank.lines(), await bank.refunds()) == ([("late", SHARE)], [SHARE])
    row = (await bank.stage.sql("SELECT goes_to, reference FROM refund_instructions"))[0]
    assert tuple(row) == ("provider", bank.code_of(payment))
    await bank.stage.world.add_bill(amount_dong=SHARE - 9)
    await assigned(bank, await line_of(bank))
    assert (await bank.lines(), await bank.refunds()) == ([("over", 9)], [9])
    balances = await bank.stage.world.balances()
    assert balances["suspense:payer"] == -9
    assert sum(balances.values()) == 0


@pytest.mark.parametrize(
    ("customer", "why"),
    [
        ("PB14010000009", "there is no such customer"),
        ("PB14010000002", "none is open"),
        (CUSTOMER, "50000 đồng are missing"),
    ],
)
async def test_money_that_pays_no_bill_of_the_customer_is_not_moved(
    bank: Bank, customer: str, why: str
) -> None:
    await bank.stage.world.add_customer("PB14010000002")
    await bank.stage.world.add_bill()
    await bank.send(100_000, "tien dien")
    with pytest.raises(CallerError, match=why):
        await assigned(bank, await line_of(bank), customer)
    assert await bank.lines() == [("unknown", 100_000)]
    await bank.assert_kept()


async def test_twenty_decisions_about_one_line_pay_once(bank: Bank) -> None:
    for month in (8, 9, 10):
        await bank.stage.world.add_bill(period=date(2026, month, 1))
    await bank.send(SHARE, "tien dien")
    line = await line_of(bank)
    done = await asyncio.gather(*(assigned(bank, line) for _ in range(20)), return_exceptions=True)
    assert len([one for one in done if isinstance(one, Assigned)]) == 1
    assert all(isinstance(one, Assigned | CallerError) for one in done)
    await bank.assert_kept()


async def test_what_is_held_past_its_day_goes_back(bank: Bank) -> None:
    await bank.stage.world.add_bill()
    await bank.send(100_000)
    assert await assigning.give_back_held(bank.stage.rt) == 0
    await bank.stage.sql("UPDATE suspense_lines SET due_on = due_on - 8")
    assert await assigning.give_back_held(bank.stage.rt) == 1
    assert (await bank.lines(), await bank.refunds()) == ([("late", 100_000)], [100_000])
    kind = await bank.stage.sql("SELECT kind, owner FROM exceptions WHERE closed_at IS NULL")
    assert [tuple(row) for row in kind] == [("suspense_late", "accounting")]
    await bank.assert_kept()
    assert await assigning.give_back_held(bank.stage.rt) == 0
