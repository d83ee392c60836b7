"""Drawing a run's debits: in chunks, with the last look inside the statement that claims.

It looks, claims the bill hard, and writes payment and attempt: one statement, so that nothing
happens between the look and the claim.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from gateway.store.database import ONE_PLAN_EACH, Raw

# The last look and the hold in one: of at most $4 due debits, skips what must not be debited any
# more, puts off what another payment holds, claims the bills of the others hard and writes their
# payments and attempts as sent. $5 has the ids and references to use, $6 what all have in common,
# $7 and $8 say where to go on. Rides debits_due, mandates_pkey, bills_pkey; safe from many workers.
DRAW = """
WITH common AS MATERIALIZED (
    SELECT * FROM json_to_record($6::text::json) AS c (
        today date, next_day date, now timestamptz, due_at timestamptz, expires_at timestamptz,
        visibility_s int, notify_url text, oldest_first bool, text text, skipped_head text,
        stamp text)
), minted AS MATERIALIZED (
    SELECT * FROM json_to_recordset($5::text::json) AS i (
        n int, payment_id uuid, attempt_id uuid, reference text)
), locked AS MATERIALIZED (
    SELECT d.* FROM debits d
    WHERE d.biller_id = $1::smallint AND d.provider = $2::text AND d.state = 'planned'
      AND d.due_on <= $3::date AND (d.due_on, d.id) > ($7::date, $8::uuid)
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
    FROM common c
    WHERE p.biller_id = $1 AND p.id = ANY (ARRAY (SELECT payment_id FROM drawn WHERE NOT is_new))
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
    SELECT $1, overlay(gen_random_uuid()::text PLACING c.stamp FROM 1 FOR 15)::uuid,
        'debit.skipped', s.id, c.skipped_head || '"id":"dbt_'
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
    (SELECT array_agg(outbid) FROM drawn WHERE outbid IS NOT NULL) AS outbid,
    last.due_on, last.id
FROM (SELECT due_on, id FROM locked ORDER BY due_on DESC, id DESC LIMIT 1) last
"""

# Puts off what the cut-off overtook, at most $5: the next business day draws it. Rides debits_due.
PUT_OFF = """
WITH late AS MATERIALIZED (
    SELECT biller_id, id FROM debits
    WHERE biller_id = $1 AND provider = $2 AND state = 'planned' AND due_on <= $3
    ORDER BY due_on, id LIMIT $5 FOR UPDATE
)
UPDATE debits d SET due_on = $4 FROM late l WHERE d.biller_id = l.biller_id AND d.id = l.id
RETURNING d.id
"""
PUT_OFF_MOST = 5000


# A plan that was made while the tables were small would read them whole for each chunk.
BY_INDEX = f"SET LOCAL enable_seqscan = off; {ONE_PLAN_EACH}"

START = (date.min, UUID(int=0))
"""Before the first debit."""


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
    stamp: str
    """What the ids of this instant's events begin with."""


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
    last: tuple[date, UUID]
    """Where the next chunk goes on."""


async def draw(
    connection: Raw, chunk: Drawing, minted: Sequence[Minted], after: tuple[date, UUID]
) -> Drawn | None:
    """Look at due debits for the last time and hold those that may be sent; None if none is due.

    Raises:
        asyncpg.PostgresError: nothing was kept, unless the connection broke.
    """
    async with connection.transaction():
        await connection.execute(BY_INDEX)
        row = await _draw(connection, chunk, minted, after)
    if row is None:
        return None
    facts = dict(row)
    return Drawn(
        looked=facts["looked"],
        skipped=facts["skipped"],
        put_off=facts["put_off"],
        attempts=facts["attempts"] or (),
        outbid=facts["outbid"] or (),
        last=(facts["due_on"], facts["id"]),
    )


async def _draw(
    connection: Raw, chunk: Drawing, minted: Sequence[Minted], after: tuple[date, UUID]
) -> asyncpg.Record | None:
    common = asdict(chunk)
    for name in ("biller_id", "provider", "day"):
        common.pop(name)
    return await connection.fetchrow(
        DRAW,
        chunk.biller_id,
        chunk.provider,
        chunk.day,
        len(minted),
        orjson.dumps(minted, default=str).decode(),
        orjson.dumps(common).decode(),
        *after,
    )


async def put_off(
    connection: Raw,
    biller_id: int,
    provider: str,
    *,
    day: date,
    until: date,
    most: int = PUT_OFF_MOST,
) -> int:
    """Let the next business day draw what is still planned, a part of it; 0 if nothing is left."""
    async with connection.transaction():
        await connection.execute(BY_INDEX)
        return len(await connection.fetch(PUT_OFF, biller_id, provider, day, until, most))
