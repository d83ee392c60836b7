"""Debit runs: planned by one statement, drawn in chunks with the last look inside the statement.

Planning claims nothing: a household that was told of a debit may still pay in any other way.
Drawing looks, claims the bill hard, and writes payment and attempt: one statement, so that nothing
happens between the look and the claim.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

import orjson

from gateway.store.database import Raw

# Plans a day's debits of one biller and bank: every due bill of an active mandate whose day it is,
# told to the biller in the same statement. $4: the days of the month that are drawn on this day.
# Nothing twice: debits_bill_key. Rides mandates_active and bills_open.
PLAN = """
WITH run AS (
    INSERT INTO debit_runs (biller_id, id, provider, day, prepared_at)
    VALUES ($1::smallint, $5::uuid, $2::text, $3::date, $6::timestamptz)
    ON CONFLICT (biller_id, provider, day) DO UPDATE SET day = excluded.day
    RETURNING id
), planned AS (
    INSERT INTO debits (biller_id, id, run_id, mandate_id, provider, customer_code, bill_id, month,
        amount_dong, due_on, created_at)
    SELECT $1, uuid7_at($6), run.id, m.id, $2, m.customer_code, b.id,
        date_trunc('month', $3::timestamp)::date, b.amount_dong - b.paid_dong, $3, $6
    FROM run, mandates m JOIN bills b
        ON b.biller_id = m.biller_id AND b.customer_code = m.customer_code AND b.status = 'open'
    WHERE m.biller_id = $1 AND m.provider = $2 AND m.state = 'active'
      AND m.starts_on <= $3 AND (m.ends_on IS NULL OR m.ends_on >= $3)
      AND (m.day_of_month IS NULL OR m.day_of_month = ANY ($4::smallint[]))
      AND b.issued_on <= $3 AND b.claim IS DISTINCT FROM 'hard'
      AND (NOT $7::bool OR NOT EXISTS (
        SELECT FROM bills o
        WHERE o.biller_id = b.biller_id AND o.customer_code = b.customer_code
          AND o.status = 'open' AND (o.period, o.id) < (b.period, b.id)))
    ON CONFLICT (biller_id, bill_id, month) DO NOTHING
    RETURNING id, mandate_id, customer_code, bill_id, amount_dong
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT $1, uuid7_at($6), 'debit.announced', id, $8 || '"id":"dbt_' || replace(id::text, '-', '')
        || '","mandate":"mdt_' || replace(mandate_id::text, '-', '')
        || '","customer_code":"' || customer_code || '","bill":"' || bill_id
        || '","amount_dong":' || amount_dong || ',"day":"' || $3::date || '"}}', $6
    FROM planned RETURNING id
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT $1, t.id, e.id, now() FROM told t JOIN webhook_endpoints e ON e.biller_id = $1
    WHERE e.disabled_at IS NULL AND 'debit.announced' = ANY (e.event_types)
)
SELECT (SELECT id FROM run) AS run_id, count(*) AS debits,
       coalesce(sum(amount_dong), 0)::bigint AS amount_dong FROM planned
"""

# The last look and the hold in one: of at most $4 due debits, skips what must not be debited any
# more, puts off what another payment holds, claims the bills of the others hard and writes their
# payments and attempts as sent. $5 has the ids and references to use, $6 what all have in common.
# Rides debits_due, mandates_pkey, bills_pkey; safe from many workers.
DRAW = """
WITH common AS MATERIALIZED (
    SELECT * FROM json_to_record($6::text::json) AS c (
        today date, next_day date, now timestamptz, due_at timestamptz, expires_at timestamptz,
        visibility_s int, notify_url text, oldest_first bool, text text, skipped_head text)
), minted AS MATERIALIZED (
    SELECT * FROM json_to_recordset($5::text::json) AS i (
        n int, payment_id uuid, attempt_id uuid, reference text)
), locked AS MATERIALIZED (
    SELECT d.* FROM debits d
    WHERE d.biller_id = $1::smallint AND d.provider = $2::text AND d.state = 'planned'
      AND d.due_on <= $3::date
    ORDER BY d.due_on, d.id LIMIT $4 FOR UPDATE SKIP LOCKED
), prior AS MATERIALIZED (
    SELECT p.id, p.status FROM locked d
    JOIN payments p ON p.biller_id = d.biller_id AND p.id = d.payment_id
    ORDER BY p.id FOR UPDATE OF p
), looked AS MATERIALIZED (
    SELECT d.*, m.partner_id, m.retry_days, b.period, b.claim, b.claimed_by,
        row_number() OVER (ORDER BY d.due_on, d.id)::int AS n,
        CASE
            WHEN p.status NOT IN ('failed', 'expired') THEN 'still_moving'
            WHEN m.state <> 'active' OR m.starts_on > c.today OR m.ends_on < c.today
                THEN 'mandate_not_active'
            WHEN b.status = 'paid' THEN 'paid_elsewhere'
            WHEN b.status IS DISTINCT FROM 'open' THEN 'bill_cancelled'
            WHEN b.claim = 'hard' THEN 'being_paid'
            WHEN b.amount_dong - b.paid_dong <> d.amount_dong THEN 'amount_changed'
            WHEN d.amount_dong > m.max_debit_dong THEN 'over_debit_limit'
            WHEN sum(d.amount_dong) OVER (PARTITION BY d.mandate_id ORDER BY d.due_on, d.id)
                + (SELECT coalesce(sum(o.amount_dong), 0) FROM debits o
                   WHERE o.biller_id = d.biller_id AND o.mandate_id = d.mandate_id
                     AND o.month = date_trunc('month', c.today::timestamp)::date
                     AND o.state IN ('drawn', 'settled')) > m.max_month_dong
                THEN 'over_month_limit'
            WHEN c.oldest_first AND EXISTS (
                SELECT FROM bills o WHERE o.biller_id = d.biller_id
                  AND o.customer_code = d.customer_code AND o.status = 'open'
                  AND (o.period, o.id) < (b.period, b.id)) THEN 'older_bill_open'
        END AS reason_now
    FROM common c, locked d
    JOIN mandates m ON m.biller_id = d.biller_id AND m.id = d.mandate_id
    LEFT JOIN bills b ON b.biller_id = d.biller_id AND b.id = d.bill_id
    LEFT JOIN prior p ON p.id = d.payment_id
), put_off AS (
    UPDATE debits d SET tries = d.tries + 1, reason = l.reason_now, due_on = c.next_day
    FROM looked l, common c
    WHERE d.biller_id = $1 AND d.id = l.id AND l.tries < l.retry_days
      AND l.reason_now IN ('being_paid', 'older_bill_open', 'still_moving')
    RETURNING d.id
), skipped AS (
    UPDATE debits d SET state = 'skipped', reason = l.reason_now
    FROM looked l
    WHERE d.biller_id = $1 AND d.id = l.id AND l.reason_now IS NOT NULL
      AND (l.tries >= l.retry_days
           OR l.reason_now NOT IN ('being_paid', 'older_bill_open', 'still_moving'))
    RETURNING d.id, d.mandate_id, d.customer_code, d.bill_id, d.amount_dong, d.reason
), claimed AS (
    UPDATE bills b SET claimed_by = coalesce(l.payment_id, i.payment_id), claim = 'hard',
        updated_at = c.now
    FROM common c, looked l JOIN minted i ON i.n = l.n
    WHERE l.reason_now IS NULL AND b.biller_id = $1 AND b.id = l.bill_id AND b.status = 'open'
      AND b.claim IS DISTINCT FROM 'hard' AND b.amount_dong - b.paid_dong = l.amount_dong
    RETURNING l.id, b.claimed_by AS payment_id, l.payment_id IS NULL AS is_new, i.attempt_id,
        i.reference
), drawn AS MATERIALIZED (
    SELECT c.*, l.partner_id, l.customer_code, l.bill_id, l.period, l.amount_dong, l.tries,
        CASE WHEN l.claim = 'soft' THEN l.claimed_by END AS outbid
    FROM claimed c JOIN looked l ON l.id = c.id
), paid AS (
    INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel,
        customer_code, amount_dong, bill_count, claimed_count, status, business_date, created_at,
        provider, expires_at)
    SELECT $1, d.payment_id, d.partner_id, 'dbt_' || replace(d.id::text, '-', ''), 'mandate',
        'auto_debit', d.customer_code, d.amount_dong, 1, 1, 'processing', c.today, c.now, $2,
        c.expires_at
    FROM drawn d, common c WHERE d.is_new
), lines AS (
    INSERT INTO payment_bills (biller_id, payment_id, bill_id, period, amount_dong)
    SELECT $1, payment_id, bill_id, period, amount_dong FROM drawn WHERE is_new
), renewed AS (
    UPDATE payments p SET status = 'processing', failure = NULL, settled_at = NULL,
        expires_at = c.expires_at
    FROM drawn d, common c
    WHERE NOT d.is_new AND p.biller_id = $1 AND p.id = d.payment_id
), tried AS (
    INSERT INTO attempts (biller_id, id, payment_id, number, provider, reference, text,
        amount_dong, return_url, notify_url, payer_ip, locale, visibility_s, state, due_at,
        created_at, expires_at)
    SELECT $1, d.attempt_id, d.payment_id, coalesce((
            SELECT max(number) FROM attempts t
            WHERE t.biller_id = $1 AND t.payment_id = d.payment_id), 0) + 1,
        $2, d.reference, c.text || d.customer_code, d.amount_dong, '', c.notify_url, '127.0.0.1',
        'vi', c.visibility_s, 'sent', c.due_at, c.now, c.expires_at
    FROM drawn d, common c
), moved AS (
    UPDATE debits t SET state = 'drawn', reason = '', tries = t.tries + 1,
        payment_id = d.payment_id, attempt_id = d.attempt_id, file_id = NULL
    FROM drawn d WHERE t.biller_id = $1 AND t.id = d.id
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT $1, uuid7_at(c.now), 'debit.skipped', s.id, c.skipped_head || '"id":"dbt_'
        || replace(s.id::text, '-', '') || '","mandate":"mdt_'
        || replace(s.mandate_id::text, '-', '') || '","customer_code":"'
        || s.customer_code || '","bill":"' || s.bill_id || '","amount_dong":' || s.amount_dong
        || ',"reason":"' || s.reason || '"}}', c.now
    FROM skipped s, common c RETURNING id
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT $1, t.id, e.id, now() FROM told t JOIN webhook_endpoints e ON e.biller_id = $1
    WHERE e.disabled_at IS NULL AND 'debit.skipped' = ANY (e.event_types)
)
SELECT (SELECT count(*) FROM locked) AS looked, (SELECT count(*) FROM skipped) AS skipped,
    (SELECT count(*) FROM put_off) AS put_off,
    (SELECT array_agg(attempt_id) FROM drawn) AS attempts,
    (SELECT array_agg(outbid) FROM drawn WHERE outbid IS NOT NULL) AS outbid
"""

# Puts off what the cut-off overtook: the next business day draws it. Rides debits_due.
PUT_OFF = """
UPDATE debits SET due_on = $4 WHERE biller_id = $1 AND provider = $2 AND state = 'planned'
  AND due_on <= $3
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan added to its run."""

    run_id: UUID
    debits: int
    amount_dong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What all debits of one chunk have in common."""

    biller_id: int
    provider: str
    day: date
    """Debits due up to this day are drawn."""
    today: date
    next_day: date
    now: datetime
    due_at: datetime
    expires_at: datetime
    visibility_s: int
    notify_url: str
    oldest_first: bool
    text: str
    skipped_head: str


@dataclass(frozen=True, slots=True)
class Minted:
    """Ids and the reference for the n-th debit of a chunk (from 1)."""

    n: int
    payment_id: UUID
    attempt_id: UUID
    reference: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a chunk: how many were looked at, which attempts may be sent."""

    looked: int
    skipped: int
    put_off: int
    attempts: Sequence[UUID]
    outbid: Sequence[UUID]


async def plan(  # noqa: PLR0913 (what a run is made of)
    connection: Raw,
    biller_id: int,
    provider: str,
    *,
    day: date,
    days_of_month: Sequence[int],
    run_id: UUID,
    now: datetime,
    oldest_first: bool,
    head: str,
) -> Planned:
    """Plan the debits of a day, those only that are not planned yet; `head` begins the events."""
    row = await connection.fetchrow(
        PLAN, biller_id, provider, day, days_of_month, run_id, now, oldest_first, head
    )
    return Planned(**row)  # type: ignore[arg-type]  # an aggregate gives a row


async def draw(connection: Raw, chunk: Drawing, minted: Sequence[Minted]) -> Drawn:
    """Look at due debits for the last time and hold those that may be sent.

    Raises:
        asyncpg.PostgresError: nothing was kept, unless the connection broke.
    """
    common = asdict(chunk)
    for name in ("biller_id", "provider", "day"):
        common.pop(name)
    row = await connection.fetchrow(
        DRAW,
        chunk.biller_id,
        chunk.provider,
        chunk.day,
        len(minted),
        orjson.dumps(minted, default=str).decode(),
        orjson.dumps(common).decode(),
    )
    facts = dict(row)  # type: ignore[arg-type]  # one row of counts
    return Drawn(
        looked=facts["looked"],
        skipped=facts["skipped"],
        put_off=facts["put_off"],
        attempts=facts["attempts"] or (),
        outbid=facts["outbid"] or (),
    )


async def put_off(connection: Raw, biller_id: int, provider: str, *, day: date, until: date) -> int:
    """Let the next business day draw what is still planned; gives how many."""
    return len(await connection.fetch(PUT_OFF, biller_id, provider, day, until))
