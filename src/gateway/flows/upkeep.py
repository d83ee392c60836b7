"""Upkeep: what must be done now and then for the house to stay open."""

from datetime import timedelta

from gateway.flows import limiting, sign_in
from gateway.kit import metrics
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import database, upkeep, webhooks
from gateway.store.idempotency import KEPT_DAYS

DELIVERED_KEPT_DAYS = 30


async def keep_up(rt: Runtime) -> None:
    """Make partitions ahead, drop and forget what is past its time, measure the queue.

    Safe to repeat and from many workers.
    """
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection:
        await upkeep.make_partitions(connection, now.date())
        dropped = await upkeep.drop_old_keys(connection, now.date() - timedelta(days=KEPT_DAYS))
        pruned = await webhooks.prune(connection, now - timedelta(days=DELIVERED_KEPT_DAYS))
    await sign_in.sweep(rt)
    await limiting.sweep(rt)
    await measure_backlog(rt)
    log.info("upkeep.done", dropped_key_months=dropped, pruned_deliveries=pruned)


async def measure_backlog(rt: Runtime) -> None:
    """Set the gauges of the delivery queue."""
    async with database.borrow(rt.pool) as connection:
        backlog = await webhooks.backlog(connection)
    metrics.BACKLOG.set(backlog.waiting)
    metrics.OLDEST_DUE_SECONDS.set(max(backlog.age_s, 0.0))
