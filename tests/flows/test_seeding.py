from datetime import date

import pytest

from gateway.flows.seeding import SeedReport, seed
from gateway.run import pilot_data
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
    async with database.borrow(rt.engine) as connection:
        balances = await ledger.balances(connection)
    assert sum(balances.values()) == 0
    assert -balances["payable:evnspc-camau"] == sum(paid[3] for paid in PILOT.history())


async def test_the_past_is_not_told_again(seeded: tuple[World, SeedReport]) -> None:
    world, _ = seeded
    for table in ("events", "deliveries", "idempotency_keys"):
        assert await world.count(table) == 0


async def test_seeding_again_changes_nothing(rt: Runtime, seeded: tuple[World, SeedReport]) -> None:
    world, _ = seeded
    again = await seed(rt, pilot_data(PILOT), actor="test")
    assert (again.customers, again.bills, again.payments) == (0, 0, 0)
    assert await world.count("bills") == 600
