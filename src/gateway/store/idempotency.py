"""Idempotency keys: what was answered under a key, for as long as keys are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from gateway.store.database import Lane, Raw

KEPT_DAYS = 45

# What was answered under keys; rides the partitions' primary keys; at most 32.
STORED = """
SELECT a.n, k.fingerprint, k.field_digests, k.status_code, k.body, k.resource_id
FROM unnest($1::int[], $2::int[], $3::text[], $4::text[]) AS a (n, partner_id, operation, key)
JOIN idempotency_keys k ON k.partner_id = a.partner_id AND k.operation = a.operation
    AND k.key = a.key AND k.month = ANY ($5::date[])
"""

# Keeps a refusal, so that the key answers the same for ever after; no row if the key is taken.
REFUSE = """
INSERT INTO idempotency_keys (partner_id, operation, key, month, fingerprint, field_digests,
    status_code, body, created_at)
SELECT $1, $2, $3, $4::date, $5, $6, $7, $8, $9
WHERE NOT EXISTS (
    SELECT FROM idempotency_keys k
    WHERE k.partner_id = $1 AND k.operation = $2 AND k.key = $3 AND k.month = ANY ($10::date[]))
ON CONFLICT DO NOTHING
RETURNING true
"""

# The first answer to a key that was running; no row if it was answered meanwhile.
FINISH = """
UPDATE idempotency_keys SET status_code = $4, body = $5
WHERE partner_id = $1 AND operation = $2 AND key = $3 AND month = ANY ($6::date[])
  AND status_code = $7
RETURNING true
"""

RUNNING = 0
"""The status under a key whose request is running, or whose process died while it ran."""


class KeyName(NamedTuple):
    """Names one key: scope is the partner and the operation."""

    partner_id: int
    operation: str
    key: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What was answered first: status, the body byte for byte, and what it made."""

    fingerprint: bytes
    field_digests: bytes
    status_code: int
    body: str
    resource_id: UUID | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal to keep under a key."""

    name: KeyName
    fingerprint: bytes
    field_digests: bytes
    status_code: int
    body: str
    created_at: datetime


def months_kept(today: date) -> list[date]:
    """Give the first days of the months whose keys still count, the current one first.

    >>> months_kept(date(2026, 1, 15))
    [datetime.date(2026, 1, 1), datetime.date(2025, 12, 1), datetime.date(2025, 11, 1)]
    """
    number = today.year * 12 + today.month - 1
    return [date((number - back) // 12, (number - back) % 12 + 1, 1) for back in range(3)]


async def stored(
    lane: Lane, names: Sequence[KeyName], months: Sequence[date]
) -> list[Stored | None]:
    """Read what was answered under each key, None where nothing was."""
    found = await lane.fetch(
        list(range(len(names))),
        [name.partner_id for name in names],
        [name.operation for name in names],
        [name.key for name in names],
        months,
    )
    answers: list[Stored | None] = [None] * len(names)
    for row in found:
        answers[row["n"]] = Stored(
            row["fingerprint"],
            row["field_digests"],
            row["status_code"],
            row["body"],
            row["resource_id"],
        )
    return answers


async def refuse(connection: Raw, refused: Refused, months: Sequence[date]) -> bool:
    """Keep a refusal; False if the key was answered by somebody else meanwhile."""
    kept = await connection.fetchval(
        REFUSE,
        refused.name.partner_id,
        refused.name.operation,
        refused.name.key,
        months[0],
        refused.fingerprint,
        refused.field_digests,
        refused.status_code,
        refused.body,
        refused.created_at,
        months,
    )
    return bool(kept)


async def finish(
    connection: Raw, name: KeyName, *, status_code: int, body: str, months: Sequence[date]
) -> bool:
    """Keep the first answer to a running key; False if it has one."""
    kept = await connection.fetchval(FINISH, *name, status_code, body, months, RUNNING)
    return bool(kept)
