"""Bulk imports: lines are staged by COPY, then merged under the rules of `bills.UPSERT`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from io import BytesIO

from gateway.store.database import Raw

STAGE_BILLS = """
CREATE TEMP TABLE IF NOT EXISTS staged_bills (
    line bigint, id text COLLATE "C", customer_code text COLLATE "C", period text, kwh integer,
    net_dong bigint, vat_dong bigint, amount_dong bigint, issued_on date, due_on date);
TRUNCATE staged_bills
"""

# Merges a chunk; rides bills_pkey and customers_pkey; some ten thousand lines. The rules are those
# of `bills.UPSERT`: new bills open, open ones without payments take the new facts.
MERGE_BILLS = """
INSERT INTO bills AS b (biller_id, id, customer_code, period, kwh, net_dong, vat_dong,
    amount_dong, issued_on, due_on)
SELECT $1::smallint, s.id, s.customer_code, (s.period || '-01')::date, s.kwh, s.net_dong,
    s.vat_dong, s.amount_dong, s.issued_on, s.due_on
FROM staged_bills s
WHERE EXISTS (SELECT FROM customers c WHERE c.biller_id = $1 AND c.code = s.customer_code)
ORDER BY s.id
ON CONFLICT (biller_id, id) DO UPDATE SET
    period = excluded.period, kwh = excluded.kwh, net_dong = excluded.net_dong,
    vat_dong = excluded.vat_dong, amount_dong = excluded.amount_dong,
    issued_on = excluded.issued_on, due_on = excluded.due_on, updated_at = now()
WHERE b.status = 'open' AND b.paid_dong = 0 AND b.customer_code = excluded.customer_code
  AND (b.period, b.kwh, b.net_dong, b.vat_dong, b.issued_on, b.due_on)
      IS DISTINCT FROM (excluded.period, excluded.kwh, excluded.net_dong, excluded.vat_dong,
                        excluded.issued_on, excluded.due_on)
"""

# After the merge: the lines that do not stand as they were sent, with what stands there instead.
REFUSED_BILLS = """
SELECT s.line, s.id, b.customer_code = s.customer_code AS same_customer, b.status, b.paid_dong,
    EXISTS (SELECT FROM customers c WHERE c.biller_id = $1 AND c.code = s.customer_code)
        AS has_customer
FROM staged_bills s LEFT JOIN bills b ON b.biller_id = $1 AND b.id = s.id
WHERE b.id IS NULL OR b.customer_code <> s.customer_code
   OR (b.period, b.kwh, b.net_dong, b.vat_dong, b.issued_on, b.due_on) IS DISTINCT FROM
      ((s.period || '-01')::date, s.kwh, s.net_dong, s.vat_dong, s.issued_on, s.due_on)
ORDER BY s.line
"""

STAGE_CUSTOMERS = """
CREATE TEMP TABLE IF NOT EXISTS staged_customers (
    line bigint, code text COLLATE "C", name text, address text, area_code text, segment text,
    agency text);
TRUNCATE staged_customers
"""

MERGE_CUSTOMERS = """
INSERT INTO customers AS c (biller_id, code, name, address, area_code, segment, agency)
SELECT DISTINCT ON (s.code) $1::smallint, s.code, s.name, s.address, s.area_code, s.segment,
    s.agency
FROM staged_customers s ORDER BY s.code, s.line DESC
ON CONFLICT (biller_id, code) DO UPDATE SET
    name = excluded.name, address = excluded.address, area_code = excluded.area_code,
    segment = excluded.segment, agency = excluded.agency, updated_at = now()
WHERE (c.name, c.address, c.area_code, c.segment, c.agency)
    IS DISTINCT FROM (excluded.name, excluded.address, excluded.area_code, excluded.segment,
                      excluded.agency)
"""

HAS_CUSTOMERS = "SELECT EXISTS (SELECT FROM customers WHERE biller_id = $1)"
PUT_AREA = """
INSERT INTO areas (code, valid_from, valid_to, name, kind, parent_code, successor_code)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
ANALYZE = "ANALYZE customers, bills, payments, payment_bills, transfers"


@dataclass(frozen=True, slots=True)
class Standing:
    """A staged line that was not kept, and what stands under its id."""

    line: int
    id: str
    same_customer: bool | None
    status: str | None
    paid_dong: int | None
    has_customer: bool


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An administrative unit while its code was its own."""

    code: str
    valid_from: date
    valid_to: date | None
    name: str
    kind: str
    parent_code: str | None
    successor_code: str | None


async def merge_bills(connection: Raw, biller_id: int, lines: bytes) -> tuple[int, list[Standing]]:
    """Stage and merge one chunk of checked CSV lines; give how many were written, and the rest.

    Runs in the caller's transaction.
    """
    await connection.execute(STAGE_BILLS)
    copied = await connection.copy_to_table("staged_bills", source=BytesIO(lines), format="csv")
    await connection.execute("ANALYZE staged_bills")
    written = _count(await connection.execute(MERGE_BILLS, biller_id))
    if written == _count(copied):
        return written, []
    rows = await connection.fetch(REFUSED_BILLS, biller_id)
    return written, [Standing(**row) for row in rows]


async def merge_customers(connection: Raw, biller_id: int, lines: bytes) -> int:
    """Stage and merge one chunk of checked CSV lines; give how many were new or changed."""
    await connection.execute(STAGE_CUSTOMERS)
    await connection.copy_to_table("staged_customers", source=BytesIO(lines), format="csv")
    await connection.execute("ANALYZE staged_customers")
    return _count(await connection.execute(MERGE_CUSTOMERS, biller_id))


async def has_customers(connection: Raw, biller_id: int) -> bool:
    """Say whether a biller has any customer yet."""
    return bool(await connection.fetchval(HAS_CUSTOMERS, biller_id))


async def put_area(connection: Raw, area: AreaRow) -> None:
    """Store an area; again does nothing."""
    await connection.execute(
        PUT_AREA,
        area.code,
        area.valid_from,
        area.valid_to,
        area.name,
        area.kind,
        area.parent_code,
        area.successor_code,
    )


async def copy(
    connection: Raw, table: str, columns: Iterable[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Write many rows into a table by COPY."""
    await connection.copy_records_to_table(table, columns=list(columns), records=rows)


async def analyze(connection: Raw) -> None:
    """Renew the planner's statistics after a great many rows."""
    await connection.execute(ANALYZE)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
