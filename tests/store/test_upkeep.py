"""Partitions made ahead, old keys dropped, and a trail that shows when it was touched."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from gateway.domain.ids import floor_of
from gateway.embedded import EmbeddedPostgres
from gateway.runtime import Runtime
from gateway.store import database, upkeep
from gateway.store.database import Raw
from gateway.store.upkeep import AuditEntry
from tests.orders import another_process
from tests.store.waiting import until_blocked

NEW_YEAR = datetime(2031, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
CHILDREN = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::text::regclass"


@pytest.fixture
async def service(rt: Runtime) -> AsyncIterator[Raw]:
    """The service's own connection, in a transaction that is undone."""
    async with database.borrow(rt.pool) as connection:
        undone = connection.transaction()
        await undone.start()
        yield connection
        await undone.rollback()


async def children(connection: Raw, parent: str) -> set[str]:
    return {row[0] for row in await connection.fetch(CHILDREN, parent)}


async def test_a_day_without_a_partition_is_not_covered(service: Raw) -> None:
    assert not await upkeep.covers(service, date(2031, 1, 1))


@pytest.mark.parametrize("table", ["events", "transfers", "idempotency_keys"])
async def test_a_day_that_one_table_cannot_take_is_not_covered(
    table: str, postgres: EmbeddedPostgres, service: Raw
) -> None:
    await upkeep.make_partitions(service, date(2030, 12, 31))
    day = date(2031, 1, 1)
    assert await upkeep.covers(service, day)
    suffix = "2031_01_01" if table == "events" else "2031_01"
    await service.execute("SET ROLE NONE")
    await service.execute(f"DROP TABLE {table}_p{suffix}")
    assert not await upkeep.covers(service, day)


async def test_partitions_are_made_for_eight_days_and_two_months_ahead(service: Raw) -> None:
    before = await children(service, "events")
    await upkeep.make_partitions(service, date(2030, 12, 30))
    made = await children(service, "events") - before
    days = [date(2030, 12, 30) + timedelta(days=n) for n in range(9)]
    assert made == {f"events_p{day:%Y_%m_%d}" for day in days}
    months = {"2030_12", "2031_01", "2031_02"}
    for table in ("transfers", "idempotency_keys"):
        assert {f"{table}_p{month}" for month in months} <= await children(service, table)
    assert all([await upkeep.covers(service, day) for day in days])


async def test_making_them_again_changes_nothing(service: Raw) -> None:
    await upkeep.make_partitions(service, date(2030, 12, 30))
    before = {table: await children(service, table) for table in ("events", "transfers")}
    await upkeep.make_partitions(service, date(2030, 12, 30))
    assert before == {table: await children(service, table) for table in before}


async def test_two_workers_that_make_them_at_once_do_not_meet(rt: Runtime, database: str) -> None:
    async with another_process(database) as other:
        await asyncio.gather(*(make(one) for one in (rt, other) for _ in range(3)))


async def make(rt: Runtime) -> None:
    async with database.borrow(rt.pool) as connection:
        await upkeep.make_partitions(connection, date(2032, 2, 27))


PLACES = [
    ("events", NEW_YEAR - TICK, "events_p2030_12_31"),
    ("events", NEW_YEAR, "events_p2031_01_01"),
    ("events", NEW_YEAR + timedelta(days=1) - TICK, "events_p2031_01_01"),
    ("events", NEW_YEAR + timedelta(days=1), "events_p2031_01_02"),
    ("transfers", NEW_YEAR - TICK, "transfers_p2030_12"),
    ("transfers", NEW_YEAR, "transfers_p2031_01"),
    ("transfers", datetime(2031, 2, 1, tzinfo=UTC) - TICK, "transfers_p2031_01"),
    ("transfers", datetime(2031, 2, 1, tzinfo=UTC), "transfers_p2031_02"),
]
EVENT = """
INSERT INTO events (biller_id, id, type, subject, body, created_at)
VALUES (1, $1, 'payment.succeeded', $1, '{}', now())
"""
TRANSFER = """
INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
    created_at) VALUES (1, $1, 'payment', 1, 2, 1, now())
"""


@pytest.mark.parametrize(("table", "moment", "place"), PLACES)
@pytest.mark.parametrize("low_bits", [0, 2**74 - 1], ids=["lowest", "highest"])
async def test_a_row_lies_in_the_partition_of_its_ids_instant(
    low_bits: int, table: str, moment: datetime, place: str, service: Raw
) -> None:
    await upkeep.make_partitions(service, date(2030, 12, 31))
    made = UUID(int=floor_of(moment).int | 7 << 76 | low_bits)
    await service.execute(EVENT if table == "events" else TRANSFER, made)
    where = f"SELECT tableoid::regclass::text FROM {table} WHERE created_at = now()"
    assert await service.fetchval(where) == place


async def test_the_leap_day_has_its_partition(service: Raw) -> None:
    await upkeep.make_partitions(service, date(2036, 2, 28))
    assert "events_p2036_02_29" in await children(service, "events")


@pytest.mark.parametrize(
    ("before", "gone"),
    [
        (date(2020, 1, 31), set()),
        (date(2020, 2, 1), {"2020_01"}),
        (date(2020, 2, 29), {"2020_01"}),
        (date(2020, 3, 1), {"2020_01", "2020_02"}),
    ],
)
async def test_keys_are_dropped_only_when_their_month_is_over(
    before: date, gone: set[str], service: Raw
) -> None:
    await upkeep.make_partitions(service, date(2020, 1, 1))
    standing = await children(service, "idempotency_keys")
    assert await upkeep.drop_old_keys(service, before) == len(gone)
    left = await children(service, "idempotency_keys")
    assert standing - left == {f"idempotency_keys_p{month}" for month in gone}


async def test_nothing_but_keys_is_ever_dropped(service: Raw) -> None:
    await upkeep.make_partitions(service, date(2020, 1, 1))
    kept = {table: await children(service, table) for table in ("events", "transfers")}
    await upkeep.drop_old_keys(service, date(2020, 6, 1))
    assert kept == {table: await children(service, table) for table in kept}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT make_partition('events', 'x', '0', '1')",
        "DROP TABLE bills",
        "CREATE TABLE mine (n int)",
        "ALTER TABLE transfers DISABLE TRIGGER ALL",
    ],
)
async def test_the_service_cannot_reshape_the_database_itself(sql: str, service: Raw) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(sql)


def entry(n: int = 1) -> AuditEntry:
    return AuditEntry("tester", "thing.done", f"subject-{n}", {"n": n, "tên": "Án"})


async def audit(rt: Runtime, *numbers: int) -> None:
    for n in numbers:
        async with database.borrow(rt.pool) as connection:
            await upkeep.audit(connection, entry(n))


async def broken(rt: Runtime) -> int | None:
    async with database.borrow(rt.pool) as connection:
        return await upkeep.first_broken_audit(connection)


@pytest.fixture
async def forger(postgres: EmbeddedPostgres, rt: Runtime, database: str) -> AsyncIterator[Raw]:
    """A superuser who has switched the triggers off."""
    name = database.rpartition("/")[2].partition("?")[0]
    connection = await asyncpg.connect(postgres.admin_url, database=name)
    await connection.execute("SET session_replication_role = replica")
    yield connection
    await connection.close()


REPLACED = """
WITH gone AS (DELETE FROM audit_log WHERE id = {third} RETURNING *)
INSERT INTO audit_log OVERRIDING SYSTEM VALUE
SELECT id, at, actor, 'thing.undone', subject, detail, hash FROM gone
"""


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit_log SET actor = 'somebody else' WHERE id = {third}",
        "UPDATE audit_log SET detail = '{{}}' WHERE id = {third}",
        "UPDATE audit_log SET at = at + interval '1 microsecond' WHERE id = {third}",
        "UPDATE audit_log SET action = subject, subject = action WHERE id = {third}",
        "UPDATE audit_log SET hash = sha256(hash) WHERE id = {third}",
        "DELETE FROM audit_log WHERE id = {second}",
        REPLACED,
    ],
    ids=["actor", "detail", "time", "columns-swapped", "hash", "deleted", "replaced"],
)
async def test_a_trail_that_was_touched_shows_where(forgery: str, rt: Runtime, forger: Raw) -> None:
    await audit(rt, *range(5))
    ids = [row["id"] for row in await forger.fetch("SELECT id FROM audit_log ORDER BY id")]
    await forger.execute(forgery.format(second=ids[1], third=ids[2]))
    assert await broken(rt) == ids[2]


async def test_a_trail_that_nobody_touched_is_whole(rt: Runtime) -> None:
    assert await broken(rt) is None
    await audit(rt, *range(5))
    assert await broken(rt) is None


async def test_a_trail_written_by_many_at_once_is_whole(rt: Runtime, database: str) -> None:
    async with another_process(database) as other:
        await asyncio.gather(*(audit((rt, other)[n % 2], n, n, n) for n in range(20)))
    assert await broken(rt) is None


async def test_a_writer_that_is_overtaken_leaves_the_trail_whole(rt: Runtime) -> None:
    slow = """
    INSERT INTO audit_log (actor, action, subject, detail)
    SELECT 'slow', 'x', 'x', CASE WHEN pg_advisory_lock(42) IS NULL THEN '{}'::jsonb ELSE '{}' END
    """
    async with database.borrow(rt.pool) as gate, database.borrow(rt.pool) as connection:
        await gate.execute("SELECT pg_advisory_lock(42)")
        # It has drawn its default id, and waits before the trigger takes its turn.
        overtaken = asyncio.create_task(connection.execute(slow))
        await until_blocked(gate)
        await audit(rt, 1, 2)
        await gate.execute("SELECT pg_advisory_unlock(42)")
        await overtaken
        await connection.execute("SELECT pg_advisory_unlock(42)")
    assert await broken(rt) is None


async def test_what_is_noted_is_who_did_what_to_what(rt: Runtime) -> None:
    await audit(rt, 7)
    async with database.borrow(rt.pool) as connection:
        row = await connection.fetchrow("SELECT actor, action, subject, detail FROM audit_log")
    assert row is not None
    assert tuple(row)[:3] == ("tester", "thing.done", "subject-7")
    assert json.loads(row["detail"]) == {"n": 7, "tên": "Án"}
