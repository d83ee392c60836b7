"""The account that runs PostgreSQL: ourselves, or one that root drops to."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.embedded.errors import EmbeddedPostgresError

# PostgreSQL refuses uid 0. No account is ever created: one of these exists on every system.
DROP_TO = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server; `is_dropped` when that is not who runs this process."""

    uid: int
    gid: int
    name: str
    is_dropped: bool

    def run(
        self, argv: Sequence[str | Path], *, stdin: str = "", timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account to its end; standard error is mixed into the output.

        Raises:
            EmbeddedPostgresError: it did not end within `timeout_s` and was killed.
            OSError: it could not be started, for example because the account may not reach it.
        """
        try:
            return subprocess.run(  # noqa: S603
                [str(part) for part in argv],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
                cwd="/",
                env=_environment(),
                encoding="utf-8",
                errors="replace",
                user=self.uid if self.is_dropped else None,
                group=self.gid if self.is_dropped else None,
                extra_groups=[] if self.is_dropped else None,
            )
        except subprocess.TimeoutExpired as error:
            happened = f"'{argv[0]}' did not end within {timeout_s:.0f} s"
            raise EmbeddedPostgresError(happened, "look at the load of this machine") from error

    def detach(self, argv: Sequence[str | Path], *, log: int) -> int:
        """Start a program that outlives this process, in a session of its own; give its PID.

        The shell only forks, so that the program is nobody's child here: Ctrl-C does not reach it,
        and no zombie is left for us to reap. Arguments travel as they are; nothing is quoted.
        """
        started = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *(str(part) for part in argv)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            user=self.uid if self.is_dropped else None,
            group=self.gid if self.is_dropped else None,
            extra_groups=[] if self.is_dropped else None,
        )
        return int(started.stdout)

    def can_pass(self, directory: Path) -> bool:
        """Whether the account may enter the directory, asked of the kernel and not of mode bits."""
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory]).returncode == 0

    def can_run(self, program: Path) -> bool:
        """Whether the account can run the program with everything that it links to."""
        try:
            return self.run([program, "--version"]).returncode == 0
        except OSError:
            return False


def choose_account(home: Path, data: Path) -> Account:
    """Decide who runs the server of `home`, whose cluster is or will be `data`.

    An ordinary user runs it. Root stays with whoever owns the cluster or, before there is one, the
    directory; failing that it drops to `postgres` or `nobody`.

    Raises:
        EmbeddedPostgresError: the cluster is somebody else's, or root has nobody to drop to.
    """
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        return _ourselves(data, owner)
    if owner is not None and owner.st_uid == 0:
        happened = f"'{data}' belongs to root, and PostgreSQL refuses to run as root"
        raise EmbeddedPostgresError(happened, "choose another directory")
    if owner is None and home.exists() and _is_somebody(home.stat().st_uid):
        owner = home.stat()
    if owner is not None:
        return Account(owner.st_uid, owner.st_gid, _name(owner.st_uid), is_dropped=True)
    return _first_known()


def _ourselves(data: Path, owner: os.stat_result | None) -> Account:
    if owner is not None and owner.st_uid != os.geteuid():
        happened = f"'{data}' belongs to account '{_name(owner.st_uid)}'"
        raise EmbeddedPostgresError(happened, "run as that account, choose another directory")
    return Account(os.geteuid(), os.getegid(), _name(os.geteuid()), is_dropped=False)


def _first_known() -> Account:
    for name in DROP_TO:
        try:
            known = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(known.pw_uid, known.pw_gid, name, is_dropped=True)
    happened = "PostgreSQL refuses to run as root, and there is no 'postgres' or 'nobody' account"
    raise EmbeddedPostgresError(happened, "run as an ordinary user")


def _is_somebody(uid: int) -> bool:
    # initdb wants an account with a name; a bare number, as of a mounted volume, will not do.
    return uid != 0 and _name(uid) != str(uid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _environment() -> dict[str, str]:
    # Built, not filtered: a PG* variable, a missing locale or an empty PATH must change nothing.
    clean = {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": "/",
        "LC_ALL": "C",
        "TZ": "UTC",
        "PGCONNECT_TIMEOUT": "5",
        "PGCLIENTENCODING": "UTF8",
    }
    libraries = os.environ.get("LD_LIBRARY_PATH")
    return clean | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
