"""The moves of money: one statement each, committed or as if it had never been sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from gateway.domain.payment import Line
from gateway.store.database import Lane, Raw

# Pays: bills, payment, lines, ledger, idempotency key, event and its fan-out, all or nothing per
# payment. Rides bills_pkey, the keys' and payments_partner_reference_key; at most 32 payments.
# A payment that cannot be paid leaves no row and is missing from the result; the caller then asks
# why. A bill that another payment holds hard cannot be paid; a soft hold is outbid, and whose it
# was is told, so that the order at its provider can be closed. A race that the checks cannot see
# (same key, same reference, half of the bills) breaks a unique or check constraint and aborts the
# flight, which then flies one by one.
# $1 is the payments as JSON: one parameter costs half of what one array per column does. $2 lists
# the months in which keys are still kept, the current one first. OFFSET 0 keeps the planner from
# turning a probe of one row into a join over a whole table.
PAY = """
WITH asked AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::text::json) AS a (
        biller_id smallint, partner_id int, payment_id uuid, event_id uuid, key text,
        fingerprint bytea, field_digests bytea, partner_reference text, channel text,
        customer_code text, amount_dong bigint, lines json, oldest_first bool, least_part bigint,
        business_date date, created_at timestamptz, receivable int, payable int, head text,
        tail text, event_head text)
), line AS MATERIALIZED (
    SELECT a.payment_id, a.biller_id, a.customer_code, a.least_part, a.created_at, l.*
    FROM asked a
    CROSS JOIN LATERAL json_to_recordset(a.lines) AS l (bill_id text, amount_dong bigint)
), counted AS (
    SELECT l.payment_id, count(*) AS bill_count, max(b.period) AS newest,
           array_agg(b.claimed_by) FILTER (WHERE b.claim = 'soft') AS outbid
    FROM line l CROSS JOIN LATERAL (
        SELECT * FROM bills WHERE biller_id = l.biller_id AND id = l.bill_id OFFSET 0) b
    WHERE b.status = 'open' AND b.customer_code = l.customer_code
      AND b.claim IS DISTINCT FROM 'hard'
      AND (b.amount_dong - b.paid_dong = l.amount_dong
           OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= l.least_part))
    GROUP BY l.payment_id
), payable AS MATERIALIZED (
    SELECT a.*, c.bill_count, c.outbid
    FROM asked a JOIN counted c
        ON c.payment_id = a.payment_id AND c.bill_count = json_array_length(a.lines)
    WHERE NOT EXISTS (
        SELECT FROM idempotency_keys k
        WHERE k.partner_id = a.partner_id AND k.operation = 'create_payment' AND k.key = a.key
          AND k.month = ANY ($2::date[]) OFFSET 0)
      AND NOT EXISTS (
        SELECT FROM payments p
        WHERE p.partner_id = a.partner_id AND p.partner_reference = a.partner_reference OFFSET 0)
      AND (NOT a.oldest_first OR NOT EXISTS (
        SELECT FROM bills o
        WHERE o.biller_id = a.biller_id AND o.customer_code = a.customer_code
          AND o.status = 'open' AND o.period < c.newest
          AND NOT EXISTS (
            SELECT FROM line l WHERE l.payment_id = a.payment_id AND l.bill_id = o.id)
        OFFSET 0))
), claimed AS (
    UPDATE bills b
    SET paid_dong = b.paid_dong + l.amount_dong,
        status = CASE WHEN b.paid_dong + l.amount_dong = b.amount_dong
                      THEN 'paid' ELSE 'open' END,
        claimed_by = l.payment_id,
        claim = NULL,
        event_sequence = b.event_sequence + 1,
        updated_at = l.created_at
    FROM line l
    WHERE l.payment_id IN (SELECT payment_id FROM payable)
      AND b.biller_id = l.biller_id AND b.id = l.bill_id
      AND b.status <> ALL ('{paid,cancelled}') AND b.claim IS DISTINCT FROM 'hard'
      AND (b.amount_dong - b.paid_dong = l.amount_dong
           OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= l.least_part))
    RETURNING l.biller_id, l.payment_id, b.id, b.period, l.amount_dong, b.event_sequence
), whole AS (
    SELECT c.payment_id, count(*) AS claimed_count,
           string_agg('{"id":"' || c.id || '","period":"' || to_char(c.period, 'YYYY-MM')
                      || '","amount_dong":' || c.amount_dong
                      || ',"sequence":' || c.event_sequence || '}', ',' ORDER BY c.id) AS bills
    FROM claimed c GROUP BY c.payment_id
), done AS MATERIALIZED (
    SELECT a.*, w.claimed_count, a.head || w.bills || a.tail AS body
    FROM whole w JOIN payable a USING (payment_id)
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
    SELECT partner_id, 'create_payment', key, ($2::date[])[1], fingerprint, field_digests,
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
SELECT payment_id, body, outbid FROM done
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
    SET paid_dong = b.paid_dong - l.amount_dong, status = 'open',
        claimed_by = CASE WHEN b.claimed_by = m.id THEN NULL ELSE b.claimed_by END,
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
    -- Cash goes back out of the hand that took it, whoever's partner that is.
    SELECT biller_id, id, 'reversal', $6::int, coalesce((
        SELECT t.debit_account FROM transfers t JOIN ledger_accounts a ON a.id = t.debit_account
        WHERE t.biller_id = $1 AND t.source = $2 AND t.kind = 'payment' AND a.kind = 'cash'),
        $7::int), amount_dong, $3
    FROM done
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


@dataclass(slots=True)
class PayRow:
    """What PAY writes for one payment; `head` and `tail` enclose the bills in the body.

    Digests are written as Postgres reads bytea. Not frozen: that costs 4 µs a payment.
    """

    biller_id: int
    partner_id: int
    payment_id: UUID
    event_id: UUID
    key: str
    fingerprint: str
    field_digests: str
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


class Paid(NamedTuple):
    """A payment that was made: its response body, and the payments whose soft claims it took."""

    body: str
    outbid: Sequence[UUID] | None


async def pay(lane: Lane, rows: Sequence[PayRow], months: Sequence[date]) -> list[Paid | None]:
    """Pay each row or leave it; None where it could not be paid.

    What is given is committed. Rows are sorted by bill, so that flights of several processes
    take their locks in one order.

    Raises:
        asyncpg.PostgresError: nothing of the whole batch was kept, unless the connection broke
            at COMMIT; ask by the idempotency keys.
    """
    ordered = sorted(rows, key=lambda row: (row.biller_id, row.lines[0].bill_id))
    found = await lane.fetch(orjson.dumps(ordered).decode(), months)
    paid = {record["payment_id"]: Paid(record["body"], record["outbid"]) for record in found}
    return [paid.get(row.payment_id) for row in rows]


async def pay_within(connection: Raw, row: PayRow, months: Sequence[date]) -> Paid | None:
    """Pay one row in the caller's transaction; None if it cannot be paid.

    Raises:
        asyncpg.PostgresError: a race was lost; the whole transaction is to be tried anew.
    """
    found = await connection.fetchrow(PAY, orjson.dumps([row]).decode(), months)
    return None if found is None else Paid(found["body"], found["outbid"])


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
