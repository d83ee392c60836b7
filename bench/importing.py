"""Imports one file of bills and prints seconds and the growth of peak memory in MiB."""

import asyncio
import resource
import sys
import time
from pathlib import Path

from gateway.flows.imports import import_bills
from gateway.settings import Settings, open_runtime


async def main(path: Path) -> None:
    """Import it."""
    rt = open_runtime(Settings())
    await rt.start()
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    report = await import_bills(rt, "evnspc-camau", path, actor="bench")
    seconds = time.monotonic() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(report.written, round(seconds, 3), round(grown / 1024, 1))
    await rt.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
