"""The suspense account as it is read: lines, refunds that are due, sums by owner."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import ONE_PLAN_EACH, Raw
from gateway.store.suspense import LineRow

# A page of open (or all) lines of a biller, the newest first; rides suspense_lines_open.
LIST = """
SELECT * FROM suspense_lines
WHERE ($1::smallint IS NULL OR biller_id = $1) AND ($2::bool OR closed_at IS NULL)
  AND ($3::text IS NULL OR reason = $3) AND ($4::text IS NULL OR customer_code = $4)
  AND ($5::text IS NULL OR owner = $5) AND ($6::uuid IS NULL OR id < $6)
ORDER BY id DESC LIMIT $7
"""
INSTRUCTIONS = """
SELECT * FROM refund_instructions
WHERE biller_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""

# Đồng and the oldest line by owner, and the refunds that are due.
MEASURE = """
SELECT owner, count(*) AS lines, sum(amount_dong)::bigint AS amount_dong,
       extract(epoch FROM now() - min(opened_at)) AS oldest_s,
       count(*) FILTER (WHERE due_on < $1) AS overdue
FROM suspense_lines WHERE closed_at IS NULL GROUP BY owner
"""
REFUNDS_DUE = """
SELECT count(*) AS refunds, coalesce(sum(amount_dong), 0)::bigint AS amount_dong
FROM refund_instructions WHERE state = 'due'
"""


@dataclass(frozen=True, slots=True)
class InstructionRow:
    """A refund that is to be carried out."""

    id: UUID
    biller_id: int
    suspense_id: UUID
    credit_id: UUID | None
    attempt_id: UUID | None
    movement: UUID
    """The credit, or the attempt, that brought the money: refunded once."""
    amount_dong: int
    goes_to: str
    provider: str
    reference: str | None
    state: str
    due_on: date
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Measured:
    """What stands in suspense with one owner."""

    owner: str
    lines: int
    amount_dong: int
    oldest_s: float
    overdue: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines to list; None means any."""

    biller_id: int | None = None
    with_closed: bool = False
    reason: str | None = None
    customer_code: str | None = None
    owner: str | None = None
    before: UUID | None = None
    limit: int = 20


async def list_page(connection: Raw, wanted: Filter) -> list[LineRow]:
    """Read a page of lines, the newest first."""
    async with connection.transaction():
        await connection.execute(ONE_PLAN_EACH)
        rows = await connection.fetch(
            LIST,
            wanted.biller_id,
            wanted.with_closed,
            wanted.reason,
            wanted.customer_code,
            wanted.owner,
            wanted.before,
            wanted.limit,
        )
    return [LineRow(**row) for row in rows]


async def instructions(
    connection: Raw, biller_id: int, state: str | None, before: UUID | None, limit: int
) -> list[InstructionRow]:
    """Read a page of a biller's refunds, the newest first."""
    rows = await connection.fetch(INSTRUCTIONS, biller_id, state, before, limit)
    return [InstructionRow(**row) for row in rows]


async def measure(connection: Raw, today: date) -> list[Measured]:
    """Sum up what stands in suspense, by owner."""
    rows = await connection.fetch(MEASURE, today)
    return [Measured(**(dict(row) | {"oldest_s": float(row["oldest_s"])})) for row in rows]


async def refunds_due(connection: Raw) -> tuple[int, int]:
    """Give how many refunds are due, and their sum in đồng."""
    row = await connection.fetchrow(REFUNDS_DUE)
    return (row["refunds"], row["amount_dong"]) if row else (0, 0)
