"""What the machine does meanwhile: CPU by process tree, foreign load, memory."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

QUIET_SHARE = 0.10
NOISY_SHARE = 0.15
CORES = psutil.cpu_count() or 1


def tree_cpu_s(pid: int) -> float:
    """Sum user and system time of a process, its living descendants, and those it has reaped."""
    try:
        root = psutil.Process(pid)
        members = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_cpu_s(member) for member in members)


def _cpu_s(member: psutil.Process) -> float:
    try:
        times = member.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def busy_s() -> float:
    """Give the seconds that all cores have worked since boot, whoever they worked for."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


@dataclass(frozen=True)
class Usage:
    """What a run used. `foreign` is the share of all cores that others took."""

    seconds: float
    cpu_s: dict[str, float]
    foreign: float


class Meter:
    """Measures named process trees between `with` and its end.

    Ours are this process and all below it, and Postgres, whose supervisor let it go; whatever else
    worked meanwhile is foreign, and so is what the hypervisor took away.
    """

    def __init__(self, postgres: int = 0, **pids: int) -> None:
        self._ours = [os.getpid(), *([postgres] if postgres else [])]
        self._pids = pids | ({"postgres": postgres} if postgres else {})
        self.usage = Usage(0.0, {}, 0.0)

    def __enter__(self) -> "Meter":
        self._began = time.monotonic()
        self._cpu = {name: tree_cpu_s(pid) for name, pid in self._pids.items()}
        self._busy, self._own = busy_s(), self._own_s()
        return self

    def __exit__(self, *_: object) -> None:
        foreign = busy_s() - self._busy - (self._own_s() - self._own)
        cpu = {name: tree_cpu_s(pid) - self._cpu[name] for name, pid in self._pids.items()}
        seconds = time.monotonic() - self._began
        self.usage = Usage(seconds, cpu, max(foreign, 0.0) / seconds / CORES)

    @property
    def seconds(self) -> float:
        """Say how long it has been measuring."""
        return time.monotonic() - self._began

    def _own_s(self) -> float:
        return sum(tree_cpu_s(pid) for pid in self._ours)


class Quiet:
    """Waits for a quiet machine, as long in all as it has patience."""

    def __init__(self, patience_s: float) -> None:
        self._left_s = patience_s

    @property
    def has_patience(self) -> bool:
        """Say whether there is time left to wait or to measure again."""
        return self._left_s > 0

    def wait(self, postgres: int = 0) -> None:
        """Wait until others leave the cores alone for a second, or patience is at its end."""
        told = False
        while self.has_patience:
            with Meter(postgres) as meter:
                time.sleep(1.0)
            if meter.usage.foreign < QUIET_SHARE:
                return
            if not told:
                print(
                    f"  (others take {meter.usage.foreign:.0%} of the cores: waiting)", flush=True
                )
                told = True
            self._left_s -= meter.usage.seconds


def peak_mib(pids: Iterable[int]) -> float:
    """Give the largest peak resident size of some processes, in MiB."""
    return max((_peak_kib(pid) for pid in pids), default=0) / 1024


def _peak_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0


def serving(pid: int) -> list[int]:
    """Name the processes below `pid` that have loaded an application; `pid` if it is alone."""
    children = psutil.Process(pid).children(recursive=True)
    big = [child.pid for child in children if child.memory_info().rss > 40 * 2**20]
    return big or [pid]
