"""What a biller's live service said of a customer, kept in our own rows: the locks of payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.store.database import Raw

# A bill that is open or was no longer owed takes what the service says, unless money is under way.
_TAKES = """b.customer_code = $2 AND b.paid_dong = 0 AND b.claim IS DISTINCT FROM 'hard'
      AND (b.status = 'cancelled' OR (b.status = 'open'
           AND (b.period, b.amount_dong) IS DISTINCT FROM ({new}.period, {new}.amount_dong)))"""

# Keeps one answer of a live service: the customer, what is owed, and that nothing else is. An
# open bill that vanished is no longer owed, unless a payment holds it. An answer to an older
# question than the last kept changes nothing. Some name nobody where nothing is owed: then the
# name that we know stands. Rides live_customers_pkey, customers_pkey, bills_pkey, bills_open and
# live_bills_pkey; one customer of at most some hundred bills.
RENEW = f"""
WITH turn AS (
    INSERT INTO live_customers AS l (biller_id, customer_code, as_of)
    VALUES ($1::smallint, $2::text, $5::timestamptz)
    ON CONFLICT (biller_id, customer_code) DO UPDATE SET as_of = excluded.as_of
    WHERE l.as_of < excluded.as_of
    RETURNING true
), given AS MATERIALIZED (
    SELECT g.* FROM unnest($8::text[], $9::date[], $10::bigint[], $11::text[])
        AS g (id, period, amount_dong, memory)
    WHERE EXISTS (SELECT FROM turn)
), known AS (
    INSERT INTO customers AS c (biller_id, code, name, address, area_code, segment)
    SELECT $1, $2, $3::text, $4::text, '', 'household' FROM turn
    ON CONFLICT (biller_id, code) DO UPDATE
    SET name = excluded.name, address = excluded.address, updated_at = now()
    WHERE excluded.name <> ''
      AND (c.name, c.address) IS DISTINCT FROM (excluded.name, excluded.address)
), written AS (
    INSERT INTO bills AS b (biller_id, id, customer_code, period, net_dong, vat_dong, amount_dong,
        issued_on, due_on)
    SELECT $1, g.id, $2, g.period, g.amount_dong, 0, g.amount_dong, $6::date, $7::date
    FROM given g
    WHERE NOT EXISTS (SELECT FROM bills b WHERE b.biller_id = $1 AND b.id = g.id
                      AND NOT ({_TAKES.format(new="g")}) OFFSET 0)
    ORDER BY g.id
    ON CONFLICT (biller_id, id) DO UPDATE
    SET period = excluded.period, net_dong = excluded.net_dong, vat_dong = 0,
        amount_dong = excluded.amount_dong, status = 'open', updated_at = now()
    WHERE {_TAKES.format(new="excluded")}
), gone AS (
    UPDATE bills b SET status = 'cancelled', updated_at = now()
    FROM turn
    WHERE b.biller_id = $1 AND b.customer_code = $2 AND b.status = 'open' AND b.paid_dong = 0
      AND b.claim IS NULL AND b.id <> ALL ($8)
), remembered AS (
    INSERT INTO live_bills AS l (biller_id, bill_id, memory)
    SELECT $1, g.id, g.memory FROM given g WHERE g.memory <> '{{}}'
    ON CONFLICT (biller_id, bill_id) DO UPDATE SET memory = excluded.memory
    WHERE l.memory IS DISTINCT FROM excluded.memory
)
SELECT true FROM turn
"""  # noqa: S608 (a constant of this file)

AS_OF = "SELECT as_of FROM live_customers WHERE biller_id = $1 AND customer_code = $2"


@dataclass(frozen=True, slots=True)
class LiveBill:
    """One bill that is owed; `period` is the first day of its month, `memory` JSON."""

    id: str
    period: date
    amount_dong: int
    memory: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a live service said of one customer. Texts are NFC.

    `as_of` is when it was asked; a bill seen for the first time is issued and due on these days.
    """

    biller_id: int
    customer_code: str
    name: str
    address: str
    as_of: datetime
    issued_on: date
    due_on: date
    bills: Sequence[LiveBill]


async def renew(connection: Raw, told: Snapshot) -> bool:
    """Keep an answer in one statement; False if a newer one was kept before."""
    found = await connection.fetchval(
        RENEW,
        told.biller_id,
        told.customer_code,
        told.name,
        told.address,
        told.as_of,
        told.issued_on,
        told.due_on,
        [bill.id for bill in told.bills],
        [bill.period for bill in told.bills],
        [bill.amount_dong for bill in told.bills],
        [bill.memory for bill in told.bills],
    )
    return found is True


async def as_of(connection: Raw, biller_id: int, customer_code: str) -> datetime | None:
    """Say when the service was last asked about a customer and answered."""
    found: datetime | None = await connection.fetchval(AS_OF, biller_id, customer_code)
    return found
