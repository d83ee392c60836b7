"""What was said and heard about attempts: evidence, exchanges, notifications, exceptions."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime
from uuid import UUID

import asyncpg

from gateway.store.database import Raw

EVIDENCE = """
INSERT INTO evidence (biller_id, attempt_id, rank, source, outcome, code, amount_dong, facts,
    disagrees, rule, state_before, state_after, exchange_id, notification_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
EXCHANGE = """
INSERT INTO exchanges (id, biller_id, attempt_id, operation, method, url, request, request_sha256,
    fate, reason, status, reply, reply_sha256, started_at, took_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
# Records a notification once by its status-bearing key; no row if it is known.
NOTIFICATION = """
INSERT INTO notifications (id, biller_id, attempt_id, provider, key, method, query, body,
    received_at, verdict)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (provider, key) DO NOTHING RETURNING id
"""
QUARANTINED_MAX = 1000
# Keeps the head of what was not authentic, the newest thousand of each provider: this row, which
# DELETE does not see yet, and one less of those before it. Rides quarantine_provider.
QUARANTINE = """
WITH kept AS (
    INSERT INTO quarantine (provider, reason, method, query, body, sha256)
    VALUES ($1, $2, $3, $4, $5, $6)
)
DELETE FROM quarantine WHERE provider = $1 AND id <= (
    SELECT id FROM quarantine WHERE provider = $1 ORDER BY id DESC OFFSET $7::int - 1 LIMIT 1)
"""
# Opens an exception once for an attempt and kind.
EXCEPTION = """
INSERT INTO exceptions (id, biller_id, payment_id, attempt_id, kind, amount_dong, owner,
    next_action, due_on, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (biller_id, attempt_id, kind) DO NOTHING
"""
# The open exceptions, the most urgent first; rides exceptions_open.
OPEN_EXCEPTIONS = "SELECT * FROM exceptions WHERE closed_at IS NULL ORDER BY due_on, id LIMIT $1"
CLOSE_EXCEPTION = """
UPDATE exceptions SET closed_at = now(), closed_by = $2, resolution = $3
WHERE id = $1 AND closed_at IS NULL RETURNING id
"""
CAME_BACK = """
SELECT EXISTS (SELECT FROM evidence WHERE biller_id = $1 AND attempt_id = $2 AND source = 'return')
"""
# Whether an attempt ever stood as succeeded: its money is in the books; rides evidence_attempt.
WAS_TAKEN = """
SELECT EXISTS (SELECT FROM evidence
    WHERE biller_id = $1 AND attempt_id = $2 AND state_after = 'succeeded')
"""
IS_DISPUTED = """
SELECT EXISTS (SELECT FROM exceptions WHERE biller_id = $1 AND attempt_id = ANY ($2::uuid[])
    AND kind IN ('conflicted', 'second_movement') AND closed_at IS NULL)
"""
# All of an attempt, oldest first; rides evidence_attempt, exchanges_attempt, notifications_attempt.
EVIDENCE_OF = """
SELECT * FROM evidence WHERE biller_id = $1 AND attempt_id = ANY ($2::uuid[]) ORDER BY id
"""
EXCHANGES_OF = """
SELECT * FROM exchanges WHERE biller_id = $1 AND attempt_id = ANY ($2::uuid[]) ORDER BY id
"""
NOTIFICATIONS_OF = """
SELECT * FROM notifications WHERE biller_id = $1 AND attempt_id = ANY ($2::uuid[]) ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One piece of evidence and what it made of its attempt. `facts` is JSON."""

    biller_id: int
    attempt_id: UUID
    rank: int
    source: str
    outcome: str
    code: str
    amount_dong: int | None
    facts: str
    disagrees: str | None
    rule: str
    state_before: str
    state_after: str
    exchange_id: UUID | None
    notification_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One request to a provider and what came back; texts are redacted, digests of the raw."""

    id: UUID
    biller_id: int
    attempt_id: UUID
    operation: str
    method: str
    url: str
    request: str
    request_sha256: bytes
    fate: str
    reason: str
    status: int | None
    reply: str | None
    reply_sha256: bytes | None
    started_at: datetime
    took_ms: int


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """An authentic notification, byte for byte."""

    id: UUID
    biller_id: int
    attempt_id: UUID
    provider: str
    key: str
    method: str
    query: str
    body: bytes
    received_at: datetime
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """Something that a person has to settle, by when, and what to do.

    It is about an attempt, or about money in suspense that may have none.
    """

    id: UUID
    biller_id: int
    payment_id: UUID | None
    attempt_id: UUID | None
    kind: str
    amount_dong: int
    owner: str
    next_action: str
    due_on: date
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    resolution: str | None = None
    suspense_id: UUID | None = None
    subject: str | None = None


async def add(connection: Raw, row: EvidenceRow) -> None:
    """Write a piece of evidence."""
    await connection.execute(EVIDENCE, *astuple(row))


async def add_exchange(connection: Raw, row: ExchangeRow) -> None:
    """Write an exchange."""
    await connection.execute(EXCHANGE, *astuple(row))


async def record(connection: Raw, row: NotificationRow, verdict: str) -> bool:
    """Write a notification; False if its key is known."""
    kept = replace(row, verdict=verdict)
    return await connection.fetchval(NOTIFICATION, *astuple(kept)) is not None


async def came_back(connection: Raw, biller_id: int, attempt_id: UUID) -> bool:
    """Say whether the payer's browser came back from this attempt before."""
    return bool(await connection.fetchval(CAME_BACK, biller_id, attempt_id))


async def was_taken(connection: Raw, biller_id: int, attempt_id: UUID) -> bool:
    """Say whether this attempt's money is in the books, whatever was said of it since."""
    return bool(await connection.fetchval(WAS_TAKEN, biller_id, attempt_id))


async def quarantine(  # noqa: PLR0913 (the columns of one row)
    connection: Raw,
    provider: str,
    *,
    reason: str,
    method: str,
    query: str,
    body: bytes,
    sha256: bytes,
) -> None:
    """Keep the head of a message that was not authentic."""
    await connection.execute(
        QUARANTINE, provider, reason, method, query, body, sha256, QUARANTINED_MAX
    )


async def open_exception(connection: Raw, row: ExceptionRow) -> None:
    """Open an exception, once for an attempt and kind."""
    await connection.execute(EXCEPTION, *astuple(row)[:10])


async def open_exceptions(connection: Raw, limit: int) -> list[ExceptionRow]:
    """Read the open exceptions, the most urgent first."""
    return [ExceptionRow(**row) for row in await connection.fetch(OPEN_EXCEPTIONS, limit)]


async def close_exception(
    connection: Raw, exception_id: UUID, *, closed_by: str, resolution: str
) -> bool:
    """Close an exception with what was found; False if it is not open."""
    found = await connection.fetchval(CLOSE_EXCEPTION, exception_id, closed_by, resolution)
    return found is not None


async def is_disputed(connection: Raw, biller_id: int, attempts: Sequence[UUID]) -> bool:
    """Say whether evidence about these attempts disagrees and nobody has settled it."""
    return bool(await connection.fetchval(IS_DISPUTED, biller_id, attempts))


async def history(
    connection: Raw, biller_id: int, attempts: Sequence[UUID]
) -> tuple[list[EvidenceRow], list[ExchangeRow], list[NotificationRow]]:
    """Read all that was said and heard about attempts, oldest first."""
    evidence = await connection.fetch(EVIDENCE_OF, biller_id, attempts)
    exchanges = await connection.fetch(EXCHANGES_OF, biller_id, attempts)
    notifications = await connection.fetch(NOTIFICATIONS_OF, biller_id, attempts)
    return (
        [_evidence(row) for row in evidence],
        [ExchangeRow(**row) for row in exchanges],
        [NotificationRow(**row) for row in notifications],
    )


def _evidence(row: asyncpg.Record) -> EvidenceRow:
    return EvidenceRow(**{name: value for name, value in row.items() if name != "id"})
