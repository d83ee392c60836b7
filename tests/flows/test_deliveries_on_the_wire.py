"""Deliveries as the receiver sees them: bytes, ids, signatures, and several couriers at once."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from gateway.domain.signing import (
    Ed25519Secret,
    HmacSecret,
    SignatureRefused,
    VerifyingKey,
    verify,
)
from gateway.flows import operate
from tests.flows.post import FIRST, GOOD, Post, courier_of, deliver
from tests.kit.receiver import Hit, receiving, replies
from tests.orders import another_process, collect, id_in, reverse
from tests.world import World


def verified(hit: Hit, *keys: VerifyingKey) -> list[str]:
    """Verify under each key alone; give the scheme of each."""
    now = int(datetime.now(UTC).timestamp())
    return [verify(hit.headers, hit.body, [key], now).scheme for key in keys]


async def test_a_lease_that_was_lost_while_sending_changes_nothing(post: Post) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await go_on.wait()
        await GOOD(writer)

    async with receiving(answer) as receiver:
        await post.endpoint(receiver)
        await post.event()
        sending = asyncio.create_task(post.deliver())
        await arrived.wait()
        await post.world.rows("UPDATE deliveries SET lease_no = lease_no + 1")
        before = await post.deliveries()
        go_on.set()
        assert await sending == 1
    assert await post.deliveries() == before


async def test_two_couriers_share_the_queue_and_send_nothing_twice(
    post: Post, database: str
) -> None:
    async with (
        receiving(GOOD) as receiver,
        another_process(database) as other,
        courier_of(other) as second,
    ):
        await post.endpoint(receiver)
        await post.event(40)
        for _ in range(4):
            await asyncio.gather(post.deliver(), deliver(second))
        ids = [hit.headers["webhook-id"] for hit in receiver.hits]
    assert len(ids) == len(set(ids)) == 40
    assert set(await post.states()) == {"delivered"}


async def test_no_more_is_claimed_than_flies_at_once(world: World) -> None:
    async with courier_of(world.rt, abreast=3) as courier, receiving(GOOD) as receiver:
        post = Post(world, courier)
        await post.endpoint(receiver)
        await post.event(5)
        assert [await deliver(courier) for _ in range(3)] == [3, 2, 0]


async def test_what_is_sent_is_the_event_byte_for_byte_under_its_own_id(post: Post) -> None:
    async with receiving(GOOD) as receiver:
        await post.endpoint(receiver)
        payment_id = id_in(await collect(post.world.rt, await post.world.add_bill()))
        await post.deliver()
    [event] = await post.world.rows("SELECT id, body FROM events")
    [hit] = receiver.hits
    assert hit.line == "POST /webhooks HTTP/1.1"
    assert hit.body == event["body"].encode()
    assert hit.headers["webhook-id"] == f"evt_{event['id'].hex}"
    assert hit.headers["content-type"] == "application/json"
    told = json.loads(hit.body)
    assert (told["type"], told["data"]["id"]) == ("payment.succeeded", f"pay_{payment_id.hex}")


async def test_a_reversal_is_told_too(post: Post) -> None:
    async with receiving(GOOD) as receiver:
        await post.endpoint(receiver)
        payment_id = id_in(await collect(post.world.rt, await post.world.add_bill()))
        await reverse(post.world.rt, payment_id)
        await post.deliver()
    assert sorted(json.loads(hit.body)["type"] for hit in receiver.hits) == [
        "payment.reversed",
        "payment.succeeded",
    ]


async def test_a_delivery_is_signed_with_every_live_secret_and_no_other(post: Post) -> None:
    second, pair = HmacSecret(b"2" * 32), Ed25519Secret(b"3" * 32)
    expired, stranger = HmacSecret(b"4" * 32), HmacSecret(b"5" * 32)
    rt = post.world.rt
    async with receiving(GOOD) as receiver:
        endpoint_id = await post.endpoint(receiver)
        await operate.add_secret(rt, endpoint_id, expired.reveal(), actor="test")
        await post.world.rows(
            "UPDATE webhook_secrets SET expires_at = now() - interval '1 s' WHERE created_at = "
            "(SELECT max(created_at) FROM webhook_secrets)"
        )
        for secret in (second, pair):
            await operate.add_secret(rt, endpoint_id, secret.reveal(), actor="test")
        await post.event()
        await post.deliver()
    [hit] = receiver.hits
    assert verified(hit, FIRST, second, pair.public) == ["v1", "v1", "v1a"]
    for unknown in (expired, stranger):
        with pytest.raises(SignatureRefused):
            verified(hit, unknown)


async def test_a_second_try_is_signed_anew_with_the_same_id_and_body(post: Post) -> None:
    async with receiving(replies(500)) as receiver:
        await post.endpoint(receiver)
        await post.event()
        await post.deliver()
        await post.due_now()
        await post.deliver()
    first, second = receiver.hits
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert verified(second, FIRST) == ["v1"]
