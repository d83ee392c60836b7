"""`make bench`: everything in one run on this machine, as ratios; see docs/performance.md."""

import argparse
import contextlib
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.goals import report
from bench.machine import CORES, Quiet
from bench.parts import Bench
from bench.trial import Mismatch
from bench.world import World

PARTS = ("pay", "open", "lookup", "webhooks", "growth", "bulk", "startup")
PACKAGES = ("fastapi", "uvicorn", "uvloop", "pydantic", "asyncpg", "sqlalchemy", "aiohttp", "httpx")
OUT = Path(__file__).parent / "out" / "latest.json"
FAILED, NOISY, DIFFERED = 1, 2, 3


def main() -> int:
    """Run what was asked for."""
    asked = _asked()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    quiet = Quiet(0.0 if asked.allow_noise else asked.patience * 60)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.folder) as folder:
        Path(folder).chmod(0o755)
        with World(Path(folder)) as world:
            server = world.settings
            bench = Bench(world, quiet, is_quick=asked.quick)
            try:
                for part in asked.only:
                    getattr(bench, part)()
            except Mismatch as difference:
                print(f"\nDIFFERENCE: {difference}")
                return DIFFERED
    bench.conclude()
    details = {
        "runs": {name: [vars(run) for run in runs] for name, runs in bench.runs.items()},
        "machine": _machine() | {"postgres": server},
        "asked": vars(asked),
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    is_good = report(bench.figures, details, asked.out, is_final=not asked.allow_noise)
    if any(found.is_noisy for found in bench.figures.values()):
        print("others used this machine: figures marked noisy say nothing; run it again in quiet")
        return FAILED if asked.allow_noise and not is_good else 0 if asked.allow_noise else NOISY
    return 0 if is_good else FAILED


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller and shorter, no ten million")
    parser.add_argument("--only", type=_parts, default=PARTS, help=f"some of {','.join(PARTS)}")
    parser.add_argument(
        "--allow-noise", action="store_true", help="neither wait for a quiet machine nor ask for it"
    )
    parser.add_argument(
        "--patience", type=float, default=10.0, help="minutes to wait for a quiet machine, in all"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="the JSON to write, and .md")
    parser.add_argument("--folder", help="where the database stands meanwhile (15 GB)")
    asked = parser.parse_args()
    asked.out = _writable(str(asked.out))  # said now, not after a quarter of an hour
    return asked


def _writable(text: str) -> Path:
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a"):
            return path
    except OSError as error:
        message = f"cannot write '{path}' ({error.strerror}): name another by --out"
        raise SystemExit(message) from error


def _parts(text: str) -> tuple[str, ...]:
    named = tuple(text.split(","))
    if unknown := set(named) - set(PARTS):
        message = f"no part '{min(unknown)}'"
        raise argparse.ArgumentTypeError(message)
    return named


def _machine() -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": _revision(),
        "cores": CORES,
        "cpu": _cpu(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _revision() -> str:
    with contextlib.suppress(OSError):
        argv = ["git", "describe", "--always", "--dirty"]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    return ""


if __name__ == "__main__":
    sys.exit(main())
