"""The queue of deliveries: leases, fences, and what is kept of an endpoint."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from gateway.runtime import Runtime
from gateway.store import database, webhooks
from gateway.store.database import Lane, Raw
from gateway.store.webhooks import Claimed, DeliveryState, Finish
from tests.orders import another_process
from tests.world import BILLER, World

LEASE_S = 60.0
ENDPOINT = UUID(int=1)
QUEUE = """
WITH made AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT 1, (left(uuid7_floor(now())::text, 13) || right(gen_random_uuid()::text, 23))::uuid,
        'payment.succeeded', gen_random_uuid(), '{"n":' || n || '}', now()
    FROM generate_series(1, $1) n RETURNING id
)
INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
SELECT 1, id, $2, now() + make_interval(secs => $3) FROM made RETURNING id
"""


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.engine) as connection:
        yield connection


class Worker:
    """A worker's two lanes."""

    def __init__(self, rt: Runtime) -> None:
        self._claims = Lane(rt.engine, webhooks.CLAIM)
        self._ends = Lane(rt.engine, webhooks.FINISH)

    async def claim(self, most: int = 100, lease_s: float = LEASE_S) -> list[Claimed]:
        return await webhooks.claim(self._claims, most=most, lease_s=lease_s)

    async def finish(self, *ends: Finish) -> int:
        return await webhooks.finish(self._ends, ends)

    def close(self) -> None:
        self._claims.close()
        self._ends.close()


@pytest.fixture
async def worker(world: World) -> AsyncIterator[Worker]:
    worker = Worker(world.rt)
    yield worker
    worker.close()


async def queue(raw: Raw, many: int = 1, *, due_in_s: float = 0.0) -> list[int]:
    return [row["id"] for row in await raw.fetch(QUEUE, many, ENDPOINT, due_in_s)]


def end(claimed: Claimed, state: DeliveryState, wait_s: float = 0.0) -> Finish:
    return Finish(claimed.id, claimed.lease_no, state, wait_s, 500, "timeout")


async def state(raw: Raw, delivery: int) -> tuple[object, ...]:
    row = await raw.fetchrow(
        "SELECT state, attempts, lease_no, last_status, last_failure, finished_at IS NOT NULL "
        "FROM deliveries WHERE id = $1",
        delivery,
    )
    assert row is not None
    return tuple(row)


@asynccontextmanager
async def setting_due(raw: Raw, delivery: int, wait_s: float) -> AsyncIterator[None]:
    """Hold `due_at` against the database's clock before and after."""
    before = await raw.fetchval("SELECT clock_timestamp()")
    yield
    due_at, after = (
        await raw.fetchval("SELECT due_at FROM deliveries WHERE id = $1", delivery),
        await raw.fetchval("SELECT clock_timestamp()"),
    )
    assert before <= due_at - timedelta(seconds=wait_s) <= after


async def test_what_is_not_due_yet_is_not_claimed(raw: Raw, worker: Worker) -> None:
    await queue(raw, due_in_s=5)
    assert await worker.claim() == []


@pytest.mark.parametrize("ended", ["held", "delivered", "dead"])
async def test_what_has_ended_is_not_claimed(ended: str, raw: Raw, worker: Worker) -> None:
    await queue(raw)
    await raw.execute("UPDATE deliveries SET state = $1", ended)
    assert await worker.claim() == []


async def test_what_is_claimed_is_nobody_elses_until_its_lease_ends(
    raw: Raw, worker: Worker
) -> None:
    [delivery] = await queue(raw)
    async with setting_due(raw, delivery, LEASE_S):
        [claimed] = await worker.claim()
    assert await worker.claim() == []
    assert await state(raw, delivery) == ("due", 1, 1, None, None, False)
    assert (claimed.id, claimed.lease_no, claimed.attempts) == (delivery, 1, 1)
    assert claimed.body == '{"n":1}'


async def test_what_a_dead_worker_held_comes_back_by_itself(raw: Raw, worker: Worker) -> None:
    await queue(raw)
    [lost] = await worker.claim(lease_s=0)
    [again] = await worker.claim()
    assert again.id == lost.id
    assert (again.lease_no, again.attempts) == (lost.lease_no + 1, 2)


@pytest.mark.parametrize("said", list(DeliveryState))
async def test_who_lost_the_lease_changes_nothing(
    said: DeliveryState, raw: Raw, worker: Worker
) -> None:
    [delivery] = await queue(raw)
    [lost] = await worker.claim(lease_s=0)
    await worker.claim()
    before = await state(raw, delivery)
    assert await worker.finish(end(lost, said)) == 0
    assert await state(raw, delivery) == before


async def test_what_has_ended_does_not_end_again(raw: Raw, worker: Worker) -> None:
    [delivery] = await queue(raw)
    [claimed] = await worker.claim()
    assert await worker.finish(end(claimed, DeliveryState.DELIVERED)) == 1
    assert await worker.finish(end(claimed, DeliveryState.DUE)) == 0
    assert (await state(raw, delivery))[0] == "delivered"


@pytest.mark.parametrize(
    ("said", "is_finished", "wait_s"),
    [
        (DeliveryState.DELIVERED, True, 0),
        (DeliveryState.DEAD, True, 0),
        (DeliveryState.DUE, False, 30),
        (DeliveryState.HELD, False, 0),
    ],
)
async def test_an_end_is_written_with_its_reason(
    said: DeliveryState,
    is_finished: bool,  # noqa: FBT001 (a column of the table)
    wait_s: int,
    raw: Raw,
    worker: Worker,
) -> None:
    [delivery] = await queue(raw)
    [claimed] = await worker.claim()
    async with setting_due(raw, delivery, wait_s):
        assert await worker.finish(end(claimed, said, wait_s)) == 1
    assert await state(raw, delivery) == (str(said), 1, 1, 500, "timeout", is_finished)


async def test_the_oldest_are_claimed_first_and_no_more_than_asked(
    raw: Raw, worker: Worker
) -> None:
    newer = await queue(raw, 3, due_in_s=-1)
    older = await queue(raw, 3, due_in_s=-5)
    assert [one.id for one in await worker.claim(most=4)] == sorted([*older, newer[0]])
    assert [one.id for one in await worker.claim(most=4)] == newer[1:]


async def test_workers_at_once_share_the_queue_and_claim_nothing_twice(
    raw: Raw, world: World, database: str
) -> None:
    made = await queue(raw, 200)
    async with another_process(database) as other:
        workers = [Worker(rt) for rt in (world.rt, other, world.rt, other)]
        claimed: list[int] = []
        while got := await asyncio.gather(*(one.claim(most=15) for one in workers)):
            if not any(got):
                break
            claimed += [one.id for batch in got for one in batch]
        for one in workers:
            one.close()
    assert sorted(claimed) == sorted(made)


async def test_many_ends_are_written_at_once_each_its_own(raw: Raw, worker: Worker) -> None:
    await queue(raw, 4)
    claimed = await worker.claim()
    ends = [end(one, said) for one, said in zip(claimed, DeliveryState, strict=True)]
    assert await worker.finish(*ends) == 4
    rows = await raw.fetch("SELECT state FROM deliveries ORDER BY id")
    assert [row["state"] for row in rows] == [str(said) for said in DeliveryState]


async def test_the_backlog_counts_what_is_due_and_the_age_of_the_oldest(raw: Raw) -> None:
    assert await webhooks.backlog(raw) == webhooks.Backlog(0, 0.0)
    first, *_ = await queue(raw, 3, due_in_s=-100)
    await queue(raw, 2, due_in_s=100)
    await raw.execute("UPDATE deliveries SET state = 'held' WHERE id = $1", first)
    backlog = await webhooks.backlog(raw)
    assert backlog.waiting == 4
    assert 100 <= backlog.age_s < 160


async def test_only_what_was_delivered_long_ago_is_forgotten(raw: Raw) -> None:
    old, fresh, due, dead = await queue(raw, 4)
    await raw.execute(
        "UPDATE deliveries SET state = CASE id WHEN $1 THEN 'due' WHEN $2 THEN 'dead' "
        "ELSE 'delivered' END, finished_at = CASE id WHEN $3 THEN now() "
        "ELSE now() - interval '40 days' END",
        due, dead, fresh,
    )  # fmt: skip
    assert await webhooks.prune(raw, datetime.now(UTC) - timedelta(days=30)) == 1
    left = [row["id"] for row in await raw.fetch("SELECT id FROM deliveries ORDER BY id")]
    assert left == [fresh, due, dead]
    assert await raw.fetchval("SELECT count(*) FROM events") == 4
    assert old not in left


async def test_a_quiet_system_forgets_too_but_not_too_much_at_once(raw: Raw) -> None:
    await queue(raw, 10)
    await raw.execute(
        "UPDATE deliveries SET state = 'delivered', finished_at = now() - interval '40 days'"
    )
    month_ago = datetime.now(UTC) - timedelta(days=30)
    assert await webhooks.prune(raw, month_ago, most=4) == 4
    assert await webhooks.prune(raw, month_ago) == 6


async def add_endpoint(raw: Raw, endpoint_id: UUID = ENDPOINT) -> None:
    await webhooks.add_endpoint(raw, endpoint_id, 1, "https://evn.example/", ["payment.succeeded"])


async def test_an_endpoint_is_disabled_once_and_keeps_its_first_reason(raw: Raw) -> None:
    await add_endpoint(raw)
    assert await webhooks.disable(raw, ENDPOINT, "answered 410 Gone")
    assert not await webhooks.disable(raw, ENDPOINT, "again")
    assert (
        await raw.fetchval("SELECT disabled_reason FROM webhook_endpoints") == "answered 410 Gone"
    )
    [endpoint] = await webhooks.endpoints(raw)
    assert endpoint.is_disabled


async def test_moving_an_endpoint_enables_it_and_frees_what_was_held_for_it_alone(raw: Raw) -> None:
    await add_endpoint(raw)
    await webhooks.disable(raw, ENDPOINT, "answered 410 Gone")
    held, elsewhere, dead = await queue(raw, 3, due_in_s=900)
    await raw.execute("UPDATE deliveries SET state = 'held'")
    await raw.execute("UPDATE deliveries SET endpoint_id = $2 WHERE id = $1", elsewhere, uuid4())
    await raw.execute("UPDATE deliveries SET state = 'dead' WHERE id = $1", dead)
    async with setting_due(raw, held, 0):
        assert await webhooks.move_endpoint(raw, BILLER, "https://new.example/")
    [endpoint] = await webhooks.endpoints(raw)
    assert (endpoint.url, endpoint.is_disabled) == ("https://new.example/", False)
    assert (await state(raw, held))[0] == "due"
    assert (await state(raw, elsewhere))[0] == "held"
    assert (await state(raw, dead))[0] == "dead"


async def test_no_endpoint_is_moved_when_a_biller_has_none_or_two(raw: Raw) -> None:
    assert not await webhooks.move_endpoint(raw, BILLER, "https://new.example/")
    await add_endpoint(raw)
    await add_endpoint(raw, UUID(int=2))
    assert not await webhooks.move_endpoint(raw, BILLER, "https://new.example/")
    assert {one.url for one in await webhooks.endpoints(raw)} == {"https://evn.example/"}


async def test_live_secrets_are_read_newest_first_and_expired_ones_not_at_all(raw: Raw) -> None:
    await add_endpoint(raw)
    now = datetime.now(UTC)
    for number, expires_at in enumerate(
        [None, now - timedelta(seconds=1), now + timedelta(days=1)]
    ):
        await webhooks.add_secret(
            raw,
            secret_id=UUID(int=number),
            endpoint_id=ENDPOINT,
            sealed=bytes([number]),
            expires_at=expires_at,
        )
    [endpoint] = await webhooks.endpoints(raw)
    assert endpoint.sealed == ((UUID(int=2), b"\x02"), (UUID(int=0), b"\x00"))
