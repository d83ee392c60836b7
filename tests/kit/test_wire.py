"""What the wire tells of calls: the whole answer, what was sent, and what may be kept of it."""

import asyncio
import gzip
import hashlib
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.kit import logs, metrics
from gateway.kit.abilities import Config
from gateway.kit.breaker import Breakers, Rules
from gateway.kit.exchange import Fate, Limits, Reason
from gateway.kit.wire import READ_BYTES_MAX
from tests.kit.calling import BODY, JSON, SECRET, a_call, send_once, wired
from tests.kit.receiver import hang, receiving, replies

PHONE = "0912345678"


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


async def test_what_is_signed_is_what_is_sent() -> None:
    query = "?vnp_OrderInfo=Thanh+toan+%C4%91%20&b=%7e~&vnp_SecureHash=aB"
    async with receiving(replies(200)) as receiver, wired() as wire:
        await wire.send(a_call(receiver.url + query))
    assert receiver.hits[0].line == f"POST /webhooks{query} HTTP/1.1"
    assert receiver.hits[0].body == BODY
    assert receiver.hits[0].headers["content-type"] == JSON["content-type"]
    assert receiver.hits[0].headers["accept-encoding"] == "identity"


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert (await send_once(replies(200))).fate is Fate.ANSWERED


async def test_a_cookie_is_not_kept() -> None:
    async with receiving(replies(200, "set-cookie: a=b")) as receiver, wired() as wire:
        await wire.send(a_call(receiver.url))
        await wire.send(a_call(receiver.url))
    assert "cookie" not in receiver.hits[1].headers


async def test_one_connection_carries_one_call_after_another() -> None:
    async with receiving(replies(200, body=b"{}")) as receiver, wired() as wire:
        for _ in range(3):
            await wire.send(a_call(receiver.url))
    assert receiver.connections == 1


# ── what came back ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 404, 409, 429])
async def test_a_whole_answer_is_handed_on_as_it_is(status: int) -> None:
    body = b"" if status == 204 else b'{"resultCode":0,"phone":"0912345678"}'
    exchange = await send_once(replies(status, "X-Trace: 7", body=body))
    assert (exchange.fate, exchange.reason) == (Fate.ANSWERED, Reason.ANSWERED)
    assert exchange.reply is not None
    assert (exchange.reply.status, exchange.reply.body) == (status, body)
    assert exchange.reply.headers["x-trace"] == "7"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"whole")),
        ("GZIP", gzip.compress(b"whole")),
        ("deflate", zlib.compress(b"whole")),
    ],
    ids=["gzip", "GZIP", "deflate"],
)
async def test_a_compressed_answer_is_read_although_none_was_asked_for(
    encoding: str, packed: bytes
) -> None:
    exchange = await send_once(replies(200, f"content-encoding: {encoding}", body=packed))
    assert exchange.reply is not None
    assert exchange.reply.body == b"whole"
    assert exchange.reply_sha256 == hashlib.sha256(b"whole").hexdigest()


async def test_an_answer_of_just_the_largest_size_is_read() -> None:
    exchange = await send_once(replies(200, body=b"x" * READ_BYTES_MAX))
    assert exchange.fate is Fate.ANSWERED


@pytest.mark.parametrize(("spare", "fate"), [(0, Fate.ANSWERED), (-1, Fate.SILENT)])
async def test_a_call_may_ask_for_a_longer_answer(spare: int, fate: Fate) -> None:
    size = READ_BYTES_MAX * 2
    async with receiving(replies(200, body=b"x" * size)) as receiver, wired() as wire:
        call = replace(a_call(receiver.url), reply_bytes_max=size + spare)
        assert (await wire.send(call)).fate is fate


async def test_many_calls_at_once_get_each_its_own_answer() -> None:
    async with receiving(replies(200, body=b"{}")) as receiver, wired(concurrency=4) as wire:
        exchanges = await asyncio.gather(*(wire.send(a_call(receiver.url)) for _ in range(40)))
    assert {exchange.fate for exchange in exchanges} == {Fate.ANSWERED}
    assert receiver.open_max <= 4


# ── the bulkhead and the breaker ─────────────────────────────────────────────────────────────────


async def test_a_call_that_finds_no_place_is_not_sent() -> None:
    limits = {"concurrency": 2, "place_wait_s": 0.05}
    async with receiving(hang) as receiver, wired(**limits) as wire:
        stuck = [asyncio.create_task(wire.send(a_call(receiver.url))) for _ in range(2)]
        while len(receiver.hits) < 2:
            await receiver.hit.wait()
            receiver.hit.clear()
        exchange = await wire.send(a_call(receiver.url))
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
    assert (exchange.fate, exchange.reason) == (Fate.NOT_SENT, Reason.POOL_FULL)
    assert len(receiver.hits) == 2


async def test_a_place_is_free_again_after_a_cancelled_call() -> None:
    async with receiving(hang) as receiver, wired(concurrency=1) as wire:
        stuck = asyncio.create_task(wire.send(a_call(receiver.url)))
        await receiver.hit.wait()
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        receiver.answer = replies(200)
        assert (await wire.send(a_call(receiver.url))).fate is Fate.ANSWERED


async def test_an_open_breaker_sends_nothing_and_says_so() -> None:
    breakers = Breakers()
    breakers.of("acme", "create").trip("by hand")
    async with receiving(replies(200)) as receiver, wired(breakers) as wire:
        exchange = await wire.send(a_call(receiver.url))
        other = await wire.send(a_call(receiver.url, operation="query"))
    assert (exchange.fate, exchange.reason) == (Fate.NOT_SENT, Reason.BREAKER_OPEN)
    assert other.fate is Fate.ANSWERED
    assert len(receiver.hits) == 1


async def test_silence_trips_the_breaker_and_refusals_do_not() -> None:
    breakers = Breakers(Rules(calls_min=3))
    async with receiving(replies(400)) as receiver, wired(breakers) as wire:
        for _ in range(10):
            assert (await wire.send(a_call(receiver.url))).fate is Fate.ANSWERED
        receiver.answer = replies(503)
        reasons = [(await wire.send(a_call(receiver.url))).reason for _ in range(11)]
    assert reasons == [Reason.SERVER_ERROR] * 10 + [Reason.BREAKER_OPEN]


async def test_full_places_do_not_trip_the_breaker() -> None:
    breakers = Breakers(Rules(calls_min=1))
    limits = {"concurrency": 1, "place_wait_s": 0.01}
    async with receiving(hang) as receiver, wired(breakers, **limits) as wire:
        stuck = asyncio.create_task(wire.send(a_call(receiver.url)))
        await receiver.hit.wait()
        reasons = [(await wire.send(a_call(receiver.url))).reason for _ in range(3)]
        stuck.cancel()
        await asyncio.gather(stuck, return_exceptions=True)
    assert reasons == [Reason.POOL_FULL] * 3


# ── what may be kept ─────────────────────────────────────────────────────────────────────────────


async def test_an_exchange_shows_no_secret_and_no_private_field() -> None:
    said = b'{"phone":"0912345678","echo":"s3cret-of-acme"}'
    async with receiving(replies(200, body=said)) as receiver, wired() as wire:
        exchange = await wire.send(a_call(f"{receiver.url}?key={SECRET}&phone={PHONE}"))
    assert SECRET not in repr(exchange)
    assert PHONE not in repr(exchange)
    assert "[redacted]" in exchange.request_text
    assert exchange.request_sha256 == hashlib.sha256(BODY).hexdigest()
    assert exchange.reply_sha256 == hashlib.sha256(said).hexdigest()


async def test_a_call_is_one_log_line_without_bodies() -> None:
    with logs.captured() as lines:
        await send_once(replies(400, body=b"no: " + SECRET.encode()))
    assert len(lines) == 1
    took_ms = lines[0].pop("took_ms")
    assert took_ms >= 0
    assert lines[0] == {
        "event": "provider.called",
        "level": "info",
        "provider": "acme",
        "operation": "create",
        "fate": "answered",
        "reason": "answered",
        "status": 400,
    }


async def test_a_call_is_counted_by_its_fate() -> None:
    counter = metrics.PROVIDER_CALLS.labels("acme", "create", "silent")
    before = counter._value.get()
    await send_once(replies(500))
    assert counter._value.get() == before + 1


async def test_an_exchange_says_when_it_began() -> None:
    before = datetime.now(UTC)
    exchange = await send_once(replies(200))
    assert before <= exchange.started_at <= datetime.now(UTC)


def test_the_limits_are_those_of_the_configuration() -> None:
    config = Config(connect_timeout_s=1, deadline_s=2, concurrency=3)
    assert Limits.of(config) == Limits(connect_timeout_s=1, deadline_s=2, concurrency=3)
