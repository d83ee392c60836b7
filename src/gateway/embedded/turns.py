"""Who may start or stop the server, and who still uses it: two files under flock.

The kernel drops a lock with the process that held it, so `kill -9` leaves no false count behind.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """One process's place among those that share a server."""

    def __init__(self, home: Path) -> None:
        self._boot_file = home / "boot.lock"
        self._users_file = home / "users.lock"
        self._place: int | None = None
        self._joined_by = 0

    @property
    def is_joined(self) -> bool:
        """Whether this process holds a place; a forked child does not hold its parent's."""
        return self._place is not None and self._joined_by == os.getpid()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for the turn to start or stop; nobody else does either meanwhile."""
        boot = _open(self._boot_file)
        try:
            fcntl.flock(boot, fcntl.LOCK_EX)
            yield
        finally:
            os.close(boot)

    def join(self) -> None:
        """Take a place among the users; call while `alone`, repeat freely."""
        if self.is_joined:
            return
        if self._place is not None:
            os.close(self._place)  # a parent's place, inherited by fork
        place = _open(self._users_file)
        fcntl.flock(place, fcntl.LOCK_SH)
        self._place, self._joined_by = place, os.getpid()

    def leave(self) -> bool:
        """Give the place back, and say whether nobody is left; call while `alone`."""
        if self._place is None or not self.is_joined:
            return False
        try:
            fcntl.flock(self._place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(self._place)
            self._place = None


def _open(file: Path) -> int:
    # Readable by all, so that root and the cluster's owner can take turns on one directory; a lock
    # needs no more than a readable file. Python's descriptors are not inherited by programs we run.
    flags = os.O_RDONLY | os.O_NOFOLLOW
    try:
        made = os.open(file, flags | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return os.open(file, flags)
    os.fchmod(made, 0o644)
    return made
