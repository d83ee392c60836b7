"""`make bench`: everything in one run on this machine, as ratios; see docs/performance.md."""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench import limit, runs
from bench.goals import report
from bench.machine import NOISY_SHARE, wait_for_quiet
from bench.runs import Run, median
from bench.world import SECRET, World, ask, execute

MILLION = 1_000_000
PARTS = ("pay", "open", "lookup", "webhooks", "growth", "import")
OUT = Path(__file__).parent / "out" / "latest.json"


class Bench:
    """One run of the whole bench."""

    def __init__(self, world: World, *, quick: bool, patience_s: float) -> None:
        self._world = world
        self._quick = quick
        self._times = 1 if quick else 3
        self._seconds = 3 if quick else 5
        self._patience_s = patience_s
        self._bills = 100_000 if quick else MILLION
        self.figures: dict[str, float] = {}
        self.details: dict[str, object] = {}
        self.noisiest = 0.0

    def prepare(self) -> None:
        """Make the template that most parts copy."""
        self._template = self._world.template(self._bills)

    def pay(self) -> None:
        """PAY against pgbench and the ORM service, interleaved."""
        ours, peer, single, batch = [], [], [], []
        for _ in range(self._times):
            single.append(self._limit(batch=1, clients=8))
            batch.append(self._limit(batch=32, clients=2))
            peer += self._loaded("PAY orm c=32", self._pay(clients=32, peer=True))
            for clients in (8, 32, 128):
                run = self._loaded(f"PAY c={clients}", self._pay(clients=clients))
                ours += run if clients == 128 else []
        best = median(ours)
        cpu = [sum(run.cpu_us.values()) for run in ours]
        self.figures |= {
            "pay_orm": best / median(peer),
            "pay_single": best / sorted(single)[len(single) // 2],
            "pay_batch": best / sorted(batch)[len(batch) // 2],
            "pay_cpu": sorted(cpu)[len(cpu) // 2],
            "memory": max(run.peak_mib for run in ours),
        }

    def open(self) -> None:
        """PAY at fixed rates of arrival; latency counts from the intended send time."""
        for rate in (500, 1_000, 2_000):
            run = self._loaded(
                f"PAY open {rate}/s", self._pay(clients=64, rate=rate, workers=1), self._times
            )
            if rate == 1_000:
                self.figures["pay_p99"] = median(run, "p99_ms")

    def lookup(self) -> None:
        """LOOKUP against the ORM service."""
        url = self._world.fresh(self._template)

        def look(clients: int, *, peer: bool = False) -> Callable[[], Run]:
            return lambda: runs.look_up(
                self._world, url, self._bills, peer=peer, clients=clients, seconds=self._seconds
            )

        peer = self._loaded("LOOKUP orm c=32", look(32, peer=True), self._times)
        self._loaded("LOOKUP c=8", look(8), self._times)
        ours = self._loaded("LOOKUP c=64", look(64), self._times)
        self.figures["lookup_orm"] = median(ours) / median(peer)
        self._world.drop(url)

    def webhooks(self) -> None:
        """One worker delivers to a fast receiver."""
        count = 10_000 if self._quick else 30_000
        found = self._loaded(
            "webhooks",
            lambda: runs.deliver(self._world, self._template, self._bills, count),
            self._times,
        )
        worker_us = sorted(run.cpu_us["worker"] for run in found)[len(found) // 2]
        self.figures["webhooks"] = 1e6 / worker_us
        memory = max(run.peak_mib for run in found)
        self.figures["memory"] = max(memory, self.figures.get("memory", 0.0))

    def growth(self) -> None:
        """The same load at ten thousand, one million and ten million bills."""
        sizes = (10_000, 100_000) if self._quick else (10_000, MILLION, 10 * MILLION)
        pay, look = {}, {}
        for size in sizes:
            # The smallest has few bills to pay: its run is shorter.
            seconds = 1 if size < MILLION else self._seconds
            template = self._template if size == self._bills else self._world.template(size)
            pay[size] = self._loaded(
                f"PAY {size:,} bills",
                lambda size=size, template=template, seconds=seconds: runs.pay(
                    self._world, template, size, clients=64, seconds=seconds
                ),
                self._times,
            )
            url = self._world.fresh(template)
            look[size] = self._loaded(
                f"LOOKUP {size:,} bills",
                lambda url=url, size=size: runs.look_up(
                    self._world, url, size, clients=64, seconds=self._seconds
                ),
                self._times,
            )
            self._world.drop(url)
        small, large = sizes[-2:]
        self.figures["growth_pay"] = _loss(median(pay[small]), median(pay[large]))
        self.figures["growth_lookup"] = _loss(median(look[small]), median(look[large]))

    def import_(self) -> None:
        """Import a CSV of new bills in a process of its own."""
        count = self._bills
        url = self._world.fresh(self._template)
        asyncio.run(_clear_bills(url))
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "bills.csv"
            _write_csv(path, count)
            taken = []
            for _ in range(self._times):
                wait_for_quiet(self._patience_s)
                seconds, mib = _import(url, path)
                taken.append((seconds, mib))
                if ask(url, "SELECT count(*) AS n FROM bills")[0]["n"] != count:
                    message = "imported bills are missing"
                    raise runs.Mismatch(message)
                asyncio.run(_clear_bills(url))
        taken.sort()
        seconds, mib = taken[len(taken) // 2]
        print(f"{'import of ' + format(count, ','):24} {seconds:6.2f} s, +{mib:.0f} MiB")
        self.figures |= {"import_s": seconds * MILLION / count, "import_mib": mib}
        self.details["import"] = taken
        self._world.drop(url)

    def _limit(self, *, batch: int, clients: int) -> float:
        wait_for_quiet(self._patience_s)
        url = self._world.fresh(self._template)
        found = limit.run(
            self._world.pgbench,
            url,
            batch=batch,
            clients=clients,
            seconds=self._seconds,
            bills=self._bills,
        )
        paid = ask(url, "SELECT count(*) AS n FROM payments")[0]["n"]
        if paid != found.payments:
            message = f"pgbench paid {found.payments}, stored are {paid}"
            raise runs.Mismatch(message)
        self._world.drop(url)
        print(
            f"{f'pgbench x{batch} c={clients}':24} {found.payments_per_second:8.0f}/s", flush=True
        )
        return found.payments_per_second

    def _pay(self, **options: object) -> Callable[[], Run]:
        options = {"seconds": self._seconds} | options
        return lambda: runs.pay(self._world, self._template, self._bills, **options)

    def _loaded(self, name: str, one: Callable[[], Run], times: int = 1) -> list[Run]:
        found = runs.repeat(times, one, patience_s=self._patience_s)
        self.noisiest = max(self.noisiest, *(run.foreign for run in found))
        known = self.details.setdefault(name, [])
        assert isinstance(known, list)
        known += [asdict(run) for run in found]
        rates = sorted(run.per_second for run in found)
        cpu = " ".join(f"{part} {us:.0f}" for part, us in found[-1].cpu_us.items())
        print(
            f"{name:24} {rates[0]:8.0f}/{median(found):.0f}/{rates[-1]:.0f} a second  "
            f"p50 {median(found, 'p50_ms'):.2f} p99 {median(found, 'p99_ms'):.2f} ms  "
            f"CPU us: {cpu}  WAL {median(found, 'wal_bytes'):.0f} B  "
            f"{median(found, 'peak_mib'):.0f} MiB  foreign {found[-1].foreign:.0%}",
            flush=True,
        )
        return found


def _loss(before: float, after: float) -> float:
    return (1 - after / before) * 100


def _write_csv(path: Path, count: int) -> None:
    with path.open("w") as out:
        out.write(
            "bill_id,customer_code,period,kwh,net_dong,vat_dong,amount_dong,issued_on,due_on\n"
        )
        for number in range(1, count + 1):
            out.write(
                f"HD202611-PB14{number:09d},PB14{number:09d},2026-11,45,92593,7407,100000,"
                "2026-12-02,2026-12-09\n"
            )


def _import(url: str, path: Path) -> tuple[float, float]:
    env = os.environ | {"GATEWAY_DATABASE_URL": url, "GATEWAY_SECRET_KEY": SECRET}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bench.importing", str(path)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    _, seconds, mib = done.stdout.split()
    assert float(seconds) <= time.monotonic() - began
    return float(seconds), float(mib)


async def _clear_bills(url: str) -> None:
    await execute(url, "TRUNCATE bills")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and shorter, no ten million")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument(
        "--allow-noise", action="store_true", help="do not wait for a quiet machine"
    )
    asked = parser.parse_args()
    patience_s = 0.0 if asked.allow_noise else 180.0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        with World(Path(folder)) as world:
            bench = Bench(world, quick=asked.quick, patience_s=patience_s)
            bench.prepare()
            for part in PARTS:
                if part in asked.only.split(","):
                    getattr(bench, "import_" if part == "import" else part)()
    bench.details["machine"] = {"python": platform.python_version(), "cpu": platform.processor()}
    is_good = report(bench.figures, bench.details, OUT)
    if bench.noisiest > NOISY_SHARE:
        print(f"noisy: others took up to {bench.noisiest:.0%} of the cores; no verdict")
        is_good = asked.allow_noise and is_good
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
