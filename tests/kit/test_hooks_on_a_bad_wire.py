import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.kit.hooks import Failure, HookSender
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


class Resolver(AbstractResolver):
    """Tells that every name is at these addresses, whatever port was asked for."""

    def __init__(self, *addresses: str, port: int) -> None:
        self.addresses = addresses
        self.port = port

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=self.port, family=2, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        return None


# ── one deadline over all ────────────────────────────────────────────────────────────────────────


async def drip_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: y\r\n")
        await asyncio.sleep(0.02)


async def drip_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
    while True:
        writer.write(b".")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(("answer", "status"), [(hang, None), (drip_head, None), (drip_body, 200)])
async def test_the_deadline_covers_the_whole_exchange(answer: Answer, status: int | None) -> None:
    reply = await post_once(answer, deadline_s=0.25)
    assert (reply.status, reply.failure, reply.delivered) == (status, Failure.TIMEOUT, False)
    assert reply.elapsed_ms >= 250


async def test_what_had_come_before_the_deadline_is_kept() -> None:
    assert (await post_once(drip_body, deadline_s=0.25)).excerpt.startswith("..")


async def test_a_connection_cut_by_the_deadline_is_not_used_again() -> None:
    async with receiving(drip_body) as receiver, sending(deadline_s=0.1) as sender:
        await sender.post(receiver.url, HEADERS, BODY)
        receiver.answer = replies(204)
        assert (await sender.post(receiver.url, HEADERS, BODY)).delivered
    assert receiver.connections == 2


async def test_a_cancelled_post_is_cancelled_and_not_a_timeout() -> None:
    async with receiving(hang) as receiver, sending() as sender:
        post = asyncio.create_task(sender.post(receiver.url, HEADERS, BODY))
        await receiver.hit.wait()
        post.cancel()
        with pytest.raises(asyncio.CancelledError):
            await post


# ── broken conversations ─────────────────────────────────────────────────────────────────────────


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def half_a_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    writer.close()


async def half_a_chunk(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\nhalf")
    writer.close()


@pytest.mark.parametrize("answer", [close, reset])
async def test_a_connection_lost_after_sending_was_dropped_and_is_not_sent_again_by_itself(
    answer: Answer,
) -> None:
    async with receiving(answer) as receiver, sending() as sender:
        reply = await sender.post(receiver.url, HEADERS, BODY)
    assert (reply.status, reply.failure) == (None, Failure.DROPPED)
    assert len(receiver.hits) == 1


@pytest.mark.parametrize("answer", [half_a_body, half_a_chunk])
async def test_half_an_answer_is_no_success_though_it_began_with_200(answer: Answer) -> None:
    reply = await post_once(answer)
    assert (reply.status, reply.failure, reply.delivered) == (200, Failure.DROPPED, False)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
    ids=["ssh", "status", "negative length", "no length", "huge header"],
)
async def test_what_is_not_http_is_a_failure_and_no_exception(raw: bytes) -> None:
    reply = await post_once(says(raw))
    assert (reply.status, reply.failure) == (None, Failure.PROTOCOL)


async def test_garbage_within_a_body_is_a_failure() -> None:
    raw = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n"
    reply = await post_once(says(raw))
    assert (reply.failure, reply.delivered) == (Failure.PROTOCOL, False)


async def test_garbage_after_the_head_is_a_failure_by_the_deadline_at_the_latest() -> None:
    """aiohttp 3.14.5 never tells of it: without our own deadline the post would hang."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"zz\r\nhello\r\n")

    reply = await post_once(answer, deadline_s=0.3)
    assert reply.failure in {Failure.TIMEOUT, Failure.PROTOCOL}
    assert (reply.status, reply.delivered) == (200, False)


async def test_nobody_listening_is_a_failure_to_connect() -> None:
    async with receiving(replies(204)) as receiver:
        url = receiver.url
    async with sending() as sender:
        reply = await sender.post(url, HEADERS, BODY)
    assert (reply.status, reply.failure) == (None, Failure.CONNECT)


async def test_a_name_that_does_not_resolve_is_a_failure_to_connect() -> None:
    class Nowhere(Resolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
            raise OSError(None, f"no address for {host}")

    sender = HookSender(resolver=Nowhere(port=1))
    reply = await sender.post("https://billing.example.vn/webhooks", HEADERS, BODY)
    await sender.aclose()
    assert reply.failure is Failure.CONNECT


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    async with receiving(replies(204), ssl=self_signed(tmp_path)) as receiver, sending() as sender:
        reply = await sender.post(receiver.url.replace("http:", "https:"), HEADERS, BODY)
    assert (reply.failure, reply.delivered) == (Failure.TLS, False)
    assert receiver.hits == []


async def test_a_handshake_that_does_not_end_is_a_failure_to_connect() -> None:
    async with receiving(hang) as receiver, sending(connect_s=0.2, deadline_s=20) as sender:
        reply = await sender.post(receiver.url.replace("http:", "https:"), HEADERS, BODY)
    assert (reply.status, reply.failure) == (None, Failure.CONNECT)


async def test_plain_http_behind_https_is_a_tls_failure() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with sending() as sender:
        reply = await sender.post(f"https://127.0.0.1:{port}/", HEADERS, BODY)
    server.close()
    await server.wait_closed()
    assert reply.failure is Failure.TLS


# ── addresses and URLs ───────────────────────────────────────────────────────────────────────────


async def test_a_name_that_now_leads_inside_is_not_dialled() -> None:
    async with receiving(replies(204)) as receiver:
        sender = HookSender(resolver=Resolver("127.0.0.1", port=receiver.port))
        reply = await sender.post("https://billing.example.vn/webhooks", HEADERS, BODY)
        await sender.aclose()
    assert (reply.failure, reply.delivered) == (Failure.REFUSED_ADDRESS, False)
    assert receiver.connections == 0


async def test_a_name_with_only_inner_addresses_is_refused_whatever_their_number() -> None:
    sender = HookSender(resolver=Resolver("10.0.0.1", "169.254.169.254", "127.0.0.1", port=1))
    reply = await sender.post("https://billing.example.vn/webhooks", HEADERS, BODY)
    await sender.aclose()
    assert reply.failure is Failure.REFUSED_ADDRESS


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("https://127.0.0.1/", Failure.REFUSED_ADDRESS),
        ("https://[::ffff:127.0.0.1]/", Failure.REFUSED_ADDRESS),
        ("https://localhost/", Failure.REFUSED_ADDRESS),
        ("https://2130706433/", Failure.REFUSED_URL),
        ("https://user@billing.example.vn/", Failure.REFUSED_URL),
        ("http://billing.example.vn/", Failure.REFUSED_URL),
        ("not a url", Failure.REFUSED_URL),
    ],
)
async def test_a_url_is_vetted_before_every_try(url: str, failure: Failure) -> None:
    sender = HookSender()
    reply = await sender.post(url, HEADERS, BODY)
    await sender.aclose()
    assert (reply.status, reply.failure) == (None, failure)
