"""A trial: a service on a database, load after load, and every answer compared at the end.

What the client was told and what is stored must be equal, row for row; a difference is the worst
that a bench can find, and ends it.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.load import PAY_AMOUNT_DONG
from bench.machine import NOISY_SHARE, Meter, Quiet, peak_mib, serving
from bench.services import Broken, service
from bench.world import World, ask

TRIES = 3
WARM_UP = {"kind": "lookup", "clients": 16, "seconds": 0.7}

# Rows by table, and the two sums; each payment here pays one bill and has one endpoint to tell.
TOTALS = """
SELECT (SELECT count(*) FROM payments) AS payments,
       (SELECT count(*) FROM payment_bills) AS lines,
       (SELECT count(*) FROM bills WHERE status = 'paid') AS bills,
       (SELECT count(*) FROM transfers) AS transfers,
       (SELECT count(*) FROM events) AS events,
       (SELECT count(*) FROM deliveries) AS deliveries,
       (SELECT count(*) FROM idempotency_keys) AS keys,
       (SELECT coalesce(sum(amount_dong), 0) FROM payments)::bigint AS paid_dong,
       (SELECT coalesce(sum(amount_dong), 0) FROM transfers)::bigint AS moved_dong
"""
SUMS = ("paid_dong", "moved_dong")
WAL = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 AS bytes"


@dataclass
class Run:
    """What one load gave."""

    per_second: float
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    cpu_us: dict[str, float] = field(default_factory=dict)
    wal_bytes: float = 0.0
    peak_mib: float = 0.0
    foreign: float = 0.0


class Mismatch(Exception):
    """What was acknowledged and what is stored, or was received, differ."""


class Trial:
    """A running service under load; remembers what it acknowledged."""

    def __init__(self, world: World, url: str, bills: int, started: tuple[int, int]) -> None:
        self.world, self.url, self.bills = world, url, bills
        self.port, self.pid = started
        self.acknowledged: set[str] = set()
        self._first = 0

    def load(self, quiet: Quiet, **plan: Any) -> Run:
        """Load it right after a checkpoint; a noisy load is done again, the least noisy counts."""
        found: list[Run] = []
        for _ in range(TRIES):
            self.world.checkpoint()
            quiet.wait(self.world.pid)
            found.append(self._measure(plan))
            if found[-1].foreign <= NOISY_SHARE or not quiet.has_patience:
                break
        return min(found, key=lambda run: run.foreign)

    def drive(self, **plan: Any) -> dict[str, Any]:
        """Run a load in a process of its own, and keep what was acknowledged.

        Raises:
            Mismatch: an answer was no success, or two payments have one id.
        """
        done, ids = drive(self.port, **self._plan(plan))
        self._first += int(done["requests"])
        if plan["kind"] == "pay" and self._first > self.bills:
            message = f"{self._first} payments, only {self.bills} bills"
            raise Broken(message)
        success = "201" if plan["kind"] == "pay" else "200"
        if set(done["statuses"]) != {success}:
            message = f"a {plan['kind']} was answered {done['statuses']}"
            raise Mismatch(message)
        if plan["kind"] == "pay":
            before = len(self.acknowledged)
            self.acknowledged |= set(ids)
            if not len(self.acknowledged) - before == len(ids) == done["statuses"]["201"]:
                message = "two payments were answered with one id"
                raise Mismatch(message)
        return done

    def compare(self) -> None:
        """Hold what was acknowledged against what is stored.

        Raises:
            Mismatch: anything differs.
        """
        totals = dict(ask(self.url, TOTALS)[0])
        sums = {totals.pop(name) for name in SUMS}
        stored = {row["id"].hex for row in ask(self.url, "SELECT id FROM payments")}
        count = len(self.acknowledged)
        is_whole = set(totals.values()) == {count} and sums == {count * PAY_AMOUNT_DONG}
        if not is_whole or stored != self.acknowledged:
            message = f"acknowledged {count}, stored {totals}, sums {sums}"
            raise Mismatch(message)

    def _plan(self, plan: dict[str, Any]) -> dict[str, Any]:
        return {"bills": self.bills, "first": self._first, "run": f"R{time.time_ns()}"} | plan

    def _measure(self, plan: dict[str, Any]) -> Run:
        before, client = ask(self.url, WAL)[0]["bytes"], _children_cpu_s()
        with Meter(self.world.pid, api=self.pid) as meter:
            done = self.drive(**plan)
        client = _children_cpu_s() - client
        count = float(done["requests"])
        cpu_s = meter.usage.cpu_s | {"client": client}
        return Run(
            per_second=done["per_second"],
            p50_ms=done["p50_ms"],
            p95_ms=done["p95_ms"],
            p99_ms=done["p99_ms"],
            cpu_us={name: seconds / count * 1e6 for name, seconds in cpu_s.items()},
            wal_bytes=(ask(self.url, WAL)[0]["bytes"] - before) / count,
            peak_mib=peak_mib(serving(self.pid)),
            foreign=meter.usage.foreign,
        )


@contextmanager
def trial(
    world: World, url: str, bills: int, *, workers: int = 2, peer: bool = False
) -> Iterator[Trial]:
    """Start a service on a database, compare at the end, and drop the database."""
    with service(url, workers=workers, peer=peer) as started:
        made = Trial(world, url, bills, started)
        made.drive(**WARM_UP)
        yield made
    made.compare()
    world.drop(url)


def drive(port: int, **plan: Any) -> tuple[dict[str, Any], list[str]]:
    """Run one load in its own process; gives what it measured and the ids acknowledged."""
    with tempfile.TemporaryDirectory() as folder:
        ids = Path(folder) / "acknowledged"
        given = json.dumps(plan | {"port": port, "ids": str(ids)})
        argv = [sys.executable, "-m", "bench.load"]
        done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"the load broke: {done.stderr[-2000:]}"
            raise Broken(message)
        return json.loads(done.stdout), ids.read_text().split()


def median(runs: list[Run], name: str = "per_second") -> float:
    """Give the median of one figure."""
    return float(statistics.median(getattr(run, name) for run in runs))


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
