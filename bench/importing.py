"""Imports: a million bills from a file, and what Python imports before a first request.

`python -m bench.importing FILE` imports one file of bills and prints how many were written, in how
many seconds, and by how many MiB the peak of memory grew.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.machine import peak_mib
from bench.services import Broken
from bench.world import SECRET
from gateway.domain.csv_lines import BILLS_HEADER
from gateway.flows.imports import import_bills
from gateway.settings import Settings, open_runtime


def write_csv(path: Path, count: int) -> None:
    """Write a file of `count` new bills of known customers."""
    with path.open("w") as out:
        out.write(",".join(BILLS_HEADER) + "\n")
        for number in range(1, count + 1):
            out.write(
                f"HD202611-PB14{number:09d},PB14{number:09d},2026-11,45,92593,7407,100000,"
                "2026-12-02,2026-12-09\n"
            )


def in_a_process(url: str, path: Path) -> tuple[int, float, float]:
    """Import a file in a process of its own; gives bills written, seconds, and MiB grown."""
    env = os.environ | {"GATEWAY_DATABASE_URL": url, "GATEWAY_SECRET_KEY": SECRET}
    argv = [sys.executable, "-m", "bench.importing", str(path)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"the import broke: {done.stderr[-2000:]}"
        raise Broken(message)
    written, seconds, mib = done.stdout.split()
    return int(written), float(seconds), float(mib)


def import_seconds(module: str) -> float:
    """Measure the CPU seconds that a fresh interpreter spends on importing a module."""
    code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    argv = [sys.executable, "-c", code]
    return float(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


async def main(path: Path) -> None:
    """Import it."""
    rt = open_runtime(Settings())
    await rt.start()
    # Not ru_maxrss: that one is inherited from the process that started this one.
    before, began = peak_mib([os.getpid()]), time.monotonic()
    report = await import_bills(rt, "evnspc-camau", path, actor="bench")
    seconds = time.monotonic() - began
    print(report.written, round(seconds, 3), round(peak_mib([os.getpid()]) - before, 1))
    await rt.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
