"""Mandates about which something is due: their bank is told of them, or asked, or they lapse."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import Raw
from gateway.store.mandates import COLUMNS, MandateRow

# What no bank was told of yet; rides mandates_unregistered.
UNREGISTERED = f"""
SELECT {COLUMNS} FROM mandates m
WHERE m.provider = $1 AND m.registered_at IS NULL AND m.state LIKE 'pending%'
  AND ($2::uuid IS NULL OR m.id > $2)
ORDER BY m.id LIMIT $3
"""  # noqa: S608 (a constant of this file)

# Takes mandates that wait for their bank and are due to be asked about; when they are due next is
# the lease. $3: the waits before each next question, in seconds; after the last nobody asks. Rides
# mandates_ask; at most $4; safe from many workers.
CLAIM_PENDING = f"""
WITH due AS MATERIALIZED (
    SELECT biller_id, id FROM mandates
    WHERE provider = $1 AND state = 'pending_bank' AND ask_at <= $2::timestamptz
      AND registered_at IS NOT NULL
    ORDER BY ask_at LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE mandates m SET asked = m.asked + 1,
    ask_at = $2 + make_interval(secs => ($3::float8[])[m.asked + 1])
FROM due d WHERE m.biller_id = d.biller_id AND m.id = d.id
RETURNING {COLUMNS}
"""  # noqa: S608 (a constant of this file)

# Mandates whose time is over: their last day, or 13 months without a debit. A scan of one biller,
# once a day.
LAPSED = f"""
SELECT {COLUMNS} FROM mandates m
WHERE m.biller_id = $1 AND m.state IN ('active', 'suspended')
  AND (m.lapses_on <= $2 OR m.ends_on < $2)
ORDER BY m.id LIMIT $3
"""  # noqa: S608 (a constant of this file)


async def unregistered(
    connection: Raw, provider: str, after: UUID | None, most: int
) -> list[MandateRow]:
    """Read mandates that their bank was not told of."""
    return [MandateRow(**r) for r in await connection.fetch(UNREGISTERED, provider, after, most)]


async def claim_pending(
    connection: Raw, provider: str, now: datetime, waits_s: Sequence[float], most: int
) -> list[MandateRow]:
    """Take mandates that are due to be asked about at their bank."""
    rows = await connection.fetch(CLAIM_PENDING, provider, now, waits_s, most)
    return [MandateRow(**row) for row in rows]


async def lapsed(connection: Raw, biller_id: int, today: date, most: int) -> list[MandateRow]:
    """Read mandates whose time is over."""
    return [MandateRow(**r) for r in await connection.fetch(LAPSED, biller_id, today, most)]
