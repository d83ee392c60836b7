"""Migrations: the code and the database agree, forward, back, and twice at once."""

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from gateway.embedded import EmbeddedPostgres
from gateway.store import schema, tables, upkeep
from gateway.store.revision import CURRENT, HEAD

_numbers = itertools.count(1)

# Everything in the schema `public` that a migration can leave behind.
LEFT = """
SELECT 'relation ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
GRANTED = """
SELECT table_name, array_agg(privilege_type::text ORDER BY privilege_type) AS may
FROM information_schema.role_table_grants WHERE grantee = 'gateway_service' GROUP BY table_name
"""
COVERED_DAY = upkeep.COVERED.replace("$1::date", "(now() AT TIME ZONE 'UTC')::date + n")
OF_COLUMNS = """
SELECT table_name || '.' || column_name AS may_change
FROM information_schema.role_column_grants
WHERE grantee = 'gateway_service' AND privilege_type = 'UPDATE'
  AND table_name = ANY ('{idempotency_keys,events,transfers,audit_log,ledger_accounts,evidence,\
exchanges,notifications,quarantine}') ORDER BY 1
"""
EVIDENCE = """
INSERT INTO evidence (biller_id, attempt_id, rank, source, outcome, code, facts, rule, state_before,
    state_after, at)
VALUES (1, gen_random_uuid(), 4, 'query', 'succeeded', '0', '{}', 'a rule', 'waiting', 'succeeded',
    now())
"""
EXCHANGE = """
INSERT INTO exchanges (id, biller_id, attempt_id, operation, method, url, request, request_sha256,
    fate, reason, started_at, took_ms)
VALUES (gen_random_uuid(), 1, gen_random_uuid(), 'query', 'POST', 'http://p', '', '', 'answered',
    '', now(), 1)
"""
ADDED_TO_ONLY = {"transfers", "events", "audit_log", "idempotency_keys", "ledger_accounts"} | {
    *("evidence", "exchanges", "notifications", "checkouts")
}
FORGOTTEN = {"deliveries", "quarantine", "recovery_codes", "sessions", "sign_in_tries"} | {
    *("adoption_touched", "adoption_monthly", "agency_monthly", "agency_members"),
    "rate_limits",
}
"""What is of no use to anybody once it is over, or can be counted again."""
CHANGED = {"providers", "provider_switches", "attempts", "exceptions"}


@pytest.fixture
def scratch(postgres: EmbeddedPostgres, worker_id: str) -> Iterator[str]:
    """An empty database of this test's own."""
    name = f"scratch_{worker_id}_{next(_numbers)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


def ask(url: str, sql: str) -> list[asyncpg.Record]:
    async def asking() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()

    return asyncio.run(asking())


def everything(url: str) -> set[str]:
    return {row[0] for row in ask(url, LEFT)}


def test_the_code_needs_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_dir()).replace("%", "%%"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_tables_in_the_code_are_those_of_the_migrations(database_url: str) -> None:
    schema.check(database_url)


def test_a_difference_between_code_and_database_is_noticed(scratch: str) -> None:
    schema.migrate(scratch)
    ask(scratch, "ALTER TABLE bills ADD COLUMN surcharge_dong bigint")
    with pytest.raises(CommandError, match="surcharge_dong"):
        schema.check(scratch)


def test_down_leaves_nothing_and_up_again_makes_the_same(scratch: str) -> None:
    schema.migrate(scratch)
    made = everything(scratch)
    schema.migrate(scratch, "base")
    assert everything(scratch) == {"relation alembic_version", "relation alembic_version_pkc"}
    assert ask(scratch, CURRENT) == []
    schema.migrate(scratch)
    assert everything(scratch) == made
    assert ask(scratch, CURRENT)[0][0] == HEAD


def test_migrating_again_changes_nothing(scratch: str) -> None:
    schema.migrate(scratch)
    made = everything(scratch)
    schema.migrate(scratch)
    assert everything(scratch) == made


def test_four_migrations_at_once_end_with_one_schema(scratch: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(schema.migrate, scratch) for _ in range(4)]:
            done.result()
    assert ask(scratch, CURRENT)[0][0] == HEAD
    schema.check(scratch)


def test_a_failed_migration_leaves_the_database_as_it_was(scratch: str) -> None:
    ask(scratch, "CREATE TABLE bills (mine integer)")
    with pytest.raises(Exception, match="bills"):
        schema.migrate(scratch)
    assert "relation payments" not in everything(scratch)
    assert "function refuse_change" not in everything(scratch)


def test_a_fresh_database_takes_todays_and_tomorrows_rows(scratch: str) -> None:
    schema.migrate(scratch)
    found = ask(scratch, f"SELECT ({COVERED_DAY}) AS is_covered FROM generate_series(-1, 8) n")
    assert [row["is_covered"] for row in found] == [True] * 10


def test_the_service_may_read_all_and_change_only_what_may_change(database_url: str) -> None:
    may = {row["table_name"]: set(row["may"]) for row in ask(database_url, GRANTED)}
    for table in ADDED_TO_ONLY:
        assert may[table] == {"SELECT", "INSERT"}, table
    for table in CHANGED:
        assert may[table] == {"SELECT", "INSERT", "UPDATE"}, table
    for table in set(may) - ADDED_TO_ONLY:
        assert "TRUNCATE" not in may[table], table
    assert may["quarantine"] == {"SELECT", "INSERT", "DELETE"}
    assert {table for table in may if "DELETE" in may[table]} == FORGOTTEN


def test_of_what_is_added_to_only_nothing_but_a_promised_answer_may_change(
    database_url: str,
) -> None:
    found = [row["may_change"] for row in ask(database_url, OF_COLUMNS)]
    assert found == ["idempotency_keys.body", "idempotency_keys.status_code"]


def test_every_row_that_stands_has_passed_every_check(database_url: str) -> None:
    assert ask(database_url, "SELECT conname FROM pg_constraint WHERE NOT convalidated") == []


def test_not_even_the_owner_changes_what_a_proof_rests_on(scratch: str) -> None:
    schema.migrate(scratch)
    ask(scratch, EVIDENCE)
    ask(scratch, EXCHANGE)
    for table in ("evidence", "exchanges"):
        for change in ("UPDATE {} SET biller_id = 2", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="insert-only"):
                ask(scratch, change.format(table))


def is_compared(name: str | None, kind: str) -> bool:
    return bool(schema.include_object(tables.BILLS, name, kind, True, None))  # noqa: FBT003 (Alembic's signature)


@pytest.mark.parametrize(
    ("name", "is_partition"),
    [
        ("events_p2026_11_24", True),
        ("transfers_p2026_11", True),
        ("events", False),
        ("payments_p", False),
        ("webhook_endpoints", False),
        (None, False),
    ],
)
def test_only_partitions_are_left_out_of_the_comparison(
    name: str | None,
    is_partition: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    assert is_compared(name, "table") is not is_partition


def test_an_index_named_like_a_partition_is_compared() -> None:
    assert is_compared("events_p2026_11_24", "index")


def test_the_migrations_are_found_in_the_checkout() -> None:
    assert (schema.migrations_dir() / "env.py").is_file()
