"""Webhook endpoints, their sealed secrets, and the queue of deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gateway.store.database import Lane, Raw

ENDPOINTS = """
SELECT id, biller_id, url, event_types, disabled_at IS NOT NULL AS is_disabled
FROM webhook_endpoints ORDER BY id
"""
SECRETS = """
SELECT id, endpoint_id, sealed FROM webhook_secrets
WHERE expires_at IS NULL OR expires_at > now() ORDER BY created_at DESC, id DESC
"""
INSERT_ENDPOINT = """
INSERT INTO webhook_endpoints (id, biller_id, url, event_types) VALUES ($1, $2, $3, $4)
"""
INSERT_SIGNING = """
INSERT INTO webhook_secrets (id, endpoint_id, sealed, expires_at) VALUES ($1, $2, $3, $4)
"""
# Moves a biller's only endpoint and frees what was held for it; no row when it has none or many.
MOVE = """
WITH sole AS (
    SELECT min(e.id::text)::uuid AS id
    FROM webhook_endpoints e JOIN billers b ON b.id = e.biller_id
    WHERE b.code = $1 HAVING count(*) = 1
), moved AS (
    UPDATE webhook_endpoints e SET url = $2, disabled_at = NULL, disabled_reason = NULL
    FROM sole s WHERE e.id = s.id RETURNING e.id
), freed AS (
    UPDATE deliveries d SET state = 'due', due_at = now()
    FROM moved m WHERE d.endpoint_id = m.id AND d.state = 'held'
)
SELECT true FROM moved
"""
DISABLE = """
UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = $2
WHERE id = $1 AND disabled_at IS NULL RETURNING true
"""

# Takes what is due, oldest first, under a lease; safe from many workers. The lease stands in
# due_at, so what a dead worker held comes back by itself; lease_no is the fence: only the holder
# of the newest may say how it ended. Rides deliveries_due and events_pkey; at most $1 rows.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM deliveries WHERE state = 'due' AND due_at <= now()
    ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS MATERIALIZED (
    UPDATE deliveries d
    SET lease_no = lease_no + 1, attempts = attempts + 1,
        due_at = now() + make_interval(secs => $2::float8)
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.lease_no, d.attempts, d.endpoint_id, d.biller_id, d.event_id
)
SELECT t.id, t.lease_no, t.attempts, t.endpoint_id, e.id AS event_id, e.body
FROM taken t JOIN events e ON e.biller_id = t.biller_id AND e.id = t.event_id
ORDER BY t.id
"""

# Says how deliveries ended; a row whose lease was lost is left alone. Rides deliveries_pkey: the
# state is written so that deliveries_due, which grows with an outage, does not offer itself.
FINISH = """
UPDATE deliveries d
SET state = f.state, due_at = now() + make_interval(secs => f.wait_s),
    last_status = f.status, last_failure = f.failure,
    finished_at = CASE WHEN f.state IN ('delivered', 'dead') THEN now() END
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::float8[], $5::smallint[], $6::text[])
    AS f (id, lease_no, state, wait_s, status, failure)
WHERE d.id = f.id AND d.lease_no = f.lease_no
  AND d.state <> ALL ('{held,delivered,dead}')
RETURNING d.id
"""

BACKLOG = """
SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8 AS age_s
FROM (SELECT due_at FROM deliveries WHERE state = 'due' ORDER BY due_at LIMIT 10000) d
"""

# Forgets what was delivered long ago; the events stay. At most $2 rows a turn.
PRUNE = """
DELETE FROM deliveries WHERE id IN (
    SELECT id FROM (
        SELECT id, finished_at FROM deliveries WHERE state = 'delivered' ORDER BY id LIMIT $2
    ) oldest
    WHERE finished_at < $1)
"""


class DeliveryState(StrEnum):
    """Where a delivery stands. `held`: its endpoint is disabled; it is kept until resumed."""

    DUE = "due"
    HELD = "held"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a biller wants its events; secrets sealed, newest first."""

    id: UUID
    biller_id: int
    url: str
    event_types: tuple[str, ...]
    is_disabled: bool
    sealed: tuple[tuple[UUID, bytes], ...]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under our lease. `attempts` counts this one."""

    id: int
    lease_no: int
    attempts: int
    endpoint_id: UUID
    event_id: UUID
    body: str


@dataclass(frozen=True, slots=True)
class Finish:
    """How a claimed delivery ended; `wait_s` is the time to the next try when it is still due."""

    id: int
    lease_no: int
    state: DeliveryState
    wait_s: float
    status: int | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be delivered; the age is that of the longest due, in seconds."""

    waiting: int
    age_s: float


async def endpoints(connection: Raw) -> list[Endpoint]:
    """Read all endpoints with their live secrets."""
    secrets: dict[UUID, list[tuple[UUID, bytes]]] = {}
    for row in await connection.fetch(SECRETS):
        secrets.setdefault(row["endpoint_id"], []).append((row["id"], row["sealed"]))
    return [
        Endpoint(
            id=row["id"],
            biller_id=row["biller_id"],
            url=row["url"],
            event_types=tuple(row["event_types"]),
            is_disabled=row["is_disabled"],
            sealed=tuple(secrets.get(row["id"], ())),
        )
        for row in await connection.fetch(ENDPOINTS)
    ]


async def add_endpoint(
    connection: Raw, endpoint_id: UUID, biller_id: int, url: str, event_types: Sequence[str]
) -> None:
    """Store an endpoint."""
    await connection.execute(INSERT_ENDPOINT, endpoint_id, biller_id, url, event_types)


async def move_endpoint(connection: Raw, biller: str, url: str) -> bool:
    """Give a biller's only endpoint another URL; False when it has none or several."""
    return bool(await connection.fetchval(MOVE, biller, url))


async def add_secret(
    connection: Raw,
    *,
    secret_id: UUID,
    endpoint_id: UUID,
    sealed: bytes,
    expires_at: datetime | None = None,
) -> None:
    """Store a sealed signing secret."""
    await connection.execute(INSERT_SIGNING, secret_id, endpoint_id, sealed, expires_at)


async def disable(connection: Raw, endpoint_id: UUID, reason: str) -> bool:
    """Stop sending to an endpoint; what waits is kept. False if it was disabled already."""
    return bool(await connection.fetchval(DISABLE, endpoint_id, reason))


async def claim(lane: Lane, *, most: int, lease_s: float) -> list[Claimed]:
    """Take up to `most` due deliveries for `lease_s` seconds."""
    return [Claimed(**row) for row in await lane.fetch(most, lease_s)]


async def finish(lane: Lane, ends: Sequence[Finish]) -> int:
    """Say how deliveries ended; give how many were still ours."""
    rows = await lane.fetch(
        [end.id for end in ends],
        [end.lease_no for end in ends],
        [end.state for end in ends],
        [end.wait_s for end in ends],
        [end.status for end in ends],
        [end.failure for end in ends],
    )
    return len(rows)


async def backlog(connection: Raw) -> Backlog:
    """Measure what waits."""
    row = await connection.fetchrow(BACKLOG)
    return Backlog(row["waiting"], row["age_s"]) if row else Backlog(0, 0.0)


async def prune(connection: Raw, before: datetime, most: int = 5_000) -> int:
    """Delete up to `most` deliveries that ended well before `before`."""
    done = await connection.execute(PRUNE, before, most)
    return int(done.rpartition(" ")[2])
