"""Payments as they are read back."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import pytest

from gateway.domain.biller import Channel
from gateway.store import database, payments
from gateway.store.database import Raw
from gateway.store.payments import Filter
from gateway.testing.clock import FrozenClock
from tests.orders import a_row, collect, id_in, reverse
from tests.world import World, at_noon


@pytest.fixture
def clock() -> FrozenClock:
    return at_noon()


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        yield connection


@pytest.fixture
async def made(world: World, clock: FrozenClock) -> list[UUID]:
    """Five payments, a minute between two; those of the wallet are the second and the fourth."""
    ids = []
    for n in range(5):
        partner = ("bank", "wallet")[n % 2]
        ids.append(id_in(await collect(world.rt, await world.add_bill(), partner=partner)))
        clock.move(timedelta(minutes=1))
    return ids


async def listed(raw: Raw, **wanted: object) -> list[UUID]:
    whole = {"biller_id": 1, "partner_id": None} | wanted
    return [row.id for row in await payments.list_page(raw, Filter(**whole))]  # type: ignore[arg-type]


async def partner_id(raw: Raw, code: str) -> int:
    return int(await raw.fetchval("SELECT id FROM partners WHERE code = $1", code))


async def test_a_payment_of_another_biller_is_not_found(raw: Raw, made: list[UUID]) -> None:
    assert await payments.by_id(raw, made[0], [2]) is None
    assert await payments.by_id(raw, made[0], []) is None
    assert await payments.by_id(raw, UUID(int=0), [1]) is None


async def test_a_reference_is_found_by_its_own_partner_alone(world: World, raw: Raw) -> None:
    row = a_row(world.rt, await world.add_bill(), reference="R-1")
    await world.rt.payments.ride(row)
    assert await payments.by_reference(raw, row.partner_id, "R-1") == row.payment_id
    assert await payments.by_reference(raw, row.partner_id, "r-1") is None
    assert await payments.by_reference(raw, await partner_id(raw, "wallet"), "R-1") is None


async def test_a_payment_is_read_with_its_lines_in_the_order_of_their_ids(
    world: World, raw: Raw
) -> None:
    bills = [await world.add_bill(name) for name in ("HD-b", "HD-a", "HD-B")]
    payment_id = id_in(await collect(world.rt, *bills))
    row = await payments.by_id(raw, payment_id, [2, 1])
    assert row is not None
    assert [line.bill_id for line in row.lines] == ["HD-B", "HD-a", "HD-b"]
    assert (row.amount_dong, row.channel) == (450_000, Channel.MOBILE_BANKING)


async def test_a_reversed_payment_shows_the_sequence_of_its_reversal(
    world: World, raw: Raw
) -> None:
    payment_id = id_in(await collect(world.rt, await world.add_bill()))
    await reverse(world.rt, payment_id)
    row = await payments.by_id(raw, payment_id, [1])
    assert row is not None
    assert row.reversed_at is not None
    assert [line.sequence for line in row.lines] == [2]


async def test_a_list_shows_the_newest_first_page_by_page(raw: Raw, made: list[UUID]) -> None:
    assert await listed(raw, limit=2) == [made[4], made[3]]
    assert await listed(raw, limit=2, before=made[3]) == [made[2], made[1]]
    assert await listed(raw, limit=2, before=made[0]) == []


async def test_a_list_of_a_partner_holds_nobody_elses(raw: Raw, made: list[UUID]) -> None:
    wallet = await partner_id(raw, "wallet")
    assert await listed(raw, partner_id=wallet) == [made[3], made[1]]
    assert await listed(raw, biller_id=2) == []


async def test_a_list_is_filtered_by_each_of_its_fields(
    world: World, raw: Raw, made: list[UUID]
) -> None:
    await reverse(world.rt, made[2])
    [day] = {row["business_date"] for row in await raw.fetch("SELECT business_date FROM payments")}
    assert isinstance(day, date)
    nothing: list[UUID] = []
    newest_first = made[::-1]
    for wanted, found in (
        ({"is_reversed": True}, [made[2]]),
        ({"is_reversed": False}, [made[4], made[3], made[1], made[0]]),
        ({"channel": "qr"}, nothing),
        ({"channel": "mobile_banking"}, newest_first),
        ({"customer_code": "PB14010000001"}, newest_first),
        ({"customer_code": "PB14010000002"}, nothing),
        ({"from_date": day, "to_date": day}, newest_first),
        ({"from_date": day + timedelta(days=1)}, nothing),
        ({"to_date": day - timedelta(days=1)}, nothing),
    ):
        assert await listed(raw, **wanted) == found, wanted
