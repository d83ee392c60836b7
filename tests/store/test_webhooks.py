"""The queue of deliveries: leases, fences, shares, and what is kept of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gateway.store import database, webhooks
from gateway.store.database import Raw
from gateway.store.webhooks import DeliveryState, Line
from tests.orders import another_process
from tests.store.queue import ENDPOINT, LEASE_S, Worker, end, queue, setting_due, state
from tests.world import World


@pytest.fixture
async def raw(world: World) -> AsyncIterator[Raw]:
    async with database.borrow(world.rt.pool) as connection:
        yield connection


@pytest.fixture
async def worker(world: World) -> AsyncIterator[Worker]:
    worker = Worker(world.rt)
    yield worker
    worker.close()


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


async def test_who_held_a_delivery_that_was_revived_since_changes_nothing(
    raw: Raw, worker: Worker
) -> None:
    [delivery] = await queue(raw)
    [lost] = await worker.claim()
    await raw.execute("UPDATE deliveries SET state = 'dead', finished_at = now()")
    assert await webhooks.revive(raw, ENDPOINT) == 1
    assert await state(raw, delivery) == ("due", 0, 2, None, None, False)
    assert await worker.finish(end(lost, DeliveryState.DELIVERED)) == 0
    assert (await state(raw, delivery))[0] == "due"


async def test_no_more_dead_letters_are_revived_at_once_than_asked(raw: Raw) -> None:
    await queue(raw, 5)
    await raw.execute("UPDATE deliveries SET state = 'dead'")
    assert [await webhooks.revive(raw, ENDPOINT, most=3) for _ in range(3)] == [3, 2, 0]


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


async def test_no_endpoint_is_given_more_than_its_share_with_what_flies_to_it(
    raw: Raw, worker: Worker
) -> None:
    full, half, idle = UUID(int=1), UUID(int=2), UUID(int=3)
    for endpoint in (full, half, idle):
        await queue(raw, 10, endpoint=endpoint)
    lines = {full: Line(flying=4), half: Line(flying=2)}
    claimed = await worker.claim(share=4, lines=lines)
    assert Counter(one.endpoint_id for one in claimed) == {half: 2, idle: 4}


async def test_an_endpoint_that_has_nothing_in_the_air_is_served_before_those_that_have(
    raw: Raw, worker: Worker
) -> None:
    busy, idle = UUID(int=1), UUID(int=2)
    await queue(raw, 10, endpoint=busy, due_in_s=-60)
    await queue(raw, 3, endpoint=idle)
    claimed = await worker.claim(3, share=8, lines={busy: Line(flying=1)})
    assert {one.endpoint_id for one in claimed} == {idle}


async def test_a_queue_is_read_from_its_floor_on_and_that_row_is_part_of_it(
    raw: Raw, worker: Worker
) -> None:
    await queue(raw, due_in_s=-60)
    [later] = await queue(raw, due_in_s=-30)
    floor = await raw.fetchval("SELECT due_at FROM deliveries WHERE id = $1", later)
    [claimed] = await worker.claim(lines={ENDPOINT: Line(floor=floor)})
    assert (claimed.id, claimed.was_due_at) == (later, floor)


async def test_a_claim_tells_which_directory_knows_its_endpoints(raw: Raw, worker: Worker) -> None:
    await queue(raw)
    [first] = await worker.claim()
    await queue(raw, endpoint=UUID(int=2))
    [second] = await worker.claim()
    assert second.directory_version > first.directory_version
