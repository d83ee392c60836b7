"""The parts of `gateway run` as processes: started, awaited, and ended with their parent."""

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

LOOPBACK = "127.0.0.1"
PORTS_TRIED = 50
READY_WAIT_S = 60.0
STOP_WAIT_S = 25.0
PR_SET_PDEATHSIG = 1


class PartFailed(Exception):
    """A part did not start; the sentence says which and where to look."""


@contextmanager
def process(
    name: str, argv: list[str], env: dict[str, str], logs: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one part with its log in a file; ended with SIGTERM, so that it drains."""
    with (logs / f"{name}.log").open("ab") as log:
        part = subprocess.Popen(  # noqa: S603 (our own programs)
            [sys.executable, *argv],
            env=env,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (one system call, no locks)
        )
    try:
        yield part
    finally:
        part.terminate()
        try:
            part.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def await_up(url: str, log: Path) -> None:
    """Wait until something answers 2xx there.

    Raises:
        PartFailed: nothing does; the sentence names the log.
    """
    until = time.monotonic() + READY_WAIT_S
    while time.monotonic() < until:
        try:
            with urlopen(url, timeout=2) as answer:  # noqa: S310 (our own loopback URL)
                if answer.status < 300:  # noqa: PLR2004
                    return
        except OSError:
            time.sleep(0.1)
    message = f"{url} does not answer; see {log}"
    raise PartFailed(message)


def free_port(wanted: int) -> int:
    """Give this port or the next free one.

    Raises:
        PartFailed: none of the next fifty is free.
    """
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        return port
    message = f"no port from {wanted} to {wanted + PORTS_TRIED - 1} is free; use --port"
    raise PartFailed(message)
