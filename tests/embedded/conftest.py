"""Directories that the account which runs the server can reach, and nothing left running."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from gateway.embedded import EmbeddedPostgres, processes


@contextmanager
def _reachable_place() -> Iterator[Path]:
    # Not tmp_path: as root it lies in a directory that nobody else may pass.
    place = Path(tempfile.mkdtemp(prefix="pg-")).resolve()
    place.chmod(0o755)
    try:
        yield place
    finally:
        for lock in place.rglob("postmaster.pid"):
            left = processes.postmaster(lock.parent)
            if left is not None:
                left.kill()
                psutil.wait_procs([left], timeout=10)
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def place() -> Iterator[Path]:
    with _reachable_place() as directory:
        yield directory


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedPostgres]:
    """One server for the claims that leave it as it was."""
    with _reachable_place() as directory, EmbeddedPostgres(directory / "state") as server:
        yield server


@pytest.fixture
def programs(running: EmbeddedPostgres) -> Path:
    """A program directory that any account can run."""
    return running.bin("postgres").parent
