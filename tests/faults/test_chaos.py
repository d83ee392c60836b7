"""Bad days: API and worker killed, connections cut, at random but repeatable, under load."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import asyncpg
import pytest

from gateway.embedded import EmbeddedPostgres
from tests.faults.parts import Part, until
from tests.faults.payers import Payers, assert_biller_knows, assert_history_holds, dice_of
from tests.faults.processes import Api, House, house
from tests.faults.test_outages import OTHERS

FAULTS = ["api", "worker", "receiver", "connections", "connections"]


@pytest.fixture
async def at(postgres: EmbeddedPostgres, tmp_path: Path, worker_id: str) -> AsyncIterator[House]:
    async with house(postgres, tmp_path, f"chaos_{worker_id}") as made:
        yield made


@dataclass
class BadDay:
    """What is up, and what happens to it."""

    at: House
    dice: Random
    api: Api
    worker: Part
    receiver: Part
    cutter: asyncpg.Connection
    deck: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)

    async def strike(self) -> None:
        """Let one thing go wrong."""
        await asyncio.sleep(self.dice.uniform(0.2, 1.2))
        if not self.deck:
            self.deck = self.dice.sample(FAULTS, len(FAULTS))
        what = self.deck.pop()
        self.happened.append(what)
        match what:
            case "api":
                self.api.kill()
                self.api = await self.at.start_api(port=self.api.port)
            case "worker":
                self.worker.kill()
                self.worker = self.at.start_worker()
            case "receiver":
                self.receiver.kill()
                self.receiver = await self.at.start_receiver()
            case _:
                await self.cutter.execute(OTHERS)


async def live_through(at: House, *, seed: int, seconds: float) -> None:
    """Kill and cut in an order that the seed repeats; then hold the history to its promises."""
    dice = dice_of(seed)
    told = f"seed {seed}"
    receiver, api = await asyncio.gather(at.start_receiver(), at.start_api())
    cutter = await asyncpg.connect(at.url)
    day = BadDay(at, dice, api, at.start_worker(), receiver, cutter)
    payers = Payers(
        api, await at.add_bills(int(seconds * 300)), dice=dice_of(seed + 1), reversing=0.2
    )
    paying = asyncio.create_task(payers.run(clients=6))
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s or len(day.happened) < len(FAULTS):
        await day.strike()
    payers.stop()
    await paying
    await cutter.close()
    told += f": {len(payers.paid)} paid through {' '.join(day.happened)}"
    assert payers.reversed, told
    await until(at.can_ask)
    await payers.repeat_all()
    await assert_history_holds(at, payers, told)
    await assert_biller_knows(at, told)


async def test_ten_bad_seconds_lose_and_double_nothing(at: House) -> None:
    await live_through(at, seed=2019, seconds=10)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_five_bad_minutes_lose_and_double_nothing(at: House) -> None:
    await live_through(at, seed=2026, seconds=300)
