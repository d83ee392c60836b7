"""Limits on how often somebody may ask, so that nobody harvests customers' bills."""

import hashlib
from math import ceil

from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.limit import Limit, TooManyRequests
from gateway.domain.user import subscriber
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import limits as store


async def check(rt: Runtime, limit: Limit, of: str) -> None:
    """Count one asking by `of`, or refuse it.

    Raises:
        TooManyRequests: wait; nothing was looked at.
        DatabaseUnavailable: nothing was counted, and nothing may be looked at.
    """
    try:
        async with database.borrow(rt.pool) as connection:
            wait = await store.take(connection, limit, _name(rt, of), rt.clock.now())
    except Exception as error:
        if database.broke(error):
            raise DatabaseUnavailable from error
        raise
    if wait is not None:
        raise TooManyRequests(ceil(wait.total_seconds()))


async def check_address(rt: Runtime, limit: Limit, address: str) -> None:
    """Count one asking from an address; a whole v6 subscriber counts as one."""
    await check(rt, limit, subscriber(address))


async def sweep(rt: Runtime) -> None:
    """Forget who asked long ago."""
    async with database.borrow(rt.pool) as connection:
        await store.sweep(connection, rt.clock.now())


def _name(rt: Runtime, of: str) -> str:
    """Name whoever asks by a digest: the table tells nobody who looked for whom."""
    return hashlib.blake2b(of.encode(), key=rt.secrets.pages, digest_size=16).hexdigest()
