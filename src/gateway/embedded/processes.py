"""What proves that a server lives in a data directory. A PID in a file proves nothing.

Every PostgreSQL process has its data directory as working directory, and keeps it to its end.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import psutil

GONE = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def title(data: Path) -> str:
    """Give the name that all processes of this directory's server carry in their command line."""
    return f"gateway-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"


def inhabitants(data: Path) -> list[int]:
    """Give the PIDs that live in `data`: servers, orphaned backends, anybody who stands there."""
    return [process.pid for process in psutil.process_iter() if _lives_in(process, data)]


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() not in GONE
    except psutil.NoSuchProcess:
        return False


def recorded_pid(lock: Path) -> int | None:
    """Give the PID that a lock file claims; whose it is now is another question."""
    try:
        return abs(int(lock.read_text().split("\n", 1)[0]))
    except (FileNotFoundError, ValueError):
        return None


def postmaster(data: Path) -> psutil.Process | None:
    """Give the running postmaster of `data`, if the process that the file names proves to be it."""
    pid = recorded_pid(data / "postmaster.pid")
    try:
        process = psutil.Process(pid) if pid else None
        is_it = process is not None and process.name() == "postgres" and _lives_in(process, data)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if is_it else None


def _lives_in(process: psutil.Process, data: Path) -> bool:
    try:
        if process.status() in GONE:
            return False
        try:
            return process.cwd() == str(data)
        except psutil.AccessDenied:
            # Root without CAP_SYS_PTRACE, as in a container, may not see where others stand, but
            # everybody may read command lines.
            return title(data) in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
