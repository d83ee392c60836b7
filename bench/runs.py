"""One run each: start a service on a fresh database, load it, stop it, compare every answer."""

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import psutil

from bench.machine import NOISY_SHARE, Meter, peak_mb, wait_for_quiet
from bench.world import ENDPOINT_SECRET, SECRET, World, ask, wait
from gateway.domain.partner import Mode
from gateway.flows import operate
from gateway.runtime import Clock, Runtime, Secrets

TOTALS = """
SELECT (SELECT count(*) FROM payments) AS payments,
       (SELECT count(*) FROM bills WHERE status = 'paid') AS bills,
       (SELECT count(*) FROM transfers) AS transfers,
       (SELECT coalesce(sum(amount_dong), 0) FROM transfers)::bigint AS dong,
       (SELECT count(*) FROM events) AS events,
       (SELECT count(*) FROM idempotency_keys) AS keys
"""
WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes"


@dataclass
class Run:
    """What one run gave; ratios are made of the medians of several."""

    per_second: float
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    cpu_us: dict[str, float] = field(default_factory=dict)
    wal_bytes: float = 0.0
    peak_mib: float = 0.0
    foreign: float = 0.0


class Mismatch(Exception):
    """What was acknowledged and what is stored differ: the worst that a bench can find."""


@contextmanager
def service(url: str, *, workers: int, peer: bool = False) -> Iterator[tuple[int, int]]:
    """Start our API, or the peer; gives its port and process id."""
    port = free_port()
    base = os.environ | {
        "GATEWAY_DATABASE_URL": url,
        "GATEWAY_SECRET_KEY": SECRET,
        "GATEWAY_PORT": str(port),
        "GATEWAY_WORKERS": str(workers),
        "GATEWAY_POOL_SIZE": "8",
        "PEER_DATABASE_URL": url,
    }
    uvicorn = ["-m", "uvicorn", "bench.peer_orm.app:app", "--port", str(port)]
    argv = [*uvicorn, "--workers", str(workers), "--no-access-log", "--log-level", "warning"]
    with process(argv if peer else ["-m", "gateway", "serve"], base) as pid:
        probe = f"http://127.0.0.1:{port}/" + ("openapi.json" if peer else "health/ready")
        wait(lambda: answers(probe))
        yield port, pid


@contextmanager
def process(argv: list[str], env: dict[str, str]) -> Iterator[int]:
    """Run a Python program with its output in a file; stopped by its id."""
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(
            [sys.executable, *argv], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            yield running.pid
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def drive(port: int, folder: Path, **plan: object) -> tuple[dict[str, object], list[str]]:
    """Run the load in its own process; gives what it measured and the ids acknowledged."""
    ids = folder / "acknowledged"
    plan |= {"port": port, "ids": str(ids)}
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), ids.read_text().split()


def pay(world: World, template: str, bills: int, **options: object) -> Run:
    """Load PAY on a fresh copy and compare every acknowledged payment with the database."""
    peer, workers = bool(options.pop("peer", False)), int(str(options.pop("workers", 2)))
    url = world.fresh(template)
    with tempfile.TemporaryDirectory() as name, service(url, workers=workers, peer=peer) as started:
        port, pid = started
        drive(port, Path(name), **_plan("lookup", bills, clients=16, seconds=0.5))
        before = ask(url, WAL)[0]["bytes"]
        with Meter(api=pid, postgres=world.pid) as meter:
            found, ids = drive(port, Path(name), **_plan("pay", bills, **options))
        wal = float(ask(url, WAL)[0]["bytes"] - before)
        peak = peak_mb(serving(pid))
    compare(url, ids, found)
    world.drop(url)
    return _run(found, meter, wal, peak)


def look_up(world: World, url: str, bills: int, *, peer: bool = False, **options: object) -> Run:
    """Load LOOKUP."""
    workers = int(str(options.pop("workers", 2)))
    with tempfile.TemporaryDirectory() as name, service(url, workers=workers, peer=peer) as started:
        port, pid = started
        drive(port, Path(name), **_plan("lookup", bills, clients=16, seconds=0.5))
        with Meter(api=pid, postgres=world.pid) as meter:
            found, _ = drive(port, Path(name), **_plan("lookup", bills, **options))
        peak = peak_mb(serving(pid))
    statuses = found["statuses"]
    assert isinstance(statuses, dict)
    if set(statuses) != {"200"}:
        message = f"a lookup was answered {statuses}"
        raise Mismatch(message)
    return _run(found, meter, 0.0, peak)


def compare(url: str, ids: list[str], found: dict[str, object]) -> None:
    """Hold what was acknowledged against what is stored.

    Raises:
        Mismatch: anything differs.
    """
    statuses = found["statuses"]
    assert isinstance(statuses, dict)
    totals = dict(ask(url, TOTALS)[0])
    counts = {name: totals[name] for name in ("payments", "bills", "transfers", "events", "keys")}
    stored = {row["id"].hex for row in ask(url, "SELECT id FROM payments")}
    acknowledged = set(ids)
    is_whole = (
        set(statuses) == {"201"}
        and len(acknowledged) == len(ids) == statuses["201"]
        and acknowledged == stored
        and set(counts.values()) == {len(ids)}
        and totals["dong"] == len(ids) * 100_000
    )
    if not is_whole:
        message = f"acknowledged {len(ids)}, statuses {statuses}, stored {totals}"
        raise Mismatch(message)


def deliver(world: World, template: str, bills: int, count: int) -> Run:
    """Pay `count` bills, then let one worker deliver them to a fast receiver; compare the sets."""
    url = world.fresh(template)
    port = free_port()
    asyncio.run(_add_endpoint(url, f"http://127.0.0.1:{port}/webhooks"))
    with tempfile.TemporaryDirectory() as name, service(url, workers=1) as (api_port, _):
        plan = _plan("pay", bills, clients=64, seconds=60) | {"rate": 4_000, "seconds": count / 4e3}
        drive(api_port, Path(name), **plan)
    env = os.environ | {
        "GATEWAY_DATABASE_URL": url,
        "GATEWAY_SECRET_KEY": SECRET,
        "GATEWAY_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    due = "SELECT count(*) AS n FROM deliveries WHERE state = 'due'"
    total = ask(url, due)[0]["n"]
    with process(["-m", "bench.receiver", str(port)], dict(os.environ)):
        wait(lambda: answers(f"http://127.0.0.1:{port}/"))
        with process(["-m", "gateway", "worker"], env) as pid:
            wait(lambda: ask(url, due)[0]["n"] < total)
            left = ask(url, due)[0]["n"]
            with Meter(worker=pid, postgres=world.pid) as meter:
                wait(lambda: ask(url, due)[0]["n"] == 0, 120)
            peak = peak_mb([pid])
        with urlopen(f"http://127.0.0.1:{port}/") as answer:
            seen = set(answer.read().decode().split())
    events = {f"evt_{row['id'].hex}" for row in ask(url, "SELECT id FROM events")}
    if seen != events:
        message = f"{len(events)} events, {len(seen)} received"
        raise Mismatch(message)
    world.drop(url)
    run = Run(left / meter.usage.seconds, peak_mib=peak, foreign=meter.usage.foreign)
    run.cpu_us = {name: s / left * 1e6 for name, s in meter.usage.cpu_s.items()}
    return run


def repeat(times: int, one: Callable[[], Run], *, patience_s: float) -> list[Run]:
    """Make several runs, each begun when the machine is quiet; a noisy one is made again once."""
    runs = []
    for _ in range(times):
        wait_for_quiet(patience_s)
        run = one()
        if run.foreign > NOISY_SHARE and patience_s > 0:
            wait_for_quiet(patience_s)
            run = one()
        runs.append(run)
    return runs


def median(runs: list[Run], name: str = "per_second") -> float:
    """Give the median of one figure."""
    return statistics.median(getattr(run, name) for run in runs)


def serving(pid: int) -> list[int]:
    """Name the processes of a service that have loaded the application."""
    children = psutil.Process(pid).children(recursive=True)
    return [child.pid for child in children if _is_big(child)] or [pid]


def _is_big(child: psutil.Process) -> bool:
    return bool(child.memory_info().rss > 40 * 2**20)


def answers(url: str) -> bool:
    """Say whether something answers 2xx there."""
    try:
        with urlopen(url, timeout=2):  # noqa: S310 (loopback)
            return True
    except OSError:
        return False


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _plan(kind: str, bills: int, **options: object) -> dict[str, object]:
    plan: dict[str, object] = {
        "kind": kind,
        "bills": bills,
        "first": 0,
        "run": f"R{time.time_ns()}",
    }
    return plan | options


def _run(found: dict[str, object], meter: Meter, wal: float, peak: float) -> Run:
    count = float(str(found["requests"])) or 1.0
    return Run(
        per_second=float(str(found["per_second"])),
        p50_ms=float(str(found["p50_ms"])),
        p95_ms=float(str(found["p95_ms"])),
        p99_ms=float(str(found["p99_ms"])),
        cpu_us={name: seconds / count * 1e6 for name, seconds in meter.usage.cpu_s.items()},
        wal_bytes=wal / count,
        peak_mib=peak,
        foreign=meter.usage.foreign,
    )


async def _add_endpoint(url: str, target: str) -> None:
    secrets = Secrets.derived_from(SECRET.encode())
    rt = Runtime(database_url=url, pool_size=5, secrets=secrets, mode=Mode.TEST, clock=Clock())
    await rt.start()
    wanted = operate.NewEndpoint("evnspc-camau", target, ENDPOINT_SECRET, allow_private=True)
    await operate.add_endpoint(rt, wanted, actor="bench")
    await rt.stop()
