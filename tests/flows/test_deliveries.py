"""Deliveries over real HTTP: told at least once, signed, for as long as the schedule lasts."""

import pytest

from gateway.flows import operate
from gateway.flows.deliveries import JITTER, SCHEDULE_S
from tests.flows.post import FIRST, GOOD, Post, courier_of, deliver
from tests.kit.receiver import Answer, hang, receiving, replies
from tests.world import BILLER, World


async def wait_bounds(post: Post, turn: Answer, *, attempts: int = 0) -> tuple[float, float]:
    """Try once against `turn`; give the least and the most that the next try may be away."""
    async with receiving(turn) as receiver:
        await post.endpoint(receiver)
        await post.event()
        await post.world.rows("UPDATE deliveries SET attempts = $1", attempts)
        [[before]] = await post.world.rows("SELECT clock_timestamp()")
        assert await post.deliver() == 1
        [[after]] = await post.world.rows("SELECT clock_timestamp()")
    [row] = await post.deliveries()
    assert row["state"] == "due"
    due = row["due_at"]
    return (due - after).total_seconds(), (due - before).total_seconds()


async def test_nothing_due_is_nothing_tried(post: Post) -> None:
    assert await post.deliver() == 0


@pytest.mark.parametrize(
    ("answer", "status", "failure"),
    [
        (replies(500), 500, None),
        (replies(404), 404, None),
        (replies(302, "location: https://elsewhere.example/"), 302, None),
        (replies(200, body=b"x" * 70_000), 200, "too_large"),
    ],
    ids=["500", "404", "redirect", "endless-answer"],
)
async def test_whatever_is_not_a_whole_2xx_is_tried_again_later(
    answer: Answer, status: int, failure: str | None, post: Post
) -> None:
    async with receiving(answer) as receiver:
        await post.endpoint(receiver)
        await post.event()
        await post.deliver()
        assert await post.deliver() == 0
        assert len(receiver.hits) == 1
    [row] = await post.deliveries()
    assert (row["state"], row["attempts"]) == ("due", 1)
    assert (row["last_status"], row["last_failure"]) == (status, failure)


async def test_an_endpoint_that_nobody_answers_at_is_tried_again_later(post: Post) -> None:
    async with receiving(GOOD) as receiver:
        await post.endpoint(receiver)
    await post.event()
    await post.deliver()
    [row] = await post.deliveries()
    assert (row["state"], row["last_status"], row["last_failure"]) == ("due", None, "connect")


async def test_an_endpoint_that_hangs_costs_its_deadline_and_no_more(world: World) -> None:
    async with courier_of(world.rt, deadline_s=0.2) as courier, receiving(hang) as receiver:
        post = Post(world, courier)
        await post.endpoint(receiver)
        await post.event(3)
        assert await deliver(courier) == 3
    assert {row["last_failure"] for row in await post.deliveries()} == {"timeout"}


@pytest.mark.parametrize("attempts", [0, 1, 5, 10])
async def test_the_next_try_comes_after_its_step_and_at_most_a_tenth_later(
    attempts: int, post: Post
) -> None:
    least, most = await wait_bounds(post, replies(500), attempts=attempts)
    step = SCHEDULE_S[attempts]
    assert most >= step
    assert least <= step * (1 + JITTER)


async def test_an_endpoint_that_asks_for_more_time_gets_it(post: Post) -> None:
    least, most = await wait_bounds(post, replies(503, "retry-after: 4000"))
    assert most >= 4_000
    assert least <= 4_000 + SCHEDULE_S[0] * JITTER


async def test_an_endpoint_that_asks_for_less_time_than_the_schedule_does_not(post: Post) -> None:
    _, most = await wait_bounds(post, replies(503, "retry-after: 1"), attempts=3)
    assert most >= SCHEDULE_S[3]


def test_the_schedule_only_grows_and_lasts_three_days() -> None:
    assert list(SCHEDULE_S) == sorted(SCHEDULE_S)
    assert sum(SCHEDULE_S) >= 72 * 3_600


async def test_after_the_last_try_a_delivery_is_dead_with_its_reason(post: Post) -> None:
    async with receiving(replies(500)) as receiver:
        await post.endpoint(receiver)
        await post.event()
        for _ in range(len(SCHEDULE_S) + 1):
            assert await post.states() == ["due"]
            await post.due_now()
            await post.deliver()
        await post.due_now()
        assert await post.deliver() == 0
    [row] = await post.deliveries()
    assert (row["state"], row["attempts"], row["last_status"]) == ("dead", 12, 500)
    assert len(receiver.hits) == 12


async def test_dead_letters_that_are_replayed_go_through_the_whole_schedule_again(
    post: Post,
) -> None:
    async with receiving(replies(500)) as broken, receiving(replies(500)) as other:
        endpoint_id = await post.endpoint(broken)
        await post.queue(endpoint_id, 3)
        await post.queue(await post.endpoint(other), 1)
        await post.world.rows("UPDATE deliveries SET attempts = $1", len(SCHEDULE_S))
        await post.deliver()
        assert await post.states() == ["dead"] * 4
        broken.answer = GOOD
        assert await operate.replay_dead(post.world.rt, endpoint_id, actor="test") == 3
        assert await post.deliver() == 3
    assert await post.states() == ["delivered"] * 3 + ["dead"]
    assert [row["attempts"] for row in await post.deliveries()] == [1, 1, 1, 12]
    audited = await post.world.rows(
        "SELECT actor, (detail ->> 'dead')::int FROM audit_log WHERE action = 'webhooks.replayed'"
    )
    assert [tuple(row) for row in audited] == [("test", 3)]


async def test_replaying_where_nothing_is_dead_changes_nothing(post: Post) -> None:
    async with receiving(replies(500)) as receiver:
        endpoint_id = await post.endpoint(receiver)
        await post.event()
        await post.deliver()
        before = await post.deliveries()
        assert await operate.replay_dead(post.world.rt, endpoint_id, actor="test") == 0
    assert await post.deliveries() == before


async def test_gone_disables_the_endpoint_and_keeps_its_queue(post: Post) -> None:
    async with receiving(replies(410)) as receiver:
        await post.endpoint(receiver)
        await post.event(2)
        await post.deliver()
        assert await post.states() == ["held", "held"]
        [[reason]] = await post.world.rows("SELECT disabled_reason FROM webhook_endpoints")
        assert reason == "answered 410 Gone"
        hits = len(receiver.hits)
        await post.event()
        assert await post.deliver() == 0
        assert len(receiver.hits) == hits


async def test_an_endpoint_that_was_disabled_elsewhere_is_not_sent_to(post: Post) -> None:
    async with receiving(GOOD) as receiver:
        await post.endpoint(receiver)
        await post.event()
        await post.world.rows("UPDATE webhook_endpoints SET disabled_at = now()")
        await post.deliver()
        assert receiver.hits == []
    [row] = await post.deliveries()
    assert (row["state"], row["last_failure"]) == ("held", "endpoint_disabled")


async def test_what_was_held_goes_out_when_the_endpoint_is_put_again(post: Post) -> None:
    async with receiving(replies(410)) as gone:
        await post.endpoint(gone)
        await post.event(2)
        await post.deliver()
    async with receiving(GOOD) as receiver:
        wanted = operate.NewEndpoint(BILLER, receiver.url, FIRST.reveal(), allow_private=True)
        await operate.put_endpoint(post.world.rt, wanted, actor="test")
        assert await post.deliver() == 2
        assert len(receiver.hits) == 2
    assert await post.states() == ["delivered", "delivered"]


async def test_the_first_event_of_an_endpoint_added_a_moment_ago_goes_out(post: Post) -> None:
    async with receiving(GOOD) as old, receiving(GOOD) as new:
        await post.endpoint(old)
        await post.event()
        await post.deliver()
        await post.endpoint(new)
        await post.event()
        await post.deliver()
        assert len(new.hits) == 1


async def test_an_endpoint_without_a_usable_secret_keeps_nobody_elses_events(post: Post) -> None:
    async with receiving(GOOD) as broken, receiving(GOOD) as receiver:
        endpoint_id = await post.endpoint(broken)
        await post.endpoint(receiver)
        await post.event()
        await post.world.rows(
            "UPDATE webhook_secrets SET sealed = '\\x00' WHERE endpoint_id = $1", endpoint_id
        )
        await post.world.rt.refresh()
        assert await post.deliver() == 2
        assert (len(broken.hits), len(receiver.hits)) == (0, 1)
    assert sorted(await post.states()) == ["delivered", "due"]
