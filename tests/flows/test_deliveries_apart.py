"""Each endpoint has its share: one that hangs with a long queue keeps nobody else waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from gateway.flows.deliveries import FLOORS_KEPT, SHARES, Courier
from gateway.testing.clock import FrozenClock
from gateway.worker import _deliver
from tests.faults.parts import until
from tests.flows.post import GOOD, Post, courier_of, deliver
from tests.kit.receiver import Receiver, receiving
from tests.world import World, at_noon

PATIENCE_S = 300.0
"""A deadline that no test waits for: what is stuck stays so until the test lets it go."""
SHARE = 4


class Gate:
    """A receiver's answer that is held until the test lets it go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        await self.go.wait()
        await GOOD(writer)


@pytest.fixture
async def courier(world: World) -> AsyncIterator[Courier]:
    async with courier_of(world.rt, deadline_s=PATIENCE_S, abreast=SHARE) as courier:
        yield courier


@pytest.fixture
def post(world: World, courier: Courier) -> Post:
    return Post(world, courier)


@asynccontextmanager
async def working(courier: Courier) -> AsyncIterator[None]:
    """Run the loop of one worker; it is told to stop at the end, and lands."""
    stop = asyncio.Event()
    task = asyncio.create_task(_deliver(courier, stop))
    try:
        yield
        stop.set()
        await asyncio.wait_for(task, 30)
    finally:
        task.cancel()


async def has_come(receiver: Receiver, count: int) -> None:
    async def are_there() -> bool:
        return len(receiver.hits) >= count

    await until(are_there)


async def has_state(post: Post, count: int, state: str) -> None:
    async def are_so() -> bool:
        return (await post.states()).count(state) >= count

    await until(are_so)


async def test_an_endpoint_that_hangs_with_500_due_keeps_no_other_waiting(post: Post) -> None:
    gate = Gate()
    async with receiving(gate) as stuck, receiving(GOOD) as healthy:
        await post.queue(await post.endpoint(stuck), 500, due_in_s=-60)
        await post.queue(await post.endpoint(healthy), 10 * SHARE)
        async with working(post.courier):
            await has_come(healthy, 10 * SHARE)
            await has_state(post, 10 * SHARE, "delivered")
            assert len(stuck.hits) == SHARE
            gate.go.set()
            await has_state(post, 500 + 10 * SHARE, "delivered")
    assert (len(stuck.hits), len(healthy.hits)) == (500, 10 * SHARE)


async def test_endpoints_of_one_host_and_port_do_not_keep_each_other_waiting(post: Post) -> None:
    gate = Gate()

    async def answer(writer: asyncio.StreamWriter) -> None:
        await (gate if "/stuck" in receiver.hits[-1].line else GOOD)(writer)

    async with receiving(answer) as receiver:
        await post.queue(await post.endpoint(receiver, to="/stuck"), 50, due_in_s=-60)
        await post.queue(await post.endpoint(receiver), 3 * SHARE)
        async with working(post.courier):
            await has_state(post, 3 * SHARE, "delivered")
            assert len(receiver.hits) == 4 * SHARE
            gate.go.set()


async def test_a_message_that_hangs_keeps_the_others_of_its_endpoint_no_longer_than_a_moment(
    post: Post,
) -> None:
    gate = Gate()

    async def answer(writer: asyncio.StreamWriter) -> None:
        await (gate if len(receiver.hits) == 1 else GOOD)(writer)

    async with receiving(answer) as receiver:
        await post.queue(await post.endpoint(receiver), 30)
        async with working(post.courier):
            await has_state(post, 29, "delivered")
            gate.go.set()
    assert set(await post.states()) == {"delivered"}


async def test_when_all_that_may_fly_hangs_every_other_endpoint_still_flies_one(
    post: Post,
) -> None:
    gate, many = Gate(), SHARES + 2
    async with receiving(gate) as stuck, receiving(GOOD) as healthy:
        for _ in range(many):
            await post.queue(await post.endpoint(stuck), 3 * SHARE, due_in_s=-60)
        async with working(post.courier):
            await has_come(stuck, SHARES * SHARE + 1)
            await post.queue(await post.endpoint(healthy), 5)
            await has_come(healthy, 5)
            await has_state(post, 5, "delivered")
            assert len(stuck.hits) <= SHARES * SHARE + many
            gate.go.set()


async def test_no_more_fly_than_the_shares_and_no_endpoint_has_more_than_its_own(
    post: Post,
) -> None:
    gate = Gate()
    async with receiving(gate) as stuck:
        for _ in range(2 * SHARES):
            await post.queue(await post.endpoint(stuck), 2 * SHARE)
        sent = [await post.courier.deliver_due() for _ in range(3)]
        assert sent[0] == SHARES * SHARE
        assert sum(sent) <= SHARES * SHARE + 2 * SHARES
        await has_come(stuck, sum(sent))
        rows = await post.world.rows(
            "SELECT sum(attempts) AS flying FROM deliveries GROUP BY endpoint_id"
        )
        flying = {row["flying"] for row in rows}
        assert (min(flying), max(flying)) == (1, SHARE)
        gate.go.set()
        await post.courier.land()


async def test_landing_claims_no_more_and_tells_of_each_as_it_lands(post: Post) -> None:
    gate = Gate()
    async with receiving(gate) as stuck, receiving(GOOD) as healthy:
        await post.queue(await post.endpoint(stuck), 1)
        await post.queue(await post.endpoint(healthy), 2 * SHARE)
        assert await post.courier.deliver_due() == 1 + SHARE
        landing = asyncio.create_task(post.courier.land())
        await has_state(post, SHARE, "delivered")
        assert not landing.done()
        gate.go.set()
        await landing
    assert sorted(await post.states()) == ["delivered"] * (1 + SHARE) + ["due"] * SHARE
    rows = await post.deliveries()
    assert {row["attempts"] for row in rows if row["state"] == "due"} == {0}


class TestBelowTheFloor:
    """A courier reads a queue from where it has taken everything, and now and then all of it."""

    @pytest.fixture
    def clock(self) -> FrozenClock:
        return at_noon()

    async def test_what_became_due_below_it_is_found_when_the_floors_are_forgotten(
        self, post: Post, clock: FrozenClock
    ) -> None:
        async with receiving(GOOD) as receiver:
            endpoint_id = await post.endpoint(receiver)
            await post.queue(endpoint_id, 1)
            assert await deliver(post.courier) == 1
            await post.queue(endpoint_id, 1, due_in_s=-60)
            assert await deliver(post.courier) == 0
            clock.move(FLOORS_KEPT + timedelta(seconds=1))
            assert await deliver(post.courier) == 1
