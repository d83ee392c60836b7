"""The suspense account, line by line, with the refunds that are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.domain.errors import present
from gateway.domain.suspense import Care
from gateway.store.database import Raw

# Opens a line with its exception (a provider's late money has one by its attempt) and, where the
# payer gets it back, its one instruction. One that was withdrawn (a person assigned the money) is
# due again for what is left.
OPEN = """
WITH line AS (
    INSERT INTO suspense_lines (id, biller_id, credit_id, attempt_id, payment_id, partner_id,
        customer_code, amount_dong, missing_dong, reason, owner, next_action, due_on, opened_at)
    VALUES ($1::uuid, $2::smallint, $3::uuid, $4::uuid, $5::uuid, $6::int, $7::text, $8::bigint,
        $9::bigint, $10::text, $11::text, $12::text, $13::date, $14::timestamptz)
), raised AS (
    INSERT INTO exceptions (id, biller_id, payment_id, attempt_id, suspense_id, kind, amount_dong,
        owner, next_action, due_on, opened_at)
    SELECT $1, $2, $5, NULL, $1, 'suspense_' || $10, $8, $11, $12, $13, $14
    WHERE $3 IS NOT NULL
)
INSERT INTO refund_instructions AS r (id, biller_id, suspense_id, credit_id, attempt_id,
    movement, amount_dong, goes_to, provider, reference, state, due_on, created_at)
SELECT $15::uuid, $2, $1, $3, $4, coalesce($3, $4), $8, $16::text, $17::text, $18::text, 'due',
    $13, $14
WHERE $19::bool
ON CONFLICT (movement) DO UPDATE
    SET suspense_id = excluded.suspense_id, amount_dong = excluded.amount_dong, state = 'due',
        due_on = excluded.due_on
    WHERE r.state = 'withdrawn'
"""

# Closes lines with their exceptions, and withdraws the refunds that were due of them.
CLOSE = """
WITH closed AS (
    UPDATE suspense_lines SET closed_at = $2::timestamptz, closed_as = $3::text, closed_by = $4,
        resolution = $5, paid_payment_id = $6
    WHERE id = ANY ($1::uuid[]) AND closed_at IS NULL
    RETURNING id, biller_id, attempt_id, credit_id
), settled AS (
    UPDATE exceptions x SET closed_at = $2, closed_by = $4, resolution = $5
    FROM closed c
    WHERE x.closed_at IS NULL AND (x.suspense_id = c.id OR (c.credit_id IS NULL
        AND x.biller_id = c.biller_id AND x.attempt_id = c.attempt_id AND x.kind = 'late_money'))
), withdrawn AS (
    UPDATE refund_instructions r
    SET state = CASE WHEN $3 = 'refunded' THEN 'done' ELSE 'withdrawn' END
    FROM closed c WHERE r.suspense_id = c.id AND r.state = 'due'
)
SELECT count(*) FROM closed
"""

# What is held for an attempt, or for a customer's bills, until the rest comes; oldest first.
HELD_FOR_ATTEMPT = """
SELECT * FROM suspense_lines
WHERE attempt_id = $1 AND closed_at IS NULL AND reason = 'short' ORDER BY id FOR UPDATE
"""
HELD_FOR_CUSTOMER = """
SELECT * FROM suspense_lines
WHERE biller_id = $1 AND customer_code = $2 AND closed_at IS NULL AND reason = 'short'
  AND attempt_id IS NULL ORDER BY id FOR UPDATE
"""
# Who told of a line's money, and under which reference it can be asked back.
ORIGIN = """
SELECT coalesce(c.provider, a.provider) AS provider,
       CASE WHEN c.id IS NULL THEN a.reference ELSE c.bank_reference END AS reference
FROM suspense_lines l LEFT JOIN credits c ON c.id = l.credit_id
LEFT JOIN attempts a ON a.biller_id = l.biller_id AND a.id = l.attempt_id
WHERE l.id = $1
"""
HOLD = "SELECT * FROM suspense_lines WHERE id = $1 FOR UPDATE"

# How much was missing becomes less when more of it came; the sentence says so.
NOW_MISSING = """
WITH told AS (UPDATE exceptions SET next_action = $3 WHERE suspense_id = $1)
UPDATE suspense_lines SET missing_dong = $2, next_action = $3 WHERE id = $1
"""

# What was held is given back: the line and its exception say so, and its refund is due.
TURN = """
WITH turned AS (
    UPDATE suspense_lines SET reason = $2::text, owner = $3::text, next_action = $4::text,
        due_on = $5::date, missing_dong = 0
    WHERE id = $1::uuid AND closed_at IS NULL RETURNING *
), told AS (
    UPDATE exceptions x SET kind = 'suspense_' || $2, owner = $3, next_action = $4, due_on = $5
    FROM turned t WHERE x.suspense_id = t.id
)
INSERT INTO refund_instructions (id, biller_id, suspense_id, credit_id, attempt_id, movement,
    amount_dong, goes_to, provider, reference, state, due_on, created_at)
SELECT $6::uuid, t.biller_id, t.id, t.credit_id, t.attempt_id, c.id, t.amount_dong,
    CASE WHEN c.bank_reference IS NULL THEN 'unknown' ELSE 'source_account' END, c.provider,
    c.bank_reference, 'due', $5, $7::timestamptz
FROM turned t JOIN credits c ON c.id = t.credit_id
ON CONFLICT (movement) DO NOTHING
"""

# What is held past its day: nobody sent the rest; rides suspense_lines_open, at most $2.
HELD_TOO_LONG = """
SELECT * FROM suspense_lines
WHERE closed_at IS NULL AND reason = 'short' AND due_on < $1
ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class LineRow:
    """Money in suspense, in đồng; `missing_dong` is what would complete it."""

    id: UUID
    biller_id: int
    credit_id: UUID | None
    attempt_id: UUID | None
    payment_id: UUID | None
    partner_id: int
    customer_code: str | None
    amount_dong: int
    missing_dong: int
    reason: str
    owner: str
    next_action: str
    due_on: date
    opened_at: datetime
    closed_at: datetime | None = None
    closed_as: str | None = None
    closed_by: str | None = None
    resolution: str | None = None
    paid_payment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Where a line's money can go back to; `is_due`: it is to go back."""

    id: UUID
    is_due: bool
    goes_to: str
    provider: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Closing:
    """How lines are closed: as what, by whom, why, and by which payment."""

    at: datetime
    closed_as: str
    closed_by: str
    resolution: str
    payment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """Who told of a movement, and its reference there, if it has one."""

    provider: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Turning:
    """When a held line is given back, and under which id its refund is due."""

    refund_id: UUID
    at: datetime


async def open_line(connection: Raw, line: LineRow, refund: Refund) -> None:
    """Open a line with its exception and, if it is due, its refund."""
    await connection.execute(
        OPEN,
        line.id,
        line.biller_id,
        line.credit_id,
        line.attempt_id,
        line.payment_id,
        line.partner_id,
        line.customer_code,
        line.amount_dong,
        line.missing_dong,
        line.reason,
        line.owner,
        line.next_action,
        line.due_on,
        line.opened_at,
        refund.id,
        refund.goes_to,
        refund.provider,
        refund.reference,
        refund.is_due,
    )


async def close_lines(connection: Raw, ids: Sequence[UUID], closing: Closing) -> int:
    """Close open lines; gives how many were open."""
    closed: int = await connection.fetchval(
        CLOSE,
        ids,
        closing.at,
        closing.closed_as,
        closing.closed_by,
        closing.resolution,
        closing.payment_id,
    )
    return closed


async def held_for_attempt(connection: Raw, attempt_id: UUID) -> list[LineRow]:
    """Lock what is held for an attempt."""
    return [LineRow(**row) for row in await connection.fetch(HELD_FOR_ATTEMPT, attempt_id)]


async def held_for_customer(connection: Raw, biller_id: int, code: str) -> list[LineRow]:
    """Lock what is held for a customer's bills."""
    rows = await connection.fetch(HELD_FOR_CUSTOMER, biller_id, code)
    return [LineRow(**row) for row in rows]


async def hold(connection: Raw, line_id: UUID) -> LineRow | None:
    """Lock one line."""
    row = await connection.fetchrow(HOLD, line_id)
    return None if row is None else LineRow(**row)


async def origin(connection: Raw, line_id: UUID) -> Came:
    """Say where a line's money came from."""
    row = present(await connection.fetchrow(ORIGIN, line_id), "a line has its origin")
    return Came(row["provider"], row["reference"])


async def now_missing(connection: Raw, line_id: UUID, missing_dong: int, next_action: str) -> None:
    """Write how much is still missing beside what is held."""
    await connection.execute(NOW_MISSING, line_id, missing_dong, next_action)


async def turn(connection: Raw, line_id: UUID, reason: str, care: Care, turning: Turning) -> None:
    """Give a held line another reason, and have its money given back."""
    await connection.execute(
        TURN,
        line_id,
        reason,
        care.owner,
        care.next_action,
        care.due_on,
        turning.refund_id,
        turning.at,
    )


async def held_too_long(connection: Raw, today: date, limit: int) -> list[LineRow]:
    """Lock some of what is held past its day."""
    return [LineRow(**row) for row in await connection.fetch(HELD_TOO_LONG, today, limit)]
