"""Credits as facts: once under the sender's key, once under the bank's number, never changed."""

from dataclasses import replace
from datetime import UTC, date, datetime

import asyncpg
import pytest

from gateway.runtime import Runtime
from gateway.store import credits as store
from gateway.store import database
from gateway.store.credits import CreditRow
from tests.world import World

AT = datetime(2026, 11, 24, 3, tzinfo=UTC)


def a_credit(rt: Runtime, **changes: object) -> CreditRow:
    """Give a movement of 150,000 đồng."""
    row = CreditRow(
        id=rt.new_id(),
        biller_id=1,
        provider="telling",
        key="k1",
        account="0501",
        virtual_account=None,
        bank_reference="FT1",
        amount_dong=150_000,
        booked_at=AT,
        booked_on=date(2026, 11, 24),
        text="PB14010000001",
        order_code=None,
        body=b"{}",
        received_at=AT,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "is_new"),
    [
        ({}, False),
        ({"key": "k2"}, False),
        ({"key": "k2", "provider": "second"}, False),
        ({"bank_reference": "FT2"}, False),
        ({"key": "k2", "bank_reference": "FT2"}, True),
        ({"key": "k2", "amount_dong": 150_001}, True),
        ({"key": "k2", "account": "0502"}, True),
        ({"key": "k2", "booked_on": date(2026, 11, 25)}, True),
        ({"key": "k2", "bank_reference": None}, True),
    ],
)
async def test_a_movement_is_recorded_once(
    rt: Runtime, changes: dict[str, object], *, is_new: bool
) -> None:
    async with database.borrow(rt.pool) as connection:
        assert await store.record(connection, a_credit(rt))
        assert await store.record(connection, a_credit(rt, **changes)) is is_new


@pytest.mark.parametrize("table", ["credits", "credit_uses"])
async def test_what_came_and_what_it_paid_is_never_changed(
    rt: Runtime, database_url: str, table: str
) -> None:
    row = a_credit(rt)
    async with database.borrow(rt.pool) as connection:
        await store.record(connection, row)
        await store.use(connection, rt.new_id(), "paid", [store.Use(row.id, 1)], AT)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE {table} SET amount_dong = 1")
    owner = await asyncpg.connect(database_url)
    try:
        for change in (f"UPDATE {table} SET amount_dong = 1", f"DELETE FROM {table}"):
            with pytest.raises(asyncpg.PostgresError, match="insert-only"):
                await owner.execute(change)
    finally:
        await owner.close()


async def test_an_account_is_its_latest_owners(rt: Runtime, world: World) -> None:
    async with database.borrow(rt.pool) as connection:
        await store.put_account(connection, "0501", 1, 1)
        await store.put_account(connection, "0501", 1, 2)
        found = await store.accounts(connection, ["0501", "9"])
    assert [(row.account, row.partner_id) for row in found.values()] == [("0501", 2)]
