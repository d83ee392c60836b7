"""Receipts of cash, numbers that never came, cash paid in and given back, and its exceptions."""

from dataclasses import astuple, dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import Raw

# What a device has sent under a digest, a number or a receipt number; what was never proved to be
# a receipt takes no number. Rides cash_receipts_digest_key, cash_receipts_seq, cash_receipts_no.
KNOWN = "SELECT true FROM cash_receipts WHERE device_id = $1 AND digest = $2"
NUMBER_USED = """
SELECT EXISTS (SELECT FROM cash_receipts
    WHERE device_id = $1 AND (seq = $2 OR receipt_no = $3) AND result <> 'SIGNATURE_WRONG')
"""
RECORD = """
INSERT INTO cash_receipts (id, biller_id, list_id, collector_id, device_id, seq, receipt_no,
    bill_id, amount_dong, collected_at, taken_on, gps, canonical, digest, upload_key, result,
    payment_id, suspense_id, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""
RECORDED = """
SELECT digest, upload_key, result, payment_id, suspense_id FROM cash_receipts
WHERE device_id = $1 AND digest = ANY ($2::bytea[])
"""
OF_LIST = """
SELECT seq, receipt_no, bill_id, amount_dong, collected_at, result, payment_id, suspense_id
FROM cash_receipts WHERE list_id = $1 ORDER BY device_id, seq, id
"""
OPEN_GAP = """
INSERT INTO cash_gaps (id, device_id, first_seq, last_seq, upload_key, seen_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
GAPS_OF_UPLOAD = """
SELECT first_seq, last_seq FROM cash_gaps WHERE device_id = $1 AND upload_key = $2
ORDER BY first_seq
"""
# Closes the gap around a number when all of its numbers have come; rides cash_gaps_device.
FILL = """
UPDATE cash_gaps g SET closed_at = $3
WHERE g.device_id = $1 AND g.first_seq <= $2 AND g.last_seq >= $2 AND g.closed_at IS NULL
  AND g.last_seq - g.first_seq + 1 = (
    SELECT count(DISTINCT r.seq) FROM cash_receipts r
    WHERE r.device_id = g.device_id AND r.seq BETWEEN g.first_seq AND g.last_seq
      AND r.result <> 'SIGNATURE_WRONG')
RETURNING g.id
"""
# What receipts say is in hand: taken, less payments undone and what was given back. Rides
# cash_receipts_list or cash_receipts_collector.
_IN_HAND = """
SELECT coalesce(sum(r.amount_dong), 0)::bigint
FROM cash_receipts r
LEFT JOIN payments p ON p.biller_id = r.biller_id AND p.id = r.payment_id
LEFT JOIN cash_returns b ON b.suspense_id = r.suspense_id
WHERE r.result <> 'SIGNATURE_WRONG' AND p.reversed_at IS NULL AND b.suspense_id IS NULL
"""
LIST_IN_HAND = _IN_HAND + "AND r.list_id = $1"
TAKEN_UNTIL = _IN_HAND + "AND r.collector_id = $1 AND r.taken_on <= $2"
DEPOSITED = """
SELECT coalesce(sum(amount_dong), 0)::bigint FROM cash_deposits WHERE collector_id = $1
"""
DEPOSIT = """
INSERT INTO cash_deposits (id, biller_id, collector_id, reference, list_id, amount_dong,
    deposited_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (collector_id, reference) DO NOTHING RETURNING id
"""
DEPOSIT_OF = "SELECT * FROM cash_deposits WHERE collector_id = $1 AND reference = $2"
RETURN = """
INSERT INTO cash_returns (suspense_id, collector_id, amount_dong, returned_by, returned_at)
VALUES ($1, $2, $3, $4, $5)
"""
# Whose cash a line in suspense is; None unless it is cash.
CASH_OF_LINE = """
SELECT k.id FROM suspense_lines l JOIN credits c ON c.id = l.credit_id
JOIN cash_collectors k ON 'cash:' || k.code = c.account
WHERE l.id = $1 AND c.provider = 'field-cash'
"""
OPEN_EXCEPTION = """
INSERT INTO exceptions (id, biller_id, subject, kind, amount_dong, owner, next_action, due_on,
    opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (subject) WHERE subject IS NOT NULL AND closed_at IS NULL DO NOTHING
"""
CLOSE_EXCEPTION = """
UPDATE exceptions SET closed_at = $2, closed_by = 'gateway', resolution = $3
WHERE subject = $1 AND closed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt as it came and what became of it; the columns in order."""

    id: UUID
    biller_id: int
    list_id: UUID
    collector_id: UUID
    device_id: UUID
    seq: int
    receipt_no: str
    bill_id: str
    amount_dong: int
    collected_at: datetime
    taken_on: date
    gps: str | None
    canonical: str
    digest: bytes
    upload_key: str
    result: str
    payment_id: UUID | None
    suspense_id: UUID | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a receipt, and which upload brought it first."""

    upload_key: str
    result: str
    payment_id: UUID | None
    suspense_id: UUID | None


@dataclass(frozen=True, slots=True)
class ListedReceipt:
    """A receipt of a list, for reading."""

    seq: int
    receipt_no: str
    bill_id: str
    amount_dong: int
    collected_at: datetime
    result: str
    payment_id: UUID | None
    suspense_id: UUID | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a device that never came, both ends included."""

    id: UUID
    device_id: UUID
    first_seq: int
    last_seq: int
    upload_key: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Deposit:
    """Cash that a collector has paid in; `reference` is the slip's."""

    id: UUID
    biller_id: int
    collector_id: UUID
    reference: str
    list_id: UUID | None
    amount_dong: int
    deposited_at: datetime


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception about cash; at most one is open for a subject."""

    id: UUID
    biller_id: int
    subject: str
    kind: str
    amount_dong: int
    owner: str
    next_action: str
    due_on: date
    opened_at: datetime


async def is_known(connection: Raw, device_id: UUID, digest: bytes) -> bool:
    """Say whether just this receipt came before."""
    return bool(await connection.fetchval(KNOWN, device_id, digest))


async def is_number_used(connection: Raw, device_id: UUID, seq: int, receipt_no: str) -> bool:
    """Say whether another receipt of the device has this number."""
    return bool(await connection.fetchval(NUMBER_USED, device_id, seq, receipt_no))


async def record(connection: Raw, row: ReceiptRow) -> None:
    """Write a receipt down."""
    await connection.execute(RECORD, *astuple(row))


async def recorded(connection: Raw, device_id: UUID, digests: list[bytes]) -> dict[bytes, Recorded]:
    """Read what became of receipts."""
    rows = await connection.fetch(RECORDED, device_id, digests)
    return {
        row["digest"]: Recorded(
            row["upload_key"], row["result"], row["payment_id"], row["suspense_id"]
        )
        for row in rows
    }


async def of_list(connection: Raw, list_id: UUID) -> list[ListedReceipt]:
    """Read the receipts of a list."""
    return [ListedReceipt(**row) for row in await connection.fetch(OF_LIST, list_id)]


async def open_gap(connection: Raw, gap: Gap) -> None:
    """Write down that numbers are missing."""
    await connection.execute(OPEN_GAP, *astuple(gap))


async def gaps_of_upload(connection: Raw, device_id: UUID, key: str) -> list[tuple[int, int]]:
    """Read the gaps that an upload showed."""
    rows = await connection.fetch(GAPS_OF_UPLOAD, device_id, key)
    return [(row["first_seq"], row["last_seq"]) for row in rows]


async def fill(connection: Raw, device_id: UUID, seq: int, at: datetime) -> UUID | None:
    """Close the gap around a number if it is full now; gives its id."""
    found: UUID | None = await connection.fetchval(FILL, device_id, seq, at)
    return found


async def list_in_hand(connection: Raw, list_id: UUID) -> int:
    """Give what a list's receipts say that its collector holds, in đồng."""
    found: int = await connection.fetchval(LIST_IN_HAND, list_id)
    return found


async def undeposited(connection: Raw, collector_id: UUID, until: date) -> int:
    """Give how much cash of a day and before is not paid in, in đồng; the oldest goes first."""
    taken: int = await connection.fetchval(TAKEN_UNTIL, collector_id, until)
    paid_in: int = await connection.fetchval(DEPOSITED, collector_id)
    return max(0, taken - paid_in)


async def deposit(connection: Raw, row: Deposit) -> bool:
    """Write down that cash was paid in; False if the collector has used the reference."""
    return await connection.fetchval(DEPOSIT, *astuple(row)) is not None


async def deposit_of(connection: Raw, collector_id: UUID, reference: str) -> Deposit | None:
    """Read a deposit."""
    row = await connection.fetchrow(DEPOSIT_OF, collector_id, reference)
    return None if row is None else Deposit(**row)


async def give_back(
    connection: Raw, line_id: UUID, collector_id: UUID, *, amount_dong: int, by: str, at: datetime
) -> None:
    """Write down that cash is back in its payer's hand."""
    await connection.execute(RETURN, line_id, collector_id, amount_dong, by, at)


async def cash_of_line(connection: Raw, line_id: UUID) -> UUID | None:
    """Say which collector holds the cash of a line in suspense; None if it is no cash."""
    found: UUID | None = await connection.fetchval(CASH_OF_LINE, line_id)
    return found


async def raise_exception(connection: Raw, raised: Raised) -> None:
    """Open an exception unless one is open for its subject."""
    await connection.execute(OPEN_EXCEPTION, *astuple(raised))


async def settle_exception(connection: Raw, subject: str, at: datetime, resolution: str) -> None:
    """Close what is open for a subject."""
    await connection.execute(CLOSE_EXCEPTION, subject, at, resolution)
