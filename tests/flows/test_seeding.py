import asyncio
from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.errors import InvariantBroken
from gateway.flows.seeding import SeedReport, seed
from gateway.house import pilot_data
from gateway.runtime import Runtime
from gateway.sandbox.pilot import Pilot
from gateway.store import database, ledger
from tests.world import World

PILOT = Pilot(customers=120, months=5, today=date(2026, 11, 24))


@pytest.fixture
async def seeded(rt: Runtime) -> tuple[World, SeedReport]:
    return World(rt), await seed(rt, pilot_data(PILOT), actor="test")


async def test_everything_of_the_pilot_is_written(seeded: tuple[World, SeedReport]) -> None:
    world, report = seeded
    history = sum(1 for _ in PILOT.history())
    assert (report.customers, report.bills, report.payments) == (120, 600, history)
    assert await world.count("customers") == 120
    assert await world.count("bills") == 600
    assert await world.count("areas") == 23
    for table in ("payments", "payment_bills", "transfers"):
        assert await world.count(table) == history


async def test_a_bill_is_paid_exactly_when_its_payment_is_there(
    seeded: tuple[World, SeedReport],
) -> None:
    world, report = seeded
    held = await world.rows(
        "SELECT b.id FROM bills b JOIN payments p ON p.id = b.claimed_by "
        "WHERE b.status = 'paid' AND b.paid_dong = p.amount_dong"
    )
    assert len(held) == report.payments
    assert await world.count("bills WHERE status = 'open'") == 600 - report.payments


async def test_the_books_balance_and_the_biller_is_owed_what_was_paid(
    rt: Runtime, seeded: tuple[World, SeedReport]
) -> None:
    async with database.borrow(rt.pool) as connection:
        balances = await ledger.balances(connection)
    assert sum(balances.values()) == 0
    assert -balances["payable:evnspc-camau"] == sum(paid[3] for paid in PILOT.history())


async def test_the_past_is_not_told_again(seeded: tuple[World, SeedReport]) -> None:
    world, _ = seeded
    for table in ("events", "deliveries", "idempotency_keys"):
        assert await world.count(table) == 0


async def everything(world: World) -> dict[str, int]:
    tables = await world.rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace"
    )
    counted = {row["relname"]: await world.count(row["relname"]) for row in tables}
    assert counted["audit_log"] > 0
    versions = await world.rows("SELECT version FROM directory_version")
    return counted | {"directory": versions[0]["version"]}


async def test_seeding_again_changes_nothing(rt: Runtime, seeded: tuple[World, SeedReport]) -> None:
    world, _ = seeded
    before = await everything(world)
    again = await seed(rt, pilot_data(PILOT), actor="test")
    assert (again.customers, again.bills, again.payments) == (0, 0, 0)
    assert await everything(world) == before


async def test_two_seedings_at_once_write_everything_once(rt: Runtime) -> None:
    world = World(rt)
    reports = await asyncio.gather(
        seed(rt, pilot_data(PILOT), actor="test"), seed(rt, pilot_data(PILOT), actor="test")
    )
    assert sorted(report.bills for report in reports) == [0, 600]
    assert await world.count("bills") == 600


async def test_a_past_payment_is_named_after_its_moment_and_its_bill(
    seeded: tuple[World, SeedReport],
) -> None:
    world, report = seeded
    fitting = await world.count(
        "payments p JOIN payment_bills l ON l.payment_id = p.id JOIN transfers t ON t.source = p.id"
        " JOIN bills b ON b.id = l.bill_id"
        " WHERE p.id >= uuid7_floor(p.created_at)"
        " AND p.id < uuid7_floor(p.created_at + interval '1 ms')"
        " AND p.partner_reference = 'HIST-' || b.id AND t.created_at = p.created_at"
        " AND p.business_date = (p.created_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date"
        " AND l.sequence = 0 AND b.event_sequence = 0 AND b.customer_code = p.customer_code"
    )
    assert fitting == report.payments


@pytest.mark.parametrize("flaw", ["too few bills", "a tab in an id"])
async def test_data_that_cannot_be_told_apart_stops_the_seeding_whole(
    rt: Runtime, flaw: str
) -> None:
    world = World(rt)
    data = pilot_data(PILOT)
    bills = list(data.bills)
    if flaw == "too few bills":
        broken = replace(data, bills=bills[:10])
    else:
        broken = replace(data, bills=[*bills[:-1], (f"{bills[-1][0]}\t", *bills[-1][1:])])
    with pytest.raises(InvariantBroken):
        await seed(rt, broken, actor="test")
    for table in ("customers", "bills", "payments", "transfers"):
        assert await world.count(table) == 0


async def test_the_planner_knows_what_was_seeded(seeded: tuple[World, SeedReport]) -> None:
    world, _ = seeded
    known = await world.rows("SELECT reltuples FROM pg_class WHERE relname = 'bills'")
    assert known[0]["reltuples"] == 600
