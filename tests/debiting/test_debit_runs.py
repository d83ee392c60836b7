"""Debit runs against a simulated bank over real HTTP."""

from datetime import date

import pytest

from gateway.domain.calendar import next_business_day, on_or_after
from gateway.domain.clock import business_date
from gateway.domain.mandate_refusals import DayRefused
from gateway.domain.partner import Mode
from gateway.flows import debit_runs
from tests.debiting.stage import Stage, run_of


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
