"""Bring a cluster's server up, whatever the last one died of, and shut it down."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil

from gateway.embedded import processes
from gateway.embedded.binaries import has_library
from gateway.embedded.errors import EmbeddedPostgresError
from gateway.embedded.places import PORT
from gateway.embedded.site import Site
from gateway.embedded.tuning import Tuning
from gateway.kit.logs import log

START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 120.0
POLL_S = 0.03
LOG_BYTES_MAX = 10_000_000
LOG_TAIL_BYTES = 2_000


def bring_up(site: Site, tuning: Tuning) -> bool:
    """See to it that the server answers; say whether it had to be launched.

    One that still recovers or shuts down is waited for. Call while nobody else starts or stops.

    Raises:
        EmbeddedPostgresError: it does not come up, or something keeps the directory occupied.
    """
    launched: int | None = None
    deadline = time.monotonic() + START_TIMEOUT_S
    while not site.answers():
        if launched is not None and not processes.is_alive(launched):
            happened = f"PostgreSQL did not start in '{site.data}': {_log_tail(site)}"
            raise EmbeddedPostgresError(happened, "mend that")
        occupants = processes.inhabitants(site.data)
        if launched is None and not occupants:
            launched = _launch(site, tuning)
        elif time.monotonic() > deadline:
            happened = (
                f"'{site.data}' is occupied by process {occupants} and no server answered"
                f" in {START_TIMEOUT_S:.0f} s"
            )
            raise EmbeddedPostgresError(happened, f"read '{_log_file(site)}' and try again")
        time.sleep(POLL_S)
    return launched is not None


def shut_down(site: Site) -> bool:
    """Stop the server: sessions are cut, what is committed is kept; say whether one ran.

    Raises:
        EmbeddedPostgresError: it is still running after two minutes.
    """
    server = processes.postmaster(site.data)
    if server is None:
        return False
    # psutil looks at the start time before it sends, so a PID reused just now gets nothing.
    server.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while processes.is_alive(server.pid):
        if time.monotonic() > deadline:
            happened = f"PostgreSQL (PID {server.pid}) in '{site.data}' is still stopping"
            raise EmbeddedPostgresError(happened, "wait for its last checkpoint to reach the disk")
        time.sleep(POLL_S)
    return True


def _launch(site: Site, tuning: Tuning) -> int:
    _clear_stale_locks(site)
    options = [f"--{name}={value}" for name, value in _settings(site, tuning).items()]
    output = _open_log(site)
    try:
        return site.account.detach(
            [site.binaries.directory / "postgres", "-D", site.data, *options], log=output
        )
    finally:
        os.close(output)


def _clear_stale_locks(site: Site) -> None:
    # PostgreSQL itself forgives a lock whose process is gone, and guards the cluster by its shared
    # memory. It cannot forgive one whose PID now belongs to a stranger or a zombie; we can, because
    # nobody lives in the directory and nobody else may start.
    for lock in (site.data / "postmaster.pid", site.socket_dir / f".s.PGSQL.{PORT}.lock"):
        pid = processes.recorded_pid(lock)
        if pid is not None and psutil.pid_exists(pid):
            lock.unlink(missing_ok=True)
            log.warning("postgres.stale_lock_removed", lock=str(lock), pid=pid)


def _settings(site: Site, tuning: Tuning) -> dict[str, str]:
    # They go on the command line, without a shell: nothing to quote, no file written for others.
    settings = tuning.settings() | {
        "cluster_name": processes.title(site.data),
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(site.socket_dir),
        "unix_socket_permissions": "0700",
    }
    if not _accepts(site, "wal_compression", settings["wal_compression"]):
        del settings["wal_compression"]
    if has_library(site.binaries, site.account, "pg_stat_statements"):
        settings["shared_preload_libraries"] = "pg_stat_statements"
    return settings


def _accepts(site: Site, name: str, value: str) -> bool:
    postgres = site.binaries.directory / "postgres"
    asked = site.account.run([postgres, "-D", site.data, f"--{name}={value}", "-C", name])
    return asked.returncode == 0


def _log_file(site: Site) -> Path:
    return site.home / "server.log"


def _open_log(site: Site) -> int:
    file = _log_file(site)
    if file.exists() and file.stat().st_size > LOG_BYTES_MAX:
        file.replace(file.with_suffix(".log.1"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    handle = os.open(file, flags, 0o600)
    if site.account.is_dropped:
        os.fchown(handle, site.account.uid, site.account.gid)
    return handle


def _log_tail(site: Site) -> str:
    with _log_file(site).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
