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
from gateway.store import (
    attempts,
    beginnings,
    bills,
    confirmations,
    database,
    debit_plans,
    debit_results,
    debits,
    evidence,
    idempotency,
    live_bills,
    mandates_due,
    moves,
    payments,
    postings,
    schema,
    settlement,
    webhooks,
)
from gateway.store import credits as credits_store
from gateway.store.database import BY_INDEX, Raw
from tests.store.full_tables import FILL

BIG = re.compile(
    r"(bills|customers|payments|payment_bills|deliveries|api_keys|attempts|evidence|exchanges"
    r"|notifications|quarantine|exceptions|mandates|debits)$|idempotency_keys_p|events_p"
)


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
        whole: set[str] = set()
        for name, (sql, _) in BORROWED.items():
            await raw.execute(f'PREPARE "{name}" AS {sql}')
            whole |= (await plan_of(raw, name, sql)).whole
        assert whole >= {"bills", "payments", "attempts"}
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
    call = f'"{name}" ({arguments})' if arguments else f'"{name}"'
    [row] = await connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE {call}")
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
    "PAY_AND_POST": (postings.PAY_AND_POST, {"bills_pkey", "live_bills_pkey", "KEYS"}),
    "LOOKUP": (bills.LOOKUP, {"customers_pkey", "bills_open"}),
    "STORED": (idempotency.STORED, {"KEYS"}),
    "CLAIM": (webhooks.CLAIM, {"deliveries_due", "deliveries_pkey", "EVENTS"}),
    "FINISH": (webhooks.FINISH, {"deliveries_pkey"}),
}
BORROWED = {
    "REVERSE": (moves.REVERSE, {"payments_pkey", "payment_bills_pkey", "bills_pkey"}),
    "BY_ID": (payments.BY_ID, {"payment_bills_pkey"}),
    "MADE_BETWEEN": (payments.MADE_BETWEEN, {"payments_pkey"}),
    "BY_REFERENCE": (payments.BY_REFERENCE, {"payments_partner_reference_key"}),
    "STATES": (bills.STATES, {"bills_customer"}),
    "ONE": (bills.ONE, {"bills_pkey"}),
    "CANCEL": (bills.CANCEL, {"bills_pkey"}),
    "REFUSE": (idempotency.REFUSE, {"KEYS"}),
    "KEY_FINISH": (idempotency.FINISH, {"KEYS"}),
    "BEGIN": (beginnings.BEGIN, {"bills_pkey", "payments_partner_reference_key", "KEYS"}),
    "TRY_AGAIN": (beginnings.TRY_AGAIN, {"payments_pkey", "attempts_number_key", "bills_pkey"}),
    "HOLD": (attempts.HOLD, {"attempts_pkey", "payments_pkey"}),
    "HOLD_BY_REFERENCE": (
        attempts.HOLD_BY_REFERENCE,
        {"attempts_reference_key", "payments_pkey"},
    ),
    "ATTEMPT_BY_REFERENCE": (attempts.BY_REFERENCE, {"attempts_reference_key"}),
    "ASKED": (
        confirmations.ASKED,
        {"attempts_pkey", "payments_pkey", "payment_bills_pkey", "bills_pkey"},
    ),
    "ATTEMPTS": (attempts.OF_PAYMENT, {"attempts_number_key"}),
    "CLAIM_DUE": (attempts.CLAIM_DUE, {"attempts_due", "attempts_pkey"}),
    "LEASE": (attempts.LEASE, {"attempts_pkey"}),
    "MOVE": (attempts.MOVE, {"attempts_pkey"}),
    "WAKE": (attempts.WAKE, {"attempts_number_key", "attempts_pkey"}),
    "DOUBTS": (attempts.DOUBTS, {"attempts_due"}),
    "SETTLE": (settlement.SETTLE, {"payments_pkey", "payment_bills_pkey", "bills_pkey"}),
    "SUSPEND": (settlement.SUSPEND, {"payments_pkey"}),
    "HOLD_CLAIM": (settlement.CLAIM, {"payment_bills_pkey", "bills_pkey"}),
    "RECLAIM": (settlement.RECLAIM, {"payment_bills_pkey", "bills_pkey"}),
    "SET_STATUS": (settlement.SET_STATUS, {"payments_pkey"}),
    "ASK_CANCEL": (settlement.ASK_CANCEL, {"payments_pkey"}),
    "HELD": (settlement.HELD, {"payments_pkey", "attempts_number_key"}),
    "RENEW": (live_bills.RENEW, {"bills_pkey", "bills_open"}),
    "CAME_BACK": (evidence.CAME_BACK, {"evidence_attempt"}),
    "WAS_TAKEN": (evidence.WAS_TAKEN, {"evidence_attempt"}),
    "IS_DISPUTED": (evidence.IS_DISPUTED, {"exceptions_attempt_key"}),
    "OPEN_EXCEPTIONS": (evidence.OPEN_EXCEPTIONS, {"exceptions_open"}),
    "EVIDENCE_OF": (evidence.EVIDENCE_OF, {"evidence_attempt"}),
    "EXCHANGES_OF": (evidence.EXCHANGES_OF, {"exchanges_attempt"}),
    "NOTIFICATIONS_OF": (evidence.NOTIFICATIONS_OF, {"notifications_attempt"}),
    "QUARANTINE": (evidence.QUARANTINE, {"quarantine_provider"}),
    "NAMED_ATTEMPTS": (credits_store.NAMED_ATTEMPTS, {"attempts_reference_key"}),
    "NAMED_CUSTOMERS": (credits_store.NAMED_CUSTOMERS, {"customers_pkey"}),
    "PLAN": (debit_plans.PLAN, {"mandates_active", "bills_open"}),
    "OF_ATTEMPTS": (debit_results.OF_ATTEMPTS, {"attempts_pkey", "debits_payment"}),
    "MANDATES_UNREGISTERED": (mandates_due.UNREGISTERED, {"mandates_unregistered"}),
    "CLAIM_PENDING": (mandates_due.CLAIM_PENDING, {"mandates_ask", "mandates_pkey"}),
    "HOLD_CUSTOMER": (credits_store.HOLD_CUSTOMER, {"customers_pkey"}),
}

# Chunks of debit runs, planned without whole tables as `debits.BY_INDEX` has them.
CHUNKS = {
    "DRAW": (
        debits.DRAW,
        {"debits_due", "mandates_pkey", "bills_pkey", "payments_pkey", "debits_mandate"},
    ),
    "PUT_OFF": (debits.PUT_OFF, {"debits_due", "debits_pkey"}),
    "ENDED": (debit_results.ENDED, {"debits_drawn", "payments_pkey", "attempts_pkey"}),
    "CONCLUDE": (debit_results.CONCLUDE, {"debits_pkey", "mandates_pkey"}),
    "COMPLETE": (debit_results.COMPLETE, {"debits_run"}),
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


@pytest.mark.parametrize(("sql", "rides"), (LANES | CHUNKS).values(), ids=(LANES | CHUNKS).keys())
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
