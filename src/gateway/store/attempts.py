"""Attempts at providers: hold one, move it, and find those that are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from gateway.store.database import Raw

_COLUMNS = """
a.biller_id, a.id, a.payment_id, a.number, a.provider, a.reference, a.option, a.text,
a.amount_dong, a.return_url, a.notify_url, a.payer_ip, a.locale, a.visibility_s, a.state, a.rank,
a.code, a.provider_id, a.memory, a.redirect_url, a.deeplink, a.qr_content, a.payment_code,
a.negatives, a.negative_since, a.due_at, a.asked, a.lease_no, a.created_at, a.expires_at,
a.doubt_since, a.settled_at
"""

# Locks an attempt and its payment, the payment first; rides the unique keys.
HOLD_BY_REFERENCE = f"""
SELECT {_COLUMNS}
FROM payments p JOIN attempts a ON a.biller_id = p.biller_id AND a.payment_id = p.id
WHERE a.provider = $1 AND a.reference = $2 FOR UPDATE OF p, a
"""  # noqa: S608 (a constant of this file)
HOLD = f"""
SELECT {_COLUMNS}
FROM payments p JOIN attempts a ON a.biller_id = p.biller_id AND a.payment_id = p.id
WHERE a.biller_id = $1 AND a.id = $2 FOR UPDATE OF p, a
"""  # noqa: S608 (a constant of this file)
BY_REFERENCE = f"""
SELECT {_COLUMNS} FROM attempts a WHERE a.provider = $1 AND a.reference = $2
"""  # noqa: S608 (a constant of this file)

# All attempts of a payment, the newest first; rides attempts_number_key.
OF_PAYMENT = f"""
SELECT {_COLUMNS} FROM attempts a
WHERE a.biller_id = $1 AND a.payment_id = $2 ORDER BY a.number DESC
"""  # noqa: S608 (a constant of this file)

# Attempts by their ids, in their order; rides attempts_pkey; a chunk of a debit run.
BY_IDS = f"""
SELECT {_COLUMNS} FROM attempts a WHERE a.biller_id = $1 AND a.id = ANY ($2::uuid[]) ORDER BY a.id
"""  # noqa: S608 (a constant of this file)

# Leases due attempts of one provider, those whose payer still decides last; at most $4, and with a
# spacing only one; nothing before the provider's turn has come. Rides attempts_due; safe from many
# workers.
CLAIM_DUE = f"""
WITH turn AS (
    UPDATE providers SET next_query_at = now() + $2::interval
    WHERE code = $1 AND next_query_at <= now() AND $2::interval > '0'
      AND EXISTS (SELECT FROM attempts WHERE provider = $1 AND due_at <= now())
    RETURNING code
), due AS (
    SELECT biller_id, id FROM attempts
    WHERE provider = $1 AND due_at <= now()
      AND (EXISTS (SELECT FROM turn) OR ($2::interval = '0' AND EXISTS (
          SELECT FROM providers WHERE code = $1 AND next_query_at <= now())))
    ORDER BY state = 'waiting', due_at LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE attempts a SET lease_no = a.lease_no + 1, due_at = now() + $3::interval
FROM due d WHERE a.biller_id = d.biller_id AND a.id = d.id
RETURNING {_COLUMNS}
"""  # noqa: S608 (a constant of this file)

# Takes a provider's turn for one question; no row before it has come.
TAKE_TURN = """
UPDATE providers SET next_query_at = now() + $2::interval
WHERE code = $1 AND next_query_at <= now() RETURNING code
"""

# Takes a lease on one attempt, whatever its day; the lease before it is lost.
LEASE = """
UPDATE attempts SET lease_no = lease_no + 1,
    due_at = CASE WHEN due_at IS NULL THEN NULL ELSE now() + $3::interval END
WHERE biller_id = $1 AND id = $2 RETURNING lease_no
"""

# Writes where an attempt stands; the caller holds its row.
MOVE = """
UPDATE attempts SET state = $3, rank = $4, code = $5, provider_id = $6, memory = $7,
    redirect_url = $8, deeplink = $9, qr_content = $10, negatives = $11, negative_since = $12,
    due_at = $13, asked = $14, doubt_since = $15, settled_at = $16, payment_code = $17
WHERE biller_id = $1 AND id = $2
"""

# Makes the open attempts of payments due now: their claims were outbid, or somebody asked. Rides
# attempts_number_key; OFFSET 0 keeps the planner from reading all that is due instead.
WAKE = """
WITH woken AS (
    SELECT a.biller_id, a.id FROM unnest($2::uuid[]) p (id) CROSS JOIN LATERAL (
        SELECT * FROM attempts WHERE biller_id = $1 AND payment_id = p.id OFFSET 0) a
    WHERE a.due_at > now()
)
UPDATE attempts a
SET due_at = CASE WHEN a.due_at IS NULL THEN NULL ELSE least(a.due_at, now()) END
FROM woken w WHERE a.biller_id = w.biller_id AND a.id = w.id
"""

# Nobody of the deployment asks this provider before then.
POSTPONE = """
UPDATE providers SET next_query_at = greatest(next_query_at, now() + $2::interval) WHERE code = $1
"""

# How many attempts are in doubt and since when, by provider; rides attempts_due.
DOUBTS = """
SELECT provider, count(*) FILTER (WHERE state = 'unknown') AS doubts,
       extract(epoch FROM now() - min(doubt_since) FILTER (WHERE state = 'unknown')) AS oldest_s
FROM attempts WHERE due_at IS NOT NULL GROUP BY provider
"""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt as stored."""

    biller_id: int
    id: UUID
    payment_id: UUID
    number: int
    provider: str
    reference: str
    option: str | None
    text: str
    amount_dong: int
    return_url: str
    notify_url: str
    payer_ip: str
    locale: str
    visibility_s: int
    state: str
    rank: int
    code: str
    provider_id: str | None
    memory: str
    redirect_url: str | None
    deeplink: str | None
    qr_content: str | None
    payment_code: str | None
    negatives: int
    negative_since: datetime | None
    due_at: datetime | None
    asked: int
    lease_no: int
    created_at: datetime
    expires_at: datetime
    doubt_since: datetime | None
    settled_at: datetime | None


async def hold(connection: Raw, biller_id: int, attempt_id: UUID) -> AttemptRow | None:
    """Lock an attempt and its payment until the transaction ends."""
    return _attempt(await connection.fetchrow(HOLD, biller_id, attempt_id))


async def hold_by_reference(connection: Raw, provider: str, reference: str) -> AttemptRow | None:
    """Lock an attempt and its payment, found by our reference at the provider."""
    if "\x00" in reference:
        return None  # Postgres keeps it in no text, so no attempt has it
    return _attempt(await connection.fetchrow(HOLD_BY_REFERENCE, provider, reference))


async def by_reference(connection: Raw, provider: str, reference: str) -> AttemptRow | None:
    """Read an attempt by our reference at the provider."""
    if "\x00" in reference:
        return None  # Postgres keeps it in no text, so no attempt has it
    return _attempt(await connection.fetchrow(BY_REFERENCE, provider, reference))


async def of_payment(connection: Raw, biller_id: int, payment_id: UUID) -> list[AttemptRow]:
    """Read all attempts of a payment, the newest first."""
    rows = await connection.fetch(OF_PAYMENT, biller_id, payment_id)
    return [AttemptRow(**row) for row in rows]


async def by_ids(connection: Raw, biller_id: int, ids: Sequence[UUID]) -> list[AttemptRow]:
    """Read attempts in the order of their ids."""
    return [AttemptRow(**row) for row in await connection.fetch(BY_IDS, biller_id, ids)]


async def claim_due(
    connection: Raw, provider: str, *, spacing: timedelta, lease: timedelta, most: int
) -> list[AttemptRow]:
    """Lease attempts that are due for a question; one at most where questions are spaced."""
    limit = 1 if spacing else most
    rows = await connection.fetch(CLAIM_DUE, provider, spacing, lease, limit)
    return [AttemptRow(**row) for row in rows]


async def take_turn(connection: Raw, provider: str, spacing: timedelta) -> bool:
    """Take the provider's turn for one question; False if it has not come."""
    return await connection.fetchval(TAKE_TURN, provider, spacing) is not None


async def lease(connection: Raw, row: AttemptRow, length: timedelta) -> int:
    """Take a lease on one attempt; gives its number."""
    number: int = await connection.fetchval(LEASE, row.biller_id, row.id, length)
    return number


async def move(connection: Raw, row: AttemptRow) -> None:
    """Write where an attempt stands; the caller holds it."""
    await connection.execute(
        MOVE,
        row.biller_id,
        row.id,
        row.state,
        row.rank,
        row.code,
        row.provider_id,
        row.memory,
        row.redirect_url,
        row.deeplink,
        row.qr_content,
        row.negatives,
        row.negative_since,
        row.due_at,
        row.asked,
        row.doubt_since,
        row.settled_at,
        row.payment_code,
    )


async def wake(connection: Raw, biller_id: int, payments: Sequence[UUID]) -> None:
    """Make open attempts of these payments due for a question now."""
    await connection.execute(WAKE, biller_id, payments)


async def postpone(connection: Raw, provider: str, wait: timedelta) -> None:
    """Keep the whole deployment from asking a provider for a while."""
    await connection.execute(POSTPONE, provider, wait)


async def doubts(connection: Raw) -> list[tuple[str, int, float]]:
    """Count attempts in doubt by provider, with the age of the oldest in seconds."""
    rows = await connection.fetch(DOUBTS)
    return [(row["provider"], row["doubts"], float(row["oldest_s"] or 0)) for row in rows]


def _attempt(row: asyncpg.Record | None) -> AttemptRow | None:
    return None if row is None else AttemptRow(**row)
