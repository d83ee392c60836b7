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

FAULT_RATE = 0.06
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
        await _calm(at, storm)
        return await Truth(at, storm, weather, told=f"seed {seed}").holds()


async def _start_rails(at: House, seed: int, port: int) -> tuple[list[RailAt], dict[str, str]]:
    rails, env = [], {}
    for number, part in enumerate(RAILS):
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
    async with database.borrow(at.world.rt.engine) as connection:
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


async def _calm(at: House, storm: Storm) -> None:
    """Let the wind drop: no more faults, kept notices are sent, time passes, doubts resolve."""

    async def is_resolved() -> bool:
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


class Truth:
    """Holds our books against the providers' own, and both against what was promised."""

    def __init__(self, at: House, storm: Storm, weather: Weather, told: str) -> None:
        self._at = at
        self._storm = storm
        self._weather = weather
        self._told = told

    async def holds(self) -> dict[str, Any]:
        """Check every promise; give the figures.

        Raises:
            AssertionError: naming the seed and what is not as promised.
        """
        charged = await self._charges()
        attempts = await self._at.rows("SELECT * FROM attempts")
        self._nothing_is_guessed(charged, attempts)
        await self._money_is_where_it_must_be(charged, attempts)
        await self._answers_hold()
        await self._biller_knows()
        return await self._figures(charged, attempts)

    async def _charges(self) -> dict[str, int]:
        """Give what the providers took, by our reference: at most once each."""
        found: dict[str, int] = {}
        for rail in self._storm.rails:
            answer = await self._at.http.get(f"{rail.url}/control/charges")
            for charge in answer.json()["charges"]:
                assert charge["reference"] not in found, f"{self._told}: charged twice {charge}"
                found[charge["reference"]] = charge["amount_dong"]
        return found

    def _nothing_is_guessed(self, charged: dict[str, int], attempts: list[Any]) -> None:
        for attempt in attempts:
            state, was_charged = attempt["state"], attempt["reference"] in charged
            what = f"{self._told}: {attempt['provider']} {attempt['reference']} is {state}"
            if state == "conflicted":
                continue  # shown as disputed, with an owner: not a guess
            assert (state == "succeeded") == was_charged, f"{what}, charged: {was_charged}"
        unknown = set(charged) - {attempt["reference"] for attempt in attempts}
        assert not unknown, f"{self._told}: charged and unknown here {unknown}"

    async def _money_is_where_it_must_be(
        self, charged: dict[str, int], attempts: list[Any]
    ) -> None:
        taken = {a["reference"]: a for a in attempts if a["state"] == "succeeded"}
        rows = await self._at.rows("SELECT source, kind, amount_dong FROM transfers")
        settled = {row["source"] for row in rows if row["kind"] == "payment"}
        late = {row["source"] for row in rows if row["kind"] == "late_payment"}
        owned = {
            row["attempt_id"]
            for row in await self._at.rows(
                "SELECT attempt_id FROM exceptions WHERE kind = 'late_money' AND owner <> ''"
            )
        }
        for reference, attempt in taken.items():
            is_late, is_settled = attempt["id"] in late, attempt["payment_id"] in settled
            assert is_late or is_settled, f"{self._told}: {reference} is nowhere in the books"
            assert not is_late or attempt["id"] in owned, f"{self._told}: {reference} has no owner"
        total = sum(charged[reference] for reference in taken)
        moved = sum(
            row["amount_dong"] for row in rows if row["kind"] in {"payment", "late_payment"}
        ) - sum(row["amount_dong"] for row in await self._at.rows(COLLECTED))
        assert moved == total, f"{self._told}: the books say {moved}, the providers {total}"
        assert not await self._at.rows(OVERPAID), f"{self._told}: a bill was paid twice"
        assert not await self._at.rows(LOST_HOLD), f"{self._told}: a bill is held by what ended"

    async def _answers_hold(self) -> None:
        for key, first in self._storm.answers.items():
            stored = await self._at.rows("SELECT body FROM idempotency_keys WHERE key = $1", key)
            if stored:
                assert stored[0]["body"].encode() == first, f"{self._told}: {key}"

    async def _biller_knows(self) -> None:
        events = await self._at.rows("SELECT subject FROM events WHERE type = 'payment.succeeded'")
        told = [f"pay_{row['subject'].hex}" for row in events]
        assert len(told) == len(set(told)), f"{self._told}: an event was written twice"
        received = [entry["payment_id"] for entry in await self._at.received()]
        assert sorted(received) == sorted(told), f"{self._told}: the billing system differs"

    async def _figures(self, charged: dict[str, int], attempts: list[Any]) -> dict[str, Any]:
        waits = sorted(
            (a["settled_at"] - a["doubt_since"]).total_seconds()
            for a in attempts
            if a["doubt_since"] is not None and a["settled_at"] is not None
        )
        ranks = Counter(int(a["rank"]) for a in attempts if a["state"] == "succeeded")
        return {
            "seed": self._told,
            "payments": len(attempts),
            "charged": len(charged),
            "states": dict(Counter(a["state"] for a in attempts)),
            "ways": dict(self._storm.ways),
            "strikes": dict(self._weather.happened),
            "http": {str(k): v for k, v in self._storm.statuses.items()},
            "doubts": len(waits),
            "certainty_p50_s": waits[len(waits) // 2] if waits else None,
            "certainty_p95_s": waits[int(len(waits) * 0.95)] if waits else None,
            "succeeded_by_rank": {str(k): v for k, v in ranks.items()},
            "late_money": await self._at.count("SELECT FROM transfers WHERE kind = 'late_payment'"),
            "wrong_resolutions": 0,
        }


COLLECTED = """
SELECT t.amount_dong FROM transfers t JOIN payments p ON p.id = t.source
WHERE p.method = 'collected' AND t.kind = 'payment'
"""
OVERPAID = """
SELECT l.bill_id FROM payment_bills l JOIN payments p ON p.biller_id = l.biller_id
    AND p.id = l.payment_id WHERE p.status = 'succeeded' AND p.reversed_at IS NULL
GROUP BY l.bill_id HAVING count(*) > 1
"""
LOST_HOLD = """
SELECT b.id FROM bills b JOIN payments p ON p.id = b.claimed_by
WHERE b.claim IS NOT NULL AND p.status IN ('succeeded', 'failed', 'cancelled', 'expired')
"""


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
