"""The one pool of connections, and the raw asyncpg connection that the hot statements ride.

Everything cold goes through SQLAlchemy Core on this engine. A hot statement costs 260 µs more
there (measured), so a lane borrows one connection of the same pool and prepares it once.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, cast

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection

Raw: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A driver connection borrowed from the pool; statements on it use $1, $2, …"""

SERVICE_ROLE = "gateway_service"
"""Reads all, inserts into the ledger and the events, can change neither. Made by the migrations."""

ONE_PLAN_EACH = "SET LOCAL plan_cache_mode = force_custom_plan"
"""For lists with optional filters, in a transaction: plan for the filters that are given."""

CONNECT_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_MS = 15_000


def open_engine(url: str, *, size: int, role: str | None = SERVICE_ROLE) -> AsyncEngine:
    """Open a pool of at most `size` connections on any Postgres ≥ 15.

    Args:
        url: a libpq URL, e.g. `postgresql://user@host/db` or with `?host=/socket/dir`.
        size: the most connections that this process may hold.
        role: the role that the service acts as; None keeps the login's own (migrations).
    """
    # JIT costs more than it gives on short statements; a hot statement of ten CTEs would be
    # planned anew on each call (over 1 ms) if Postgres were free to prefer custom plans.
    settings = {
        "application_name": "gateway",
        "jit": "off",
        "plan_cache_mode": "force_generic_plan",
        "timezone": "UTC",
    }
    if role is not None:
        settings |= {"role": role, "statement_timeout": str(STATEMENT_TIMEOUT_MS)}

    async def connect() -> Raw:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, server_settings=settings)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_S,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(dbapi_connection: Any, _record: object, _proxy: object) -> None:
    # asyncpg hears of a lost server at once, so the pool needs no ping to know.
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


@asynccontextmanager
async def borrow(engine: AsyncEngine) -> AsyncIterator[Raw]:
    """Lend a driver connection; each statement commits by itself unless in `transaction()`."""
    async with engine.connect() as connection:
        pooled = await connection.get_raw_connection()
        raw = cast(Raw, pooled.driver_connection)
        try:
            yield raw
        except Exception as error:
            if broke(error):
                await connection.invalidate()
            raise
        finally:
            # A task that was cancelled between BEGIN and its answer leaves a transaction open.
            if not connection.invalidated and raw.is_in_transaction():
                await connection.invalidate()


# A plan that was made while a table was empty reads it whole for ever after; a hot statement must
# ride its indexes whatever the statistics say. Said on the lane's own connection, which is never
# given back to the pool.
BY_INDEX = "SET enable_seqscan = off"


class Lane:
    """One borrowed connection for one hot statement, prepared once; not for concurrent use.

    After any error but a refused row the next call borrows another connection.
    """

    def __init__(self, engine: AsyncEngine, sql: str) -> None:
        self._engine = engine
        self._sql = sql
        self._held: PoolProxiedConnection | None = None
        self._driver: Raw | None = None
        self._statement: PreparedStatement[asyncpg.Record] | None = None

    async def fetch(self, *args: Any) -> Sequence[asyncpg.Record]:
        """Run the statement in its own transaction and give its rows; they are committed."""
        statement = self._statement
        if statement is None or self._driver is None or self._driver.is_closed():
            statement = await self._prepare()
        try:
            return await statement.fetch(*args)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.TransactionRollbackError):
            raise  # the connection is well; the rows were not
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        """Give the connection back."""
        self._drop()

    async def _prepare(self) -> "PreparedStatement[asyncpg.Record]":
        self._drop()
        held = await self._engine.raw_connection()
        try:
            driver = cast(Raw, held.driver_connection)
            await driver.execute(BY_INDEX)
            statement = await driver.prepare(self._sql)
        except BaseException:
            held.invalidate()
            raise
        self._held, self._driver, self._statement = held, driver, statement
        return statement

    def _drop(self) -> None:
        if self._held is not None:
            self._held.invalidate()
        self._held = self._driver = self._statement = None


_BROKEN = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalServerError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    SQLAlchemyError,
    # Only connecting goes through the adapter, whose errors are of no other family.
    AsyncAdapt_asyncpg_dbapi.Error,
)


def broke(error: BaseException) -> bool:
    """Say whether an error means that the database could not do its work, whoever asked.

    What was sent may have been committed: only reading by the idempotency key can tell.
    """
    return isinstance(error, _BROKEN)


def is_contention(error: BaseException) -> bool:
    """Say whether a statement lost a race: a key taken, half of the bills gone, a deadlock.

    Nothing of it was kept; who reads again will see the winner.
    """
    if isinstance(error, asyncpg.CheckViolationError):
        return error.constraint_name == "payments_whole_check"
    return isinstance(error, asyncpg.UniqueViolationError | asyncpg.TransactionRollbackError)
