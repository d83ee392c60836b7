"""Planning a run: one statement over all due bills of all active mandates.

It claims nothing: a household that was told of a debit may still pay in any other way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

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
    SELECT $1, gen_random_uuid(), run.id, m.id, $2, m.customer_code, b.id,
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
    SELECT $1, overlay(gen_random_uuid()::text PLACING $9::text FROM 1 FOR 15)::uuid,
        'debit.announced', id, $8 || '"id":"dbt_' || replace(id::text, '-', '')
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


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan added to its run."""

    run_id: UUID
    debits: int
    amount_dong: int


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
    stamp: str,
) -> Planned:
    """Plan the debits of a day, those only that are not planned yet; `head` begins the events."""
    row = await connection.fetchrow(
        PLAN, biller_id, provider, day, days_of_month, run_id, now, oldest_first, head, stamp
    )
    return Planned(**row)  # type: ignore[arg-type]  # an aggregate gives a row
