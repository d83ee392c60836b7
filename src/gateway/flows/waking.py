"""Waking: have an order looked at now whose bills were taken by another payment."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from gateway.runtime import Runtime
from gateway.store import attempts, database


async def wake(rt: Runtime, biller_id: int, outbid: Sequence[UUID]) -> None:
    """Have the orders closed whose bills were taken; if this fails, their own day comes anyway."""
    with suppress(Exception):
        async with database.borrow(rt.pool) as connection:
            await attempts.wake(connection, biller_id, outbid)
