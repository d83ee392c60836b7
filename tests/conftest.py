"""One Postgres for the run, one database for each test process, emptied between tests."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir
from typing import cast

import asyncpg
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from gateway.api.edge import Hot
from gateway.app import build
from gateway.domain.partner import Mode
from gateway.embedded import EmbeddedPostgres
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import schema
from tests import contract
from tests.world import MASTER_SECRET, World

EMPTY_ALL = """
SET session_replication_role = replica;
TRUNCATE texts_in, texts_out, sms_quotes,
    mandates, mandate_events, debit_runs, debits, debit_files,
    exceptions, quarantine, notifications, exchanges, evidence, attempts,
    provider_switches, providers, audit_log, deliveries, webhook_secrets, webhook_endpoints,
    events, transfers, idempotency_keys, payment_bills, payments, bills, customers, areas,
    api_keys, partners, biller_versions, billers, ledger_accounts RESTART IDENTITY CASCADE;
UPDATE directory_version SET version = version + 1;
"""


@pytest.fixture(scope="session")
def postgres(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[EmbeddedPostgres]:
    """The server of the whole run: started by the first test process, stopped by the last.

    GATEWAY_TEST_POSTGRES_BIN names the programs of another Postgres ≥ 15 to test on.
    """
    base = tmp_path_factory.getbasetemp()
    home = _home_of(base if worker_id == "master" else base.parent)
    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    binaries = os.environ.get("GATEWAY_TEST_POSTGRES_BIN")
    server = EmbeddedPostgres(home / "postgres", binaries=Path(binaries) if binaries else None)
    with server:
        yield server


def _home_of(base: Path) -> Path:
    """Name the server's folder. Not below pytest's own, which root's next run closes to others."""
    return Path(gettempdir()) / f"gateway-tests-{sha256(str(base).encode()).hexdigest()[:12]}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the server's folder once every test process has ended."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None and "PYTEST_XDIST_WORKER" not in os.environ:
        rmtree(_home_of(factory.getbasetemp()), ignore_errors=True)


@pytest.fixture(scope="session")
def database_url(postgres: EmbeddedPostgres, worker_id: str) -> str:
    """A migrated database of this test process."""
    url = postgres.create_database(f"test_{worker_id}")
    schema.migrate(url)
    return url


@pytest.fixture
async def database(database_url: str) -> str:
    """The database, empty."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(EMPTY_ALL)
    await connection.close()
    return database_url


@pytest.fixture
def clock() -> Clock:
    """The runtime's clock; a test that needs another overrides this fixture."""
    return Clock()


def open_runtime(url: str, clock: Clock, pool_size: int = 8) -> Runtime:
    """Open a runtime as the app does."""
    return Runtime(
        database_url=url,
        pool_size=pool_size,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
    )


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    """A started runtime on the empty database."""
    runtime = open_runtime(database, clock)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
async def world(rt: Runtime) -> World:
    """A biller, its system, two banks and a wallet, with keys, customers and bills to be added."""
    return await World.make(rt)


@asynccontextmanager
async def client_of(
    runtime: Runtime, hot: dict[tuple[str, str], Hot] | None = None
) -> AsyncIterator[AsyncClient]:
    """Give a client of the whole application in this process, thin routes included.

    Every answer is held against openapi.yaml.
    """
    app = build(lambda: runtime, hot=hot)
    cast("FastAPI", app.app).state.runtime = runtime
    async with AsyncClient(
        transport=ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://gateway",
        event_hooks={"response": [contract.hold]},
    ) as client:
        yield client


@pytest.fixture
async def api(rt: Runtime, world: World) -> AsyncIterator[AsyncClient]:
    """A client of the application."""
    async with client_of(rt) as client:
        yield client


@pytest.fixture
async def other_api(
    database: str, clock: Clock, world: World, api: AsyncClient
) -> AsyncIterator[AsyncClient]:
    """A client of a second process on the same database."""
    runtime = open_runtime(database, clock)
    await runtime.start()
    async with client_of(runtime) as client:
        yield client
    await runtime.stop()
