"""Bulk imports: new bills by COPY, others staged and merged under the rules of `bills.MERGE`."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from gateway.store import bills
from gateway.store.database import ONE_PLAN_EACH, Raw

# For the transaction of one chunk: long statements may run, each planned for the sizes of the day.
BULK = f"""
SET LOCAL statement_timeout = '10min'; SET LOCAL work_mem = '32MB'; {ONE_PLAN_EACH}
"""

COLUMNS = (
    *("biller_id", "id", "customer_code", "period", "kwh", "net_dong", "vat_dong", "amount_dong"),
    *("issued_on", "due_on"),
)

# How many of some customers there are; rides customers_pkey; as many codes as a chunk has lines.
# They come as one text, for an array costs the client forty times as much.
KNOWN = """
SELECT count(*) FROM customers WHERE biller_id = $1 AND code = ANY (string_to_array($2, ','))
"""
UNKNOWN = """
SELECT asked.code FROM unnest(string_to_array($2, ',')) AS asked (code)
WHERE NOT EXISTS (SELECT FROM customers c WHERE c.biller_id = $1 AND c.code = asked.code OFFSET 0)
"""

# Whether one of some bills stands already; rides bills_pkey; some hundred ids.
STANDS = "SELECT EXISTS (SELECT FROM bills WHERE biller_id = $1 AND id = ANY ($2::text[]))"
SAMPLED = 100

STAGE_BILLS = """
CREATE TEMP TABLE IF NOT EXISTS staged_bills (
    biller_id smallint, id text COLLATE "C", customer_code text COLLATE "C", period date,
    kwh integer, net_dong bigint, vat_dong bigint, amount_dong bigint, issued_on date, due_on date)
    ON COMMIT DELETE ROWS;
TRUNCATE staged_bills; SET LOCAL enable_seqscan = off
"""

STAGED = """
    SELECT id, customer_code, period, kwh, net_dong, vat_dong, amount_dong, issued_on, due_on
    FROM staged_bills
"""

# The lines that do not stand as they were sent, each with the number of those that were written;
# one empty row where all stand.
NOT_KEPT = """
SELECT (SELECT count(*) FROM written) AS lines_written, t.*
FROM (VALUES (1)) AS once LEFT JOIN told t ON NOT (t.written OR t.same)
"""
MERGE_BILLS = bills.MERGE.format(given=STAGED) + NOT_KEPT

STAGE_CUSTOMERS = """
CREATE TEMP TABLE IF NOT EXISTS staged_customers (
    code text COLLATE "C", name text, address text, area_code text, segment text, agency text)
    ON COMMIT DELETE ROWS;
TRUNCATE staged_customers
"""

MERGE_CUSTOMERS = """
INSERT INTO customers AS c (biller_id, code, name, address, area_code, segment, agency)
SELECT $1::smallint, s.* FROM staged_customers s ORDER BY s.code
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

# Renews the planner's statistics; a function of the owner, for nobody else may.
ANALYZE = "SELECT renew_statistics()"

# Filling empty tables and then building their plain indexes costs half of keeping them up. Gives
# the statements that build them, or nothing where somebody's rows stand or the login owns nothing.
PLAIN_INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE i.indrelid IN ('public.bills'::regclass, 'public.payments'::regclass) AND NOT i.indisunique
  AND pg_has_role(session_user, c.relowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM bills) AND NOT EXISTS (SELECT FROM payments)
ORDER BY name
"""
MY_ROLE = "SELECT current_setting('role')"
TAKE_ROLE = "SELECT set_config('role', $1, true)"
BUILDING = "SET LOCAL maintenance_work_mem = '256MB'"


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


async def unknown_customers(connection: Raw, biller_id: int, codes: Collection[str]) -> set[str]:
    """Say which of a biller's customers are not there; `codes` are distinct."""
    joined = ",".join(codes)
    if await connection.fetchval(KNOWN, biller_id, joined) == len(codes):
        return set()
    return {row["code"] for row in await connection.fetch(UNKNOWN, biller_id, joined)}


async def merge_bills(
    connection: Raw, biller_id: int, lines: Mapping[str, str]
) -> tuple[int, list[bills.Told]]:
    """Write bills of known customers, given as CSV by id; give how many, and those not kept.

    Runs in the caller's transaction. New bills go straight into the table, which costs half of
    merging them; if some stand there already, all are staged and merged under the rules of
    `bills.MERGE`.
    """
    if not lines:
        return 0, []
    await connection.execute(BULK)
    # In the order of the ids, as other writers lock them: no letter of an id is below a comma.
    source = _blob(f"{biller_id},", sorted(lines.values()))
    if await _are_new(connection, biller_id, list(lines)) and await _insert(connection, source):
        return len(lines), []
    await connection.execute(STAGE_BILLS)
    await connection.copy_to_table("staged_bills", source=_pieces(source), format="csv")
    return await _merge_staged(connection, biller_id)


async def _merge_staged(connection: Raw, biller_id: int) -> tuple[int, list[bills.Told]]:
    written, told, is_settled = 0, list[bills.Told](), False
    while not is_settled:
        first, *more = await connection.fetch(MERGE_BILLS, biller_id)
        written += first["lines_written"]
        told = [_told(row) for row in (first, *more) if row["id"] is not None]
        # Somebody wrote this bill after our statement had begun: the next one sees it.
        is_settled = all(line.customer_code is not None or not line.has_customer for line in told)
    return written, told


def _told(row: asyncpg.Record) -> bills.Told:
    return bills.Told(**{name: value for name, value in row.items() if name != "lines_written"})


async def _are_new(connection: Raw, biller_id: int, ids: Sequence[str]) -> bool:
    """Guess from a sample, for a COPY that meets a known id late has written half for nothing."""
    step = len(ids) // SAMPLED + 1
    return not await connection.fetchval(STANDS, biller_id, ids[::step])


async def _insert(connection: Raw, source: bytes) -> bool:
    try:
        async with connection.transaction():
            await connection.copy_to_table(
                "bills", columns=COLUMNS, source=_pieces(source), format="csv"
            )
    except asyncpg.UniqueViolationError:
        return False
    return True


async def merge_customers(connection: Raw, biller_id: int, lines: Collection[str]) -> int:
    """Stage and merge customers, given as CSV; give how many were new or changed."""
    if not lines:
        return 0
    await connection.execute(BULK)
    await connection.execute(STAGE_CUSTOMERS)
    source = _pieces(_blob("", lines))
    await connection.copy_to_table("staged_customers", source=source, format="csv")
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


async def copy_text(connection: Raw, table: str, columns: Iterable[str], rows: bytes) -> None:
    """Write many rows into a table by COPY; `rows` are lines of plain words between tabs."""
    await connection.copy_to_table(table, columns=list(columns), source=_pieces(rows))


async def drop_indexes(connection: Raw) -> list[str]:
    """Drop the plain indexes of empty bills and payments; give what `build_indexes` needs.

    For the caller's transaction, to whose end these tables are locked. Does nothing where a row
    stands, or where the database's login does not own the tables.
    """
    found = await connection.fetch(PLAIN_INDEXES)
    drops = [f"DROP INDEX {row['name']}" for row in found]
    await _as_owner(connection, drops)
    return [row["definition"] for row in found]


async def build_indexes(connection: Raw, dropped: Sequence[str]) -> None:
    """Build again what `drop_indexes` gave, in the same transaction."""
    await _as_owner(connection, [BUILDING, *dropped] if dropped else [])


async def _as_owner(connection: Raw, statements: Sequence[str]) -> None:
    if not statements:
        return
    role = await connection.fetchval(MY_ROLE)
    await connection.execute(TAKE_ROLE, "none")
    for statement in statements:
        await connection.execute(statement)
    await connection.execute(TAKE_ROLE, role)


async def analyze(connection: Raw) -> None:
    """Renew the planner's statistics after a great many rows."""
    async with connection.transaction():
        await connection.execute(BULK)
        await connection.execute(ANALYZE)


async def _pieces(lines: bytes) -> AsyncIterator[bytes]:
    # Not a file: for one of those asyncpg makes a class a call, and a class is a cycle, so every
    # chunk would stay in memory until the garbage collector comes by.
    for start in range(0, len(lines), PIECE_BYTES):
        yield lines[start : start + PIECE_BYTES]


def _blob(before: str, lines: Iterable[str]) -> bytes:
    return (before + f"\n{before}".join(lines) + "\n").encode()


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
