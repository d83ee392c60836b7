"""What the machine does meanwhile: CPU by process tree, foreign load, memory, WAL."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

QUIET_SHARE = 0.10
NOISY_SHARE = 0.15
CORES = psutil.cpu_count() or 1


def tree_cpu_s(pid: int) -> float:
    """Sum user and system time of a process, its living children, and those it has reaped."""
    try:
        root = psutil.Process(pid)
        members = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    total = 0.0
    for member in members:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        if member is root:
            total += times.children_user + times.children_system
    return total


def busy_s() -> float:
    """Give the seconds that all cores have worked."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


@dataclass(frozen=True)
class Usage:
    """What a run used. `foreign` is the share of all cores that others took."""

    seconds: float
    cpu_s: dict[str, float]
    foreign: float


class Meter:
    """Measures named process trees between `with` and its end."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids
        self.usage = Usage(0.0, {}, 0.0)

    def __enter__(self) -> "Meter":
        self._cpu = {name: tree_cpu_s(pid) for name, pid in self._pids.items()}
        self._busy, self._began = busy_s(), time.monotonic()
        self._own = psutil.Process().cpu_times()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.monotonic() - self._began
        cpu = {name: tree_cpu_s(pid) - self._cpu[name] for name, pid in self._pids.items()}
        own = psutil.Process().cpu_times()
        mine = own.user + own.system - self._own.user - self._own.system
        foreign = busy_s() - self._busy - sum(cpu.values()) - mine
        self.usage = Usage(seconds, cpu, max(foreign, 0.0) / seconds / CORES)


def wait_for_quiet(patience_s: float) -> float:
    """Wait until others leave the cores alone for a second; give the share they took last."""
    until = time.monotonic() + patience_s
    while True:
        with Meter() as meter:
            time.sleep(1.0)
        if meter.usage.foreign < QUIET_SHARE or time.monotonic() > until:
            return meter.usage.foreign


def peak_mb(pids: Iterable[int]) -> float:
    """Give the largest peak resident size of some processes, in MiB."""
    return max((_peak_kb(pid) for pid in pids), default=0) / 1024


def _peak_kb(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0
