"""Deliveries to a real local receiver."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from gateway.domain.signing import parse_verifying_key, verify
from gateway.flows import operate
from gateway.flows.deliveries import JITTER, SCHEDULE_S, Courier
from gateway.flows.operate import NewEndpoint
from gateway.kit.hooks import HookSender
from gateway.runtime import Runtime
from tests.world import BILLER, World

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"


@dataclass
class Receiver:
    """Answers as it is told and keeps what it was sent."""

    answer: bytes = b"204 No Content"
    headers: str = ""
    sent: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers["content-length"]))
            self.sent.append((headers, body))
            writer.write(
                b"HTTP/1.1 " + self.answer + f"\r\n{self.headers}connection: close\r\n\r\n".encode()
            )
            await writer.drain()
        finally:
            writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def courier(rt: Runtime, world: World) -> AsyncIterator[Courier]:
    sender = HookSender(deadline_s=5, allow_private=True)
    made = Courier(rt, sender, deadline_s=5, abreast=8)
    yield made
    made.close()
    await sender.aclose()


async def a_paid_bill(
    rt: Runtime, world: World, api: httpx.AsyncClient, receiver: Receiver
) -> None:
    url = f"http://127.0.0.1:{receiver.port}/hooks"
    await operate.add_endpoint(
        rt, NewEndpoint(BILLER, url, SECRET, allow_private=True), actor="test"
    )
    assert (await world.pay(api, await world.add_bill())).status_code == 201


async def test_an_event_is_delivered_byte_for_byte_and_verifies(
    rt: Runtime, world: World, api: httpx.AsyncClient, receiver: Receiver, courier: Courier
) -> None:
    await a_paid_bill(rt, world, api, receiver)
    assert await courier.deliver_due() == 1
    headers, body = receiver.sent[0]
    event = (await world.rows("SELECT id, body FROM events"))[0]
    assert body == event["body"].encode()
    now = int(rt.clock.now().timestamp())
    verified = verify(headers, body, [parse_verifying_key(SECRET)], now=now)
    assert verified.message_id == f"evt_{event['id'].hex}"
    row = (await world.rows("SELECT * FROM deliveries"))[0]
    assert (row["state"], row["last_status"]) == ("delivered", 204)
    assert await courier.deliver_due() == 0


async def test_every_live_secret_signs(
    rt: Runtime, world: World, api: httpx.AsyncClient, receiver: Receiver, courier: Courier
) -> None:
    await a_paid_bill(rt, world, api, receiver)
    endpoint = (await world.rows("SELECT id FROM webhook_endpoints"))[0]["id"]
    await operate.add_secret(rt, endpoint, OTHER, actor="test")
    await courier.deliver_due()
    headers, body = receiver.sent[0]
    for secret in (SECRET, OTHER):
        now = int(rt.clock.now().timestamp())
        assert verify(headers, body, [parse_verifying_key(secret)], now=now)


async def wait_of(world: World) -> float:
    rows = await world.rows(
        "SELECT extract(epoch FROM due_at - now())::float8 AS s FROM deliveries"
    )
    return float(rows[0]["s"])


@pytest.mark.parametrize("answer", [b"500 Oops", b"302 Found", b"404 Not Found", b"304 Not"])
async def test_an_answer_that_is_not_2xx_is_tried_again_as_the_schedule_says(
    rt: Runtime,
    world: World,
    api: httpx.AsyncClient,
    receiver: Receiver,
    courier: Courier,
    answer: bytes,
) -> None:
    receiver.answer = answer
    await a_paid_bill(rt, world, api, receiver)
    await courier.deliver_due()
    assert SCHEDULE_S[0] - 1 < await wait_of(world) <= SCHEDULE_S[0] * (1 + JITTER)
    assert (await world.rows("SELECT state FROM deliveries"))[0]["state"] == "due"


async def test_a_retry_after_that_is_longer_is_honoured(
    rt: Runtime, world: World, api: httpx.AsyncClient, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer, receiver.headers = b"503 Busy", "retry-after: 120\r\n"
    await a_paid_bill(rt, world, api, receiver)
    await courier.deliver_due()
    assert 118 < await wait_of(world) <= 121


async def test_410_disables_the_endpoint_and_keeps_its_queue(
    rt: Runtime, world: World, api: httpx.AsyncClient, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = b"410 Gone"
    await a_paid_bill(rt, world, api, receiver)
    await courier.deliver_due()
    assert (await world.rows("SELECT state FROM deliveries"))[0]["state"] == "held"
    endpoint = (await world.rows("SELECT * FROM webhook_endpoints"))[0]
    assert endpoint["disabled_reason"] == "answered 410 Gone"


async def test_the_last_try_that_fails_is_a_dead_letter_with_its_reason(
    rt: Runtime, world: World, api: httpx.AsyncClient, receiver: Receiver, courier: Courier
) -> None:
    receiver.answer = b"500 Oops"
    await a_paid_bill(rt, world, api, receiver)
    await world.rows("UPDATE deliveries SET attempts = $1", len(SCHEDULE_S))
    await courier.deliver_due()
    row = (await world.rows("SELECT * FROM deliveries"))[0]
    assert (row["state"], row["last_status"]) == ("dead", 500)


async def test_an_endpoint_whose_secret_cannot_be_opened_stops_nobody_else(
    rt: Runtime, world: World, api: httpx.AsyncClient, receiver: Receiver, courier: Courier
) -> None:
    await a_paid_bill(rt, world, api, receiver)
    await a_paid_bill(rt, world, api, receiver)
    await world.rows(
        "UPDATE webhook_secrets SET sealed = 'rubbish' "
        "WHERE id = (SELECT min(id::text)::uuid FROM webhook_secrets)"
    )
    await courier.deliver_due()
    states = {
        (row["state"], row["last_failure"])
        for row in await world.rows("SELECT state, last_failure FROM deliveries")
    }
    assert states == {("delivered", None), ("due", "no_usable_secret")}


async def test_two_couriers_never_take_the_same_delivery(
    rt: Runtime, world: World, api: httpx.AsyncClient, receiver: Receiver, courier: Courier
) -> None:
    await a_paid_bill(rt, world, api, receiver)
    for _ in range(7):
        assert (await world.pay(api, await world.add_bill())).status_code == 201
    sender = HookSender(deadline_s=5, allow_private=True)
    other = Courier(rt, sender, deadline_s=5, abreast=8)
    tried = await asyncio.gather(courier.deliver_due(), other.deliver_due())
    other.close()
    await sender.aclose()
    assert sum(tried) == 8
    assert len({headers["webhook-id"] for headers, _ in receiver.sent}) == len(receiver.sent) == 8
