"""What is due about mandates is taken once, by whoever comes first."""

import asyncio
from datetime import timedelta

from gateway.flows.registering import ask_pending
from gateway.store import database, mandates_due
from tests.debiting.stage import Stage
from tests.debiting.test_registering import a_waiting_mandate


async def test_workers_that_ask_at_once_ask_about_a_mandate_once(stage: Stage) -> None:
    await a_waiting_mandate(stage)
    asked = await asyncio.gather(*(ask_pending(stage.rt, "autodebit") for _ in range(8)))
    assert sum(asked) == 1


async def test_a_claim_sets_the_next_question_by_how_many_there_were(stage: Stage) -> None:
    await a_waiting_mandate(stage)
    now = stage.rt.clock.now() + timedelta(minutes=1)
    for wait_s in (60.0, 300.0):
        async with database.borrow(stage.rt.pool) as connection:
            due = await mandates_due.claim_pending(connection, "autodebit", now, (60.0, 300.0), 5)
            assert len(due) == 1
        (row,) = await stage.world.rows("SELECT ask_at FROM mandates")
        assert row["ask_at"] == now + timedelta(seconds=wait_s)
        now = row["ask_at"]
