"""Make a cluster, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from gateway.embedded.errors import EmbeddedPostgresError
from gateway.embedded.site import SUPERUSER, Site
from gateway.kit.logs import log

INITDB_TIMEOUT_S = 300.0
BUILTIN_LOCALE_SINCE = 17

GROWING = "cluster.new-"


def make_cluster(site: Site) -> None:
    """Make the cluster unless it is there; what a killed maker left behind is cleared away.

    It grows under another name and is renamed when complete, so a cluster is never half made.

    Raises:
        EmbeddedPostgresError: initdb failed, or the directory holds something else.
    """
    for leftover in site.home.glob(f"{GROWING}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if site.data.exists() and any(site.data.iterdir()):
        _refuse_other_major(site)
        return
    growing = Path(tempfile.mkdtemp(prefix=GROWING, dir=site.home))
    os.chown(growing, site.account.uid, site.account.gid, follow_symlinks=False)
    _initdb(site, growing)
    growing.rename(site.data)
    _sync(site.home)
    log.info("postgres.initialised", data=str(site.data), version=site.binaries.version)


def _initdb(site: Site, directory: Path) -> None:
    said = ""
    for locale in _locales(site.binaries.major):
        argv: list[str | Path] = [
            site.binaries.directory / "initdb",
            f"--pgdata={directory}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--data-checksums",
            "--no-instructions",
            *locale,
        ]
        done = site.account.run(argv, timeout_s=INITDB_TIMEOUT_S)
        if done.returncode == 0:
            return
        said = done.stdout.strip()
    shutil.rmtree(directory, ignore_errors=True)
    happened = f"initdb could not make a cluster in '{site.home}': {said}"
    raise EmbeddedPostgresError(happened, "mend that, choose another directory")


def _locales(major: int) -> tuple[tuple[str, ...], ...]:
    if major >= BUILTIN_LOCALE_SINCE:
        return (("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),)
    # An older one takes the system's locales; a system without C.UTF-8 still has C.
    return (("--locale=C.UTF-8",), ("--locale=C",))


def _refuse_other_major(site: Site) -> None:
    try:
        found = (site.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError as error:
        happened = f"'{site.data}' holds files but no PostgreSQL cluster"
        raise EmbeddedPostgresError(happened, "move them away") from error
    if found != str(site.binaries.major):
        happened = (
            f"'{site.data}' was made by PostgreSQL {found}, and the programs here are"
            f" {site.binaries.version}"
        )
        advice = f"dump it with the programs of {found} and restore into a new directory"
        raise EmbeddedPostgresError(happened, advice)


def _sync(directory: Path) -> None:
    # initdb has synced what is inside; the new name must be as durable.
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
