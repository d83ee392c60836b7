"""A queue of deliveries and a worker's two lanes: builders of the tests of webhooks."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID

from gateway.runtime import Runtime
from gateway.store import webhooks
from gateway.store.database import Lane, Raw
from gateway.store.webhooks import Claimed, DeliveryState, Finish, Line

LEASE_S = 60.0
ENDPOINT = UUID(int=1)
QUEUE = """
WITH made AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT 1, (left(uuid7_floor(now())::text, 13) || right(gen_random_uuid()::text, 23))::uuid,
        'payment.succeeded', gen_random_uuid(), '{"n":' || n || '}', now()
    FROM generate_series(1, $1) n RETURNING id
)
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
SELECT 1, id, $2, now() + make_interval(secs => $3) FROM made RETURNING id
"""


PUT_ENDPOINT = """
INSERT INTO webhook_endpoints (id, biller_id, url, event_types)
VALUES ($1, 1, 'https://evn.example/', '{payment.succeeded}') ON CONFLICT DO NOTHING
"""


class Worker:
    """A worker's two lanes."""

    def __init__(self, rt: Runtime) -> None:
        self._claims = Lane(rt.pool, webhooks.CLAIM)
        self._ends = Lane(rt.pool, webhooks.FINISH)

    async def claim(
        self,
        most: int = 100,
        *,
        lease_s: float = LEASE_S,
        share: int = 100,
        lines: Mapping[UUID, Line] = MappingProxyType({}),
    ) -> list[Claimed]:
        return await webhooks.claim(self._claims, lines, share=share, most=most, lease_s=lease_s)

    async def finish(self, *ends: Finish) -> int:
        return await webhooks.finish(self._ends, ends)

    def close(self) -> None:
        self._claims.close()
        self._ends.close()


async def queue(
    raw: Raw, many: int = 1, *, due_in_s: float = 0.0, endpoint: UUID = ENDPOINT
) -> list[int]:
    """Make deliveries for an endpoint, and the endpoint if need be."""
    await raw.execute(PUT_ENDPOINT, endpoint)
    return [row["id"] for row in await raw.fetch(QUEUE, many, endpoint, due_in_s)]


def end(claimed: Claimed, state: DeliveryState, wait_s: float = 0.0) -> Finish:
    return Finish(claimed.id, claimed.lease_no, state, wait_s, 500, "timeout")


async def state(raw: Raw, delivery: int) -> tuple[object, ...]:
    row = await raw.fetchrow(
        "SELECT state, attempts, lease_no, last_status, last_failure, finished_at IS NOT NULL "
        "FROM deliveries WHERE id = $1",
        delivery,
    )
    assert row is not None
    return tuple(row)


@asynccontextmanager
async def setting_due(raw: Raw, delivery: int, wait_s: float) -> AsyncIterator[None]:
    """Hold `due_at` against the database's clock before and after."""
    before = await raw.fetchval("SELECT clock_timestamp()")
    yield
    due_at, after = (
        await raw.fetchval("SELECT due_at FROM deliveries WHERE id = $1", delivery),
        await raw.fetchval("SELECT clock_timestamp()"),
    )
    assert before <= due_at - timedelta(seconds=wait_s) <= after
