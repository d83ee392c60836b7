"""Rolling up: one statement counts a month anew, from one snapshot, whatever happened when."""

from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.adoption import CASH, months_between
from gateway.store.database import ONE_PLAN_EACH, Raw

FIRST_MONTH, LAST_MONTH = date(2000, 1, 1), date(2099, 12, 1)
"""What bit 2 and the last bit of `electronic_payers.months` stand for."""
_BIT_OF_FIRST = 2

# For a transaction that reads a month of bills: it may take long and needs room to sort.
BULK = f"""
SET LOCAL statement_timeout = '10min'; SET LOCAL work_mem = '128MB'; {ONE_PLAN_EACH}
"""

# One roll-up of a biller at a time, to the end of the transaction.
LOCK = "SELECT pg_advisory_xact_lock(7142022, $1)"

# The months that something has happened to; reads a small table whole.
TOUCHED = """
SELECT DISTINCT month FROM adoption_touched
WHERE biller_id = $1 AND month BETWEEN $2 AND $3 ORDER BY month
"""

# Each bill of a month, what settled it, whose it is and what that customer did before. `place`
# orders a customer's bills: electronic ones first, then cash, as they were settled; the first is
# the customer's way of the month. Rides bills_period (BRIN), and payments_pkey once for each bill:
# OFFSET 0 keeps the planner from joining the payments of all years to those of one month. $1
# biller, $2 month, $3 its bit, $4 the cash channels.
LINES = """
bill AS (
    SELECT b.customer_code, b.amount_dong, coalesce(p.channel, 'unsettled') AS channel,
           r.rank, s.settled_at, row_number() OVER (
               PARTITION BY b.customer_code ORDER BY r.rank, s.settled_at, b.id) AS place
    FROM bills b
    LEFT JOIN LATERAL (
        SELECT channel, settled_at, created_at FROM payments
        WHERE biller_id = b.biller_id AND id = b.claimed_by AND b.status = 'paid' OFFSET 0) p
        ON true
    CROSS JOIN LATERAL (SELECT CASE WHEN p.channel IS NULL THEN 2
        WHEN p.channel = ANY ($4::text[]) THEN 1 ELSE 0 END AS rank) r
    CROSS JOIN LATERAL (SELECT coalesce(p.settled_at, p.created_at) AS settled_at) s
    WHERE b.biller_id = $1::smallint AND b.period = $2::date AND b.status <> 'cancelled'
), unit AS (
    SELECT DISTINCT ON (customer_code) customer_code, area_code
    FROM customer_units WHERE biller_id = $1 AND since <= $2 ORDER BY customer_code, since DESC
), line AS MATERIALIZED (
    SELECT b.*, coalesce(u.area_code, c.area_code) AS area_code,
           CASE WHEN m.agency_code IS NULL THEN c.segment ELSE 'public_employee' END AS segment,
           m.agency_code, e.first_month, e.first_at,
           coalesce(get_bit(e.months, $3::int), 0) = 1 AS was_counted,
           coalesce(get_bit(e.months, $3 - 1), 0) = 1 AS month_before,
           coalesce(get_bit(e.months, $3 - 2), 0) = 1 AS two_before,
           coalesce(e.first_month < $2, false) AS ever_before
    FROM bill b
    JOIN customers c ON c.biller_id = $1 AND c.code = b.customer_code
    LEFT JOIN unit u ON u.customer_code = b.customer_code
    LEFT JOIN agency_members m ON m.biller_id = $1 AND m.customer_code = b.customer_code
    LEFT JOIN electronic_payers e ON e.biller_id = $1 AND e.customer_code = b.customer_code
)"""

# The cells of a month; customers by their way, bills and value by each bill's own channel.
CELLS = """
cell AS MATERIALIZED (
    SELECT area_code, segment, channel, count(*) FILTER (WHERE place = 1) AS customers,
           count(*) FILTER (WHERE place = 1 AND rank = 0 AND NOT ever_before) AS new,
           count(*) FILTER (WHERE place = 1 AND rank = 0 AND month_before) AS retained,
           count(*) FILTER (WHERE place = 1 AND rank = 0 AND ever_before AND NOT month_before)
               AS resumed,
           count(*) FILTER (WHERE place = 1 AND rank = 1 AND month_before) AS relapsed,
           count(*) FILTER (WHERE place = 1 AND rank = 0 AND month_before AND two_before)
               AS habitual,
           count(*) AS bills, sum(amount_dong)::bigint AS amount_dong
    FROM line GROUP BY area_code, segment, channel
)"""

# Counts a month anew and writes only what differs: cells, agencies, who is an electronic payer.
# All of it is one snapshot's: a change that commits after it has left its row in adoption_touched,
# which this snapshot does not see, and so does not delete. A payer who was not counted before, or
# is no more, may be "retained" or "habitual" in the two months after, and "new" in another: those
# are marked. $5 the instant.
ROLL = f"""
WITH seen AS (
    DELETE FROM adoption_touched WHERE biller_id = $1 AND month = $2
), {LINES}, {CELLS}, begun AS (
    INSERT INTO electronic_payers AS e (biller_id, customer_code, months, first_month, first_at)
    SELECT $1, customer_code, set_bit(repeat('0', 1202)::bit(1202), $3, 1), $2, settled_at
    FROM line
    WHERE place = 1 AND rank = 0 AND (NOT was_counted OR (first_month = $2
                                      AND first_at IS DISTINCT FROM settled_at))
    ON CONFLICT (biller_id, customer_code) DO UPDATE SET
        months = e.months | excluded.months,
        first_month = least(e.first_month, excluded.first_month),
        first_at = CASE WHEN e.first_month < excluded.first_month THEN e.first_at
                        ELSE excluded.first_at END
    RETURNING customer_code
), ended AS (
    UPDATE electronic_payers e SET
        months = set_bit(e.months, $3, 0),
        first_month = CASE WHEN e.first_month < $2 THEN e.first_month
            WHEN position(B'1' IN set_bit(e.months, $3, 0)) > 0 THEN (date '2000-01-01'
                + make_interval(months => position(B'1' IN set_bit(e.months, $3, 0)) - 3))::date
            END,
        first_at = CASE WHEN e.first_month < $2 THEN e.first_at END
    WHERE e.biller_id = $1 AND get_bit(e.months, $3) = 1
      AND NOT EXISTS (
        SELECT FROM line l WHERE l.customer_code = e.customer_code AND l.rank = 0)
    RETURNING e.customer_code, e.first_month
), marked AS (
    INSERT INTO adoption_touched (biller_id, month)
    SELECT $1, r.month FROM adoption_rolled r
    WHERE r.biller_id = $1 AND r.month > $2 AND r.month IN (
        SELECT ($2 + make_interval(months => later))::date FROM generate_series(1, 2) later
        WHERE EXISTS (SELECT FROM begun) OR EXISTS (SELECT FROM ended)
        UNION SELECT first_month FROM line WHERE rank = 0 AND first_month > $2
        UNION SELECT first_month FROM ended)
), written AS (
    INSERT INTO adoption_monthly AS a (biller_id, month, area_code, segment, channel, customers,
        new, retained, resumed, relapsed, habitual, bills, amount_dong)
    SELECT $1, $2, cell.* FROM cell
    ON CONFLICT (biller_id, month, area_code, segment, channel) DO UPDATE SET
        customers = excluded.customers, new = excluded.new, retained = excluded.retained,
        resumed = excluded.resumed, relapsed = excluded.relapsed, habitual = excluded.habitual,
        bills = excluded.bills, amount_dong = excluded.amount_dong
    WHERE (a.customers, a.new, a.retained, a.resumed, a.relapsed, a.habitual, a.bills,
           a.amount_dong)
        IS DISTINCT FROM (excluded.customers, excluded.new, excluded.retained, excluded.resumed,
                          excluded.relapsed, excluded.habitual, excluded.bills,
                          excluded.amount_dong)
    RETURNING a.area_code
), emptied AS (
    DELETE FROM adoption_monthly a WHERE a.biller_id = $1 AND a.month = $2 AND NOT EXISTS (
        SELECT FROM cell c WHERE (c.area_code, c.segment, c.channel)
            = (a.area_code, a.segment, a.channel))
    RETURNING a.area_code
), agency AS (
    SELECT agency_code, count(*) AS customers, count(*) FILTER (WHERE rank = 0) AS electronic,
           count(*) FILTER (WHERE rank = 0 AND NOT ever_before) AS new,
           count(*) FILTER (WHERE rank = 1 AND month_before) AS relapsed,
           count(*) FILTER (WHERE rank = 0 AND month_before AND two_before) AS habitual,
           count(*) FILTER (WHERE rank = 2) AS unsettled
    FROM line WHERE agency_code IS NOT NULL AND place = 1 GROUP BY agency_code
), ranked AS (
    INSERT INTO agency_monthly (biller_id, month, agency_code, customers, electronic, new,
        relapsed, habitual, unsettled)
    SELECT $1, $2, agency.* FROM agency
    ON CONFLICT (biller_id, month, agency_code) DO UPDATE SET
        customers = excluded.customers, electronic = excluded.electronic, new = excluded.new,
        relapsed = excluded.relapsed, habitual = excluded.habitual,
        unsettled = excluded.unsettled
), left_out AS (
    DELETE FROM agency_monthly a WHERE a.biller_id = $1 AND a.month = $2
        AND a.agency_code NOT IN (SELECT agency_code FROM agency)
), rolled AS (
    INSERT INTO adoption_rolled (biller_id, month, customers, bills, rolled_at)
    SELECT $1, $2, coalesce(sum(cell.customers), 0), coalesce(sum(cell.bills), 0),
           $5::timestamptz
    FROM cell
    ON CONFLICT (biller_id, month) DO UPDATE SET
        customers = excluded.customers, bills = excluded.bills, rolled_at = excluded.rolled_at
    RETURNING customers, bills
)
SELECT r.customers, r.bills,
       (SELECT count(*) FROM written) + (SELECT count(*) FROM emptied) AS changed
FROM rolled r
"""  # noqa: S608 (constants of this file)


@dataclass(frozen=True, slots=True)
class Rolled:
    """A month that was counted, and how many cells changed by it."""

    customers: int
    bills: int
    changed: int


def bit_of(month: date) -> int:
    """Give the place of a month in `electronic_payers.months`."""
    return months_between(FIRST_MONTH, month) + _BIT_OF_FIRST


async def touched(connection: Raw, biller_id: int) -> list[date]:
    """Name the months that must be counted anew, the oldest first."""
    rows = await connection.fetch(TOUCHED, biller_id, FIRST_MONTH, LAST_MONTH)
    return [row["month"] for row in rows]


async def roll(connection: Raw, biller_id: int, month: date, now: datetime) -> Rolled:
    """Count a month anew, in a transaction of its own; whoever else does so waits."""
    async with connection.transaction():
        await connection.execute(BULK)
        await connection.execute(LOCK, biller_id)
        arguments = (biller_id, month, bit_of(month), sorted(CASH), now)
        [row] = await connection.fetch(ROLL, *arguments)
    return Rolled(**row)
