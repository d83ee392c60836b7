"""Bad days of a biller's service, replayed by seed: whatever is lost, nothing is cleared twice."""

import asyncio
import random

import httpx
import pytest

from gateway.flows import posting
from gateway.kit.abilities import ClearsDebt
from gateway.runtime import Clock, Runtime
from tests.posting.conftest import with_live_biller
from tests.posting.stage import LiveStage

CUSTOMERS = 12
TURNS = 40
SHARE = 0.3
OPERATIONS = ("clear", "check", "undo")
REFUSED = httpx.ConnectError("refused")
LOST = (
    *(httpx.ReadTimeout("lost"), httpx.ReadError("reset"), httpx.Response(500)),
    *(httpx.Response(200, text="<html>"), httpx.Response(404, text="{}")),
)


class BadDay:
    """Misfortune at each call, by the dice."""

    def __init__(self, live: LiveStage, seed: int) -> None:
        self._books = live.books
        self._dice = random.Random(seed)  # noqa: S311 (a replayable bad day, not a secret)
        live.books.on_call = self._strike

    def _strike(self, _: str) -> None:
        self.end()
        # What never arrived has no effect after which it could be lost.
        for planned, faults in ((self._books.before, (REFUSED, *LOST)), (self._books.after, LOST)):
            if self._dice.random() < SHARE:
                planned.update(dict.fromkeys(OPERATIONS, self._dice.choice(faults)))

    def end(self) -> None:
        """Let everything go well from now on."""
        self._books.before.clear()
        self._books.after.clear()


async def work(live: LiveStage, *runtimes: Runtime) -> None:
    """Let four workers of each process take a turn; no breaker spares the biller."""
    await live.due()
    for rt in runtimes:
        for operation in OPERATIONS:
            rt.provider("livebiller", ClearsDebt)[1]._breakers.of("livebiller", operation).reset()
    turns = (posting.post_due(rt, "livebiller") for rt in runtimes for _ in range(4))
    await asyncio.gather(*turns)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_all_that_was_paid_is_cleared_once_and_all_that_was_reversed_is_owed(
    live: LiveStage, database: str, seed: int
) -> None:
    other = with_live_biller(database, Clock())
    await other.start()
    payments = [await paid(live, number) for number in range(CUSTOMERS)]
    day = BadDay(live, seed)
    for turn in range(TURNS):
        await work(live, live.rt, other)
        if turn % 3 == 0 and turn < CUSTOMERS:
            await live.world.reverse(live.api, payments[turn]["id"])
        if turn % 4 == 0:
            await live.later()
    live.books.on_call = lambda _: day.end()
    for _ in range(6):
        await live.later()
        await work(live, live.rt, other)
    await other.stop()
    undone = {f"HD-{number}" for number in range(0, CUSTOMERS, 3)}
    assert set(live.books.payers) == {f"HD-{number}" for number in range(CUSTOMERS)} - undone
    assert set(live.books.cleared_times.values()) == {1}
    assert live.books.unasked == []
    assert await live.sql("SELECT 1 FROM postings WHERE due_at IS NOT NULL") == []


async def paid(live: LiveStage, number: int) -> dict[str, str]:
    """Let a customer of its own owe one bill, and pay it."""
    customer = f"PB1401{number:07}"
    live.owe(f"HD-{number}", customer=customer)
    assert (await live.look_up(customer)).status_code == 200
    answer = await live.world.pay(live.api, f"HD-{number}", customer_code=customer)
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json()
    return found
