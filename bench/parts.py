"""The parts of the bench: what is loaded, how often, and what is made of it."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench import hooks, importing, limit
from bench.goals import Figure, figure, ratio
from bench.machine import NOISY_SHARE, Meter, Quiet
from bench.trial import TRIES, Mismatch, Run, Trial, median, trial
from bench.world import World, ask, execute_now

MILLION = 1_000_000
CLIENTS = (8, 32, 128)
PAY_RATES, LOOKUP_RATES = (500, 1_000, 2_000), (1_000, 4_000)
PEER_CLIENTS, LIMIT_CLIENTS = 32, 8


class Bench:
    """One run of the whole bench."""

    def __init__(self, world: World, quiet: Quiet, *, is_quick: bool) -> None:
        self._world, self._quiet, self._is_quick = world, quiet, is_quick
        self._times = 1 if is_quick else 3
        self._seconds = 2.5 if is_quick else 4.0
        self._bills = MILLION // 10 if is_quick else MILLION
        self._template = world.template(self._bills)
        self.figures: dict[str, Figure] = {}
        self.runs: dict[str, list[Run]] = {}

    def pay(self) -> None:
        """PAY in a closed loop, against pgbench and the ORM service, interleaved."""
        for _ in range(self._times):
            self._limit("pgbench PAY, 1 a call", limit.pay_script(1, self._bills), LIMIT_CLIENTS)
            self._limit("pgbench PAY, 32 a call", limit.pay_script(32, self._bills), 2, batch=32)
            with self._trial(peer=True) as peer:
                self._load(peer, "PAY orm", kind="pay", clients=PEER_CLIENTS)
            with self._trial() as ours:
                for clients in CLIENTS:
                    self._load(ours, f"PAY c={clients}", kind="pay", clients=clients)
        best = self._best(f"PAY c={clients}" for clients in CLIENTS)
        for key, other in {
            "pay_orm": "PAY orm",
            "pay_single": "pgbench PAY, 1 a call",
            "pay_batch": "pgbench PAY, 32 a call",
        }.items():
            self.figures[key] = self._ratio(best, other)
        cpu = [run.cpu_us["api"] + run.cpu_us["postgres"] for run in self.runs[best]]
        self.figures["pay_cpu"] = figure(cpu, self._foreign(best))

    def open(self) -> None:
        """PAY and LOOKUP at fixed rates of arrival; latency counts from the intended send time."""
        loads = [("pay", rate) for rate in PAY_RATES] + [("lookup", rate) for rate in LOOKUP_RATES]
        for _ in range(self._times):
            with self._trial() as ours:
                for kind, rate in loads:
                    name = f"{kind.upper()} at {rate}/s"
                    self._load(ours, name, kind=kind, clients=128, rate=rate)
        p99 = [run.p99_ms for run in self.runs["PAY at 1000/s"]]
        self.figures["pay_p99"] = figure(p99, self._foreign("PAY at 1000/s"))

    def lookup(self) -> None:
        """LOOKUP in a closed loop, against pgbench and the ORM service."""
        script = limit.lookup_script(self._bills)
        for _ in range(self._times):
            self._limit("pgbench LOOKUP", script, LIMIT_CLIENTS)
            with self._trial(peer=True) as peer:
                self._load(peer, "LOOKUP orm", kind="lookup", clients=PEER_CLIENTS)
            with self._trial() as ours:
                for clients in CLIENTS:
                    self._load(ours, f"LOOKUP c={clients}", kind="lookup", clients=clients)
        best = self._best(f"LOOKUP c={clients}" for clients in CLIENTS)
        self.figures["lookup_orm"] = self._ratio(best, "LOOKUP orm")
        self.figures["lookup_single"] = self._ratio(best, "pgbench LOOKUP")

    def webhooks(self) -> None:
        """One worker delivers to a fast receiver; against httpx as it comes."""
        count = 10_000 if self._is_quick else 30_000
        for _ in range(self._times):
            self._keep(
                "webhooks",
                self._repeated(
                    lambda: hooks.deliver(
                        self._world, self._template, self._bills, count, self._quiet
                    )
                ),
            )
        found, foreign = self.runs["webhooks"], self._foreign("webhooks")
        per_core = [1e6 / run.cpu_us["worker"] for run in found]
        plain = 1e6 / hooks.plain_httpx_us(count // 10)
        self.figures["webhooks"] = figure(per_core, foreign)
        self.figures["webhooks_httpx"] = ratio(per_core, [plain], foreign)
        self.figures["memory_worker"] = figure([run.peak_mib for run in found])

    def growth(self) -> None:
        """The same load at ten thousand, one million and ten million bills."""
        sizes = (10_000, self._bills) if self._is_quick else (10_000, MILLION, 10 * MILLION)
        for size in sizes:
            template = self._template if size == self._bills else self._world.template(size)
            # Ten million are too large to copy: all runs go one after another on the one database.
            is_copied = size <= MILLION
            for _ in range(self._times if is_copied else 1):
                url = (self._world.fresh if is_copied else self._world.itself)(template)
                with trial(self._world, url, size) as ours:
                    for _ in range(1 if is_copied else self._times):
                        self._grown(ours, size)
        small, large = sizes[-2:]
        for kind in ("PAY", "LOOKUP"):
            before, after = (f"{kind}, {size:,} bills" for size in (small, large))
            self.figures[f"growth_{kind.lower()}"] = _loss(self._ratio(after, before))

    def bulk(self) -> None:
        """Import a CSV of new bills in a process of its own."""
        url = self._world.fresh(self._template)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bills.csv"
            importing.write_csv(path, self._bills)
            for _ in range(self._times):
                self._keep("import", self._repeated(lambda: self._import(url, path)))
        self._world.drop(url)
        taken = [MILLION / run.per_second for run in self.runs["import"]]
        self.figures["import_s"] = figure(taken, self._foreign("import"))
        self.figures["import_mib"] = figure([run.peak_mib for run in self.runs["import"]])

    def startup(self) -> None:
        """What a process costs before its first request."""
        taken = [importing.import_seconds("gateway.app") for _ in range(3)]
        self.figures["startup"] = figure(taken)

    def conclude(self) -> None:
        """Add what all parts gave together."""
        peaks = [run.peak_mib for name, runs in self.runs.items() for run in runs if _is_api(name)]
        if peaks:
            self.figures["memory_api"] = figure([max(peaks)])

    def _trial(self, *, peer: bool = False) -> Any:
        return trial(self._world, self._world.fresh(self._template), self._bills, peer=peer)

    def _load(self, ours: Trial, name: str, **plan: Any) -> None:
        self._keep(name, ours.load(self._quiet, **({"seconds": self._seconds} | plan)))

    def _grown(self, ours: Trial, size: int) -> None:
        # The smallest has few bills to pay: its runs are short, and no goal hangs on them.
        seconds = 0.3 if size < 100_000 else self._seconds
        self._load(ours, f"PAY, {size:,} bills", kind="pay", clients=64, seconds=seconds)
        self._load(ours, f"LOOKUP, {size:,} bills", kind="lookup", clients=64)

    def _limit(self, name: str, script: str, clients: int, *, batch: int = 1) -> None:
        self._keep(name, self._repeated(lambda: self._pgbench(script, clients, batch)))

    def _pgbench(self, script: str, clients: int, batch: int) -> Run:
        url = self._world.fresh(self._template)
        self._world.checkpoint()
        self._quiet.wait(self._world.pid)
        pgbench, seconds = self._world.pgbench, self._seconds
        with Meter(self._world.pid) as meter:
            found = limit.run(pgbench, url, script, clients=clients, seconds=seconds)
        paid = ask(url, "SELECT count(*) AS n FROM payments")[0]["n"]
        if paid not in {0, found.calls * batch}:
            message = f"pgbench paid {found.calls * batch}, stored are {paid}"
            raise Mismatch(message)
        self._world.drop(url)
        cpu_us = meter.usage.cpu_s["postgres"] / (found.calls * batch) * 1e6
        return Run(
            found.per_second * batch, cpu_us={"postgres": cpu_us}, foreign=meter.usage.foreign
        )

    def _import(self, url: str, path: Path) -> Run:
        execute_now(url, "TRUNCATE bills")
        self._world.checkpoint()
        self._quiet.wait(self._world.pid)
        with Meter(self._world.pid) as meter:
            written, seconds, mib = importing.in_a_process(url, path)
        stored = ask(url, "SELECT count(*) AS n FROM bills")[0]["n"]
        if not stored == written == self._bills:
            message = f"{written} of {self._bills} bills imported, {stored} stored"
            raise Mismatch(message)
        return Run(written / seconds, peak_mib=mib, foreign=meter.usage.foreign)

    def _repeated(self, one: Callable[[], Run]) -> Run:
        found = [one()]
        while found[-1].foreign > NOISY_SHARE and len(found) < TRIES and self._quiet.has_patience:
            found.append(one())
        return min(found, key=lambda run: run.foreign)

    def _keep(self, name: str, run: Run) -> None:
        self.runs.setdefault(name, []).append(run)
        cpu = " ".join(f"{part} {us:.0f}" for part, us in run.cpu_us.items())
        print(
            f"{name:24}{run.per_second:>9,.0f}/s  p50 {run.p50_ms:6.2f}  p95 {run.p95_ms:6.2f}  "
            f"p99 {run.p99_ms:6.2f} ms  CPU us: {cpu}  WAL {run.wal_bytes:,.0f} B  "
            f"{run.peak_mib:.0f} MiB  foreign {run.foreign:.0%}",
            flush=True,
        )

    def _best(self, names: Iterable[str]) -> str:
        return max(names, key=lambda name: median(self.runs[name]))

    def _ratio(self, ours: str, theirs: str) -> Figure:
        above, below = ([run.per_second for run in self.runs[name]] for name in (ours, theirs))
        return ratio(above, below, max(self._foreign(ours), self._foreign(theirs)))

    def _foreign(self, name: str) -> float:
        return max(run.foreign for run in self.runs[name])


def _loss(kept: Figure) -> Figure:
    low, high = sorted(((1 - kept.low) * 100, (1 - kept.high) * 100))
    return Figure((1 - kept.value) * 100, low, high, kept.foreign)


def _is_api(name: str) -> bool:
    return name.startswith(("PAY", "LOOKUP")) and "orm" not in name
