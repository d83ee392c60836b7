"""What settles a payment through a provider, or lets it go; the caller holds its row and attempt's.

Money moves by one statement, SETTLE or SUSPEND; the others move no money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import Raw

# Pays the bills of a payment whose money a provider has: bills, payment, lines, ledger, event and
# fan-out. No row unless every bill can be paid: open, owing the amount, and not held hard by
# another payment. Rides bills_pkey, payments_pkey and payment_bills_pkey; at most 50 bills. A race
# for any of them breaks payments_whole_check, and nothing is kept.
SETTLE = """
WITH line AS MATERIALIZED (
    SELECT l.bill_id, l.amount_dong, l.period
    FROM payment_bills l
    JOIN bills b ON b.biller_id = l.biller_id AND b.id = l.bill_id
    WHERE l.biller_id = $1::smallint AND l.payment_id = $2::uuid
      AND b.status = 'open' AND (b.claim IS DISTINCT FROM 'hard' OR b.claimed_by = $2)
      AND (b.amount_dong - b.paid_dong = l.amount_dong
           OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= $11::bigint))
), payable AS MATERIALIZED (
    SELECT p.* FROM payments p
    WHERE p.biller_id = $1 AND p.id = $2 AND p.status <> 'succeeded'
      AND p.bill_count = (SELECT count(*) FROM line)
), outbid AS MATERIALIZED (
    SELECT array_agg(DISTINCT b.claimed_by) AS payments
    FROM line l JOIN bills b ON b.biller_id = $1 AND b.id = l.bill_id
    WHERE b.claim = 'soft' AND b.claimed_by <> $2
), claimed AS (
    UPDATE bills b
    SET paid_dong = b.paid_dong + l.amount_dong,
        status = CASE WHEN b.paid_dong + l.amount_dong = b.amount_dong
                      THEN 'paid' ELSE 'open' END,
        claimed_by = $2, claim = NULL, event_sequence = b.event_sequence + 1, updated_at = $3
    FROM line l, payable p
    WHERE b.biller_id = $1 AND b.id = l.bill_id
      AND b.status = 'open' AND (b.claim IS DISTINCT FROM 'hard' OR b.claimed_by = $2)
      AND (b.amount_dong - b.paid_dong = l.amount_dong
           OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= $11::bigint))
    RETURNING b.id, l.period, l.amount_dong, b.event_sequence
), renumbered AS (
    UPDATE payment_bills l SET sequence = c.event_sequence
    FROM claimed c WHERE l.biller_id = $1 AND l.payment_id = $2 AND l.bill_id = c.id
), paid AS (
    UPDATE payments t SET status = 'succeeded', failure = NULL, settled_at = $3::timestamptz,
        business_date = $4::date, claimed_count = (SELECT count(*) FROM claimed)
    FROM payable p WHERE t.biller_id = p.biller_id AND t.id = p.id
), done AS MATERIALIZED (
    SELECT p.id, p.amount_dong, $5::text || (
        SELECT string_agg('{"id":"' || c.id || '","period":"' || to_char(c.period, 'YYYY-MM')
                          || '","amount_dong":' || c.amount_dong
                          || ',"sequence":' || c.event_sequence || '}', ',' ORDER BY c.id)
        FROM claimed c) || $6::text AS body
    FROM payable p WHERE EXISTS (SELECT FROM claimed)
), moved AS (
    INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
        created_at)
    SELECT $1, id, 'payment', $7::int, $8::int, amount_dong, $3 FROM done
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT $1, $9::uuid, 'payment.succeeded', id, $10::text || body || '}', $3 FROM done
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT $1, $9, e.id, now()
    FROM done d JOIN webhook_endpoints e ON e.biller_id = $1
    WHERE e.disabled_at IS NULL AND 'payment.succeeded' = ANY (e.event_types)
)
SELECT d.amount_dong, o.payments AS outbid FROM done d, outbid o
"""

# Keeps money that cannot pay its bills: ledger, the refund that is due, event and fan-out; once for
# an attempt, whatever is repeated (transfers_pkey). Money of a credit is in suspense already ($10).
SUSPEND = """
WITH moved AS (
    INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
        created_at)
    SELECT $1::smallint, $3::uuid, 'late_payment', $5::int, $6::int, $4::bigint, $7::timestamptz
    WHERE NOT $10::bool
), marked AS (
    UPDATE payments SET refund = 'due' WHERE biller_id = $1 AND id = $2::uuid
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    VALUES ($1, $8::uuid, 'payment.late_money', $2, $9::text, $7)
)
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
SELECT $1, $8, e.id, now() FROM webhook_endpoints e
WHERE e.biller_id = $1 AND e.disabled_at IS NULL AND 'payment.late_money' = ANY (e.event_types)
"""

# Tells of a payment whose evidence disagrees; moves no money.
TELL = """
WITH told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    VALUES ($1::smallint, $3::uuid, $4::text, $2::uuid, $5::text, $6::timestamptz)
    RETURNING id
)
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
SELECT $1, t.id, e.id, now()
FROM told t JOIN webhook_endpoints e ON e.biller_id = $1
WHERE e.disabled_at IS NULL AND $4 = ANY (e.event_types)
"""

# Sets how strongly a payment holds its bills, or lets them go ($3 null); gives how many it holds.
# Rides payment_bills_pkey and bills_pkey.
CLAIM = """
WITH changed AS (
    UPDATE bills b SET claim = $3::text,
        claimed_by = CASE WHEN $3::text IS NULL THEN NULL ELSE b.claimed_by END
    FROM payment_bills l
    WHERE l.biller_id = $1 AND l.payment_id = $2
      AND b.biller_id = l.biller_id AND b.id = l.bill_id
      AND b.claimed_by = $2 AND b.claim IS NOT NULL AND b.status = 'open'
    RETURNING b.id
)
SELECT count(*) FROM changed
"""

# Takes bills back that nobody holds hard, for money that may be moving; gives how many are held.
RECLAIM = """
WITH changed AS (
    UPDATE bills b SET claim = 'hard', claimed_by = $2
    FROM payment_bills l
    WHERE l.biller_id = $1 AND l.payment_id = $2
      AND b.biller_id = l.biller_id AND b.id = l.bill_id AND b.status = 'open'
      AND (b.claim IS DISTINCT FROM 'hard' OR b.claimed_by = $2)
    RETURNING b.id
)
SELECT count(*) FROM changed
"""

SET_STATUS = """
UPDATE payments SET status = $3, failure = $4, settled_at = $5
WHERE biller_id = $1 AND id = $2 AND status <> 'succeeded'
"""

ASK_CANCEL = """
UPDATE payments SET cancel_asked_at = $3, status = $4
WHERE biller_id = $1 AND id = $2 AND cancel_asked_at IS NULL
"""

HELD = """
SELECT p.id, p.biller_id, p.partner_id, p.status, p.amount_dong, p.bill_count, p.expires_at,
       p.cancel_asked_at, p.refund,
       (SELECT max(number) FROM attempts a WHERE a.biller_id = $1 AND a.payment_id = $2) AS newest
FROM payments p WHERE p.biller_id = $1 AND p.id = $2 FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class SettleRow:
    """What SETTLE writes: the parts of the payment's body, accounts and the event's id."""

    biller_id: int
    payment_id: UUID
    settled_at: datetime
    business_date: date
    head: str
    tail: str
    receivable: int
    payable: int
    event_id: UUID
    event_head: str
    least_part: int
    """The least that may be paid of a bill without paying all of it, in đồng."""


@dataclass(frozen=True, slots=True)
class SuspendRow:
    """What SUSPEND writes; `body` is the whole event."""

    biller_id: int
    payment_id: UUID
    attempt_id: UUID
    amount_dong: int
    receivable: int
    suspense: int
    at: datetime
    event_id: UUID
    body: str
    is_in_suspense: bool = False
    """Whether the ledger has it there already."""


@dataclass(frozen=True, slots=True)
class HeldPayment:
    """A locked payment, as far as settling needs it."""

    id: UUID
    biller_id: int
    partner_id: int
    status: str
    amount_dong: int
    bill_count: int
    expires_at: datetime | None
    cancel_asked_at: datetime | None
    refund: str | None
    newest: int | None
    """The number of its newest attempt."""


async def hold(connection: Raw, biller_id: int, payment_id: UUID) -> HeldPayment | None:
    """Lock a payment until the transaction ends."""
    row = await connection.fetchrow(HELD, biller_id, payment_id)
    return None if row is None else HeldPayment(**row)


async def settle(connection: Raw, row: SettleRow) -> Sequence[UUID] | None:
    """Pay the bills; give whose soft claims were taken, or None if they cannot be paid."""
    found = await connection.fetchrow(
        SETTLE,
        row.biller_id,
        row.payment_id,
        row.settled_at,
        row.business_date,
        row.head,
        row.tail,
        row.receivable,
        row.payable,
        row.event_id,
        row.event_head,
        row.least_part,
    )
    return None if found is None else (found["outbid"] or ())


async def suspend(connection: Raw, row: SuspendRow) -> None:
    """Keep money in suspense; the caller makes sure that it is done once for an attempt.

    Raises:
        asyncpg.UniqueViolationError: it is there already; nothing was kept of this transaction.
    """
    await connection.execute(
        SUSPEND,
        row.biller_id,
        row.payment_id,
        row.attempt_id,
        row.amount_dong,
        row.receivable,
        row.suspense,
        row.at,
        row.event_id,
        row.body,
        row.is_in_suspense,
    )


async def tell(  # noqa: PLR0913 (the columns of one event)
    connection: Raw,
    biller_id: int,
    payment_id: UUID,
    *,
    event_id: UUID,
    event_type: str,
    body: str,
    at: datetime,
) -> None:
    """Write an event that moves no money, and its fan-out."""
    await connection.execute(TELL, biller_id, payment_id, event_id, event_type, body, at)


async def claim(connection: Raw, biller_id: int, payment_id: UUID, claim: str | None) -> int:
    """Set how strongly a payment holds the bills that it still holds, or let them go."""
    held: int = await connection.fetchval(CLAIM, biller_id, payment_id, claim)
    return held


async def reclaim(connection: Raw, biller_id: int, payment_id: UUID) -> int:
    """Hold the payment's bills hard where nobody else does."""
    held: int = await connection.fetchval(RECLAIM, biller_id, payment_id)
    return held


async def set_status(
    connection: Raw, held: HeldPayment, status: str, failure: str | None, at: datetime | None
) -> None:
    """Write where a payment stands that has not succeeded."""
    await connection.execute(SET_STATUS, held.biller_id, held.id, status, failure, at)


async def ask_cancel(connection: Raw, held: HeldPayment, at: datetime, status: str) -> None:
    """Write that cancelling was asked for."""
    await connection.execute(ASK_CANCEL, held.biller_id, held.id, at, status)
