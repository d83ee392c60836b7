"""Where things lie: the state directory, the socket directory, and who may walk there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from gateway.embedded.account import Account, choose_account
from gateway.embedded.errors import EmbeddedPostgresError

PORT = 5432
# sockaddr_un.sun_path holds 104 bytes on macOS and 108 on Linux, the closing NUL included.
SOCKET_PATH_BYTES_MAX = 103
# Fixed on purpose: every process must find the same socket, whatever its TMPDIR says.
SHORT_ROOT = Path("/tmp")  # noqa: S108


def default_state_dir() -> Path:
    """Give the directory for state when nobody named one; it is not created.

    `$XDG_STATE_HOME/gateway`, else `~/.local/state/gateway`. Root's home is closed to the account
    that runs the server, so for root: the first of `$XDG_STATE_HOME/gateway` (if set),
    `/var/lib/gateway` and a directory under the temporary one that this account can reach.
    """
    xdg = os.environ.get("XDG_STATE_HOME", "")
    # The XDG base directory specification 0.8 wants a relative value ignored (read 2026-11-24).
    named = [Path(xdg) / "gateway"] if Path(xdg).is_absolute() else []
    if os.geteuid() != 0:
        return named[0] if named else Path.home() / ".local" / "state" / "gateway"
    last = Path(tempfile.gettempdir()) / "gateway"
    for place in (*named, Path("/var/lib/gateway")):
        if _root_can_use(place):
            return place
    return last


def _root_can_use(place: Path) -> bool:
    stands = _nearest_existing(place)
    account = choose_account(place, place / "cluster")
    return os.access(stands, os.W_OK) and account.can_pass(stands)


def make_home(home: Path, account: Account) -> None:
    """Make the directory if it is missing, and prove that the account can walk into it.

    What stood before keeps its mode and owner. What root makes gets 0755, whatever the umask is.

    Raises:
        EmbeddedPostgresError: the account cannot pass one of the directories above.
    """
    _refuse_if_closed(_nearest_existing(home), home, account)
    if home.is_dir():
        return
    if account.is_dropped:
        _make_open(home)
    else:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_if_closed(home, home, account)


def _make_open(home: Path) -> None:
    # In a child, because the umask belongs to the whole process, and a chmod after mkdir would
    # leave a moment in which another starter finds the directory closed.
    root = Account(0, 0, "root", is_dropped=False)
    made = root.run(["/bin/sh", "-c", 'umask 022; mkdir -p -- "$1"', "sh", home])
    if made.returncode:
        happened = f"'{home}' could not be made: {made.stdout.strip()}"
        raise EmbeddedPostgresError(happened, "choose another directory")


def _refuse_if_closed(reached: Path, wanted: Path, account: Account) -> None:
    if account.can_pass(reached):
        return
    chain = [*reversed(reached.parents), reached]
    closed = next((place for place in chain if not account.can_pass(place)), reached)
    happened = (
        f"'{wanted}' is out of reach: account '{account.name}', which runs PostgreSQL,"
        f" cannot pass '{closed}'"
    )
    raise EmbeddedPostgresError(
        happened, "choose a directory outside it (as root, /var/lib/gateway), run as its owner"
    )


def socket_dir(home: Path) -> Path:
    """Give the directory of the server's socket: inside `home`, or a short one under /tmp.

    Short is for a path that the kernel's socket address cannot hold, or that has a comma, which
    separates hosts in every client. The name follows from `home`, so all processes agree on it.
    """
    inside = home / "run"
    fits = len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX
    if fits and not set(str(inside)) & set(',"\n'):
        return inside
    return SHORT_ROOT / f"gateway-pg-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"


def make_private(directory: Path, account: Account) -> None:
    """Make a directory that only the account enters, or prove that the one there is such.

    Raises:
        EmbeddedPostgresError: something else stands there; whoever can put it there could also
            listen in the server's place.
    """
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    is_private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    if not is_private or found.st_uid not in (account.uid, os.geteuid()):
        happened = f"'{directory}' is not a private directory of account '{account.name}'"
        raise EmbeddedPostgresError(
            happened, "remove it after a look at who made it, choose a shorter data directory"
        )
    if found.st_uid != account.uid:
        # Ours, made a moment ago or before a crash; never somebody else's.
        os.chown(directory, account.uid, account.gid, follow_symlinks=False)


def _nearest_existing(place: Path) -> Path:
    return next(part for part in (place, *place.parents) if part.exists())
