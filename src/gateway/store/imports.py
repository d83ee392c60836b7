"""Bulk imports: lines are staged by COPY, then merged under the rules of `bills.UPSERT`."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import date

from gateway.store.database import ONE_PLAN_EACH, Raw

# For the transaction of one chunk: long statements may run, each planned for the sizes of the day.
BULK = f"""
SET LOCAL statement_timeout = '10min'; SET LOCAL work_mem = '32MB'; {ONE_PLAN_EACH}
"""

STAGE_BILLS = """
CREATE TEMP TABLE IF NOT EXISTS staged_bills (
    line bigint, id text COLLATE "C", customer_code text COLLATE "C", period text, kwh integer,
    net_dong bigint, vat_dong bigint, amount_dong bigint, issued_on date, due_on date)
    ON COMMIT DELETE ROWS;
TRUNCATE staged_bills
"""

# A merge has the rules of `bills.UPSERT` in two statements, for a million lines cost a third less
# and what stands already is neither locked nor written. Whoever writes the same bill at the same
# time makes the chunk lose (`database.is_contention`); it is then merged anew.
#
# The new bills of a chunk; probes bills_pkey for each line (OFFSET 0 keeps it a probe, whatever the
# statistics say); some ten thousand lines.
INSERT_BILLS = """
INSERT INTO bills (biller_id, id, customer_code, period, kwh, net_dong, vat_dong, amount_dong,
    issued_on, due_on)
SELECT $1::smallint, s.id, s.customer_code, (s.period || '-01')::date, s.kwh, s.net_dong,
    s.vat_dong, s.amount_dong, s.issued_on, s.due_on
FROM staged_bills s
WHERE EXISTS (SELECT FROM customers c WHERE c.biller_id = $1 AND c.code = s.customer_code)
  AND NOT EXISTS (SELECT FROM bills b WHERE b.biller_id = $1 AND b.id = s.id OFFSET 0)
ORDER BY s.id
"""

# The next two ride bills_pkey, line by line, in the order of the ids.
PROBE = """
SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off
"""

# Open bills without payments take the new facts.
UPDATE_BILLS = """
UPDATE bills b SET
    period = (s.period || '-01')::date, kwh = s.kwh, net_dong = s.net_dong, vat_dong = s.vat_dong,
    amount_dong = s.amount_dong, issued_on = s.issued_on, due_on = s.due_on, updated_at = now()
FROM (SELECT * FROM staged_bills ORDER BY id) s
WHERE b.biller_id = $1 AND b.id = s.id AND b.customer_code = s.customer_code
  AND b.status = 'open' AND b.paid_dong = 0
  AND (b.period, b.kwh, b.net_dong, b.vat_dong, b.issued_on, b.due_on) IS DISTINCT FROM
      ((s.period || '-01')::date, s.kwh, s.net_dong, s.vat_dong, s.issued_on, s.due_on)
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
    agency text) ON COMMIT DELETE ROWS;
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

PIECE_BYTES = 2**18

ONE_SEEDER = "SELECT pg_advisory_xact_lock(7142021)"
HAS_CUSTOMERS = "SELECT EXISTS (SELECT FROM customers WHERE biller_id = $1)"
PUT_AREA = """
INSERT INTO areas (code, valid_from, valid_to, name, kind, parent_code, successor_code)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""

# Only the owner may ANALYZE; the service's role would be skipped with a warning, and the planner
# would go on believing that the tables are empty. Where the login owns nothing this does nothing,
# and autovacuum does it within minutes.
ANALYZE = """
SET LOCAL ROLE NONE; SET LOCAL statement_timeout = '10min';
ANALYZE customers, bills, payments, payment_bills, transfers
"""


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
    await connection.execute(BULK)
    await connection.execute(STAGE_BILLS)
    staged = _count(
        await connection.copy_to_table("staged_bills", source=_pieces(lines), format="csv")
    )
    written = _count(await connection.execute(INSERT_BILLS, biller_id))
    if written < staged:
        await connection.execute(PROBE)
        written += _count(await connection.execute(UPDATE_BILLS, biller_id))
    if written == staged:
        return written, []
    rows = await connection.fetch(REFUSED_BILLS, biller_id)
    return written, [Standing(**row) for row in rows]


async def merge_customers(connection: Raw, biller_id: int, lines: bytes) -> int:
    """Stage and merge one chunk of checked CSV lines; give how many were new or changed."""
    await connection.execute(BULK)
    await connection.execute(STAGE_CUSTOMERS)
    await connection.copy_to_table("staged_customers", source=_pieces(lines), format="csv")
    return _count(await connection.execute(MERGE_CUSTOMERS, biller_id))


async def begin_seeding(connection: Raw) -> None:
    """Let the caller's transaction write for long, and any other seeding wait for its end."""
    await connection.execute(BULK)
    await connection.execute(ONE_SEEDER)


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
    async with connection.transaction():
        await connection.execute(ANALYZE)


async def _pieces(lines: bytes) -> AsyncIterator[bytes]:
    # Not a file: for one of those asyncpg makes a class a call, and a class is a cycle, so every
    # chunk would stay in memory until the garbage collector comes by.
    for start in range(0, len(lines), PIECE_BYTES):
        yield lines[start : start + PIECE_BYTES]


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
