import asyncio
import gzip
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from gateway.kit.hooks import Failure, read_retry_after
from tests.kit.receiver import (
    BODY,
    HEADERS,
    Answer,
    hang,
    post_once,
    receiving,
    replies,
    says,
    sending,
)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


async def test_the_receiver_gets_the_very_bytes_that_were_signed() -> None:
    async with receiving(replies(204)) as receiver, sending() as sender:
        await sender.post(receiver.url, HEADERS, BODY)
    assert receiver.hits[0].line == "POST /webhooks HTTP/1.1"
    assert receiver.hits[0].body == BODY
    assert HEADERS.items() <= receiver.hits[0].headers.items()


async def test_nothing_is_sent_that_nobody_asked_for() -> None:
    async with receiving(replies(204)) as receiver, sending() as sender:
        await sender.post(receiver.url, HEADERS, BODY)
    assert receiver.hits[0].headers.keys() - HEADERS.keys() == {
        "host",
        "content-length",
        "content-type",
        "accept-encoding",
        "user-agent",
    }
    assert receiver.hits[0].headers["accept-encoding"] == "identity"
    assert receiver.hits[0].headers["content-type"] == "application/json"


async def test_a_header_of_the_caller_replaces_ours_in_any_case() -> None:
    async with receiving(replies(204)) as receiver, sending() as sender:
        await sender.post(receiver.url, {**HEADERS, "Content-Type": "application/x"}, BODY)
    assert receiver.hits[0].headers["content-type"] == "application/x"


async def test_a_cookie_is_not_kept() -> None:
    async with receiving(replies(204, "set-cookie: a=b")) as receiver, sending() as sender:
        await sender.post(receiver.url, HEADERS, BODY)
        await sender.post(receiver.url, HEADERS, BODY)
    assert "cookie" not in receiver.hits[1].headers


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(replies(502)) as proxy, receiving(replies(204)) as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with sending() as sender:
            reply = await sender.post(receiver.url, HEADERS, BODY)
    assert reply.delivered
    assert proxy.connections == 0


# ── what counts as delivered ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(status: int) -> None:
    reply = await post_once(replies(status))
    assert reply.delivered
    assert (reply.status, reply.failure) == (status, None)


@pytest.mark.parametrize(
    "status", [300, 301, 302, 304, 307, 308, 400, 401, 404, 410, 429, 500, 503]
)
async def test_nothing_else_is_delivered(status: int) -> None:
    reply = await post_once(replies(status))
    assert not reply.delivered
    assert (reply.status, reply.failure) == (status, None)


async def test_a_redirect_is_not_followed() -> None:
    async with receiving(replies(204)) as elsewhere:
        location = f"location: {elsewhere.url}"
        async with receiving(replies(307, location)) as receiver, sending() as sender:
            reply = await sender.post(receiver.url, HEADERS, BODY)
    assert (reply.status, reply.delivered) == (307, False)
    assert len(receiver.hits) == 1
    assert elsewhere.connections == 0


async def test_an_interim_answer_is_not_the_answer() -> None:
    raw = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    assert (await post_once(says(raw))).status == 204


# ── what is kept of the answer ───────────────────────────────────────────────────────────────────


async def test_the_answers_first_4_kb_are_kept() -> None:
    reply = await post_once(replies(500, body=b"a" * 10_000))
    assert reply.excerpt == "a" * 4096
    assert reply.failure is None


async def test_nul_and_broken_utf8_become_text_that_postgres_can_hold() -> None:
    reply = await post_once(replies(500, body=b"a\x00b\xff" + "ồ".encode()[:2]))
    assert reply.excerpt == "a\ufffdb\ufffd\ufffd"


async def test_the_excerpt_stays_within_4_kb_when_broken_bytes_grow() -> None:
    reply = await post_once(replies(500, body=b"\xff" * 4096))
    assert 4090 < len(reply.excerpt.encode()) <= 4096


async def test_a_gzip_answer_is_neither_inflated_nor_shown() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    reply = await post_once(replies(200, "content-encoding: gzip", body=bomb))
    assert reply.excerpt == f"[{len(bomb)} bytes encoded as 'gzip']"
    assert reply.delivered


async def test_an_answer_over_64_kb_is_cut_off() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await writer.drain()

    reply = await post_once(endless)
    assert (reply.status, reply.failure, reply.delivered) == (200, Failure.TOO_LARGE, False)


async def test_an_answer_of_64_kb_is_not_too_large() -> None:
    assert (await post_once(replies(200, body=b"a" * 65536))).delivered


# ── connections ──────────────────────────────────────────────────────────────────────────────────


async def test_a_connection_is_used_again() -> None:
    async with receiving(replies(200, body=b"ok")) as receiver, sending() as sender:
        for _ in range(5):
            assert (await sender.post(receiver.url, HEADERS, BODY)).delivered
    assert (receiver.connections, len(receiver.hits)) == (1, 5)


async def test_no_more_connections_are_open_to_one_endpoint_than_allowed() -> None:
    async with receiving(replies(204)) as receiver, sending(per_endpoint=3) as sender:
        posts = [sender.post(receiver.url, HEADERS, BODY) for _ in range(30)]
        assert all(reply.delivered for reply in await asyncio.gather(*posts))
    assert receiver.open_max == 3


async def test_without_a_limit_messages_to_one_host_do_not_wait_for_one_another() -> None:
    all_came = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        if len(receiver.hits) == 30:
            all_came.set()
        await all_came.wait()
        await replies(204)(writer)

    async with receiving(answer) as receiver, sending() as sender:
        posts = [sender.post(receiver.url, HEADERS, BODY) for _ in range(30)]
        assert all(reply.delivered for reply in await asyncio.gather(*posts))


async def test_a_stuck_endpoint_does_not_hold_up_another() -> None:
    async with (
        receiving(hang) as stuck,
        receiving(replies(204)) as healthy,
        sending(per_endpoint=2, deadline_s=0.3) as sender,
    ):
        waiting = [asyncio.create_task(sender.post(stuck.url, HEADERS, BODY)) for _ in range(10)]
        assert (await sender.post(healthy.url, HEADERS, BODY)).delivered
        assert not any(post.done() for post in waiting)
        assert {reply.failure for reply in await asyncio.gather(*waiting)} == {Failure.TIMEOUT}


# ── Retry-After ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("86400", 86400),
        ("86401", 86400),
        ("9" * 5000, 86400),
        ("-1", None),
        ("+5", None),
        ("1.5", None),
        ("1e3", None),
        ("\u0661", None),
        ("", None),
        ("soon", None),
        (format_datetime(NOON + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime(NOON, usegmt=True), 0),
        (format_datetime(NOON + timedelta(days=9), usegmt=True), 86400),
        (format_datetime(NOON - timedelta(seconds=1), usegmt=True), None),
        ("Tuesday, 24-Nov-26 12:05:00 GMT", 300),
        ("Tue Nov 24 12:05:00 2026", 300),
        (format_datetime(NOON.astimezone(timezone(timedelta(hours=7)))), 0),
        ("Tue, 99 Nov 2026 12:05:00 GMT", None),
        ("Tue, 24 Nov 99999999999999999999 12:05:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_capped(text: str, seconds: int | None) -> None:
    assert read_retry_after(text, now=NOON) == seconds


async def test_a_failing_answer_brings_its_retry_after() -> None:
    reply = await post_once(replies(503, "retry-after: 120"))
    assert (reply.status, reply.retry_after_s) == (503, 120)


async def test_a_date_is_counted_from_now() -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    reply = await post_once(replies(429, f"Retry-After: {format_datetime(later, usegmt=True)}"))
    assert reply.retry_after_s is not None
    assert 3500 < reply.retry_after_s <= 3600


@pytest.mark.parametrize("answer", [replies(204, "retry-after: 120"), replies(500)])
async def test_a_success_or_a_silent_failure_brings_none(answer: Answer) -> None:
    assert (await post_once(answer)).retry_after_s is None
