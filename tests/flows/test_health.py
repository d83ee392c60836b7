"""What health says, of each thing alone."""

from datetime import timedelta

import asyncpg
import pytest

from gateway.flows.health import OLDEST_DUE_MAX_S, Check, examine
from gateway.runtime import Runtime
from gateway.store.revision import HEAD
from tests.conftest import open_runtime
from tests.world import World, at_noon

DUE = """
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
VALUES (1, gen_random_uuid(), gen_random_uuid(), now() - make_interval(secs => $1))
"""

POSTING = """
INSERT INTO postings (biller_id, payment_id, source, customer_code, paid_at, since)
VALUES (1, gen_random_uuid(), 'a', 'PB', now(), now() - make_interval(secs => $1))
"""
EXCEPTION = """
INSERT INTO exceptions (id, biller_id, payment_id, attempt_id, kind, amount_dong, owner,
    next_action, due_on, opened_at)
VALUES (gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), 'posting_paid_by_other', 1,
    'accounting', '', now(), now())
"""


def unwell(checks: list[Check]) -> list[tuple[str, bool]]:
    return [(check.name, check.blocks) for check in checks if not check.is_well]


async def test_a_database_that_is_away_is_all_that_can_be_said() -> None:
    rt = open_runtime("postgresql://gateway@127.0.0.1:1/gateway", at_noon())
    [check] = await examine(rt)
    assert (check.name, check.is_well, check.blocks) == ("database", False, True)
    assert check.detail
    await rt.stop()


async def test_a_schema_of_another_revision_is_unwell(world: World, database: str) -> None:
    owner = await asyncpg.connect(database)
    await owner.execute("UPDATE alembic_version SET version_num = '0000'")
    try:
        checks = await examine(world.rt)
    finally:
        await owner.execute("UPDATE alembic_version SET version_num = $1", HEAD)
        await owner.close()
    assert unwell(checks) == [("migrations", True)]
    assert f"at 0000, code needs {HEAD}" in [check.detail for check in checks]


async def test_a_day_without_a_place_for_its_rows_is_unwell(database: str) -> None:
    clock = at_noon()
    clock.move(timedelta(days=4_000))
    rt: Runtime = open_runtime(database, clock)
    await rt.start()
    assert unwell(await examine(rt)) == [("partitions", True)]
    await rt.stop()


async def test_a_directory_that_is_not_compared_any_more_is_unwell(database: str) -> None:
    rt = open_runtime(database, at_noon())  # never started: it has compared nothing
    assert unwell(await examine(rt)) == [("directory", True)]
    await rt.stop()


@pytest.mark.parametrize(("age_s", "is_well"), [(OLDEST_DUE_MAX_S + 1, False), (60, True)])
async def test_an_event_that_waits_too_long_is_a_warning_that_blocks_nothing(
    age_s: float,
    is_well: bool,  # noqa: FBT001 (a column of the table)
    world: World,
) -> None:
    await world.rows(DUE, age_s)
    assert unwell(await examine(world.rt)) == ([] if is_well else [("deliveries", False)])


async def test_what_is_planned_for_later_does_not_wait(world: World) -> None:
    await world.rows(DUE, -3_600.0)
    assert unwell(await examine(world.rt)) == []


async def test_a_well_house_says_so_of_each_thing(world: World) -> None:
    checks = await examine(world.rt)
    assert [check.name for check in checks] == [
        "database",
        "migrations",
        "partitions",
        "directory",
        "deliveries",
        "suspense",
        *("postings", "cash"),
    ]
    assert unwell(checks) == []


@pytest.mark.parametrize(("age_s", "is_well"), [(OLDEST_DUE_MAX_S + 1, False), (60, True)])
async def test_a_debt_that_waits_too_long_for_its_biller_is_a_warning_that_blocks_nothing(
    age_s: float,
    is_well: bool,  # noqa: FBT001 (a column of the table)
    world: World,
) -> None:
    await world.rows(POSTING, age_s)
    assert unwell(await examine(world.rt)) == ([] if is_well else [("postings", False)])


async def test_a_debt_that_a_person_has_to_settle_is_a_warning(world: World) -> None:
    await world.rows(EXCEPTION)
    checks = await examine(world.rt)
    assert unwell(checks) == [("postings", False)]
    [check] = [check for check in checks if check.name == "postings"]
    assert "1 are with a person" in check.detail
