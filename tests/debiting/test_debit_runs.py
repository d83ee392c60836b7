"""Debit runs against a simulated bank over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import pytest

from gateway.domain.calendar import next_business_day, on_or_after
from gateway.domain.clock import business_date
from gateway.domain.mandate_refusals import DayRefused
from gateway.domain.partner import Mode
from gateway.flows import debit_runs
from gateway.runtime import Clock
from tests.debiting.stage import MONDAY, TUESDAY, Stage, open_stage, run_of
from tests.world import CUSTOMER


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with open_stage(database, Clock()) as stage:
        yield stage


async def test_a_due_bill_of_an_active_mandate_is_announced_debited_and_told(stage: Stage) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    planned = await stage.prepare()
    assert (planned.debits, planned.amount_dong) == (1, 150_000)
    sent = await stage.send()
    assert (sent.sent, sent.skipped) == (1, 0)
    debit = await stage.debit()
    assert debit["state"] == "settled"
    (bill,) = await stage.world.rows("SELECT status FROM bills")
    assert bill["status"] == "paid"
    assert "debit_run.completed" in await stage.events()
    assert await stage.taken() == 150_000


async def test_the_bank_tells_of_a_debit_and_of_its_late_return_by_notification(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, "01")
    await stage.send()
    assert (await stage.debit())["state"] == "drawn"
    await stage.finish("00")
    await stage.conclude()
    assert (await stage.debit())["state"] == "settled"
    await stage.finish("38")
    assert (await stage.debit())["state"] == "returned"
    (bill,) = await stage.world.rows("SELECT status, due_on, claimed_by FROM bills")
    assert (bill["status"], bill["claimed_by"]) == ("open", None)
    assert (await stage.read(row)).state == "suspended"
    assert set((await stage.world.balances()).values()) == {0}


async def test_no_funds_are_tried_again_on_the_next_business_day_as_a_new_attempt(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, "51")
    await stage.send()
    debit = await stage.debit()
    assert (debit["state"], debit["reason"], debit["due_on"]) == ("planned", "51", TUESDAY)
    assert (await stage.send()).sent == 0
    assert (await stage.send(TUESDAY)).sent == 1
    assert (await stage.debit())["state"] == "settled"
    tried = await stage.world.rows("SELECT number, state FROM attempts ORDER BY number")
    assert [tuple(row) for row in tried] == [(1, "failed"), (2, "succeeded")]
    assert await stage.world.count("payments") == 1


async def test_a_bill_that_was_paid_elsewhere_meanwhile_is_skipped_at_the_last_look(
    stage: Stage,
) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    assert (await stage.world.pay(stage.api, "HD-A")).status_code == 201
    sent = await stage.send()
    assert (sent.sent, sent.skipped) == (0, 1)
    assert await stage.debits() == {CUSTOMER: "skipped paid_elsewhere"}
    assert "debit.skipped" in await stage.events()
    assert await stage.taken() == 0


async def test_a_debit_whose_answer_was_lost_is_in_doubt_until_the_bank_is_asked(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    stage.bank.notify_url = ""
    await stage.script(row, "68")
    await stage.send()
    assert (await stage.debit())["state"] == "drawn"
    assert (await stage.world.pay(stage.api, "HD-A")).json()["code"] == "bill_being_paid"
    await stage.resolve()
    assert (await stage.debit())["state"] == "settled"
    assert await stage.taken() == 150_000


async def test_what_never_arrived_is_tried_on_a_later_day_once_that_is_proved(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, "91")
    await stage.send()
    await stage.resolve()
    assert (await stage.debit())["state"] == "drawn"
    await stage.world.rows("UPDATE attempts SET expires_at = now() - interval '1 hour'")
    await stage.resolve()
    await stage.resolve()
    assert (await stage.debit())["due_on"] == TUESDAY
    await stage.send(TUESDAY)
    assert (await stage.debit())["state"] == "settled"
    assert await stage.taken() == 150_000


@pytest.mark.parametrize(
    ("code", "becomes"),
    [("14", "cancelled"), ("57", "cancelled"), ("62", "suspended"), ("61", "active")],
)
async def test_a_refusal_for_good_ends_the_debit_and_does_to_the_mandate_what_the_table_says(
    code: str, becomes: str, stage: Stage
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, code)
    await stage.send()
    assert await stage.debits() == {CUSTOMER: f"failed {code}"}
    assert (await stage.read(row)).state == becomes
    assert "debit.failed" in await stage.events()
    (bill,) = await stage.world.rows("SELECT status, claim FROM bills")
    assert tuple(bill) == ("open", None)


async def test_no_funds_after_all_days_of_trying_fail_for_this_month(stage: Stage) -> None:
    row = await stage.mandate(retry_days=1)
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, "51", "51")
    await stage.send()
    await stage.send(TUESDAY)
    assert await stage.debits() == {CUSTOMER: "failed 51"}
    assert (await stage.prepare(TUESDAY)).debits == 1  # another month: December
    assert (await stage.prepare(TUESDAY)).debits == 0


async def test_three_failed_months_suspend_a_mandate_and_a_success_counts_anew(
    stage: Stage,
) -> None:
    row = await stage.mandate(retry_days=0)
    await stage.world.add_bill("HD-A")
    for day, months in ((MONDAY, 1), (TUESDAY, 2), (date(2027, 1, 4), 3)):
        await stage.prepare(day)
        await stage.script(row, "51")
        await stage.send(day)
        (found,) = await stage.world.rows("SELECT failed_months FROM mandates")
        assert found["failed_months"] == months
    assert (await stage.read(row)).state == "suspended"
    assert "mandate.suspended" in await stage.events()


async def test_a_run_planned_again_plans_only_what_has_come_since(stage: Stage) -> None:
    await stage.customers(3)
    assert (await stage.prepare()).debits == 3
    assert (await stage.prepare()).debits == 0
    await stage.world.add_customer("PB14010009999")
    await stage.world.add_bill(customer="PB14010009999")
    await stage.mandate("PB14010009999")
    assert (await stage.prepare()).debits == 1
    assert await stage.world.count("debit_runs") == 1


async def test_twenty_that_send_at_once_debit_every_bill_once(stage: Stage) -> None:
    await stage.customers(12)
    await stage.prepare()
    await asyncio.gather(*(stage.send() for _ in range(20)))
    assert set((await stage.debits()).values()) == {"settled"}
    assert await stage.taken() == 12 * 150_000
    assert await stage.world.count("attempts") == 12


LAST_LOOKS = {
    "over-the-debit-limit": ("UPDATE mandates SET max_debit_dong = 100000", "over_debit_limit"),
    "ended": ("UPDATE mandates SET ends_on = '2026-11-29'", "mandate_not_active"),
    "suspended": (
        "UPDATE mandates SET state = 'suspended', suspended_by = 'payer'",
        "mandate_not_active",
    ),
    "cancelled-bill": ("UPDATE bills SET status = 'cancelled'", "bill_cancelled"),
    "changed-amount": (
        "UPDATE bills SET net_dong = 160000, amount_dong = 160000",
        "amount_changed",
    ),
}


@pytest.mark.parametrize(("changed", "why"), LAST_LOOKS.values(), ids=LAST_LOOKS.keys())
async def test_the_last_look_skips_what_must_not_be_debited_any_more(
    changed: str, why: str, stage: Stage
) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.world.rows(changed)
    await stage.send()
    assert await stage.debits() == {CUSTOMER: f"skipped {why}"}
    assert await stage.world.count("attempts") == 0


async def test_a_bill_that_another_payment_holds_is_put_off_and_debited_when_it_is_free(
    stage: Stage,
) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    held = "UPDATE bills SET claim = 'hard', claimed_by = '01936b2e-0000-7000-8000-000000000001'"
    await stage.world.rows(held)
    assert (await stage.send()).put_off == 1
    await stage.world.rows("UPDATE bills SET claim = NULL, claimed_by = NULL")
    assert (await stage.send(TUESDAY)).sent == 1
    assert (await stage.debit())["state"] == "settled"


async def test_the_oldest_bill_is_debited_before_any_newer_one(stage: Stage) -> None:
    await stage.world.set_rules(oldest_first=True)
    await stage.mandate()
    await stage.world.add_bill("HD-NEW", period=date(2026, 10, 1))
    await stage.world.add_bill("HD-OLD", period=date(2026, 9, 1))
    assert (await stage.prepare()).debits == 1
    await stage.send()
    paid = await stage.world.rows("SELECT id FROM bills WHERE status = 'paid'")
    assert [row["id"] for row in paid] == ["HD-OLD"]
    assert (await stage.prepare()).debits == 1
    await stage.send()
    assert await stage.taken() == 300_000


async def test_a_month_s_limit_holds_over_all_debits_of_a_mandate(stage: Stage) -> None:
    await stage.mandate(max_debit_dong=200_000, max_month_dong=200_000)
    await stage.world.add_bill("HD-1")
    await stage.world.add_bill("HD-2", period=date(2026, 9, 1))
    await stage.prepare()
    sent = await stage.send()
    assert (sent.sent, sent.skipped) == (1, 1)
    assert await stage.taken() == 150_000


async def test_a_day_of_the_month_is_drawn_on_the_business_day_that_stands_for_it(
    stage: Stage,
) -> None:
    await stage.mandate(day_of_month=28)  # a Saturday in November 2026
    await stage.world.add_bill("HD-A")
    assert (await stage.prepare(date(2026, 11, 27))).debits == 0
    assert (await stage.prepare(MONDAY)).debits == 1


async def test_a_bank_that_cannot_be_reached_costs_no_try_and_the_run_goes_on_later(
    stage: Stage,
) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    provider = stage.rt.providers["autodebit"].provider
    host, gone = provider.config.host, "http://127.0.0.1:9"
    provider.config = provider.config.model_copy(update={"host": gone})
    sent = await stage.send()
    assert sent.unreachable
    debit = await stage.debit()
    assert (debit["state"], debit["tries"], debit["due_on"]) == ("planned", 0, MONDAY)
    provider.config = provider.config.model_copy(update={"host": host})
    assert (await stage.send()).sent == 1
    assert (await stage.debit())["state"] == "settled"


async def test_live_money_knows_no_rehearsal_and_no_day_without_notice(stage: Stage) -> None:
    run = run_of(date(2026, 11, 28))
    with pytest.raises(DayRefused, match="do not book"):
        await debit_runs.prepare(stage.rt, run)
    soon = on_or_after(business_date(stage.rt.clock.now()))
    with pytest.raises(DayRefused, match="two days before"):
        await debit_runs.prepare(stage.rt, run_of(soon, rehearses=False))
    later = next_business_day(soon, 5)
    await debit_runs.prepare(stage.rt, run_of(later, rehearses=False))
    with pytest.raises(DayRefused, match="not come"):
        await debit_runs.send(stage.rt, run_of(later, rehearses=False))
    stage.rt.mode = Mode.LIVE
    with pytest.raises(DayRefused, match="rehearses"):
        await debit_runs.prepare(stage.rt, run_of(later))
