"""Late returns: a bank gives a settled debit back to its payer; the books turn, the bill reopens.

The ledger's kind is `reversal`, as for any undone payment (design, section 8: reversal, bank
return); the source makes it unrepeatable.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import Raw

# Turns a debit back: payment marked, bill open again until $12 at least, ledger, event and fan-out.
# Rides payments_pkey, payment_bills_pkey. The compare-and-set is on payments.reversed_at.
RETURN = """
WITH marked AS (
    UPDATE payments SET reversed_at = $3::timestamptz, reversal_reason = $4::text
    WHERE biller_id = $1::smallint AND id = $2::uuid AND reversed_at IS NULL
      AND status = 'succeeded' AND method = 'mandate'
    RETURNING biller_id, id, amount_dong
), reopened AS (
    UPDATE bills b
    SET paid_dong = b.paid_dong - l.amount_dong, status = 'open',
        claimed_by = CASE WHEN b.claimed_by = m.id THEN NULL ELSE b.claimed_by END,
        claim = CASE WHEN b.claimed_by = m.id THEN NULL ELSE b.claim END,
        due_on = greatest(b.due_on, $12::date),
        event_sequence = b.event_sequence + 1, updated_at = $3
    FROM marked m JOIN payment_bills l ON l.biller_id = m.biller_id AND l.payment_id = m.id
    WHERE b.biller_id = l.biller_id AND b.id = l.bill_id
    RETURNING b.id, l.period, l.amount_dong, b.event_sequence
), renumbered AS (
    UPDATE payment_bills l SET reversal_sequence = r.event_sequence
    FROM reopened r WHERE l.biller_id = $1 AND l.payment_id = $2 AND l.bill_id = r.id
), done AS MATERIALIZED (
    SELECT m.*, $5::text || (
        SELECT string_agg('{"id":"' || r.id || '","period":"' || to_char(r.period, 'YYYY-MM')
                          || '","amount_dong":' || r.amount_dong
                          || ',"sequence":' || r.event_sequence || '}', ',' ORDER BY r.id)
        FROM reopened r) || $6::text AS body
    FROM marked m
), moved AS (
    INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
        created_at)
    SELECT biller_id, id, 'reversal', $7::int, $8::int, amount_dong, $3 FROM done
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT biller_id, $9::uuid, 'payment.reversed', id, $10::text || body || '}', $3 FROM done
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT d.biller_id, $9, e.id, now()
    FROM done d JOIN webhook_endpoints e ON e.biller_id = d.biller_id
    WHERE e.disabled_at IS NULL AND 'payment.reversed' = ANY (e.event_types)
), debit AS (
    UPDATE debits SET state = 'returned', reason = $11
    FROM done WHERE debits.biller_id = $1 AND debits.payment_id = $2
)
SELECT id FROM done
"""

# Gives back what waited in suspense: it is owed to nobody any more. Once (transfers_pkey).
RETURN_SUSPENDED = """
WITH moved AS (
    INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
        created_at)
    SELECT t.biller_id, t.source, 'reversal', t.credit_account, t.debit_account, t.amount_dong,
        $4::timestamptz
    FROM transfers t
    WHERE t.biller_id = $1 AND t.source = $3 AND t.kind = 'late_payment'
    ON CONFLICT DO NOTHING RETURNING source
)
UPDATE payments SET refund = NULL FROM moved WHERE biller_id = $1 AND id = $2
RETURNING id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRow:
    """What RETURN writes; `head` and `tail` enclose the bills in the payment's body."""

    biller_id: int
    payment_id: UUID
    returned_at: datetime
    reason: str
    code: str
    head: str
    tail: str
    payable: int
    receivable: int
    event_id: UUID
    event_head: str
    due_on: date
    """The bill is not overdue before this day: the grace of a return."""


async def give_back(connection: Raw, row: ReturnRow) -> bool:
    """Turn a settled debit back; False if it is not settled, or was given back before."""
    done = await connection.fetchval(
        RETURN,
        *(row.biller_id, row.payment_id, row.returned_at, row.reason, row.head, row.tail),
        *(row.payable, row.receivable, row.event_id, row.event_head, row.code, row.due_on),
    )
    return done is not None


async def give_back_suspended(
    connection: Raw, biller_id: int, payment_id: UUID, attempt_id: UUID, at: datetime
) -> bool:
    """Turn back what an attempt brought into suspense; False if it brought nothing there."""
    done = await connection.fetchval(RETURN_SUSPENDED, biller_id, payment_id, attempt_id, at)
    return done is not None
