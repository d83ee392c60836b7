"""Webhook endpoints, their sealed secrets, and the queue of deliveries."""

from collections.abc import Mapping, Sequence
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

# Takes what is due under a lease: of each endpoint the oldest, up to $1 with those that fly to it
# already, so that one which hangs keeps nobody else's. Safe from many workers. The lease stands in
# due_at, so what a dead worker held comes back by itself; lease_no is the fence: only the holder
# of the newest may say how it ended. Rides deliveries_due once an endpoint, from its floor on:
# below lie the entries of what was taken, which only VACUUM clears away. Then deliveries_pkey and
# events_pkey; at most $5 rows. The ids travel in an array, which Postgres takes for ten: it cannot
# know a LIMIT, plans a join with `due` for a tenth of the table, and reads all to find 32.
CLAIM = """
WITH room AS MATERIALIZED (
    SELECT e.id, $1::int - coalesce(l.flying, 0) AS most, coalesce(l.floor, '-infinity') AS floor
    FROM webhook_endpoints e
    LEFT JOIN unnest($2::uuid[], $3::int[], $4::timestamptz[]) AS l (id, flying, floor)
        ON l.id = e.id
    ORDER BY most DESC, random()
), due AS MATERIALIZED (
    SELECT d.id, d.due_at FROM room r CROSS JOIN LATERAL (
        SELECT id, due_at FROM deliveries
        WHERE endpoint_id = r.id AND state = 'due' AND due_at >= r.floor AND due_at <= now()
        ORDER BY due_at, id LIMIT greatest(r.most, 0) FOR UPDATE SKIP LOCKED
    ) d LIMIT $5::int
), taken AS MATERIALIZED (
    UPDATE deliveries
    SET lease_no = lease_no + 1, attempts = attempts + 1,
        due_at = now() + make_interval(secs => $6::float8)
    WHERE id = ANY (ARRAY(SELECT id FROM due))
    RETURNING id, lease_no, attempts, endpoint_id, biller_id, event_id
)
SELECT t.id, t.lease_no, t.attempts, t.endpoint_id, e.id AS event_id, e.body,
    due.due_at AS was_due_at, (SELECT version FROM directory_version) AS directory_version
FROM taken t JOIN due ON due.id = t.id
    JOIN events e ON e.biller_id = t.biller_id AND e.id = t.event_id
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

# Hops from endpoint to endpoint along deliveries_due; at most 10,000 rows of each.
BACKLOG = """
WITH RECURSIVE endpoints AS (
    (SELECT endpoint_id AS id FROM deliveries WHERE state = 'due' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT endpoint_id FROM deliveries WHERE state = 'due' AND endpoint_id > e.id
            ORDER BY endpoint_id LIMIT 1)
    FROM endpoints e WHERE e.id IS NOT NULL
)
SELECT count(*) AS waiting,
    coalesce(extract(epoch FROM now() - min(d.due_at)), 0)::float8 AS age_s
FROM endpoints e CROSS JOIN LATERAL (
    SELECT due_at FROM deliveries WHERE state = 'due' AND endpoint_id = e.id
    ORDER BY due_at LIMIT 10000) d
"""

# Makes an endpoint's dead letters due again, with all their tries before them; whoever held one
# when it died has lost its lease. Rides deliveries_dead; at most $2 rows a turn.
REVIVE = """
UPDATE deliveries
SET state = 'due', due_at = now(), attempts = 0, lease_no = lease_no + 1, finished_at = NULL
WHERE id = ANY (ARRAY(
    SELECT id FROM deliveries WHERE endpoint_id = $1 AND state = 'dead'
    ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))
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


@dataclass(slots=True)
class Line:
    """What one worker has in the air to an endpoint; all that was due before `floor` is taken."""

    flying: int = 0
    floor: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under our lease. `attempts` counts this one.

    It was due since `was_due_at`; its endpoint is among those of `directory_version`.
    """

    id: int
    lease_no: int
    attempts: int
    endpoint_id: UUID
    event_id: UUID
    body: str
    was_due_at: datetime
    directory_version: int


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


async def claim(
    lane: Lane, lines: Mapping[UUID, Line], *, share: int, most: int, lease_s: float
) -> list[Claimed]:
    """Take up to `most` due deliveries for `lease_s` seconds.

    No endpoint gets more than `share`, counting those that fly to it already.
    """
    rows = await lane.fetch(
        share,
        list(lines),
        [line.flying for line in lines.values()],
        [line.floor for line in lines.values()],
        most,
        lease_s,
    )
    return [Claimed(**row) for row in rows]


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


async def revive(connection: Raw, endpoint_id: UUID, most: int = 5_000) -> int:
    """Make up to `most` dead letters of an endpoint due again; give how many."""
    done = await connection.execute(REVIVE, endpoint_id, most)
    return int(done.rpartition(" ")[2])


async def prune(connection: Raw, before: datetime, most: int = 5_000) -> int:
    """Delete up to `most` deliveries that ended well before `before`."""
    done = await connection.execute(PRUNE, before, most)
    return int(done.rpartition(" ")[2])
