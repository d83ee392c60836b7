"""Every hot statement rides the indexes of its comment, on empty tables and on full ones."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from asyncpg.prepared_stmt import PreparedStatement

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


@pytest.fixture(scope="module")
def scratch(postgres: EmbeddedPostgres, worker_id: str) -> Iterator[str]:
    """A database of these tests' own, migrated and analysed while it was empty."""
    url = postgres.create_database(f"plans_{worker_id}")
    schema.migrate(url)
    yield url
    postgres.drop_database(f"plans_{worker_id}")


@pytest.fixture(scope="module", params=["empty", "full"])
async def connection(request: pytest.FixtureRequest, scratch: str) -> AsyncIterator[Raw]:
    """A connection as the service opens it."""
    engine = database.open_engine(scratch, size=1, role=None)
    async with database.borrow(engine) as raw:
        if request.param == "full":
            await raw.execute(FILL)
        yield raw
    await engine.dispose()


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


def written(statement: "PreparedStatement[Any]", month: date) -> str:
    """Write arguments for EXECUTE; a list of months decides which partitions are left."""
    kinds = [f"{one.name}" for one in statement.get_parameters()]
    months = f"ARRAY['{month}']::date[]"
    return ", ".join(months if kind == "date[]" else f"NULL::{kind}" for kind in kinds)


async def plan_of(connection: Raw, sql: str, *, in_lane: bool) -> Plan:
    """Plan a statement as it is planned in the service: once, whatever its arguments."""
    await connection.execute(BY_INDEX if in_lane else "RESET enable_seqscan")
    month = await connection.fetchval("SELECT date_trunc('month', now())::date")
    arguments = written(await connection.prepare(sql), month)
    await connection.execute(f"PREPARE hot AS {sql}")
    try:
        [row] = await connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE hot ({arguments})")
    finally:
        await connection.execute("DEALLOCATE hot")
    plan = Plan()
    plan.walk(row[0][0]["Plan"])
    return plan


LANES = {
    "PAY": (moves.PAY, {"bills_pkey", "bills_open", "payments_partner_reference_key", "KEYS"}),
    "LOOKUP": (bills.LOOKUP, {"customers_pkey", "bills_open"}),
    "STORED": (idempotency.STORED, {"KEYS"}),
    "CLAIM": (webhooks.CLAIM, {"deliveries_due", "deliveries_pkey", "EVENTS"}),
    "FINISH": (webhooks.FINISH, {"deliveries_pkey"}),
}
BORROWED = {
    "REVERSE": (moves.REVERSE, {"payments_pkey", "payment_bills_pkey", "bills_pkey"}),
    "BY_ID": (payments.BY_ID, {"payments_pkey", "payment_bills_pkey"}),
    "BY_REFERENCE": (payments.BY_REFERENCE, {"payments_partner_reference_key"}),
    "LIST of payments": (payments.LIST, {"payment_bills_pkey"}),
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


@pytest.mark.parametrize(("sql", "rides"), LANES.values(), ids=LANES.keys())
async def test_a_statement_of_a_lane_rides_its_indexes(
    sql: str, rides: set[str], connection: Raw
) -> None:
    plan = await plan_of(connection, sql, in_lane=True)
    assert plan.whole == set()
    assert rides <= named(plan.indexes)


@pytest.mark.parametrize(("sql", "rides"), BORROWED.values(), ids=BORROWED.keys())
async def test_a_statement_on_a_borrowed_connection_rides_its_indexes(
    sql: str, rides: set[str], connection: Raw, request: pytest.FixtureRequest
) -> None:
    plan = await plan_of(connection, sql, in_lane=False)
    assert plan.whole == set()
    assert rides <= named(plan.indexes)
