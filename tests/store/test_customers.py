from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from gateway.store import customers, database
from gateway.store.customers import NewCustomer
from gateway.store.database import Raw
from tests.world import World

ONE = NewCustomer("PB14010000002", "Trần Thị Bé", "5 Lê Lợi, Phường 2", "32005", "household", None)


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        yield connection


async def test_a_segment_that_does_not_exist_is_refused(raw: Raw) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await customers.upsert(raw, 1, [replace(ONE, segment="royal")])


async def test_a_customer_of_no_biller_is_refused(raw: Raw) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await customers.upsert(raw, 99, [ONE])


async def test_the_same_customer_again_changes_nothing(raw: Raw) -> None:
    assert await customers.upsert(raw, 1, [ONE]) == 1
    before = await raw.fetch("SELECT * FROM customers ORDER BY code")
    assert await customers.upsert(raw, 1, [ONE]) == 0
    assert await raw.fetch("SELECT * FROM customers ORDER BY code") == before


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Trần Văn Bé"},
        {"address": "6 Lê Lợi, Phường 2"},
        {"area_code": "32008"},
        {"segment": "public_employee"},
        {"agency": "Sở Công Thương"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_each_new_fact_of_a_customer_is_kept(change: dict[str, str], raw: Raw) -> None:
    await customers.upsert(raw, 1, [ONE])
    assert await customers.upsert(raw, 1, [replace(ONE, **change)]) == 1
    kept = await raw.fetchrow("SELECT * FROM customers WHERE code = $1", ONE.code)
    assert kept is not None
    assert {name: kept[name] for name in change} == change


async def test_of_many_only_the_new_and_the_changed_are_counted(raw: Raw) -> None:
    many = [replace(ONE, code=f"PB1402{n:07d}") for n in range(100)]
    assert await customers.upsert(raw, 1, many) == 100
    many[7] = replace(many[7], name="Lê Văn Tám")
    assert await customers.upsert(raw, 1, [*many, ONE]) == 2
