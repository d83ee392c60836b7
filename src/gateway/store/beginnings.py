"""What begins a payment through a provider: written down before the first byte leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import orjson

from gateway.domain.payment import Line
from gateway.store.database import Raw

# Begins a payment through a provider: claims the bills hard, writes payment, lines, attempt and
# the key (status 0: running). Rides bills_pkey and the unique keys; at most 50 bills. No row if it
# cannot be begun; a race breaks a constraint and nothing is kept. $1 is the attempt as JSON, $3 the
# payment.
BEGIN = """
WITH asked AS MATERIALIZED (
    SELECT * FROM json_to_record($1::text::json) AS a (
        biller_id smallint, payment_id uuid, attempt_id uuid, partner_id int, key text,
        fingerprint bytea, field_digests bytea, channel text, amount_dong bigint,
        least_part bigint, provider text, reference text, option text, text text, return_url text,
        notify_url text, payer_ip text, locale text, visibility_s int, created_at timestamptz,
        expires_at timestamptz, due_at timestamptz, method text),
        json_to_record($3::text::json) AS p (
        partner_reference text, customer_code text, lines json, oldest_first bool,
        business_date date)
), line AS MATERIALIZED (
    SELECT a.biller_id, a.customer_code, a.least_part, l.*
    FROM asked a
    CROSS JOIN LATERAL json_to_recordset(a.lines) AS l (bill_id text, amount_dong bigint)
), counted AS (
    SELECT count(*) AS bill_count, max(b.period) AS newest,
           array_agg(b.claimed_by) FILTER (WHERE b.claim = 'soft') AS outbid
    FROM line l CROSS JOIN LATERAL (
        SELECT * FROM bills WHERE biller_id = l.biller_id AND id = l.bill_id OFFSET 0) b
    WHERE b.status = 'open' AND b.customer_code = l.customer_code
      AND b.claim IS DISTINCT FROM 'hard'
      AND (b.amount_dong - b.paid_dong = l.amount_dong
           OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= l.least_part))
), payable AS MATERIALIZED (
    SELECT a.*, c.bill_count, c.outbid
    FROM asked a, counted c
    WHERE c.bill_count = json_array_length(a.lines)
      AND NOT EXISTS (
        SELECT FROM idempotency_keys k
        WHERE k.partner_id = a.partner_id AND k.operation = 'create_payment' AND k.key = a.key
          AND k.month = ANY ($2::date[]))
      AND NOT EXISTS (
        SELECT FROM payments p
        WHERE p.partner_id = a.partner_id AND p.partner_reference = a.partner_reference)
      AND (NOT a.oldest_first OR NOT EXISTS (
        SELECT FROM bills o
        WHERE o.biller_id = a.biller_id AND o.customer_code = a.customer_code
          AND o.status = 'open' AND o.period < c.newest
          AND NOT EXISTS (SELECT FROM line l WHERE l.bill_id = o.id)))
), claimed AS (
    UPDATE bills b SET claimed_by = p.payment_id, claim = 'hard', updated_at = p.created_at
    FROM payable p, line l
    WHERE b.biller_id = l.biller_id AND b.id = l.bill_id
      AND b.status = 'open' AND b.claim IS DISTINCT FROM 'hard'
    RETURNING b.id, b.period, l.amount_dong
), paid AS (
    INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel,
        customer_code, amount_dong, bill_count, claimed_count, status, business_date, created_at,
        provider, expires_at)
    SELECT biller_id, payment_id, partner_id, partner_reference, method, channel,
        customer_code, amount_dong, bill_count, (SELECT count(*) FROM claimed), 'processing',
        business_date, created_at, provider, expires_at
    FROM payable
), lines AS (
    INSERT INTO payment_bills (biller_id, payment_id, bill_id, period, amount_dong)
    SELECT p.biller_id, p.payment_id, c.id, c.period, c.amount_dong FROM payable p, claimed c
), tried AS (
    INSERT INTO attempts (biller_id, id, payment_id, number, provider, reference, option, text,
        amount_dong, return_url, notify_url, payer_ip, locale, visibility_s, state, due_at,
        created_at, expires_at)
    SELECT biller_id, attempt_id, payment_id, 1, provider, reference, option, text, amount_dong,
        return_url, notify_url, payer_ip, locale, visibility_s, 'sent', due_at, created_at,
        expires_at
    FROM payable
), keyed AS (
    INSERT INTO idempotency_keys (partner_id, operation, key, month, fingerprint, field_digests,
        status_code, body, resource_id, created_at)
    SELECT partner_id, 'create_payment', key, ($2::date[])[1], fingerprint, field_digests, 0, '',
        payment_id, created_at
    FROM payable
)
SELECT payment_id, outbid FROM payable
"""

# Tries a failed or expired payment again, at any provider: claims its bills and adds an attempt.
# No row if a bill cannot be claimed, or the payment is not ended or disputed; it is locked first,
# for late money may be settling it. Rides payments_pkey, attempts_number_key, bills_pkey.
TRY_AGAIN = """
WITH asked AS MATERIALIZED (
    SELECT * FROM json_to_record($1::text::json) AS a (
        biller_id smallint, payment_id uuid, attempt_id uuid, partner_id int, operation text,
        key text, fingerprint bytea, field_digests bytea, created_at timestamptz,
        expires_at timestamptz, provider text, reference text, option text, text text,
        amount_dong bigint, return_url text, notify_url text, payer_ip text, locale text,
        channel text, least_part bigint, visibility_s int, due_at timestamptz)
), payment AS MATERIALIZED (
    SELECT a.*, p.bill_count,
           (SELECT max(number) FROM attempts t
            WHERE t.biller_id = a.biller_id AND t.payment_id = a.payment_id) + 1 AS number
    FROM asked a JOIN payments p ON p.biller_id = a.biller_id AND p.id = a.payment_id
    WHERE p.status IN ('failed', 'expired') AND p.refund IS NULL
      AND NOT EXISTS (
        SELECT FROM attempts t JOIN exceptions e
            ON e.biller_id = t.biller_id AND e.attempt_id = t.id
        WHERE t.biller_id = a.biller_id AND t.payment_id = a.payment_id
          AND e.kind IN ('conflicted', 'second_movement') AND e.closed_at IS NULL)
    FOR UPDATE OF p
), held AS MATERIALIZED (
    SELECT b.id, b.claimed_by, b.claim
    FROM payment p
    JOIN payment_bills l ON l.biller_id = p.biller_id AND l.payment_id = p.payment_id
    JOIN bills b ON b.biller_id = l.biller_id AND b.id = l.bill_id
    WHERE b.status = 'open' AND b.claim IS DISTINCT FROM 'hard'
      AND (b.amount_dong - b.paid_dong = l.amount_dong
           OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= p.least_part))
), payable AS MATERIALIZED (
    SELECT p.* FROM payment p WHERE p.bill_count = (SELECT count(*) FROM held)
), claimed AS (
    UPDATE bills b SET claimed_by = p.payment_id, claim = 'hard', updated_at = p.created_at
    FROM payable p, held h
    WHERE b.biller_id = p.biller_id AND b.id = h.id
      AND b.status = 'open' AND b.claim IS DISTINCT FROM 'hard'
    RETURNING b.id
), renewed AS (
    UPDATE payments t SET status = 'processing', failure = NULL, expires_at = p.expires_at,
        cancel_asked_at = NULL, provider = p.provider, channel = p.channel, settled_at = NULL,
        claimed_count = (SELECT count(*) FROM claimed)
    FROM payable p WHERE t.biller_id = p.biller_id AND t.id = p.payment_id
), tried AS (
    INSERT INTO attempts (biller_id, id, payment_id, number, provider, reference, option, text,
        amount_dong, return_url, notify_url, payer_ip, locale, visibility_s, state, due_at,
        created_at, expires_at)
    SELECT biller_id, attempt_id, payment_id, number, provider, reference, option, text,
        amount_dong, return_url, notify_url, payer_ip, locale, visibility_s, 'sent', due_at,
        created_at, expires_at
    FROM payable
), keyed AS (
    INSERT INTO idempotency_keys (partner_id, operation, key, month, fingerprint, field_digests,
        status_code, body, resource_id, created_at)
    SELECT partner_id, operation, key, $2::date, fingerprint, field_digests, 0, '', payment_id,
        created_at
    FROM payable
)
SELECT (SELECT array_agg(claimed_by) FROM held WHERE claim = 'soft') AS outbid FROM payable
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """An attempt to write down, with its key. Digests are written as Postgres reads bytea."""

    biller_id: int
    payment_id: UUID
    attempt_id: UUID
    partner_id: int
    operation: str
    key: str
    fingerprint: str
    field_digests: str
    channel: str
    amount_dong: int
    least_part: int
    provider: str
    reference: str
    option: str | None
    text: str
    return_url: str
    notify_url: str
    payer_ip: str
    locale: str
    visibility_s: int
    created_at: datetime
    expires_at: datetime
    due_at: datetime
    method: str = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """What a payment has beside its first attempt."""

    partner_reference: str
    customer_code: str
    lines: tuple[Line, ...]
    oldest_first: bool
    business_date: date


async def begin(
    connection: Raw, attempt: NewAttempt, payment: NewPayment, months: Sequence[date]
) -> Sequence[UUID] | None:
    """Begin a payment; give whose soft claims it took, None if it cannot be begun.

    Raises:
        asyncpg.PostgresError: nothing was kept, unless the connection broke.
    """
    found = await connection.fetchrow(BEGIN, _json(attempt), months, _json(payment))
    return None if found is None else (found["outbid"] or ())


async def try_again(connection: Raw, attempt: NewAttempt, month: date) -> Sequence[UUID] | None:
    """Add an attempt to an ended payment; as `begin`."""
    found = await connection.fetchrow(TRY_AGAIN, _json(attempt), month)
    return None if found is None else (found["outbid"] or ())


def _json(row: NewAttempt | NewPayment) -> str:
    # asyncpg gives UUIDs of a class of its own, which orjson does not know.
    return orjson.dumps(row, default=str).decode()
