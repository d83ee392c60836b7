"""The migration of payments through providers: over what stands, back if it can, and up again."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import asyncpg
import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.runtime import Clock
from gateway.store import database, schema, settlement
from gateway.store.database import Raw
from gateway.store.provider_tables import ATTEMPTS, EVIDENCE, EXCEPTIONS, NOTIFICATIONS
from tests.conftest import client_of, open_runtime
from tests.store.begun import begun, put_rail
from tests.world import World

_numbers = itertools.count(1)
Result = TypeVar("Result")

# What a service of revision 0001 has written: a bill paid, one reversed, one half paid, one open.
STOOD = """
INSERT INTO ledger_accounts (code, kind) VALUES ('payable:evnspc-camau', 'payable'),
    ('receivable:bank', 'receivable');
INSERT INTO billers (code, payable_account) VALUES ('evnspc-camau', 1);
INSERT INTO partners (code, name, receivable_account) VALUES ('bank', 'Bank', 2);
INSERT INTO bills (biller_id, id, customer_code, period, net_dong, vat_dong, amount_dong, issued_on,
    due_on, paid_dong, status, claimed_by, event_sequence)
SELECT 1, 'OLD-' || n, 'PB14010000001', '2026-10-01', 150000, 0, 150000, '2026-11-02', '2026-11-09',
    paid, CASE WHEN paid = 150000 THEN 'paid' ELSE 'open' END, payment::uuid, sequence
FROM (VALUES (1, 150000, '01936b2e-0000-7000-8000-000000000001', 1),
             (2, 0, NULL, 2),
             (3, 50000, '01936b2e-0000-7000-8000-000000000003', 1),
             (4, 0, NULL, 0)) v (n, paid, payment, sequence);
INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel, customer_code,
    amount_dong, bill_count, claimed_count, status, business_date, created_at, reversed_at)
SELECT 1, ('01936b2e-0000-7000-8000-00000000000' || n)::uuid, 1, 'R-' || n, 'collected', 'qr',
    'PB14010000001', amount, 1, 1, 'succeeded', '2026-11-24', now(),
    CASE WHEN n = 2 THEN now() END
FROM (VALUES (1, 150000), (2, 150000), (3, 50000)) v (n, amount);
INSERT INTO payment_bills (biller_id, payment_id, bill_id, period, amount_dong, sequence,
    reversal_sequence)
SELECT 1, id, 'OLD-' || right(id::text, 1), '2026-10-01', amount_dong, 1,
    CASE WHEN reversed_at IS NOT NULL THEN 2 END
FROM payments;
INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
    created_at)
SELECT 1, overlay(id::text PLACING left(uuid7_floor(now())::text, 13) FROM 1)::uuid, 'payment',
    2, 1, amount_dong, now() FROM payments;
INSERT INTO idempotency_keys (partner_id, operation, key, month, fingerprint, field_digests,
    status_code, body, resource_id, created_at)
SELECT 1, 'create_payment', 'key-' || id, date_trunc('month', now()), '', '', 201, '{}', id, now()
FROM payments;
"""
KEPT = ("bills", "payments", "payment_bills", "transfers", "idempotency_keys", "ledger_accounts")
ADDED = {"claim", "provider", "expires_at", "settled_at", "cancel_asked_at", "failure", "refund"}


@pytest.fixture
def url(postgres: EmbeddedPostgres, worker_id: str) -> Iterator[str]:
    """A database of this test's own, at revision 0001, with what stood there."""
    name = f"upgraded_{worker_id}_{next(_numbers)}"
    made = postgres.create_database(name)
    schema.migrate(made, "0001")
    run(made, lambda connection: connection.execute(STOOD))
    yield made
    postgres.drop_database(name)


def run(url: str, act: Callable[[Any], Coroutine[Any, Any, Result]]) -> Result:
    """Do something on a connection of the owner's."""

    async def acting() -> Result:
        connection = await asyncpg.connect(url)
        try:
            return await act(connection)
        finally:
            await connection.close()

    return asyncio.run(acting())


def kept(url: str) -> dict[str, list[dict[str, object]]]:
    """Read all that stood, without the columns that were added."""

    async def reading(connection: Any) -> dict[str, list[dict[str, object]]]:
        found = {}
        for table in KEPT:
            rows = [dict(row) for row in await connection.fetch(f"SELECT * FROM {table}")]
            assert all(row.get(name) is None for row in rows for name in ADDED)
            bare = [{k: v for k, v in row.items() if k not in ADDED} for row in rows]
            found[table] = sorted(bare, key=str)
        return found

    return run(url, reading)


def test_what_stood_is_as_it_was_up_down_and_up_again(url: str) -> None:
    stood = kept(url)
    assert [len(stood[table]) for table in KEPT] == [4, 3, 3, 3, 3, 2]
    for revision in ("head", "0001", "head"):
        schema.migrate(url, revision) if revision == "head" else down(url, revision)
        assert kept(url) == stood
    schema.check(url)


def down(url: str, revision: str) -> None:
    """Go back to a revision, one step after the other."""
    while run(url, lambda c: c.fetchval("SELECT version_num FROM alembic_version")) != revision:
        schema.migrate(url, "-1")


def test_a_partition_that_stood_takes_late_money_and_one_made_since_does_too(url: str) -> None:
    schema.migrate(url)
    insert = """
        INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
            created_at)
        SELECT 1, overlay(gen_random_uuid()::text
                          PLACING left(uuid7_floor(now() + $2::interval)::text, 13) FROM 1)::uuid,
            $1, 2, 1, 1, now()"""

    async def paying(connection: Any) -> None:
        await connection.execute("SELECT make_partitions(current_date, 6, 9)")
        for months in (0, 1, 5):
            for kind in ("payment", "reversal", "late_payment"):
                await connection.execute(insert, kind, timedelta(30 * months))
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(insert, "gift", timedelta(0))

    run(url, paying)


def in_a_service(url: str, act: Callable[[World, Raw], Coroutine[Any, Any, None]]) -> None:
    """Do something as a service on this database."""

    async def acting() -> None:
        rt = open_runtime(url, Clock())
        await rt.start()
        try:
            world = await World.make(rt)
            async with database.borrow(rt.pool) as connection:
                await put_rail(connection)
                await act(world, connection)
        finally:
            await rt.stop()

    asyncio.run(acting())


def test_payments_of_both_kinds_are_made_after_the_upgrade(url: str) -> None:
    schema.migrate(url)

    async def paying(world: World, connection: Raw) -> None:
        async with client_of(world.rt) as api:
            assert (await world.pay(api, await world.add_bill())).status_code == 201
            assert (await world.pay(api, "OLD-4")).status_code == 201
            assert (await world.pay(api, "OLD-1")).json()["code"] == "bill_already_paid"
        row = await begun(connection, world, "OLD-2")
        assert await settlement.claim(connection, 1, row.payment_id, "soft") == 1

    in_a_service(url, paying)


@pytest.mark.parametrize("what", ["open", "late"])
def test_going_back_is_refused_while_a_payment_at_a_provider_would_be_lost(
    url: str, what: str
) -> None:
    schema.migrate(url)

    async def beginning(world: World, connection: Raw) -> None:
        row = await begun(connection, world, state="failed")
        if what == "late":
            await connection.execute(
                "INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account,"
                " amount_dong, created_at) VALUES (1, $1, 'late_payment', 2, 1, 1, now())",
                row.id,
            )

    in_a_service(url, beginning)
    with pytest.raises(Exception, match="violate"):
        down(url, "0001")
    assert run(url, lambda c: c.fetchval("SELECT count(*) FROM attempts")) == 1


def test_the_unique_keys_and_partial_indexes_that_rules_rest_on_are_there() -> None:
    tables = (ATTEMPTS, EVIDENCE, EXCEPTIONS, NOTIFICATIONS)
    names = {str(index.name) for table in tables for index in table.indexes}
    names |= {str(rule.name) for table in tables for rule in table.constraints}
    assert names >= {
        "attempts_live",
        "attempts_due",
        "attempts_reference_key",
        "attempts_number_key",
        "evidence_attempt",
        "exceptions_attempt_key",
        "exceptions_open",
        "notifications_key",
    }
    live = next(index for index in ATTEMPTS.indexes if index.name == "attempts_live")
    assert live.unique
    assert "conflicted" not in str(live.dialect_options["postgresql"]["where"])
