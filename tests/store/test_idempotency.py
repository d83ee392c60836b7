"""Keys and the answers kept under them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.runtime import Runtime
from gateway.store import database
from gateway.store.idempotency import (
    KEPT_DAYS,
    STORED,
    KeyName,
    Refused,
    Stored,
    months_kept,
    refuse,
    stored,
)
from tests.orders import a_row, another_process, collect
from tests.world import World

NAME = KeyName(1, "create_payment", "key-of-a-refusal-1")
REFUSED = Refused(NAME, b"f" * 32, b"d" * 8, 409, '{"code":"đã trả"}', datetime.now(UTC))
SAME = Stored(REFUSED.fingerprint, REFUSED.field_digests, 409, REFUSED.body, None)


@pytest.fixture
async def lane(rt: Runtime) -> AsyncIterator[database.Lane]:
    lane = database.Lane(rt.pool, STORED)
    yield lane
    lane.close()


async def keep(rt: Runtime, refused: Refused) -> bool:
    async with database.borrow(rt.pool) as connection:
        return await refuse(connection, refused, rt._months())


@pytest.mark.parametrize(
    "other",
    [
        NAME._replace(partner_id=2),
        NAME._replace(operation="create_reversal"),
        NAME._replace(key="KEY-of-a-refusal-1"),
        NAME._replace(key="key-of-a-refusal-1 "),
    ],
    ids=["partner", "operation", "case", "blank"],
)
async def test_another_name_finds_nothing(other: KeyName, rt: Runtime, lane: database.Lane) -> None:
    await keep(rt, REFUSED)
    assert await stored(lane, [other], rt._months()) == [None]


async def test_a_key_of_a_month_that_no_longer_counts_finds_nothing(
    rt: Runtime, lane: database.Lane
) -> None:
    await keep(rt, REFUSED)
    assert await stored(lane, [NAME], [date(2020, 1, 1)]) == [None]


async def test_what_is_kept_under_a_key_is_never_replaced(rt: Runtime, lane: database.Lane) -> None:
    assert await keep(rt, REFUSED)
    assert not await keep(rt, replace(REFUSED, body="another", status_code=404))
    assert await stored(lane, [NAME], rt._months()) == [SAME]


async def test_a_refusal_that_comes_after_a_payment_is_not_kept(
    world: World, lane: database.Lane
) -> None:
    row = a_row(world.rt, await world.add_bill(), key=NAME.key)
    name = NAME._replace(partner_id=row.partner_id)
    paid = await world.rt.payments.ride(row)
    assert not await keep(world.rt, replace(REFUSED, name=name))
    [found] = await stored(lane, [name], world.rt._months())
    assert found is not None
    assert paid is not None
    assert (found.status_code, found.body, found.resource_id) == (201, paid.body, row.payment_id)


async def test_a_payment_that_comes_after_a_refusal_is_not_made(world: World) -> None:
    row = a_row(world.rt, await world.add_bill(), key=NAME.key)
    assert await keep(world.rt, replace(REFUSED, name=NAME._replace(partner_id=row.partner_id)))
    assert await world.rt.payments.ride(row) is None
    assert await world.count("payments") == 0


async def test_a_refusal_kept_last_month_still_counts(rt: Runtime, lane: database.Lane) -> None:
    async with database.borrow(rt.pool) as connection:
        this, last, _ = rt._months()
        await connection.execute("SET ROLE NONE")
        undone = connection.transaction()
        await undone.start()
        await connection.execute("SELECT make_partitions($1::date, 0, 0)", last)
        assert await refuse(connection, REFUSED, [last])
        assert not await refuse(connection, REFUSED, [this, last])
        await undone.rollback()
        await connection.execute(f"SET ROLE {database.SERVICE_ROLE}")


async def test_of_many_that_refuse_at_once_one_is_kept(rt: Runtime, database: str) -> None:
    async with another_process(database) as other:
        kept = await asyncio.gather(
            *(keep((rt, other)[n % 2], replace(REFUSED, body=f"{n}")) for n in range(20))
        )
    assert sum(kept) == 1


async def test_many_keys_are_read_at_once_each_in_its_place(
    rt: Runtime, lane: database.Lane
) -> None:
    names = [NAME._replace(key=f"key-of-many-{n:06d}") for n in range(32)]
    for n in range(0, 32, 3):
        await keep(rt, replace(REFUSED, name=names[n], body=f"{n}"))
    found = await stored(lane, [*names, names[0]], rt._months())
    assert [one.body if one else None for one in found] == [
        f"{n}" if n % 3 == 0 else None for n in [*range(32), 0]
    ]


async def test_a_replayed_payment_gives_the_bytes_that_were_stored(
    world: World, lane: database.Lane
) -> None:
    answer = await collect(world.rt, await world.add_bill(), key="key-of-the-bytes-1")
    [row] = await world.rows("SELECT partner_id FROM payments")
    name = KeyName(row["partner_id"], "create_payment", "key-of-the-bytes-1")
    [found] = await stored(lane, [name], world.rt._months())
    assert found is not None
    assert found.body == answer.body


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.integers(0, KEPT_DAYS))
def test_every_day_of_the_time_that_keys_are_kept_lies_in_a_month_that_counts(
    today: date, days_ago: int
) -> None:
    then = today - timedelta(days=days_ago)
    assert then.replace(day=1) in months_kept(today)


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)))
def test_the_month_of_today_comes_first(today: date) -> None:
    months = months_kept(today)
    assert months[0] == today.replace(day=1)
    assert months == sorted(set(months), reverse=True)
