"""Debit runs against a simulated bank over real HTTP."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from gateway.domain.calendar import next_business_day, on_or_after
from gateway.domain.clock import business_date
from gateway.domain.mandate_refusals import DayRefused
from gateway.domain.partner import Mode
from gateway.flows import debit_runs
from gateway.sandbox.autodebit_books import Debit
from gateway.store import database as database_store
from gateway.store import debits
from gateway.testing.clock import FrozenClock
from tests.debiting.stage import MONDAY, TUESDAY, Stage, open_stage, run_of

FRIDAY = date(2026, 11, 27)


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


async def test_a_run_that_the_cut_off_overtakes_puts_off_what_is_left(database: str) -> None:
    clock = FrozenClock(datetime(2026, 11, 25, 2, tzinfo=UTC))
    async with open_stage(database, clock) as stage:
        await stage.world.open_days(FRIDAY)
        stage.bank.now = lambda _fault=None: clock.now()
        stage.bank.notify_url = ""
        provider = stage.rt.providers["autodebit"].provider
        provider.config = provider.config.model_copy(update={"concurrency": 1})
        await stage.customers(6)
        await debit_runs.prepare(stage.rt, run_of(FRIDAY, rehearses=False))
        clock.move(datetime(2026, 11, 27, 8, 59, 59, tzinfo=UTC) - clock.now())
        charge = stage.bank.charge

        def charge_for_a_second(debit: Debit) -> None:
            charge(debit)
            clock.move(timedelta(seconds=1))

        stage.bank.charge = charge_for_a_second
        sent = await debit_runs.send(stage.rt, run_of(FRIDAY, rehearses=False))
        # A chunk of four was on its way when the clock struck four.
        assert (sent.sent, sent.put_off) == (4, 2)
        left = await stage.world.rows("SELECT due_on, tries FROM debits WHERE state = 'planned'")
        assert {tuple(row) for row in left} == {(MONDAY, 0)}
        assert (await debit_runs.send(stage.rt, run_of(FRIDAY, rehearses=False))).sent == 0
        clock.move(datetime(2026, 11, 30, 2, tzinfo=UTC) - clock.now())
        assert (await debit_runs.send(stage.rt, run_of(MONDAY, rehearses=False))).sent == 2
        assert await stage.taken() == 6 * 150_000


async def test_what_is_left_of_a_great_run_is_put_off_in_chunks(stage: Stage) -> None:
    await stage.customers(5)
    await stage.prepare()
    async with database_store.borrow(stage.rt.pool) as connection:
        put_off = partial(
            debits.put_off, connection, 1, "autodebit", day=MONDAY, until=TUESDAY, most=2
        )
        assert [await put_off() for _ in range(4)] == [2, 2, 1, 0]
    due = await stage.world.rows("SELECT due_on FROM debits")
    assert {row["due_on"] for row in due} == {TUESDAY}
