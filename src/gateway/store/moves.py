"""The moves of money: one statement each, committed or as if it had never been sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.domain.payment import Line
from gateway.store.database import Lane, Raw

# Pays: bills, payment, lines, ledger, idempotency key, event and its fan-out, all or nothing per
# payment. Rides bills_pkey, the keys' and payments_partner_reference_key; at most 32 payments.
# A payment that cannot be paid leaves no row and is missing from the result; the caller then asks
# why. A race that the checks cannot see (same key, same reference, half of the bills) breaks a
# unique or check constraint and aborts the flight, which then flies one by one.
# $30 lists the months in which keys are still kept, the current one first. OFFSET 0 keeps the
# planner from turning a probe of one row into a join over a whole table.
PAY = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::int[], $2::smallint[], $3::int[], $4::uuid[], $5::uuid[], $6::text[], $7::bytea[],
        $8::bytea[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::smallint[],
        $14::bool[], $15::date[], $16::timestamptz[], $17::int[], $18::int[], $19::text[],
        $20::text[], $21::text[]
    ) AS a (n, biller_id, partner_id, payment_id, event_id, key, fingerprint, field_digests,
            partner_reference, channel, customer_code, amount_dong, bill_count, oldest_first,
            business_date, created_at, receivable, payable, head, tail, event_head)
), line AS MATERIALIZED (
    SELECT * FROM unnest(
        $22::int[], $23::smallint[], $24::uuid[], $25::text[], $26::text[], $27::bigint[],
        $28::bigint[], $29::timestamptz[]
    ) AS l (n, biller_id, payment_id, customer_code, bill_id, amount_dong, least_part, paid_at)
), counted AS (
    SELECT l.n, count(*) AS bill_count, max(b.period) AS newest
    FROM line l CROSS JOIN LATERAL (
        SELECT * FROM bills WHERE biller_id = l.biller_id AND id = l.bill_id OFFSET 0) b
    WHERE b.status = 'open' AND b.customer_code = l.customer_code
      AND (b.amount_dong - b.paid_dong = l.amount_dong
           OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= l.least_part))
    GROUP BY l.n
), payable AS MATERIALIZED (
    SELECT a.* FROM asked a JOIN counted c ON c.n = a.n AND c.bill_count = a.bill_count
    WHERE NOT EXISTS (
        SELECT FROM idempotency_keys k
        WHERE k.partner_id = a.partner_id AND k.operation = 'create_payment' AND k.key = a.key
          AND k.month = ANY ($30::date[]) OFFSET 0)
      AND NOT EXISTS (
        SELECT FROM payments p
        WHERE p.partner_id = a.partner_id AND p.partner_reference = a.partner_reference OFFSET 0)
      AND (NOT a.oldest_first OR NOT EXISTS (
        SELECT FROM bills o
        WHERE o.biller_id = a.biller_id AND o.customer_code = a.customer_code
          AND o.status = 'open' AND o.period < c.newest
          AND NOT EXISTS (SELECT FROM line l WHERE l.n = a.n AND l.bill_id = o.id) OFFSET 0))
), claimed AS (
    UPDATE bills b
    SET paid_dong = b.paid_dong + l.amount_dong,
        status = CASE WHEN b.paid_dong + l.amount_dong = b.amount_dong
                      THEN 'paid' ELSE 'open' END,
        claimed_by = l.payment_id,
        event_sequence = b.event_sequence + 1,
        updated_at = l.paid_at
    FROM line l
    WHERE l.n IN (SELECT n FROM payable)
      AND b.biller_id = l.biller_id AND b.id = l.bill_id
      AND b.status <> ALL ('{paid,cancelled}')
      AND (b.amount_dong - b.paid_dong = l.amount_dong
           OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= l.least_part))
    RETURNING l.n, l.biller_id, l.payment_id, b.id, b.period, l.amount_dong, b.event_sequence
), whole AS (
    SELECT c.n, count(*) AS claimed_count,
           string_agg('{"id":"' || c.id || '","period":"' || to_char(c.period, 'YYYY-MM')
                      || '","amount_dong":' || c.amount_dong
                      || ',"sequence":' || c.event_sequence || '}', ',' ORDER BY c.id) AS bills
    FROM claimed c GROUP BY c.n
), done AS MATERIALIZED (
    SELECT a.*, w.claimed_count, a.head || w.bills || a.tail AS body
    FROM whole w JOIN payable a USING (n)
), paid AS (
    INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel,
        customer_code, amount_dong, bill_count, claimed_count, status, business_date, created_at)
    SELECT biller_id, payment_id, partner_id, partner_reference, 'collected', channel,
        customer_code, amount_dong, bill_count, claimed_count, 'succeeded', business_date,
        created_at
    FROM done
), lines AS (
    INSERT INTO payment_bills (biller_id, payment_id, bill_id, period, amount_dong, sequence)
    SELECT biller_id, payment_id, id, period, amount_dong, event_sequence FROM claimed
), moved AS (
    INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
        created_at)
    SELECT biller_id, payment_id, 'payment', receivable, payable, amount_dong, created_at
    FROM done
), keyed AS (
    INSERT INTO idempotency_keys (partner_id, operation, key, month, fingerprint, field_digests,
        status_code, body, resource_id, created_at)
    SELECT partner_id, 'create_payment', key, ($30::date[])[1], fingerprint, field_digests,
        201, body, payment_id, created_at
    FROM done
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT biller_id, event_id, 'payment.succeeded', payment_id, event_head || body || '}',
        created_at
    FROM done
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT d.biller_id, d.event_id, e.id, now()
    FROM done d JOIN webhook_endpoints e ON e.biller_id = d.biller_id
    WHERE e.disabled_at IS NULL AND 'payment.succeeded' = ANY (e.event_types)
)
SELECT n, body FROM done
"""

# Reverses one payment: bills open again, payment marked, ledger, key, event and fan-out.
# Rides payments_pkey and payment_bills_pkey; one payment of at most 50 bills. The compare-and-set
# is on payments.reversed_at; no row back means that somebody moved it first.
REVERSE = """
WITH target AS MATERIALIZED (
    SELECT p.* FROM payments p
    WHERE p.biller_id = $1::smallint AND p.id = $2::uuid AND p.reversed_at IS NULL
    FOR UPDATE
), marked AS (
    UPDATE payments p SET reversed_at = $3::timestamptz, reversal_reason = $14::text FROM target t
    WHERE p.biller_id = t.biller_id AND p.id = t.id
    RETURNING p.biller_id, p.id, p.partner_id, p.amount_dong
), reopened AS (
    UPDATE bills b
    SET paid_dong = b.paid_dong - l.amount_dong, status = 'open', claimed_by = NULL,
        event_sequence = b.event_sequence + 1, updated_at = $3
    FROM marked m JOIN payment_bills l ON l.biller_id = m.biller_id AND l.payment_id = m.id
    WHERE b.biller_id = l.biller_id AND b.id = l.bill_id
    RETURNING b.id, l.period, l.amount_dong, b.event_sequence
), renumbered AS (
    UPDATE payment_bills l SET reversal_sequence = r.event_sequence
    FROM reopened r
    WHERE l.biller_id = $1 AND l.payment_id = $2 AND l.bill_id = r.id
), done AS MATERIALIZED (
    SELECT m.*, $4::text || (
        SELECT string_agg('{"id":"' || r.id || '","period":"' || to_char(r.period, 'YYYY-MM')
                          || '","amount_dong":' || r.amount_dong
                          || ',"sequence":' || r.event_sequence || '}', ',' ORDER BY r.id)
        FROM reopened r) || $5::text AS body
    FROM marked m
), moved AS (
    INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
        created_at)
    SELECT biller_id, id, 'reversal', $6::int, $7::int, amount_dong, $3 FROM done
), keyed AS (
    INSERT INTO idempotency_keys (partner_id, operation, key, month, fingerprint, field_digests,
        status_code, body, resource_id, created_at)
    SELECT partner_id, 'create_reversal', $8::text, $9::date, $10::bytea, $11::bytea, 201, body,
        id, $3
    FROM done
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT biller_id, $12::uuid, 'payment.reversed', id, $13::text || body || '}', $3 FROM done
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT d.biller_id, $12, e.id, now()
    FROM done d JOIN webhook_endpoints e ON e.biller_id = d.biller_id
    WHERE e.disabled_at IS NULL AND 'payment.reversed' = ANY (e.event_types)
)
SELECT body FROM done
"""


@dataclass(frozen=True, slots=True)
class PayRow:
    """What PAY writes for one payment; `head` and `tail` enclose the bills in the body."""

    biller_id: int
    partner_id: int
    payment_id: UUID
    event_id: UUID
    key: str
    fingerprint: bytes
    field_digests: bytes
    partner_reference: str
    channel: str
    customer_code: str
    amount_dong: int
    lines: tuple[Line, ...]
    oldest_first: bool
    least_part: int
    business_date: date
    created_at: datetime
    receivable: int
    payable: int
    head: str
    tail: str
    event_head: str


@dataclass(frozen=True, slots=True)
class ReverseRow:
    """What REVERSE writes; the body's parts as in PayRow."""

    biller_id: int
    payment_id: UUID
    event_id: UUID
    key: str
    month: date
    fingerprint: bytes
    field_digests: bytes
    reversed_at: datetime
    reason: str
    receivable: int
    payable: int
    head: str
    tail: str
    event_head: str


def touched_by(row: PayRow) -> list[tuple[int, str]]:
    """Name what a payment locks or inserts; two that share a name must not fly together."""
    return [
        (-row.partner_id, row.partner_reference),
        *((row.biller_id, line.bill_id) for line in row.lines),
    ]


async def pay(lane: Lane, rows: Sequence[PayRow], months: Sequence[date]) -> list[str | None]:
    """Pay each row or leave it; give its response body, or None where it could not be paid.

    What is given is committed. Rows are sorted by bill, so that flights of several processes
    take their locks in one order.

    Raises:
        asyncpg.PostgresError: nothing of the whole batch was kept, unless the connection broke
            at COMMIT; ask by the idempotency keys.
    """
    order = sorted(range(len(rows)), key=lambda n: (rows[n].biller_id, rows[n].lines[0].bill_id))
    lines = [(n, line) for n in order for line in rows[n].lines]
    columns = zip(*(_columns(n, rows[n]) for n in order), strict=True)
    found = await lane.fetch(
        *columns,
        [n for n, _ in lines],
        [rows[n].biller_id for n, _ in lines],
        [rows[n].payment_id for n, _ in lines],
        [rows[n].customer_code for n, _ in lines],
        [line.bill_id for _, line in lines],
        [line.amount_dong for _, line in lines],
        [rows[n].least_part for n, _ in lines],
        [rows[n].created_at for n, _ in lines],
        months,
    )
    bodies: list[str | None] = [None] * len(rows)
    for record in found:
        bodies[record["n"]] = record["body"]
    return bodies


def _columns(n: int, row: PayRow) -> tuple[object, ...]:
    return (
        n,
        row.biller_id,
        row.partner_id,
        row.payment_id,
        row.event_id,
        row.key,
        row.fingerprint,
        row.field_digests,
        row.partner_reference,
        row.channel,
        row.customer_code,
        row.amount_dong,
        len(row.lines),
        row.oldest_first,
        row.business_date,
        row.created_at,
        row.receivable,
        row.payable,
        row.head,
        row.tail,
        row.event_head,
    )


async def reverse(connection: Raw, row: ReverseRow) -> str | None:
    """Reverse a payment once; give the response body, or None if it is reversed already."""
    body: str | None = await connection.fetchval(
        REVERSE,
        row.biller_id,
        row.payment_id,
        row.reversed_at,
        row.head,
        row.tail,
        row.payable,
        row.receivable,
        row.key,
        row.month,
        row.fingerprint,
        row.field_digests,
        row.event_id,
        row.event_head,
        row.reason,
    )
    return body
