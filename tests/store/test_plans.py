"""Every hot statement rides the indexes of its comment, on empty tables and on full ones."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.store import bills, database, idempotency, moves, payments, schema, webhooks
from gateway.store.database import BY_INDEX, Raw

BIG = re.compile(
    r"(bills|customers|payments|payment_bills|deliveries|api_keys)$|idempotency_keys_p|events_p"
)

FILL = """
SET session_replication_role = replica;
INSERT INTO customers (biller_id, code, name, address, area_code, segment)
SELECT 1, 'PB14' || lpad(n::text, 9, '0'), 'Án', 'Phường 5', '32008', 'household'
FROM generate_series(1, 20000) n;
INSERT INTO bills (biller_id, id, customer_code, period, net_dong, vat_dong, amount_dong,
    issued_on, due_on, paid_dong, status, claimed_by)
SELECT 1, 'HD-' || n, 'PB14' || lpad((n % 20000 + 1)::text, 9, '0'),
    date '2026-01-01' + make_interval(months => n / 20000), 150000, 0, 150000, '2026-11-02',
    '2026-11-09', CASE WHEN n % 3 > 0 THEN 150000 ELSE 0 END,
    CASE WHEN n % 3 > 0 THEN 'paid' ELSE 'open' END, gen_random_uuid()
FROM generate_series(1, 40000) n;
INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel,
    customer_code, amount_dong, bill_count, claimed_count, status, business_date, created_at)
SELECT 1, (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, n % 8 + 1, 'REF-' || n,
    'collected', 'qr', 'PB14' || lpad((n % 20000 + 1)::text, 9, '0'), 150000, 1, 1, 'succeeded',
    date '2026-11-24', now()
FROM generate_series(1, 20000) n;
INSERT INTO payment_bills (biller_id, payment_id, bill_id, period, amount_dong, sequence)
SELECT 1, id, 'HD-' || row_number() OVER (), '2026-10-01', 150000, 1 FROM payments;
INSERT INTO idempotency_keys (partner_id, operation, key, month, fingerprint, field_digests,
    status_code, body, created_at)
SELECT n % 8 + 1, 'create_payment', 'key-' || n, date_trunc('month', now()), '', '', 201, '', now()
FROM generate_series(1, 20000) n;
INSERT INTO events (biller_id, id, type, subject, body, created_at)
SELECT 1, (left(uuid7_floor(now())::text, 13) || right(gen_random_uuid()::text, 23))::uuid,
    'payment.succeeded', gen_random_uuid(), '', now()
FROM generate_series(1, 20000);
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at, state)
SELECT 1, id, id, now(), CASE WHEN row_number() OVER () % 20 = 0 THEN 'due' ELSE 'delivered' END
FROM events;
ANALYZE;
"""


def migrated(postgres: EmbeddedPostgres, name: str) -> Iterator[str]:
    """A database of these tests' own, analysed while it is empty."""
    url = postgres.create_database(name)
    schema.migrate(url)
    yield url
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def empty_url(postgres: EmbeddedPostgres, worker_id: str) -> Iterator[str]:
    yield from migrated(postgres, f"empty_{worker_id}")


@pytest.fixture(scope="module")
def full_url(postgres: EmbeddedPostgres, worker_id: str) -> Iterator[str]:
    yield from migrated(postgres, f"full_{worker_id}")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Raw]:
    """A connection as the service opens it."""
    pool = database.open_pool(url, size=1, role=None)
    async with database.borrow(pool) as raw:
        yield raw
    await database.close_pool(pool)


@pytest.fixture(scope="module")
async def empty(empty_url: str) -> AsyncIterator[Raw]:
    async with connected(empty_url) as raw:
        yield raw


@pytest.fixture(scope="module")
async def full(full_url: str) -> AsyncIterator[Raw]:
    """Tables of months, on a connection that has planned its statements while they were empty."""
    async with connected(full_url) as raw:
        for name, (sql, _) in BORROWED.items():
            await raw.execute(f'PREPARE "{name}" AS {sql}')
            assert (await plan_of(raw, name, sql)).whole
        await raw.execute(FILL)
        yield raw


@dataclass
class Plan:
    """What a plan touches: every index by name, and the tables that are read whole."""

    indexes: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)

    def walk(self, node: dict[str, Any]) -> None:
        if "Index Name" in node:
            self.indexes.add(node["Index Name"])
        elif node["Node Type"] == "Seq Scan" and BIG.match(node["Relation Name"]):
            self.whole.add(node["Relation Name"])
        for child in node.get("Plans", []):
            self.walk(child)


async def arguments_of(connection: Raw, sql: str) -> str:
    """Write arguments for EXECUTE; a list of months decides which partitions are left."""
    kinds = [one.name for one in (await connection.prepare(sql)).get_parameters()]
    months = "ARRAY[date_trunc('month', now())]::date[]"
    return ", ".join(months if kind == "date[]" else f"NULL::{kind}" for kind in kinds)


async def plan_of(connection: Raw, name: str, sql: str) -> Plan:
    """Ask for the plan of a prepared statement, which is the same whatever its arguments."""
    arguments = await arguments_of(connection, sql)
    [row] = await connection.fetch(f'EXPLAIN (FORMAT JSON) EXECUTE "{name}" ({arguments})')
    plan = Plan()
    plan.walk(json.loads(row[0])[0]["Plan"])
    return plan


async def plan_in_lane(connection: Raw, sql: str) -> Plan:
    await connection.execute(f"{BY_INDEX}; PREPARE in_lane AS {sql}")
    try:
        return await plan_of(connection, "in_lane", sql)
    finally:
        await connection.execute("DEALLOCATE in_lane; RESET enable_seqscan")


LANES = {
    "PAY": (moves.PAY, {"bills_pkey", "payments_partner_reference_key", "KEYS"}),
    "LOOKUP": (bills.LOOKUP, {"customers_pkey", "bills_open"}),
    "STORED": (idempotency.STORED, {"KEYS"}),
    "CLAIM": (webhooks.CLAIM, {"deliveries_due", "deliveries_pkey", "EVENTS"}),
    "FINISH": (webhooks.FINISH, {"deliveries_pkey"}),
}
BORROWED = {
    "REVERSE": (moves.REVERSE, {"payments_pkey", "payment_bills_pkey", "bills_pkey"}),
    "BY_ID": (payments.BY_ID, {"payment_bills_pkey"}),
    "BY_REFERENCE": (payments.BY_REFERENCE, {"payments_partner_reference_key"}),
    "STATES": (bills.STATES, {"bills_customer"}),
    "ONE": (bills.ONE, {"bills_pkey"}),
    "CANCEL": (bills.CANCEL, {"bills_pkey"}),
    "REFUSE": (idempotency.REFUSE, {"KEYS"}),
}


def named(indexes: set[str]) -> set[str]:
    """Call the indexes of partitions by their parents' names."""
    parents = {r"idempotency_keys_p\d{4}_\d\d_pkey": "KEYS", r"events_p[\d_]+_pkey": "EVENTS"}
    return {
        next((name for shape, name in parents.items() if re.fullmatch(shape, index)), index)
        for index in indexes
    }


lanes = pytest.mark.parametrize(("sql", "rides"), LANES.values(), ids=LANES.keys())


@lanes
async def test_a_lane_rides_its_indexes_even_on_tables_that_were_analysed_empty(
    sql: str, rides: set[str], empty: Raw
) -> None:
    plan = await plan_in_lane(empty, sql)
    assert plan.whole == set()
    assert rides <= named(plan.indexes)


@lanes
async def test_a_lane_rides_its_indexes_on_full_tables(
    sql: str, rides: set[str], full: Raw
) -> None:
    plan = await plan_in_lane(full, sql)
    assert plan.whole == set()
    assert rides <= named(plan.indexes)


@pytest.mark.parametrize("name", BORROWED)
async def test_a_statement_planned_on_empty_tables_is_planned_anew_once_they_are_full(
    name: str, full: Raw
) -> None:
    sql, rides = BORROWED[name]
    plan = await plan_of(full, name, sql)
    bare = await full.fetch("SELECT relname FROM pg_class WHERE reltuples = 0")
    assert plan.whole - {row[0] for row in bare} == set()
    assert rides <= named(plan.indexes)


READ = """
SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint FROM pg_stat_xact_user_tables
WHERE relname = $1
"""


async def rows_read(connection: Raw, table: str, listing: Callable[[], Awaitable[object]]) -> int:
    """Count the rows of a table that a listing looks at."""
    async with connection.transaction():
        before = await connection.fetchval(READ, table)
        await listing()
        return int(await connection.fetchval(READ, table)) - int(before)


PAYMENT = UUID("00000000-4000-7000-8000-000000000000")
PAGES = {
    "of-a-partner": payments.Filter(biller_id=None, partner_id=3),
    "of-a-partner-next": payments.Filter(biller_id=None, partner_id=3, before=PAYMENT),
    "of-a-partner-by-channel": payments.Filter(biller_id=None, partner_id=3, channel="qr"),
    "of-a-partner-and-customer": payments.Filter(
        biller_id=None, partner_id=3, customer_code="PB14000000003"
    ),
    "of-a-biller": payments.Filter(biller_id=1, partner_id=None),
    "of-a-biller-next": payments.Filter(biller_id=1, partner_id=None, before=PAYMENT),
    "of-a-biller-and-customer": payments.Filter(
        biller_id=1, partner_id=None, customer_code="PB14000000003"
    ),
}


@pytest.mark.parametrize("wanted", PAGES.values(), ids=PAGES.keys())
async def test_a_page_of_payments_looks_at_little_more_than_the_page(
    wanted: payments.Filter, full: Raw
) -> None:
    read = await rows_read(full, "payments", lambda: payments.list_page(full, wanted))
    assert 0 < read <= 10 * wanted.limit


@pytest.mark.parametrize(
    "wanted",
    [
        bills.Filter(),
        bills.Filter(after="HD-200"),
        bills.Filter(customer_code="PB14000000004"),
        bills.Filter(customer_code="PB14000000004", status="open"),
    ],
    ids=["first", "next", "of-a-customer", "open-of-a-customer"],
)
async def test_a_page_of_bills_looks_at_little_more_than_the_page(
    wanted: bills.Filter, full: Raw
) -> None:
    read = await rows_read(full, "bills", lambda: bills.list_page(full, 1, wanted))
    assert 0 < read <= 10 * wanted.limit
