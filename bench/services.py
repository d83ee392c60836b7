"""Processes that a bench starts, and stops by their ids."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO
from urllib.request import urlopen

from bench.world import SECRET

PATIENCE_S = 60.0
STOP_S = 20.0
TAIL_BYTES = 2_000


class Broken(Exception):
    """Something of the bench did not start, or waited in vain."""


@contextmanager
def service(url: str, *, workers: int, peer: bool = False) -> Iterator[tuple[int, int]]:
    """Start our API, or the peer; gives its port and process id."""
    port = free_port()
    changes = {
        "GATEWAY_PORT": str(port),
        "GATEWAY_WORKERS": str(workers),
        "PEER_DATABASE_URL": url,
    }
    uvicorn = ["-m", "uvicorn", "bench.peer_orm.app:app", "--port", str(port)]
    peers = [*uvicorn, "--workers", str(workers), "--no-access-log", "--log-level", "warning"]
    with process(peers if peer else ["-m", "gateway", "serve"], url, changes) as pid:
        probe = f"http://127.0.0.1:{port}/" + ("openapi.json" if peer else "health/ready")
        wait(lambda: answers(probe))
        yield port, pid


@contextmanager
def process(argv: list[str], url: str, changes: dict[str, str] | None = None) -> Iterator[int]:
    """Run a Python program on a database, its output in a file; gives its process id.

    Raises:
        Broken: what was waited for did not come; what the program wrote last is in its notes.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith("GATEWAY_")}
    env |= {"GATEWAY_DATABASE_URL": url, "GATEWAY_SECRET_KEY": SECRET} | (changes or {})
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(
            [sys.executable, *argv], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            yield running.pid
        except Broken as error:
            error.add_note(_tail(log))
            raise
        finally:
            _stop(running)


def _stop(running: "subprocess.Popen[bytes]") -> None:
    if running.poll() is not None:
        return
    running.send_signal(signal.SIGTERM)
    try:
        running.wait(STOP_S)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def _tail(log: BinaryIO) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - TAIL_BYTES))
    return log.read().decode(errors="replace")


def answers(url: str) -> bool:
    """Say whether something answers 2xx there."""
    try:
        with urlopen(url, timeout=2):  # noqa: S310 (loopback)
            return True
    except OSError:
        return False


def read(url: str) -> str:
    """Read a loopback URL."""
    with urlopen(url, timeout=10) as answer:  # noqa: S310 (loopback)
        return str(answer.read().decode())


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait for something that another process does.

    Raises:
        Broken: it did not come.
    """
    until = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > until:
            message = f"waited {patience_s:.0f} s in vain"
            raise Broken(message)
        time.sleep(0.05)
