"""Hand-over lists: which open bills a collector was given, until when, and how a list closed."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import Raw

# One at a time in an area, so that no bill stands on two lists.
LOCK_AREA = "SELECT pg_advisory_xact_lock(hashtextextended('hand-over:' || $1 || ':' || $2, 0))"

# Open bills of an area that nobody pays at this moment and no live list holds, the oldest of each
# customer first, as far as the cap reaches; `$5`: only of customers whose phone is not known.
# Reads the area's open bills; at most 500 are handed over.
PICK = """
WITH candidate AS (
    SELECT b.id, b.customer_code, b.period, b.amount_dong - b.paid_dong AS amount_dong,
           sum(b.amount_dong - b.paid_dong) OVER (
               ORDER BY b.customer_code, b.period, b.id) AS running_dong
    FROM customers c JOIN bills b ON b.biller_id = c.biller_id AND b.customer_code = c.code
    WHERE c.biller_id = $1 AND c.area_code = $2 AND b.status = 'open'
      AND b.claim IS DISTINCT FROM 'hard'
      AND ($6::text[] IS NULL OR b.customer_code = ANY ($6))
      AND NOT EXISTS (
        SELECT FROM hand_over_bills h JOIN hand_over_lists l ON l.id = h.list_id
        WHERE h.biller_id = b.biller_id AND h.bill_id = b.id
          AND l.closed_at IS NULL AND l.valid_until > $4::timestamptz)
      AND (NOT $5::bool OR NOT EXISTS (
        SELECT FROM cash_contacts k
        WHERE k.biller_id = b.biller_id AND k.customer_code = b.customer_code))
)
SELECT id, customer_code, period, amount_dong FROM candidate
WHERE running_dong <= $3::bigint ORDER BY customer_code, period, id LIMIT 500
"""
HANDED_ON = """
SELECT coalesce(sum(amount_dong), 0)::bigint FROM hand_over_lists
WHERE collector_id = $1 AND handed_on = $2
"""
ADD = """
INSERT INTO hand_over_lists (id, biller_id, collector_id, area_code, book_code, valid_until,
    handed_on, bill_count, amount_dong, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
ADD_BILLS = """
INSERT INTO hand_over_bills (list_id, bill_id, biller_id, customer_code, period, amount_dong)
SELECT $1, b.id, $2, b.customer_code, b.period, b.amount_dong
FROM unnest($3::text[], $4::text[], $5::date[], $6::bigint[])
    AS b (id, customer_code, period, amount_dong)
"""
# A list of one partner's collectors.
ONE = """
SELECT l.*, c.code AS collector FROM hand_over_lists l
JOIN cash_collectors c ON c.id = l.collector_id
WHERE l.id = $1 AND c.partner_id = $2
"""
HOLD = ONE + " FOR UPDATE OF l"
# A page of a partner's lists, the newest first.
PAGE = """
SELECT l.*, c.code AS collector FROM hand_over_lists l
JOIN cash_collectors c ON c.id = l.collector_id
WHERE c.partner_id = $1 AND ($2::text IS NULL OR c.code = $2) AND ($3::uuid IS NULL OR l.id < $3)
ORDER BY l.id DESC LIMIT $4
"""
BILLS = """
SELECT h.bill_id, h.customer_code, h.period, h.amount_dong, c.name, c.address
FROM hand_over_bills h JOIN customers c ON c.biller_id = h.biller_id AND c.code = h.customer_code
WHERE h.list_id = $1 ORDER BY h.customer_code, h.period, h.bill_id
"""
BILL = "SELECT customer_code FROM hand_over_bills WHERE list_id = $1 AND bill_id = $2"
CLOSE = """
UPDATE hand_over_lists SET closed_at = $2, cash_total_dong = $3, receipts_dong = $4,
    deposited_ref = $5
WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A hand-over list; amounts in đồng, what stands beside `closed_at` is None until then."""

    id: UUID
    biller_id: int
    collector_id: UUID
    area_code: str
    book_code: str
    valid_until: datetime
    handed_on: date
    bill_count: int
    amount_dong: int
    created_at: datetime
    closed_at: datetime | None = None
    cash_total_dong: int | None = None
    receipts_dong: int | None = None
    deposited_ref: str | None = None
    collector: str = ""


@dataclass(frozen=True, slots=True)
class Picked:
    """A bill to be handed over, with what is due on it."""

    id: str
    customer_code: str
    period: date
    amount_dong: int


@dataclass(frozen=True, slots=True)
class HandedBill:
    """A bill of a list, with whom it is to be asked of (not masked here)."""

    bill_id: str
    customer_code: str
    period: date
    amount_dong: int
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which bills may be handed over: up to so many đồng, perhaps only of some customers."""

    biller_id: int
    area_code: str
    most_dong: int
    now: datetime
    without_phone: bool
    customers: tuple[str, ...] | None


async def lock_area(connection: Raw, biller_id: int, area_code: str) -> None:
    """Wait until nobody else makes a list of this area; until the transaction ends."""
    await connection.execute(LOCK_AREA, str(biller_id), area_code)


async def handed_on(connection: Raw, collector_id: UUID, day: date) -> int:
    """Sum up what a collector was handed on a day, in đồng."""
    found: int = await connection.fetchval(HANDED_ON, collector_id, day)
    return found


async def pick(connection: Raw, wanted: Wanted) -> list[Picked]:
    """Choose the bills of a new list."""
    rows = await connection.fetch(
        PICK,
        wanted.biller_id,
        wanted.area_code,
        wanted.most_dong,
        wanted.now,
        wanted.without_phone,
        wanted.customers,
    )
    return [Picked(**row) for row in rows]


async def add(connection: Raw, row: ListRow, bills: list[Picked]) -> None:
    """Write a list with its bills."""
    await connection.execute(
        ADD,
        row.id,
        row.biller_id,
        row.collector_id,
        row.area_code,
        row.book_code,
        row.valid_until,
        row.handed_on,
        row.bill_count,
        row.amount_dong,
        row.created_at,
    )
    await connection.execute(
        ADD_BILLS,
        row.id,
        row.biller_id,
        [bill.id for bill in bills],
        [bill.customer_code for bill in bills],
        [bill.period for bill in bills],
        [bill.amount_dong for bill in bills],
    )


async def one(connection: Raw, list_id: UUID, partner_id: int) -> ListRow | None:
    """Read a partner's list."""
    row = await connection.fetchrow(ONE, list_id, partner_id)
    return None if row is None else ListRow(**row)


async def hold(connection: Raw, list_id: UUID, partner_id: int) -> ListRow | None:
    """Lock a partner's list."""
    row = await connection.fetchrow(HOLD, list_id, partner_id)
    return None if row is None else ListRow(**row)


async def page(
    connection: Raw, partner_id: int, collector: str | None, before: UUID | None, limit: int
) -> list[ListRow]:
    """Read a page of a partner's lists, the newest first."""
    rows = await connection.fetch(PAGE, partner_id, collector, before, limit)
    return [ListRow(**row) for row in rows]


async def bills_of(connection: Raw, list_id: UUID) -> list[HandedBill]:
    """Read the bills of a list in the order in which a collector walks."""
    return [HandedBill(**row) for row in await connection.fetch(BILLS, list_id)]


async def customer_of(connection: Raw, list_id: UUID, bill_id: str) -> str | None:
    """Say whose bill it is, if the list holds it."""
    found: str | None = await connection.fetchval(BILL, list_id, bill_id)
    return found


async def close(connection: Raw, row: ListRow) -> None:
    """Write how a list closed."""
    await connection.execute(
        CLOSE, row.id, row.closed_at, row.cash_total_dong, row.receipts_dong, row.deposited_ref
    )
