"""The one pool of connections, and the lanes that the hot statements ride.

Both are asyncpg's own. A hot statement is prepared once, on a connection that its lane keeps.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias, cast

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Raw: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A driver connection borrowed from the pool; statements on it use $1, $2, …"""

SERVICE_ROLE = "gateway_service"
"""Reads all, inserts into the ledger and the events, can change neither. Made by the migrations."""

ONE_PLAN_EACH = "SET LOCAL plan_cache_mode = force_custom_plan"
"""For lists with optional filters, in a transaction: plan for the filters that are given."""

CONNECT_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_MS = 15_000

# JIT costs more than it gives on short statements; a hot statement of ten CTEs would be
# planned anew on each call (over 1 ms) if Postgres were free to prefer custom plans.
SESSION = {
    "application_name": "gateway",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "timezone": "UTC",
}


class NotConnected(ConnectionError):
    """The server was reached and let nobody in; nothing was sent."""


def open_pool(url: str, *, size: int, role: str | None = SERVICE_ROLE) -> Pool:
    """Open a pool of at most `size` connections on any Postgres ≥ 15; each is made when needed.

    Args:
        url: a libpq URL, e.g. `postgresql://user@host/db` or with `?host=/socket/dir`.
        size: the most connections that this process may hold.
        role: the role that the service acts as; None keeps the login's own.
    """
    acting = {"role": role, "statement_timeout": str(STATEMENT_TIMEOUT_MS)} if role else {}
    return asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        max_inactive_connection_lifetime=0,
        connect=_connect,
        reset=_keep,
        timeout=CONNECT_TIMEOUT_S,
        server_settings=SESSION | acting,
    )


async def _connect(*args: Any, **kwargs: Any) -> Raw:
    try:
        return await asyncpg.connect(*args, **kwargs)
    except asyncpg.PostgresError as error:
        raise NotConnected(str(error)) from error


async def _keep(_connection: Raw) -> None:
    """Leave a session as it is: no statement of ours changes one, so RESET ALL need not travel."""


async def close_pool(pool: Pool) -> None:
    """Close all connections; what is lent for longer than CLOSE_TIMEOUT_S is cut off."""
    await pool
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await pool.close()


@asynccontextmanager
async def borrow(pool: Pool) -> AsyncIterator[Raw]:
    """Lend a driver connection; each statement commits by itself unless in `transaction()`."""
    connection = await _take(pool)
    try:
        yield connection
    except Exception as error:
        if broke(error):
            _end(connection)
        raise
    finally:
        await _give_back(pool, connection)


async def _take(pool: Pool) -> Raw:
    await pool  # made ready by whoever comes first
    # The pool's proxy has every method of a connection.
    return cast(Raw, await pool.acquire(timeout=CONNECT_TIMEOUT_S))


async def _give_back(pool: Pool, connection: Raw) -> None:
    # A task that was cancelled between BEGIN and its answer leaves a transaction open.
    if not _is_gone(connection) and connection.is_in_transaction():
        _end(connection)
    # What cannot be given back whole is ended by the pool; the work on it stands as it is.
    with suppress(*_BROKEN):
        await pool.release(cast(Any, connection))


def _is_gone(connection: Raw) -> bool:
    # asyncpg hears of a lost server at once, and the pool then takes the connection back.
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


def _end(connection: Raw) -> None:
    with suppress(asyncpg.InterfaceError):  # taken back already
        connection.terminate()


# A plan that was made while a table was empty reads it whole for ever after; a hot statement must
# ride its indexes whatever the statistics say. Said on the lane's own connection, which is never
# given back to the pool.
BY_INDEX = "SET enable_seqscan = off"


class Lane:
    """One borrowed connection for one hot statement, prepared once; not for concurrent use.

    After any error but a refused row the next call borrows another connection.
    """

    def __init__(self, pool: Pool, sql: str) -> None:
        self._pool = pool
        self._sql = sql
        self._held: Raw | None = None
        self._statement: PreparedStatement[asyncpg.Record] | None = None

    async def fetch(self, *args: Any) -> Sequence[asyncpg.Record]:
        """Run the statement in its own transaction and give its rows; they are committed."""
        statement = self._statement
        if statement is None or self._held is None or _is_gone(self._held):
            statement = await self._prepare()
        try:
            return await statement.fetch(*args)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.TransactionRollbackError):
            raise  # the connection is well; the rows were not
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection; its place in the pool is free."""
        if self._held is not None:
            _end(self._held)
        self._held = self._statement = None

    async def _prepare(self) -> "PreparedStatement[asyncpg.Record]":
        self.close()
        self._held = await _take(self._pool)
        try:
            await self._held.execute(BY_INDEX)
            self._statement = await self._held.prepare(self._sql)
        except BaseException:
            self.close()
            raise
        return self._statement


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
