"""The storm: providers that lie, processes that die, a server that stops, all from one seed.

python -m tests.storm.weather --seed 2026 --payments 2000
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from gateway.embedded import EmbeddedPostgres
from gateway.sandbox.provider_play import RailAt
from gateway.sandbox.rails import RAILS
from gateway.store import bills as bills_store
from gateway.store import customers as customers_store
from gateway.store import database
from tests.faults.parts import Part, free_port, until
from tests.faults.processes import Api, House, house_of_its_own
from tests.storm.payers import Bill, Storm
from tests.storm.truth import Truth

FAULT_RATE = 0.06
# The rails whose every doubt ends by itself; of some others a person must ask.
STORMY = ("momo", "vnpay", "zalopay")
CLIENTS = 8
OPEN = "SELECT FROM attempts WHERE state IN ('sent', 'waiting', 'pending', 'unknown')"
# Time passes: every order has ended, and the visibility window is over too.
TIME_PASSES = """
UPDATE attempts SET due_at = now(), expires_at = least(expires_at, now() - interval '1 minute'),
    negative_since = negative_since - interval '1 hour'
WHERE state IN ('sent', 'waiting', 'pending', 'unknown')
   OR (state = 'conflicted' AND due_at IS NOT NULL)
"""
RESOLVE_S = 240.0


@dataclass
class Weather:
    """What is up, and what happens to it."""

    at: House
    server: EmbeddedPostgres
    dice: Random
    api: Api
    worker: Part
    env: dict[str, str]
    happened: Counter[str] = field(default_factory=Counter)

    async def blow(self, over: asyncio.Event) -> None:
        """Let one thing after another go wrong until it is over."""
        while not over.is_set():
            await asyncio.sleep(self.dice.uniform(1.0, 3.0))
            what = self.dice.choices(["api", "worker", "postgres"], [5, 5, 1])[0]
            await self.strike(what)

    def keep_working(self) -> None:
        """Start the worker again if it found no database, as a supervisor does."""
        if self.worker.process.poll() is not None:
            self.worker = self.at.start_worker(**self.env)

    async def strike(self, what: str) -> None:
        """Let one thing go wrong, and be mended."""
        self.happened[what] += 1
        if what == "api":
            self.api.kill()
            again = await self.at.start_api(port=self.api.port, **self.env)
            self.api.process, self.api.log = again.process, again.log
        elif what == "worker":
            self.worker.kill()
            self.worker = self.at.start_worker(**self.env)
        else:
            assert self.server.pid is not None
            os.kill(self.server.pid, signal.SIGQUIT)
            await asyncio.to_thread(self.server.start)
            await until(self.at.can_ask)
        self.keep_working()


async def rage(folder: Path, *, seed: int, payments: int) -> dict[str, Any]:
    """Let a storm rage, and give its figures; whatever is lost, doubled or guessed raises."""
    async with house_of_its_own(folder) as (server, at):
        dice = Random(seed)  # noqa: S311 (replays one bad day)
        port = free_port()
        rails, env = await _start_rails(at, seed, port)
        env |= {"GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{port}"}
        await at.start_receiver()
        api = await at.start_api(port=port, **env)
        weather = Weather(at, server, dice, api, at.start_worker(**env), env)
        bills = await _add_bills(at, payments)
        storm = Storm(api, rails, at.http, Random(seed + 1))  # noqa: S311
        over = asyncio.Event()
        blowing = asyncio.create_task(weather.blow(over))
        await storm.run(bills, CLIENTS)
        over.set()
        await blowing
        if not weather.happened["postgres"]:
            await weather.strike("postgres")
        await _calm(at, storm, weather)
        return await Truth(at, storm, weather.happened, told=f"seed {seed}").holds()


async def _start_rails(at: House, seed: int, port: int) -> tuple[list[RailAt], dict[str, str]]:
    rails, env = [], {}
    for number, part in enumerate(part for part in RAILS if part.code in STORMY):
        rail_port = free_port()
        url = f"http://127.0.0.1:{rail_port}"
        argv = part.arguments(port=rail_port, gateway=f"http://127.0.0.1:{port}")
        at.start(
            *argv,
            *("--seed", str(seed + number), "--rate", str(FAULT_RATE)),
            *("--window-s", "3600", "--repeat-after", "1,3"),
        )
        env |= part.environment(rail=url)
        env[f"GATEWAY_{part.code.upper()}__DEADLINE_S"] = "2"
        env[f"GATEWAY_{part.code.upper()}__VISIBILITY_S"] = "1"
        if part.code == "vnpay":
            env["GATEWAY_VNPAY__QUERY_SPACING_S"] = "0"
        rails.append(RailAt(part.code, part.title, part.channel, url))
    for rail in rails:
        await until(lambda rail=rail: at.answers(f"{rail.url}/health"))
    return rails, env


async def _add_bills(at: House, count: int) -> list[Bill]:
    made = [
        Bill(f"S-{number:05d}", f"PB1401{number:07d}", 20_000 + 10 * number)
        for number in range(count)
    ]
    async with database.borrow(at.world.rt.pool) as connection:
        for start in range(0, count, 500):
            part = made[start : start + 500]
            await customers_store.upsert(
                connection,
                1,
                [
                    customers_store.NewCustomer(
                        bill.customer, "Nguyễn Văn Bão", "Phường 5", "32008", "household", None
                    )
                    for bill in part
                ],
            )
            await bills_store.upsert(connection, 1, [_new_bill(bill) for bill in part])
    return made


def _new_bill(bill: Bill) -> bills_store.NewBill:
    return bills_store.NewBill(
        id=bill.id,
        customer_code=bill.customer,
        period=date(2026, 10, 1),
        kwh=70,
        net_dong=bill.amount_dong,
        vat_dong=0,
        amount_dong=bill.amount_dong,
        issued_on=date(2026, 11, 2),
        due_on=date(2026, 11, 9),
    )


async def _calm(at: House, storm: Storm, weather: Weather) -> None:
    """Let the wind drop: no more faults, kept notices are sent, time passes, doubts resolve."""

    async def is_resolved() -> bool:
        weather.keep_working()
        await at.rows(TIME_PASSES)
        return await at.count(OPEN) == 0

    for rail in storm.rails:
        await at.http.post(f"{rail.url}/control/calm")
    await until(is_resolved, RESOLVE_S, every_s=1.0)
    for rail, reference in storm.late:
        await storm.payer(rail, reference, "approve")
    await asyncio.sleep(2.0)
    await until(is_resolved, RESOLVE_S, every_s=1.0)
    await at.until_delivered()


def main() -> None:
    """Let one storm rage, and print its figures."""
    parser = argparse.ArgumentParser(description="A storm over three providers.")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--payments", type=int, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-storm-") as folder:
        Path(folder).chmod(0o755)
        figures = asyncio.run(rage(Path(folder), seed=asked.seed, payments=asked.payments))
    json.dump(figures, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
