"""What debits came to: concluded from their payments, never beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import orjson

from gateway.store.database import Raw

# Drawn debits whose payment has ended, with what their bank said; locks the debits. Rides
# debits_drawn; at most $3.
ENDED = """
SELECT d.id, d.mandate_id, d.tries, d.due_on, m.retry_days, p.status = 'succeeded' AS is_settled,
    a.state AS attempt_state, a.code
FROM debits d
JOIN payments p ON p.biller_id = d.biller_id AND p.id = d.payment_id
JOIN attempts a ON a.biller_id = d.biller_id AND a.id = d.attempt_id
JOIN mandates m ON m.biller_id = d.biller_id AND m.id = d.mandate_id
WHERE d.biller_id = $1 AND d.provider = $2 AND d.state = 'drawn'
  AND p.status IN ('succeeded', 'failed', 'expired', 'cancelled')
ORDER BY d.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED
"""

# Writes what debits came to, counts their mandates' failed months, and tells of those that failed
# for good. Gives the mandates that failed in so many months. $2: id, state, reason, tries, due_on.
CONCLUDE = """
WITH said AS MATERIALIZED (
    SELECT * FROM json_to_recordset($2::text::json) AS s (
        id uuid, state text, reason text, tries smallint, due_on date)
), moved AS (
    UPDATE debits d SET state = s.state, reason = s.reason, tries = s.tries,
        due_on = coalesce(s.due_on, d.due_on)
    FROM said s WHERE d.biller_id = $1::smallint AND d.id = s.id
    RETURNING d.id, d.mandate_id, d.customer_code, d.bill_id, d.amount_dong, d.month, d.state,
        d.reason
), counted AS (
    UPDATE mandates m SET
        failed_months = CASE WHEN o.is_settled THEN 0
            WHEN m.failed_month = o.month THEN m.failed_months ELSE m.failed_months + 1 END,
        failed_month = CASE WHEN o.is_settled THEN NULL ELSE o.month END,
        lapses_on = CASE WHEN o.is_settled THEN greatest(m.lapses_on, $4::date)
            ELSE m.lapses_on END
    FROM (SELECT mandate_id, max(month) AS month, bool_or(state = 'settled') AS is_settled
          FROM moved WHERE state IN ('settled', 'failed') GROUP BY mandate_id) o
    WHERE m.biller_id = $1 AND m.id = o.mandate_id
    RETURNING m.id, m.failed_months
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT $1, overlay(gen_random_uuid()::text PLACING $7::text FROM 1 FOR 15)::uuid,
        'debit.failed', f.id, $5::text || '"id":"dbt_'
        || replace(f.id::text, '-', '') || '","mandate":"mdt_'
        || replace(f.mandate_id::text, '-', '') || '","customer_code":"' || f.customer_code
        || '","bill":"' || f.bill_id || '","amount_dong":' || f.amount_dong
        || ',"reason":' || to_json(f.reason)::text || '}}', $3::timestamptz
    FROM moved f WHERE f.state = 'failed' RETURNING id
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT $1, t.id, e.id, now() FROM told t JOIN webhook_endpoints e ON e.biller_id = $1
    WHERE e.disabled_at IS NULL AND 'debit.failed' = ANY (e.event_types)
)
SELECT id, failed_months FROM counted WHERE failed_months >= $6
"""

# Runs of which nothing is planned or drawn any more, and how they came out; rides debits_run.
COMPLETE = """
WITH ended AS (
    UPDATE debit_runs r SET completed_at = $3::timestamptz
    WHERE r.biller_id = $1::smallint AND r.provider = $2::text AND r.completed_at IS NULL
      AND EXISTS (SELECT FROM debits d WHERE d.biller_id = r.biller_id AND d.run_id = r.id)
      AND NOT EXISTS (
        SELECT FROM debits d WHERE d.biller_id = r.biller_id AND d.run_id = r.id
          AND d.state IN ('planned', 'drawn'))
    RETURNING r.id, r.day
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT $1, overlay(gen_random_uuid()::text PLACING $5::text FROM 1 FOR 15)::uuid,
        'debit_run.completed', e.id, $4::text || '"id":"run_'
        || replace(e.id::text, '-', '') || '","provider":"' || $2 || '","day":"' || e.day
        || '","debits":' || (
            SELECT '{' || string_agg('"' || c.state || '":{"count":' || c.debits
                || ',"amount_dong":' || c.amount_dong || '}', ',' ORDER BY c.state) || '}'
            FROM (SELECT state, count(*) AS debits, sum(amount_dong) AS amount_dong
                  FROM debits d WHERE d.biller_id = $1 AND d.run_id = e.id GROUP BY state) c)
        || '}}', $3
    FROM ended e RETURNING id
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT $1, t.id, e.id, now() FROM told t JOIN webhook_endpoints e ON e.biller_id = $1
    WHERE e.disabled_at IS NULL AND 'debit_run.completed' = ANY (e.event_types)
)
SELECT id FROM ended
"""

# Runs, newest day first, with their sums by state; at most $4 of them. Rides debits_run.
RUNS = """
SELECT r.id, r.biller_id, r.provider, r.day, r.prepared_at, r.completed_at, coalesce((
    SELECT json_object_agg(c.state, json_build_object('count', c.debits,
                                                      'amount_dong', c.amount_dong))
    FROM (SELECT state, count(*) AS debits, sum(amount_dong) AS amount_dong FROM debits d
          WHERE d.biller_id = r.biller_id AND d.run_id = r.id GROUP BY state) c)::text,
    '{}') AS sums
FROM debit_runs r
WHERE r.biller_id = ANY ($1::smallint[]) AND ($2::uuid IS NULL OR r.id = $2)
  AND ($3::text IS NULL OR r.provider = $3) AND ($5::date IS NULL OR r.day = $5)
ORDER BY r.day DESC, r.id DESC LIMIT $4
"""
OF_RUN = """
SELECT d.id, d.mandate_id, d.customer_code, d.bill_id, d.amount_dong, d.state, d.reason, d.due_on,
    d.tries, d.payment_id
FROM debits d
WHERE d.biller_id = $1 AND d.run_id = $2 AND ($3::uuid IS NULL OR d.id > $3)
ORDER BY d.id LIMIT $4
"""

# The debit and mandate of each attempt; rides debits_payment.
OF_ATTEMPTS = """
SELECT a.id AS attempt_id, d.bill_id, d.mandate_id, d.tries
FROM attempts a JOIN debits d ON d.biller_id = a.biller_id AND d.payment_id = a.payment_id
WHERE a.biller_id = $1 AND a.id = ANY ($2::uuid[])
"""
# The mandate of an attempt: a run's debit names it, one outside any run has it as its option. Rides
# debits_payment, attempts_pkey, mandates_reference_key.
MANDATE_OF = """
SELECT mandate_id FROM debits WHERE biller_id = $1 AND payment_id = $2
UNION ALL
SELECT m.id FROM attempts a
JOIN mandates m ON m.provider = a.provider AND m.reference = a.option AND m.biller_id = a.biller_id
WHERE a.biller_id = $1 AND a.id = $3
LIMIT 1
"""
# What was debited of a customer at a bank in a month, or may still be. Rides payments_customer.
DEBITED_IN_MONTH = """
SELECT coalesce(sum(amount_dong), 0)::bigint FROM payments
WHERE biller_id = $1 AND customer_code = $2 AND provider = $3 AND method = 'mandate'
  AND date_trunc('month', business_date) = date_trunc('month', $4::date)
  AND status NOT IN ('failed', 'expired', 'cancelled') AND reversed_at IS NULL
"""
RETURNED = """
UPDATE debits SET state = 'returned', reason = $3
WHERE biller_id = $1 AND payment_id = $2 AND state <> 'returned'
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A drawn debit whose payment has ended."""

    id: UUID
    mandate_id: UUID
    tries: int
    due_on: date
    retry_days: int
    is_settled: bool
    attempt_state: str
    code: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a debit came to; `due_on` where it is tried again."""

    id: UUID
    state: str
    reason: str
    tries: int
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run, and its debits' count and sum by state as JSON."""

    id: UUID
    biller_id: int
    provider: str
    day: date
    prepared_at: datetime
    completed_at: datetime | None
    sums: str


@dataclass(frozen=True, slots=True)
class DebitRow:
    """One debit of a run."""

    id: UUID
    mandate_id: UUID
    customer_code: str
    bill_id: str
    amount_dong: int
    state: str
    reason: str
    due_on: date
    tries: int
    payment_id: UUID | None


@dataclass(frozen=True, slots=True)
class OfAttempt:
    """Which bill and mandate an attempt debits, and its how manieth try it is."""

    attempt_id: UUID
    bill_id: str
    mandate_id: UUID
    tries: int


async def ended(connection: Raw, biller_id: int, provider: str, most: int) -> list[Ended]:
    """Lock drawn debits whose payment has ended."""
    return [Ended(**row) for row in await connection.fetch(ENDED, biller_id, provider, most)]


async def conclude(  # noqa: PLR0913 (the parts of one statement)
    connection: Raw,
    biller_id: int,
    said: Sequence[Conclusion],
    *,
    now: datetime,
    lapses_on: date,
    head: str,
    failed_months_max: int,
    stamp: str,
) -> list[UUID]:
    """Write what debits came to; gives the mandates that have failed in too many months."""
    text = orjson.dumps(said, default=str).decode()
    rows = await connection.fetch(
        CONCLUDE, biller_id, text, now, lapses_on, head, failed_months_max, stamp
    )
    return [row["id"] for row in rows]


async def complete(
    connection: Raw, biller_id: int, provider: str, *, now: datetime, head: str, stamp: str
) -> list[UUID]:
    """Complete the runs of which nothing is open; gives them."""
    return [
        r["id"] for r in await connection.fetch(COMPLETE, biller_id, provider, now, head, stamp)
    ]


async def runs(
    connection: Raw,
    biller_ids: Sequence[int],
    *,
    run_id: UUID | None = None,
    provider: str | None = None,
    day: date | None = None,
    limit: int = 20,
) -> list[RunRow]:
    """Read runs, the newest day first."""
    rows = await connection.fetch(RUNS, biller_ids, run_id, provider, limit, day)
    return [RunRow(**row) for row in rows]


async def of_run(
    connection: Raw, biller_id: int, run_id: UUID, after: UUID | None, limit: int
) -> list[DebitRow]:
    """Read debits of a run in the order of their ids."""
    rows = await connection.fetch(OF_RUN, biller_id, run_id, after, limit)
    return [DebitRow(**row) for row in rows]


async def of_attempts(
    connection: Raw, biller_id: int, attempts: Sequence[UUID]
) -> dict[UUID, OfAttempt]:
    """Read what attempts debit."""
    rows = await connection.fetch(OF_ATTEMPTS, biller_id, attempts)
    return {row["attempt_id"]: OfAttempt(**row) for row in rows}


async def mandate_of(
    connection: Raw, biller_id: int, payment_id: UUID, attempt_id: UUID
) -> UUID | None:
    """Give the mandate that an attempt debits, None if it is no debit."""
    found: UUID | None = await connection.fetchval(MANDATE_OF, biller_id, payment_id, attempt_id)
    return found


async def debited_in_month(
    connection: Raw, biller_id: int, customer_code: str, provider: str, day: date
) -> int:
    """Give what was debited in the month of a day, and what may still be, in đồng."""
    done: int = await connection.fetchval(DEBITED_IN_MONTH, biller_id, customer_code, provider, day)
    return done


async def returned(connection: Raw, biller_id: int, payment_id: UUID, reason: str) -> None:
    """Write that a debit was given back by its bank."""
    await connection.execute(RETURNED, biller_id, payment_id, reason)
