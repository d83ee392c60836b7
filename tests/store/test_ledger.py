"""The ledger, the events and the audit trail can only grow, and the books balance."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from gateway.store import database, ledger
from tests.orders import assert_books_agree, collect, id_in, reverse
from tests.world import BILLER, World

CHANGES = {
    ("transfers", "update"): "UPDATE {} SET amount_dong = 1",
    ("transfers", "delete"): "DELETE FROM {}",
    ("transfers", "truncate"): "TRUNCATE {}",
    ("events", "update"): "UPDATE {} SET body = '{{}}'",
    ("events", "delete"): "DELETE FROM {}",
    ("events", "truncate"): "TRUNCATE {}",
    ("audit_log", "update"): "UPDATE {} SET actor = 'nobody'",
    ("audit_log", "delete"): "DELETE FROM {}",
    ("audit_log", "truncate"): "TRUNCATE {}",
}
cases = pytest.mark.parametrize(
    ("table", "change"),
    [(table, sql) for (table, _), sql in CHANGES.items()],
    ids=["-".join(case) for case in CHANGES],
)
on_partitions = pytest.mark.parametrize(
    ("table", "change"),
    [(table, sql) for (table, _), sql in CHANGES.items() if table != "audit_log"],
    ids=["-".join(case) for case in CHANGES if case[0] != "audit_log"],
)


@pytest.fixture
async def paid(world: World) -> UUID:
    """A payment, so that every table holds a row."""
    return id_in(await collect(world.rt, await world.add_bill()))


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[database.Raw]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def partition_of(world: World, table: str) -> str:
    [row] = await world.rows(f"SELECT DISTINCT tableoid::regclass::text AS name FROM {table}")
    assert row["name"].startswith(f"{table}_p")
    return str(row["name"])


@cases
async def test_the_service_has_no_grant_to_change_what_is_kept(
    table: str, change: str, world: World, paid: UUID
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await world.rows(change.format(table))


@on_partitions
async def test_the_service_has_no_grant_on_a_partition_either(
    table: str, change: str, world: World, paid: UUID
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await world.rows(change.format(await partition_of(world, table)))


@cases
async def test_a_trigger_keeps_even_the_owner_from_changing_it(
    table: str, change: str, paid: UUID, owner: database.Raw
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="is insert-only"):
        await owner.execute(change.format(table))


@on_partitions
async def test_a_trigger_keeps_even_the_owner_from_changing_a_partition(
    table: str, change: str, world: World, paid: UUID, owner: database.Raw
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="is insert-only"):
        await owner.execute(change.format(await partition_of(world, table)))


INSERT = """
INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
    created_at)
SELECT biller_id, source, $1, $2, $3, $4, now() FROM transfers
"""


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        (("reversal", 1, 2, 0), "transfers_amount_check"),
        (("reversal", 1, 2, -1), "transfers_amount_check"),
        (("reversal", 1, 1, 1), "transfers_accounts_check"),
        (("refund", 1, 2, 1), "transfers_kind_check"),
        (("payment", 1, 2, 1), "transfers_.*pkey"),
    ],
    ids=["nothing", "negative", "to-itself", "unknown-kind", "twice"],
)
async def test_a_transfer_that_is_none_is_refused(
    values: tuple[object, ...], constraint: str, world: World, paid: UUID
) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=constraint):
        await world.rows(INSERT, *values)


async def test_the_books_sum_to_zero_after_every_move(world: World) -> None:
    for amount in (150_000, 1, 999_999_999):
        bill_id = await world.add_bill(amount_dong=amount)
        payment_id = id_in(await collect(world.rt, bill_id, amount_dong=amount))
        if amount == 1:
            await reverse(world.rt, payment_id)
        async with database.borrow(world.rt.pool) as connection:
            balances = await ledger.balances(connection)
        assert sum(balances.values()) == 0
    assert balances["receivable:bank"] == 1_000_149_999
    assert balances[f"payable:{BILLER}"] == -balances["receivable:bank"]
    assert balances["receivable:wallet"] == 0
    await assert_books_agree(world)


async def test_the_moves_of_a_payment_are_read_in_their_order(world: World, paid: UUID) -> None:
    await reverse(world.rt, paid)
    async with database.borrow(world.rt.pool) as connection:
        moved = await ledger.of_source(connection, [1], paid)
    assert [(t.kind, t.debit, t.credit, t.amount_dong) for t in moved] == [
        ("payment", "receivable:bank", f"payable:{BILLER}", 150_000),
        ("reversal", f"payable:{BILLER}", "receivable:bank", 150_000),
    ]


async def test_another_billers_moves_are_not_read(world: World, paid: UUID) -> None:
    async with database.borrow(world.rt.pool) as connection:
        assert await ledger.of_source(connection, [2], paid) == []
