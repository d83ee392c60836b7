"""The exception table: what was certainly not sent, and what leaves the attempt in doubt."""

import asyncio
import gzip
import socket
import ssl
from pathlib import Path

import httpcore
import httpx
import pytest
import respx

from gateway.kit import logs
from gateway.kit.exchange import Exchange, Fate, Reason
from gateway.kit.wire import READ_BYTES_MAX
from gateway.kit.wire_errors import reason_of
from tests.kit.calling import a_call, send_once, wired
from tests.kit.receiver import Answer, hang, receiving, replies, says
from tests.kit.test_hooks_on_a_bad_wire import self_signed

NOWHERE = "https://acme.example.vn/create"


TABLE = [
    (httpx.ConnectError("no route to host"), "not_sent", "connect_failed"),
    (httpx.ConnectTimeout("x"), "not_sent", "connect_timeout"),
    (httpx.PoolTimeout("x"), "not_sent", "pool_full"),
    (httpx.UnsupportedProtocol("x"), "not_sent", "bad_call"),
    (httpx.ReadTimeout("x"), "silent", "read_timeout"),
    (httpx.WriteTimeout("x"), "silent", "write_timeout"),
    (httpx.ReadError("x"), "silent", "reset"),
    (httpx.WriteError("x"), "silent", "reset"),
    (httpx.CloseError("x"), "silent", "reset"),
    (httpx.RemoteProtocolError("x"), "silent", "protocol_error"),
    (httpx.LocalProtocolError("x"), "silent", "protocol_error"),
    (httpx.ProxyError("x"), "silent", "protocol_error"),
]


def told(exchange: Exchange) -> tuple[str, str]:
    assert exchange.reply is None
    return exchange.fate.value, exchange.reason.value


@pytest.mark.parametrize(
    ("error", "fate", "reason"), TABLE, ids=lambda one: getattr(one, "reason", type(one).__name__)
)
@respx.mock
async def test_an_exception_of_the_client_means(error: Exception, fate: str, reason: str) -> None:
    respx.post(NOWHERE).mock(side_effect=error)
    async with wired() as wire:
        assert told(await wire.send(a_call(NOWHERE))) == (fate, reason)


def leaves(kind: type[Exception]) -> set[type[Exception]]:
    below = [child for child in kind.__subclasses__() if child.__module__ == "httpx"]
    return set().union(*map(leaves, below)) if below else {kind}


def test_the_table_names_every_exception_that_the_client_may_raise() -> None:
    assert leaves(httpx.TransportError) == {type(error) for error, _, _ in TABLE}


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (ConnectionRefusedError(), Reason.CONNECT_REFUSED),
        (socket.gaierror(-2, "Name or service not known"), Reason.UNRESOLVABLE),
        (ssl.SSLError(1, "unknown ca"), Reason.TLS_FAILED),
        (ExceptionGroup("all attempts", [OSError(), ConnectionRefusedError()]), "connect_refused"),
        (OSError("no route to host"), Reason.CONNECT_FAILED),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_failure_to_connect_is_named_by_its_cause(cause: Exception, reason: Reason) -> None:
    below = httpcore.ConnectError("x")
    below.__cause__ = cause
    error = httpx.ConnectError("x")
    error.__cause__ = below
    assert reason_of(error) == reason


# ── on a real wire: certainly not sent ───────────────────────────────────────────────────────────


async def test_a_refused_connection_is_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with wired() as wire:
            exchange = await wire.send(a_call(f"http://127.0.0.1:{taken.getsockname()[1]}/"))
    assert told(exchange) == ("not_sent", "connect_refused")


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    async with receiving(replies(200), ssl=self_signed(tmp_path)) as receiver, wired() as wire:
        exchange = await wire.send(a_call(receiver.url.replace("http:", "https:")))
    assert told(exchange) == ("not_sent", "tls_failed")
    assert receiver.hits == []


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"connect_timeout_s": 0.1}, "connect_timeout"), ({"deadline_s": 0.1}, "deadline")],
)
async def test_a_handshake_that_does_not_end_is_not_sent(
    limits: dict[str, float], reason: str
) -> None:
    async with receiving(hang) as receiver, wired(**limits) as wire:
        exchange = await wire.send(a_call(receiver.url.replace("http:", "https:")))
    assert told(exchange) == ("not_sent", reason)


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/", "http://[::1/", "no url", "http://a.vn\n/", "http://127.0.0.1:99999/"],
)
async def test_what_is_no_http_request_is_not_sent(url: str) -> None:
    async with wired() as wire:
        assert told(await wire.send(a_call(url))) == ("not_sent", "bad_call")


async def test_a_header_that_is_no_ascii_is_not_sent() -> None:
    async with receiving(replies(200)) as receiver, wired() as wire:
        exchange = await wire.send(a_call(receiver.url, headers={"x-text": "đồng"}))
    assert told(exchange) == ("not_sent", "bad_call")
    assert receiver.hits == []


# ── on a real wire: in doubt ─────────────────────────────────────────────────────────────────────


def breaks_off(raw: bytes) -> Answer:
    """Answer with these bytes and close."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    return answer


async def aborts(writer: asyncio.StreamWriter) -> None:
    """Reset the connection instead of answering."""
    opened = writer.get_extra_info("socket")
    linger_none = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    writer.transport.abort()


async def drips(writer: asyncio.StreamWriter) -> None:
    """Send a body byte by byte, never pausing long enough for a read time-out."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


BOMB = gzip.compress(b"\x00" * 300 * READ_BYTES_MAX)

DOUBTS: dict[str, tuple[Answer, str]] = {
    "no answer at all": (hang, "deadline"),
    "half a head": (says(b"HTTP/1.1 200 OK\r\ncontent-le"), "deadline"),
    "a head without its body": (says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"), "deadline"),
    "a dripping body": (drips, "deadline"),
    "a reset": (aborts, "reset"),
    "closed at once": (breaks_off(b""), "protocol_error"),
    "closed in the head": (breaks_off(b"HTTP/1.1 200 O"), "protocol_error"),
    "closed in the body": (
        breaks_off(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
        "protocol_error",
    ),
    "closed in a chunk": (
        breaks_off(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"),
        "protocol_error",
    ),
    "no HTTP": (breaks_off(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol_error"),
    "a new protocol": (
        says(b"HTTP/1.1 101 Go On\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
        "protocol_error",
    ),
    "a redirect": (replies(302, "location: http://127.0.0.1:1/"), "redirect"),
    "not modified": (says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "redirect"),
    "a server error": (replies(500, body=b'{"resultCode":0}'), "server_error"),
    "a gateway's time-out": (replies(504), "server_error"),
    "a body over the cap": (replies(200, body=b"x" * (READ_BYTES_MAX + 1)), "too_large"),
    "a body without end": (
        replies(200, "x: y", body=b"x" * (4 * READ_BYTES_MAX)),
        "too_large",
    ),
    "a gzip bomb": (replies(200, "content-encoding: gzip", body=BOMB), "too_large"),
    "gzip that is cut": (
        replies(200, "content-encoding: gzip", body=gzip.compress(b"{}")[:-4]),
        "protocol_error",
    ),
    "gzip that is none": (replies(200, "content-encoding: gzip", body=b"{}"), "protocol_error"),
    "an encoding nobody asked for": (
        replies(200, "content-encoding: br", body=b"{}"),
        "protocol_error",
    ),
}


@pytest.mark.parametrize("what", DOUBTS)
async def test_a_call_that_got_no_whole_good_answer_is_in_doubt(what: str) -> None:
    answer, reason = DOUBTS[what]
    assert told(await send_once(answer, deadline_s=0.3)) == ("silent", reason)


async def test_a_redirect_is_not_followed() -> None:
    async with receiving(replies(200)) as other:
        exchange = await send_once(replies(307, f"location: {other.url}"))
    assert exchange.status == 307
    assert other.connections == 0


async def test_what_came_of_a_useless_answer_is_kept_for_a_person() -> None:
    exchange = await send_once(replies(502, body=b"<h1>Bad gateway</h1>"))
    assert (exchange.status, exchange.reply_text) == (502, "<h1>Bad gateway</h1>")
    assert exchange.reply is None


async def test_of_an_answer_that_is_not_whole_no_hash_is_given() -> None:
    exchange = await send_once(replies(200, body=b"x" * (READ_BYTES_MAX + 1)))
    assert exchange.reply_sha256 is None


async def test_a_task_that_is_cancelled_after_sending_ends_cancelled_and_in_doubt() -> None:
    async with receiving(hang) as receiver, wired() as wire:
        task = asyncio.create_task(wire.send(a_call(receiver.url)))
        await receiver.hit.wait()
        with logs.captured() as lines:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert [(line["fate"], line["reason"]) for line in lines] == [
        (Fate.SILENT.value, Reason.CANCELLED.value)
    ]


async def test_a_task_that_is_cancelled_while_connecting_has_sent_nothing() -> None:
    async with receiving(hang) as receiver, wired() as wire:
        url = receiver.url.replace("http:", "https:")
        task = asyncio.create_task(wire.send(a_call(url)))
        await receiver.connected.wait()
        with logs.captured() as lines:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert [line["fate"] for line in lines] == [Fate.NOT_SENT.value]
