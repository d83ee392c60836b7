"""Who still pays cash, how they may be reached, who helped them, and who has come back to cash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from gateway.store.database import Raw

# The customers of an area whose newest payment was cash, by code; each reads one payment of
# payments_customer. `$6`: only those who paid electronically since that day (they relapsed).
CASH_PAYERS = """
SELECT c.code, c.name, c.address, c.segment, last.business_date AS last_paid_on, last.channel,
       k.phone, k.consent_basis, o.customer_code IS NOT NULL AS has_opted_out
FROM customers c
CROSS JOIN LATERAL (
    SELECT p.channel, p.business_date FROM payments p
    WHERE p.biller_id = c.biller_id AND p.customer_code = c.code AND p.status = 'succeeded'
      AND p.reversed_at IS NULL ORDER BY p.id DESC LIMIT 1) last
LEFT JOIN cash_contacts k ON k.biller_id = c.biller_id AND k.customer_code = c.code
LEFT JOIN cash_opt_outs o ON o.biller_id = c.biller_id AND o.customer_code = c.code
WHERE c.biller_id = $1 AND c.area_code = $2 AND last.channel = ANY ($3::text[])
  AND ($4::text IS NULL OR c.code > $4)
  AND ($6::date IS NULL OR EXISTS (
    SELECT FROM payments e
    WHERE e.biller_id = c.biller_id AND e.customer_code = c.code AND e.status = 'succeeded'
      AND e.reversed_at IS NULL AND e.business_date >= $6 AND e.channel <> ALL ($3)))
ORDER BY c.code LIMIT $5
"""
COUNT = f"SELECT count(*) FROM ({CASH_PAYERS}) payers"  # noqa: S608
PUT_CONTACTS = """
INSERT INTO cash_contacts AS k (biller_id, customer_code, phone, consent_basis)
SELECT $1, n.* FROM unnest($2::text[], $3::text[], $4::text[]) AS n (code, phone, basis)
ON CONFLICT (biller_id, customer_code) DO UPDATE SET phone = excluded.phone,
    consent_basis = excluded.consent_basis, changed_at = now()
WHERE (k.phone, k.consent_basis) IS DISTINCT FROM (excluded.phone, excluded.consent_basis)
RETURNING true
"""
OPT_OUT = """
INSERT INTO cash_opt_outs (biller_id, customer_code) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
ASSIST = """
INSERT INTO cash_assists (id, biller_id, collector_id, customer_code, assisted_at)
VALUES ($1, $2, $3, $4, $5)
"""
# Credits help with the first electronic payment that followed in time: the newest help before it,
# once for a customer. Rides cash_assists_open and payments_customer.
CREDIT = """
WITH due AS (
    SELECT DISTINCT ON (a.biller_id, a.customer_code) a.id, p.id AS payment_id
    FROM cash_assists a
    CROSS JOIN LATERAL (
        SELECT e.id, e.created_at FROM payments e
        WHERE e.biller_id = a.biller_id AND e.customer_code = a.customer_code
          AND e.status = 'succeeded' AND e.reversed_at IS NULL AND e.channel <> ALL ($1::text[])
        ORDER BY e.id LIMIT 1) p
    WHERE a.credited_at IS NULL AND a.assisted_at > $2::timestamptz - 2 * $3::interval
      AND p.created_at BETWEEN a.assisted_at AND a.assisted_at + $3
      AND NOT EXISTS (
        SELECT FROM cash_assists x WHERE x.biller_id = a.biller_id
          AND x.customer_code = a.customer_code AND x.credited_at IS NOT NULL)
    ORDER BY a.biller_id, a.customer_code, a.assisted_at DESC
)
UPDATE cash_assists a SET credited_at = $2, payment_id = d.payment_id
FROM due d WHERE a.id = d.id RETURNING a.id
"""
# Help and what came of it, by collector.
CREDITED = """
SELECT c.code AS collector, count(*) AS assists, count(a.credited_at) AS first_payments
FROM cash_assists a JOIN cash_collectors c ON c.id = a.collector_id
WHERE a.biller_id = $1 GROUP BY c.code ORDER BY c.code
"""


@dataclass(frozen=True, slots=True)
class CashPayer:
    """A customer who pays cash, as stored: not masked."""

    code: str
    name: str
    address: str
    segment: str
    last_paid_on: date
    channel: str
    phone: str | None
    consent_basis: str | None
    has_opted_out: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cash payers: of an area, after a code; `electronic_since`: only who relapsed."""

    biller_id: int
    area_code: str
    cash_channels: Sequence[str]
    after: str | None = None
    limit: int = 100
    electronic_since: date | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """How a customer may be reached, and why that is allowed."""

    customer_code: str
    phone: str
    consent_basis: str


@dataclass(frozen=True, slots=True)
class Helped:
    """A collector's help, and how many first electronic payments came of it."""

    collector: str
    assists: int
    first_payments: int


async def cash_payers(connection: Raw, wanted: Wanted) -> list[CashPayer]:
    """Read a page of the customers who pay cash."""
    return [CashPayer(**row) for row in await connection.fetch(CASH_PAYERS, *_asked(wanted))]


async def count(connection: Raw, wanted: Wanted) -> int:
    """Count customers who pay cash, up to the limit."""
    found: int = await connection.fetchval(COUNT, *_asked(wanted))
    return found


def _asked(wanted: Wanted) -> tuple[object, ...]:
    return (
        wanted.biller_id,
        wanted.area_code,
        wanted.cash_channels,
        wanted.after,
        wanted.limit,
        wanted.electronic_since,
    )


async def put_contacts(connection: Raw, biller_id: int, contacts: Sequence[Contact]) -> int:
    """Write contacts; gives how many were new or changed. An opt-out stands whatever is written."""
    rows = await connection.fetch(
        PUT_CONTACTS,
        biller_id,
        [contact.customer_code for contact in contacts],
        [contact.phone for contact in contacts],
        [contact.consent_basis for contact in contacts],
    )
    return len(rows)


async def opt_out(connection: Raw, biller_id: int, customer_code: str) -> None:
    """Leave a customer alone from now on."""
    await connection.execute(OPT_OUT, biller_id, customer_code)


async def assist(
    connection: Raw,
    *,
    assist_id: UUID,
    biller_id: int,
    collector_id: UUID,
    customer_code: str,
    at: datetime,
) -> None:
    """Write down that a collector helped a customer to pay electronically."""
    await connection.execute(ASSIST, assist_id, biller_id, collector_id, customer_code, at)


async def credit(
    connection: Raw, cash_channels: Sequence[str], now: datetime, within: timedelta
) -> int:
    """Credit help with the first electronic payments that followed; gives how many."""
    return len(await connection.fetch(CREDIT, cash_channels, now, within))


async def credited(connection: Raw, biller_id: int) -> list[Helped]:
    """Read what help has brought, by collector."""
    return [Helped(**row) for row in await connection.fetch(CREDITED, biller_id)]
