"""Webhooks: one worker delivers what was paid to a fast receiver; nothing may be missing there."""

import statistics
import subprocess
import sys
import time
from collections import Counter

from bench.machine import Meter, Quiet, peak_mib
from bench.services import Broken, answers, free_port, process, read, service, wait
from bench.trial import Mismatch, Run, Trial
from bench.world import World, ask, execute_now

# Autovacuum does so within a minute; plans that are made without statistics flatter us.
ANALYZE = "ANALYZE deliveries, events"
DUE = "SELECT count(*) AS n FROM deliveries WHERE state <> 'delivered'"
CATCH_UP_S = 180.0


def deliver(world: World, template: str, bills: int, count: int, quiet: Quiet) -> Run:
    """Pay `count` bills, then let one worker deliver them; compare payments, events, receipts.

    Raises:
        Mismatch: the receiver lacks an event or a payment, or has one that was never made.
    """
    url, port = world.fresh(template), free_port()
    execute_now(url, f"UPDATE webhook_endpoints SET url = 'http://127.0.0.1:{port}/webhooks'")
    with service(url, workers=1) as started:
        paying = Trial(world, url, bills, started)
        paying.drive(kind="pay", clients=128, seconds=120, most=count)
    paying.compare()
    execute_now(url, ANALYZE)
    quiet.wait(world.pid)
    with process(["-m", "bench.receiver", str(port)], url):
        wait(lambda: answers(f"http://127.0.0.1:{port}/"))
        run = _work(world, url, port, len(paying.acknowledged))
        _compare(url, port, paying.acknowledged)
    world.drop(url)
    return run


def _work(world: World, url: str, port: int, total: int) -> Run:
    def received() -> int:
        return int(read(f"http://127.0.0.1:{port}/count"))

    changes = {"GATEWAY_WEBHOOK_ALLOW_PRIVATE": "true"}
    with process(["-m", "gateway", "worker"], url, changes) as pid:
        wait(lambda: received() > 0)
        with Meter(world.pid, worker=pid) as meter:
            first = received()
            while (last := received()) < total * 0.98:
                if meter.seconds > CATCH_UP_S:
                    message = f"only {last} of {total} webhooks came"
                    raise Broken(message)
                time.sleep(0.1)
        wait(lambda: ask(url, DUE)[0]["n"] == 0, CATCH_UP_S)
        peak = peak_mib([pid])
    count = last - first
    return Run(
        per_second=count / meter.usage.seconds,
        cpu_us={name: seconds / count * 1e6 for name, seconds in meter.usage.cpu_s.items()},
        peak_mib=peak,
        foreign=meter.usage.foreign,
    )


def _compare(url: str, port: int, acknowledged: set[str]) -> None:
    lines = [line.split() for line in read(f"http://127.0.0.1:{port}/").splitlines()]
    events = Counter(event for event, _ in lines)
    stored = {row["id"].hex for row in ask(url, "SELECT id FROM events")}
    twice = sum(events.values()) - len(events)
    if set(events) != stored or {payment for _, payment in lines} != acknowledged or twice:
        message = (
            f"{len(acknowledged)} payments acknowledged, {len(stored)} events stored, "
            f"{len(events)} received, {twice} of them twice"
        )
        raise Mismatch(message)


def plain_httpx_us(count: int) -> float:
    """Measure what httpx as it comes costs a delivery; the median of three."""
    port, taken = free_port(), []
    with process(["-m", "bench.receiver", str(port)], ""):
        wait(lambda: answers(f"http://127.0.0.1:{port}/"))
        argv = [sys.executable, "-m", "bench.plain_httpx", str(port), str(count)]
        for _ in range(3):
            done = subprocess.run(argv, capture_output=True, text=True, check=True)
            taken.append(float(done.stdout))
    return statistics.median(taken)
