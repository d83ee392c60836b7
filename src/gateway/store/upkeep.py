"""Upkeep: partitions ahead, old keys away, the audit trail, and what health asks."""

import json
from dataclasses import dataclass
from datetime import date

from gateway.store.database import Raw
from gateway.store.revision import CURRENT

MONTHS_AHEAD = 2
DAYS_AHEAD = 8

MAKE_PARTITIONS = "SELECT make_partitions($1::date, $2, $3)"
DROP_OLD_KEYS = "SELECT drop_old_keys($1::date)"

# The last day for which every partitioned table can take rows; reads three catalog rows.
COVERED = """
SELECT to_regclass('public.events_p' || to_char($1::date, 'YYYY_MM_DD')) IS NOT NULL
   AND to_regclass('public.transfers_p' || to_char($1::date, 'YYYY_MM')) IS NOT NULL
   AND to_regclass('public.idempotency_keys_p' || to_char($1::date, 'YYYY_MM')) IS NOT NULL
"""

AUDIT = (
    "INSERT INTO audit_log (actor, action, subject, detail) VALUES ($1, $2, $3, $4::text::jsonb)"
)

# Recomputes the whole chain; for the verifier command, not for the service.
AUDIT_BROKEN = """
SELECT min(id) FROM (
    SELECT id, hash, sha256(coalesce(lag(hash) OVER (ORDER BY id), ''::bytea) || convert_to(
        concat_ws(E'\\x1f', at AT TIME ZONE 'UTC', actor, action, subject, detail), 'UTF8'))
        AS expected
    FROM audit_log) chain
WHERE hash IS DISTINCT FROM expected
"""

NOW = "SELECT clock_timestamp()"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what; `detail` holds ids and counts, never a payer's data."""

    actor: str
    action: str
    subject: str
    detail: dict[str, object]


async def make_partitions(
    connection: Raw, first: date, *, months: int = MONTHS_AHEAD, days: int = DAYS_AHEAD
) -> None:
    """Make the partitions from a day on for so many months and days; nothing where they exist."""
    await connection.execute(MAKE_PARTITIONS, first, months, days)


async def drop_old_keys(connection: Raw, before: date) -> int:
    """Drop the monthly partitions of idempotency keys that end on or before a day."""
    dropped: int = await connection.fetchval(DROP_OLD_KEYS, before)
    return dropped


async def covers(connection: Raw, day: date) -> bool:
    """Say whether every partitioned table can take the rows of a day (UTC)."""
    return bool(await connection.fetchval(COVERED, day))


async def revision(connection: Raw) -> str | None:
    """Read the schema's revision."""
    found: str | None = await connection.fetchval(CURRENT)
    return found


async def audit(connection: Raw, entry: AuditEntry) -> None:
    """Append to the audit trail; the database chains the hashes."""
    detail = json.dumps(entry.detail, ensure_ascii=False)
    await connection.execute(AUDIT, entry.actor, entry.action, entry.subject, detail)


async def first_broken_audit(connection: Raw) -> int | None:
    """Give the id of the first audit row that does not fit the chain, None if all do."""
    found: int | None = await connection.fetchval(AUDIT_BROKEN)
    return found
