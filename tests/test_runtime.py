"""One process's share of the house: its directory, clock, ids, and how it starts and stops."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.ids import floor_of
from gateway.domain.partner import Mode, Scope, digest_key
from gateway.domain.refusals import StillProcessing
from gateway.embedded import EmbeddedPostgres
from gateway.flows import operate
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import database
from gateway.store.database import Raw
from gateway.store.idempotency import KeyName
from gateway.testing.clock import FrozenClock
from tests.orders import a_row, another_process
from tests.world import MASTER_SECRET, World

NAME = KeyName(1, "create_payment", "key-of-a-runtime-1")
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
NOWHERE = "postgresql://gateway@127.0.0.1:1/gateway"


@pytest.fixture
async def admin(postgres: EmbeddedPostgres) -> AsyncIterator[Raw]:
    connection = await asyncpg.connect(postgres.admin_url)
    yield connection
    await connection.close()


def unstarted(url: str) -> Runtime:
    return Runtime(
        database_url=url,
        pool_size=2,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=Clock(),
    )


def knows(rt: Runtime, api_key: str) -> bool:
    return digest_key(api_key) in rt.directory.callers


async def new_key(rt: Runtime, partner: str = "bank") -> operate.NewKey:
    return await operate.create_key(rt, partner, [Scope.PAY], expires_at=None, actor="test")


async def test_a_key_that_is_worked_on_is_refused_until_it_ends() -> None:
    rt = unstarted(NOWHERE)
    rt.begin(NAME)
    with pytest.raises(StillProcessing):
        rt.begin(NAME)
    rt.end(NAME)
    rt.begin(NAME)


async def test_another_key_partner_or_operation_is_not_in_its_way() -> None:
    rt = unstarted(NOWHERE)
    rt.begin(NAME)
    rt.begin(NAME._replace(key="key-of-a-runtime-2"))
    rt.begin(NAME._replace(partner_id=2))
    rt.begin(NAME._replace(operation="create_reversal"))


async def test_a_process_that_cannot_reach_the_database_does_not_start() -> None:
    rt = unstarted(NOWHERE)
    with pytest.raises(Exception) as caught:  # noqa: PT011 (the claim is about any of them)
        await rt.start()
    assert database.broke(caught.value)
    assert not rt.has_fresh_directory()
    await rt.stop()


async def test_a_directory_that_was_never_compared_is_not_fresh(database_url: str) -> None:
    rt = unstarted(database_url)
    assert not rt.has_fresh_directory()
    await rt.refresh()
    assert rt.has_fresh_directory()
    await rt.stop()


async def test_a_revoked_key_is_forgotten_by_the_next_refresh(world: World) -> None:
    made = await new_key(world.rt)
    await world.rt.refresh()
    assert knows(world.rt, made.api_key)
    await operate.revoke_key(world.rt, made.prefix, actor="test")
    await world.rt.refresh()
    assert not knows(world.rt, made.api_key)


async def test_a_process_hears_of_a_revocation_by_itself(world: World, database: str) -> None:
    async with another_process(database) as other:
        api_key = world.keys["bank"]
        assert knows(other, api_key)
        prefix = other.directory.callers[digest_key(api_key)].key_prefix
        await operate.revoke_key(world.rt, prefix, actor="test")
        async with asyncio.timeout(30):
            while knows(other, api_key):  # noqa: ASYNC110
                await asyncio.sleep(0.02)  # no bell is rung


async def test_a_directory_in_which_nothing_changed_is_not_read_again(world: World) -> None:
    before = world.rt.directory
    await world.rt.refresh()
    assert world.rt.directory is before


async def test_many_who_refresh_at_once_all_see_what_was_there_when_they_asked(
    world: World, database: str
) -> None:
    async with another_process(database) as other:
        made = await new_key(world.rt)
        await asyncio.gather(*(other.refresh() for _ in range(100)))
        assert knows(other, made.api_key)


async def test_a_refresh_reads_after_it_was_asked_not_before(world: World, database: str) -> None:
    async with another_process(database) as other:
        running = asyncio.create_task(other.refresh())
        await asyncio.sleep(0)
        made = await new_key(world.rt)
        await other.refresh()
        assert knows(other, made.api_key)
        await running


async def test_a_watch_lives_on_after_the_database_was_away(
    world: World, database: str, admin: Raw
) -> None:
    name = database.rpartition("/")[2].partition("?")[0]
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
    )
    async with another_process(database) as other:
        made = await new_key(other)
    async with asyncio.timeout(30):
        while not knows(world.rt, made.api_key):  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # no bell is rung


async def test_stopping_lets_everything_aboard_land(world: World, database: str) -> None:
    rows = []
    async with another_process(database) as other:
        rows = [a_row(other, await world.add_bill()) for _ in range(50)]
        riding = [asyncio.create_task(other.payments.ride(row)) for row in rows]
        await asyncio.sleep(0)
    told = await asyncio.gather(*riding)
    assert None not in told
    assert await world.count("payments") == 50


async def test_a_stopped_process_holds_no_connection(world: World, database: str) -> None:
    held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    async with another_process(database) as other:
        await other.payments.ride(a_row(other, await world.add_bill()))
        [[while_open]] = await world.rows(held)
    async with asyncio.timeout(30):
        while (await world.rows(held))[0][0] >= while_open:  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # no bell is rung


async def test_the_clock_is_the_databases(world: World) -> None:
    sent = world.rt.clock.now()
    [[at]] = await world.rows("SELECT clock_timestamp()")
    received = world.rt.clock.now()
    tolerance = timedelta(seconds=1)
    assert sent - tolerance <= at <= received + tolerance


@pytest.mark.parametrize("behind_s", [-3_600, -0.25, 0, 0.25, 86_400])
def test_a_machine_whose_clock_is_wrong_tells_the_databases_time(behind_s: float) -> None:
    clock = Clock()
    sent = datetime.now(UTC)
    received = sent + timedelta(milliseconds=10)
    middle = sent + timedelta(milliseconds=5)
    clock.set_by(middle + timedelta(seconds=behind_s), (sent, received))
    before = datetime.now(UTC)
    told = clock.now() - timedelta(seconds=behind_s)
    assert before <= told <= datetime.now(UTC)


def test_a_clock_tells_aware_utc() -> None:
    assert Clock().now().tzinfo is UTC


def test_a_frozen_clock_stands_until_it_is_moved() -> None:
    clock = FrozenClock(NOON)
    clock.set_by(NOON + timedelta(days=1), (NOON, NOON))
    assert clock.now() == NOON
    clock.move(timedelta(minutes=-1))
    assert clock.now() == NOON - timedelta(minutes=1)


MOMENTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 (the strategy adds the zone)
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=7))]),
)


@given(st.lists(MOMENTS, min_size=1))
@settings(deadline=None)
async def test_an_id_is_a_uuid7_of_the_clocks_millisecond(moments: list[datetime]) -> None:
    rt = unstarted(NOWHERE)
    for moment in moments:
        rt.clock = FrozenClock(moment)
        assert_made_at(moment, rt.new_id())


def assert_made_at(moment: datetime, made: UUID) -> None:
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert floor_of(moment).int >> 80 == made.int >> 80


async def test_ids_of_one_instant_differ() -> None:
    rt = unstarted(NOWHERE)
    rt.clock = FrozenClock(NOON)
    assert len({rt.new_id() for _ in range(10_000)}) == 10_000


def test_each_purpose_has_its_own_key() -> None:
    secrets = Secrets.derived_from(MASTER_SECRET)
    assert secrets.lookup != secrets.sealing
    assert secrets == Secrets.derived_from(MASTER_SECRET)
    assert secrets != Secrets.derived_from(MASTER_SECRET + b"!")


async def test_a_printed_runtime_tells_no_secret() -> None:
    assert MASTER_SECRET.decode() not in repr(unstarted(NOWHERE))
    lookup = Secrets.derived_from(MASTER_SECRET).lookup
    assert repr(lookup)[2:-1] not in repr(Secrets.derived_from(MASTER_SECRET))
