"""Bills: the lookup, bulk writes, and reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from gateway.domain.payment import BillState, BillStatus
from gateway.store.database import ONE_PLAN_EACH, Lane, Raw

# Looks up customers and what they owe; rides customers_pkey and bills_open; at most 32 codes.
LOOKUP = """
SELECT a.n, c.name, c.address, c.area_code, b.id, b.period, b.kwh, b.net_dong, b.vat_dong,
       b.amount_dong, b.amount_dong - b.paid_dong AS due_dong, b.issued_on, b.due_on,
       b.claim = 'hard' AS is_being_paid
FROM unnest($1::int[], $2::smallint[], $3::text[]) AS a (n, biller_id, code)
JOIN customers c ON c.biller_id = a.biller_id AND c.code = a.code
LEFT JOIN bills b ON b.biller_id = a.biller_id AND b.customer_code = a.code AND b.status = 'open'
ORDER BY a.n, b.period, b.id
"""

# The bills that an order names and all open ones of the customer, to say why it was refused.
STATES = """
SELECT id, period, status, amount_dong - paid_dong AS due_dong, claim, claimed_by
FROM bills
WHERE biller_id = $1 AND customer_code = $2 AND (status = 'open' OR id = ANY ($3::text[]))
"""

ONE = "SELECT * FROM bills WHERE biller_id = $1 AND id = $2"

# A page of bills by id; rides bills_pkey or bills_customer; at most 101.
LIST = """
SELECT * FROM bills
WHERE biller_id = $1 AND ($2::text IS NULL OR customer_code = $2)
  AND ($3::text IS NULL OR status = $3) AND ($4::date IS NULL OR period = $4)
  AND ($5::text IS NULL OR id > $5)
ORDER BY id LIMIT $6
"""

# Cancels an open bill on which nothing is paid and no money is under way; no row if it is none.
CANCEL = """
UPDATE bills SET status = 'cancelled', claim = NULL, updated_at = now()
WHERE biller_id = $1 AND id = $2 AND status = 'open' AND paid_dong = 0
  AND claim IS DISTINCT FROM 'hard'
RETURNING *
"""

# An open bill without payments, and none under way, takes new facts; any other, or another
# customer's, stays as it is.
TAKES = """b.status = 'open' AND b.paid_dong = 0 AND b.claim IS DISTINCT FROM 'hard'
      AND b.customer_code = {new}.customer_code
      AND (b.period, b.kwh, b.net_dong, b.vat_dong, b.issued_on, b.due_on)
          IS DISTINCT FROM ({new}.period, {new}.kwh, {new}.net_dong, {new}.vat_dong,
                            {new}.issued_on, {new}.due_on)"""

# Writes `given` bills: new ones open, those that TAKES lets in changed. What stands already is not
# even locked: it is left out before ON CONFLICT, which would lock it. `told` says what became of
# each line. Rides bills_pkey and customers_pkey once for each line (OFFSET 0 keeps it so).
MERGE = f"""
WITH given AS MATERIALIZED (
    {{given}}
), written AS (
    INSERT INTO bills AS b (biller_id, id, customer_code, period, kwh, net_dong, vat_dong,
        amount_dong, issued_on, due_on)
    SELECT $1::smallint, g.* FROM given g
    WHERE EXISTS (SELECT FROM customers c
                  WHERE c.biller_id = $1 AND c.code = g.customer_code OFFSET 0)
      AND NOT EXISTS (SELECT FROM bills b WHERE b.biller_id = $1 AND b.id = g.id
                      AND NOT ({TAKES.format(new="g")}) OFFSET 0)
    ORDER BY g.id
    ON CONFLICT (biller_id, id) DO UPDATE SET
        period = excluded.period, kwh = excluded.kwh, net_dong = excluded.net_dong,
        vat_dong = excluded.vat_dong, amount_dong = excluded.amount_dong,
        issued_on = excluded.issued_on, due_on = excluded.due_on, updated_at = now()
    WHERE {TAKES.format(new="excluded")}
    RETURNING b.id
), told AS (
    SELECT g.id, w.id IS NOT NULL AS written, b.customer_code, b.status, b.paid_dong,
        coalesce(b.customer_code = g.customer_code
            AND (b.period, b.kwh, b.net_dong, b.vat_dong, b.issued_on, b.due_on) IS NOT DISTINCT
            FROM (g.period, g.kwh, g.net_dong, g.vat_dong, g.issued_on, g.due_on), false) AS same,
        EXISTS (SELECT FROM customers c
                WHERE c.biller_id = $1 AND c.code = g.customer_code OFFSET 0) AS has_customer,
        b.claim
    FROM given g LEFT JOIN written w ON w.id = g.id
    LEFT JOIN LATERAL (
        SELECT * FROM bills b WHERE b.biller_id = $1 AND b.id = g.id OFFSET 0) b ON true
)
"""  # noqa: S608 (a constant of this file)

GIVEN = """
    SELECT * FROM unnest($2::text[], $3::text[], $4::date[], $5::int[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::date[], $10::date[])
    AS g (id, customer_code, period, kwh, net_dong, vat_dong, amount_dong, issued_on, due_on)
"""

# At most 1,000 bills a call.
UPSERT = MERGE.format(given=GIVEN) + "SELECT * FROM told"  # noqa: S608 (constants of this file)


class OpenBill(NamedTuple):
    """A bill with something due. Amounts in đồng; `due_dong` is what is left to pay."""

    id: str
    period: date
    kwh: int | None
    net_dong: int
    vat_dong: int
    amount_dong: int
    due_dong: int
    issued_on: date
    due_on: date
    is_being_paid: bool = False


class Found(NamedTuple):
    """A customer and the open bills, oldest first. Names are as stored: mask before showing."""

    name: str
    address: str
    area_code: str
    bills: tuple[OpenBill, ...]


@dataclass(frozen=True, slots=True)
class NewBill:
    """A bill as the biller sends it; `period` is the first day of its month."""

    id: str
    customer_code: str
    period: date
    kwh: int | None
    net_dong: int
    vat_dong: int
    amount_dong: int
    issued_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill as stored."""

    biller_id: int
    id: str
    customer_code: str
    period: date
    kwh: int | None
    net_dong: int
    vat_dong: int
    amount_dong: int
    paid_dong: int
    issued_on: date
    due_on: date
    status: str
    claimed_by: UUID | None
    event_sequence: int
    updated_at: datetime
    claim: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one line of MERGE; the columns of the bill are as it stood before.

    `same`: it stood there just so. None where there was no bill of this id.
    """

    id: str
    written: bool
    customer_code: str | None
    status: str | None
    paid_dong: int | None
    same: bool
    has_customer: bool
    claim: str | None


async def look_up(lane: Lane, asked: Sequence[tuple[int, str]]) -> list[Found | None]:
    """Find customers by (biller id, customer code) with their open bills; None if unknown."""
    rows = await lane.fetch(
        list(range(len(asked))), [biller for biller, _ in asked], [code for _, code in asked]
    )
    by_item: list[list[asyncpg.Record]] = [[] for _ in asked]
    for row in rows:
        by_item[row["n"]].append(row)
    return [_found(group) if group else None for group in by_item]


async def states(
    connection: Raw, biller_id: int, customer_code: str, bill_ids: Sequence[str]
) -> list[BillState]:
    """Read the customer's open bills and those named."""
    rows = await connection.fetch(STATES, biller_id, customer_code, bill_ids)
    return [
        BillState(
            row["id"],
            row["period"],
            BillStatus(row["status"]),
            row["due_dong"],
            row["claim"],
            row["claimed_by"],
        )
        for row in rows
    ]


async def one(connection: Raw, biller_id: int, bill_id: str) -> Bill | None:
    """Read one bill."""
    row = await connection.fetchrow(ONE, biller_id, bill_id)
    return Bill(**row) if row else None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which bills to list; None means any."""

    customer_code: str | None = None
    status: str | None = None
    period: date | None = None
    after: str | None = None
    limit: int = 20


async def list_page(connection: Raw, biller_id: int, wanted: Filter) -> list[Bill]:
    """Read a page of a biller's bills in the order of their ids."""
    async with connection.transaction():
        await connection.execute(ONE_PLAN_EACH)
        rows = await connection.fetch(
            LIST,
            biller_id,
            wanted.customer_code,
            wanted.status,
            wanted.period,
            wanted.after,
            wanted.limit,
        )
    return [Bill(**row) for row in rows]


async def cancel(connection: Raw, biller_id: int, bill_id: str) -> Bill | None:
    """Cancel an open bill without payments; None if it is not one."""
    row = await connection.fetchrow(CANCEL, biller_id, bill_id)
    return Bill(**row) if row else None


async def upsert(connection: Raw, biller_id: int, bills: Sequence[NewBill]) -> list[Told]:
    """Write bills; give for each what became of it, in any order."""
    rows = await connection.fetch(
        UPSERT,
        biller_id,
        [bill.id for bill in bills],
        [bill.customer_code for bill in bills],
        [bill.period for bill in bills],
        [bill.kwh for bill in bills],
        [bill.net_dong for bill in bills],
        [bill.vat_dong for bill in bills],
        [bill.amount_dong for bill in bills],
        [bill.issued_on for bill in bills],
        [bill.due_on for bill in bills],
    )
    return [Told(**row) for row in rows]


def _found(rows: Sequence[asyncpg.Record]) -> Found:
    first = rows[0]
    bills = tuple(_open_bill(row) for row in rows if row["id"] is not None)
    return Found(first["name"], first["address"], first["area_code"], bills)


def _open_bill(row: asyncpg.Record) -> OpenBill:
    return OpenBill(
        row["id"],
        row["period"],
        row["kwh"],
        row["net_dong"],
        row["vat_dong"],
        row["amount_dong"],
        row["due_dong"],
        row["issued_on"],
        row["due_on"],
        row["is_being_paid"] is True,
    )
