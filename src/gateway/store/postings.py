"""Postings: written with the move of money, leased to workers, moved by what the biller says."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from gateway.store import moves
from gateway.store.database import Raw

_POSTED = """, posted AS (
    INSERT INTO postings (biller_id, payment_id, source, customer_code, paid_at)
    SELECT biller_id, payment_id, source, customer_code, created_at FROM done
), posted_bills AS (
    INSERT INTO posting_bills (biller_id, payment_id, bill_id, period, amount_dong, memory)
    SELECT c.biller_id, c.payment_id, c.id, c.period, c.amount_dong, coalesce(l.memory, '{}')
    FROM claimed c LEFT JOIN live_bills l ON l.biller_id = c.biller_id AND l.bill_id = c.id
)
"""
# PAY, which also writes what is to be cleared at the biller; for billers with a live source, in a
# lane of their own. Rides what PAY rides, and live_bills_pkey; at most 32 payments.
PAY_AND_POST = moves.PAY.replace("event_head text)", "event_head text, source text)").replace(
    "\nSELECT payment_id, body", _POSTED + "SELECT payment_id, body"
)

# Writes what is to be cleared after a payment was settled in this transaction; once for a payment.
# Rides payments_pkey, payment_bills_pkey, live_bills_pkey.
ADD = """
WITH posted AS (
    INSERT INTO postings (biller_id, payment_id, source, customer_code, paid_at)
    -- What was collected was settled when it was made.
    SELECT biller_id, id, $3::text, customer_code, coalesce(settled_at, created_at) FROM payments
    WHERE biller_id = $1::smallint AND id = $2::uuid
    ON CONFLICT DO NOTHING RETURNING payment_id
)
INSERT INTO posting_bills (biller_id, payment_id, bill_id, period, amount_dong, memory)
SELECT b.biller_id, b.payment_id, b.bill_id, b.period, b.amount_dong, coalesce(l.memory, '{}')
FROM posted p JOIN payment_bills b ON b.biller_id = $1 AND b.payment_id = p.payment_id
LEFT JOIN live_bills l ON l.biller_id = b.biller_id AND l.bill_id = b.bill_id
"""

# Asks that a reversed payment's posting be undone; whoever has it leased writes nothing any more.
# Rides postings_pkey and posting_bills_pkey; nothing where nothing was to be posted.
ASK_UNDO = """
WITH asked AS (
    UPDATE postings SET due_at = now(), since = now(), tried = 0, lease_no = lease_no + 1
    WHERE biller_id = $1 AND payment_id = $2 RETURNING payment_id
)
UPDATE posting_bills b SET undo = 'none' FROM asked a
WHERE b.biller_id = $1 AND b.payment_id = a.payment_id AND b.undo IS NULL
"""

# Leases due postings of one source, at most $3; a customer's in the order in which they were
# paid, for the biller wants the oldest period first and a bill may be in two of them. Rides
# postings_due and postings_customer; safe from many workers.
CLAIM_DUE = """
WITH due AS (
    SELECT p.biller_id, p.payment_id FROM postings p
    WHERE p.source = $1 AND p.due_at <= now()
      AND NOT EXISTS (
        SELECT FROM postings o
        WHERE o.biller_id = p.biller_id AND o.customer_code = p.customer_code
          AND o.due_at IS NOT NULL AND o.payment_id < p.payment_id OFFSET 0)
    ORDER BY p.due_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE postings p SET lease_no = p.lease_no + 1, due_at = now() + $2::interval
FROM due d WHERE p.biller_id = d.biller_id AND p.payment_id = d.payment_id
RETURNING p.*
"""

# The bills of a posting, the oldest period first; rides posting_bills_pkey, at most 50.
BILLS_OF = """
SELECT * FROM posting_bills WHERE biller_id = $1 AND payment_id = $2 ORDER BY period, bill_id
"""

# Writes where the bills of a leased posting stand, and when it goes on (never, if $5 is null); no
# row if the lease was lost. Rides postings_pkey and posting_bills_pkey.
MOVE = """
WITH held AS (
    UPDATE postings SET due_at = now() + $5::interval, tried = $4
    WHERE biller_id = $1 AND payment_id = $2 AND lease_no = $3 RETURNING payment_id
), moved AS (
    UPDATE posting_bills b
    SET state = w.state, undo = w.undo, code = w.code, sent_at = w.sent_at,
        reference = coalesce(b.reference, w.reference)
    FROM held h, unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[],
        $11::text[]) AS w (bill_id, state, undo, code, sent_at, reference)
    WHERE b.biller_id = $1 AND b.payment_id = h.payment_id AND b.bill_id = w.bill_id
)
SELECT payment_id FROM held
"""

# Whether another of our payments has cleared this bill and not undone it; rides posting_bills_bill.
CLEARED_BY_ANOTHER = """
SELECT EXISTS (SELECT FROM posting_bills
    WHERE biller_id = $1 AND bill_id = $3 AND payment_id <> $2 AND state = 'acknowledged'
      AND undo IS DISTINCT FROM 'acknowledged')
"""

# Closes what a person was told of bills that have settled themselves; rides
# exceptions_attempt_key.
CLOSE = """
UPDATE exceptions SET closed_at = now(), closed_by = 'gateway', resolution = $4
WHERE biller_id = $1 AND attempt_id = ANY ($2::uuid[]) AND kind = ANY ($3::text[])
  AND closed_at IS NULL
"""

ONE = "SELECT * FROM postings WHERE biller_id = $1 AND payment_id = $2"

# How many postings are not done, and since when, by source; rides postings_due.
WAITING = """
SELECT source, count(*) AS waiting, extract(epoch FROM now() - min(since)) AS oldest_s
FROM postings WHERE due_at IS NOT NULL GROUP BY source
"""

# What a person has to settle of them; rides exceptions_open.
REFUSED = """
SELECT count(*) FROM exceptions WHERE closed_at IS NULL AND kind LIKE 'posting\\_%'
"""

# Ours of a span of time, and those that the biller lists; rides postings_paid, posting_bills_pkey
# and posting_bills_reference_key.
COMPARED = """
SELECT b.*, p.customer_code, p.paid_at >= $2 AND p.paid_at < $3 AS is_of_the_day
FROM postings p JOIN posting_bills b
    ON b.biller_id = p.biller_id AND b.payment_id = p.payment_id
WHERE p.biller_id = $1::smallint AND p.paid_at >= $2::timestamptz AND p.paid_at < $3::timestamptz
UNION
SELECT b.*, p.customer_code, p.paid_at >= $2 AND p.paid_at < $3
FROM posting_bills b JOIN postings p
    ON p.biller_id = b.biller_id AND p.payment_id = b.payment_id
WHERE b.biller_id = $1 AND b.reference = ANY ($4::text[])
"""


_PAY_COLUMNS = tuple(column.name for column in fields(moves.PayRow))


@dataclass(slots=True)
class PayAndPostRow(moves.PayRow):
    """What PAY_AND_POST writes for one payment; `source` is the provider that clears it."""

    source: str


@dataclass(frozen=True, slots=True)
class PostingRow:
    """A posting as stored."""

    biller_id: int
    payment_id: UUID
    source: str
    customer_code: str
    paid_at: datetime
    since: datetime
    due_at: datetime | None
    tried: int
    lease_no: int


@dataclass(frozen=True, slots=True)
class PostingBillRow:
    """One bill of a posting as stored. `memory` is JSON."""

    biller_id: int
    payment_id: UUID
    bill_id: str
    id: UUID
    period: date
    amount_dong: int
    memory: str
    reference: str | None
    state: str
    undo: str | None
    code: str
    sent_at: datetime | None


class MovedBill(NamedTuple):
    """Where a bill of a posting stands now."""

    bill_id: str
    state: str
    undo: str | None
    code: str
    sent_at: datetime | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One of our cleared bills beside the biller's list."""

    bill: PostingBillRow
    customer_code: str
    is_of_the_day: bool


def with_source(row: moves.PayRow, source: str | None) -> moves.PayRow:
    """Give the row as it is, or as one that is posted where the biller has a live source."""
    if source is None:
        return row
    return PayAndPostRow(**{name: getattr(row, name) for name in _PAY_COLUMNS}, source=source)


async def add(connection: Raw, biller_id: int, payment_id: UUID, source: str) -> None:
    """Write what is to be cleared after a payment, in the transaction that settles it."""
    await connection.execute(ADD, biller_id, payment_id, source)


async def ask_undo(connection: Raw, biller_id: int, payment_id: UUID) -> None:
    """Ask that a posting be undone, in the transaction that reverses its payment."""
    await connection.execute(ASK_UNDO, biller_id, payment_id)


async def claim_due(
    connection: Raw, source: str, *, lease: timedelta, most: int
) -> list[PostingRow]:
    """Lease due postings of one source."""
    rows = await connection.fetch(CLAIM_DUE, source, lease, most)
    return [PostingRow(**row) for row in rows]


async def bills_of(connection: Raw, biller_id: int, payment_id: UUID) -> list[PostingBillRow]:
    """Read the bills of a posting, the oldest period first."""
    rows = await connection.fetch(BILLS_OF, biller_id, payment_id)
    return [PostingBillRow(**row) for row in rows]


async def move(
    connection: Raw,
    leased: PostingRow,
    bills: Sequence[MovedBill],
    *,
    tried: int,
    wait: timedelta | None,
) -> bool:
    """Write where the bills stand and when the posting goes on; False if the lease was lost."""
    columns = [list(column) for column in zip(*bills, strict=True)] or [[] for _ in range(6)]
    found = await connection.fetchval(
        MOVE, leased.biller_id, leased.payment_id, leased.lease_no, tried, wait, *columns
    )
    return found is not None


async def cleared_by_another(
    connection: Raw, biller_id: int, payment_id: UUID, bill_id: str
) -> bool:
    """Say whether another of our payments has cleared this bill at the biller."""
    found = await connection.fetchval(CLEARED_BY_ANOTHER, biller_id, payment_id, bill_id)
    return bool(found)


async def close_exceptions(
    connection: Raw, biller_id: int, line_ids: Sequence[UUID], kinds: Sequence[str], resolution: str
) -> None:
    """Close the exceptions about bills that have settled themselves, if any is open."""
    await connection.execute(CLOSE, biller_id, line_ids, list(kinds), resolution)


async def one(connection: Raw, biller_id: int, payment_id: UUID) -> PostingRow | None:
    """Read the posting of a payment."""
    row = await connection.fetchrow(ONE, biller_id, payment_id)
    return None if row is None else PostingRow(**row)


async def waiting(connection: Raw) -> list[tuple[str, int, float]]:
    """Count postings that are not done by source, with the age of the oldest in seconds."""
    rows = await connection.fetch(WAITING)
    return [(row["source"], row["waiting"], float(row["oldest_s"])) for row in rows]


async def refused(connection: Raw) -> int:
    """Count the open exceptions about postings."""
    return int(await connection.fetchval(REFUSED))


async def compared(
    connection: Raw, biller_id: int, span: tuple[datetime, datetime], listed: Sequence[str]
) -> list[ComparedRow]:
    """Read our cleared bills of a span of time, and those of these references."""
    rows = await connection.fetch(COMPARED, biller_id, *span, list(listed))
    names = PostingBillRow.__slots__
    return [
        ComparedRow(
            PostingBillRow(**{name: row[name] for name in names}),
            row["customer_code"],
            row["is_of_the_day"],
        )
        for row in rows
    ]
