"""Pilots as they are stored: read as they were put, and refused by the database itself."""

from dataclasses import replace
from datetime import date

import asyncpg
import pytest

from gateway.domain.pilot import Milestone, Pilot
from gateway.store import database, pilots
from tests.world import World

PILOT = Pilot(
    code="wards",
    name="Phường 2 và 5",
    areas=("32011", "32008"),
    comparison_areas=("32017",),
    baseline_from=date(2026, 1, 1),
    baseline_to=date(2026, 3, 1),
    starts_on=date(2026, 4, 1),
    ends_on=date(2026, 12, 31),
    target_percent=200,
    milestones=(Milestone(date(2026, 6, 1), 150, "Cơ quan", "Agencies"),),
)


async def test_a_pilot_is_read_as_it_was_put_and_put_again(world: World) -> None:
    async with database.borrow(world.rt.pool) as connection:
        await pilots.put(connection, 1, PILOT)
        assert await pilots.one(connection, 1, "wards") == PILOT
        later = replace(PILOT, target_percent=150, milestones=())
        await pilots.put(connection, 1, later)
        assert await pilots.every(connection, 1) == [later]
        assert await pilots.one(connection, 2, "wards") is None


async def test_the_newest_pilot_is_found_and_one_by_its_code(world: World) -> None:
    async with database.borrow(world.rt.pool) as connection:
        assert await pilots.newest(connection, None) is None
        await pilots.put(connection, 1, replace(PILOT, code="second", starts_on=date(2026, 5, 1)))
        await pilots.put(connection, 1, PILOT)
        assert await pilots.newest(connection, None) == (1, "second")
        assert await pilots.newest(connection, "wards") == (1, "wards")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE pilots SET areas = '{}'",
        "UPDATE pilots SET comparison_areas = areas",
        "UPDATE pilots SET ends_on = starts_on",
        "UPDATE pilots SET target_percent = 100",
    ],
)
async def test_the_database_itself_refuses_what_cannot_be_a_pilot(world: World, sql: str) -> None:
    async with database.borrow(world.rt.pool) as connection:
        await pilots.put(connection, 1, PILOT)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(sql)
