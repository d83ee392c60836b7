"""The migration of credits: what was late before becomes a line; money has an origin."""

import asyncio
import itertools
from collections.abc import Iterator

import asyncpg
import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.store import schema
from gateway.store.credit_tables import CREDITS, REFUND_INSTRUCTIONS, SUSPENSE_LINES
from gateway.store.tables import METADATA

_numbers = itertools.count(1)

# A payment that failed though a provider took its money, as revision 0003 has it.
LATE = """
INSERT INTO ledger_accounts (code, kind) VALUES ('payable:evnspc-camau', 'payable'),
    ('receivable:bank', 'receivable'), ('suspense:payer', 'suspense');
INSERT INTO billers (code, payable_account) VALUES ('evnspc-camau', 1);
INSERT INTO partners (code, name, receivable_account) VALUES ('bank', 'Bank', 2);
INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel, customer_code,
    amount_dong, bill_count, claimed_count, status, business_date, created_at, refund)
VALUES (1, uuid7_floor(now()), 1, 'R-1', 'provider', 'qr', 'PB14010000001', 150000, 1, 1,
    'failed', current_date, now(), 'due');
INSERT INTO attempts (biller_id, id, payment_id, number, provider, reference, text, amount_dong,
    return_url, notify_url, payer_ip, locale, visibility_s, state, created_at, expires_at)
SELECT 1, id, id, 1, 'momo', 'att_1', '', 150000, '', '', '', 'vi', 60, 'succeeded', now(), now()
FROM payments;
INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
    created_at)
SELECT 1, id, 'late_payment', 2, 3, 150000, now() FROM payments;
"""


@pytest.fixture
def scratch(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database of its own."""
    name = f"credits_{next(_numbers)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


def run(url: str, sql: str) -> list[asyncpg.Record]:
    """Ask as the owner."""

    async def running() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            if "\n" in sql:
                await connection.execute(sql)
                return []
            return await connection.fetch(sql)
        finally:
            await connection.close()

    return asyncio.run(running())


def test_the_tables_stand_where_alembic_looks() -> None:
    for table in (CREDITS, SUSPENSE_LINES, REFUND_INSTRUCTIONS):
        assert METADATA.tables[table.name] is table


def test_money_that_was_late_before_becomes_a_line_with_its_refund(scratch: str) -> None:
    schema.migrate(scratch, "0003")
    run(scratch, LATE)
    schema.migrate(scratch)
    lines = run(scratch, "SELECT reason, amount_dong, owner, customer_code FROM suspense_lines")
    assert [tuple(line) for line in lines] == [("late", 150_000, "accounting", "PB14010000001")]
    refunds = run(scratch, "SELECT goes_to, provider, reference, state FROM refund_instructions")
    assert [tuple(refund) for refund in refunds] == [("provider", "momo", "att_1", "due")]


@pytest.mark.parametrize(
    ("amount", "reason", "broken"),
    [(5, "late", "origin"), (0, "late", "amount"), (5, "lost", "reason")],
)
async def test_no_money_stands_in_suspense_without_saying_where_it_came_from(
    database: str, amount: int, reason: str, broken: str
) -> None:
    connection = await asyncpg.connect(database)
    attempt = "NULL" if broken == "origin" else "gen_random_uuid()"
    try:
        with pytest.raises(asyncpg.CheckViolationError, match=f"suspense_lines_{broken}_check"):
            await connection.execute(
                "INSERT INTO suspense_lines (id, biller_id, attempt_id, payment_id, partner_id,"
                " amount_dong, reason, owner, next_action, due_on, opened_at) VALUES"
                f" (gen_random_uuid(), 1, {attempt}, {attempt}, 1, $1, $2, 'o', 'n',"
                " '2026-11-24', now())",
                amount,
                reason,
            )
    finally:
        await connection.close()
