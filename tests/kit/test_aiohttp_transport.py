import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.kit.aiohttp_transport import AddressRefused, AiohttpTransport
from tests.kit.receiver import Answer, receiving, replies, says


def anywhere(_: str) -> bool:
    return True


@asynccontextmanager
async def client(may_dial: Callable[[str], bool] = anywhere) -> AsyncIterator[httpx.AsyncClient]:
    transport = AiohttpTransport(connect_s=3, per_endpoint=4, may_dial=may_dial)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as made:
        yield made


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def half_a_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    writer.close()


async def test_an_ordinary_httpx_client_works_over_it() -> None:
    answer = replies(201, "x-one: 1", "set-cookie: a=1", "set-cookie: b=2", body=b'{"a": 1}')
    async with receiving(answer) as receiver, client() as httpx_client:
        response = await httpx_client.post(receiver.url, json={"b": 2})
    assert (response.status_code, response.json()) == (201, {"a": 1})
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert receiver.hits[0].body == b'{"b":2}'


async def test_a_path_and_query_travel_as_they_were_written() -> None:
    async with receiving(replies(200)) as receiver, client() as httpx_client:
        await httpx_client.post(f"http://127.0.0.1:{receiver.port}/a%2Fb/c?x=%20&y=%C4%91")
    assert receiver.hits[0].line == "POST /a%2Fb/c?x=%20&y=%C4%91 HTTP/1.1"


async def test_a_header_sent_twice_arrives_twice() -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with client() as httpx_client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await httpx_client.post(url, headers=[("x-a", "1"), ("x-a", "2")])
    server.close()
    await server.wait_closed()
    assert received[0].lower().count(b"x-a:") == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (close, httpx.ReadError),
        (half_a_body, httpx.TransportError),
        (says(b"nonsense\r\n\r\n"), httpx.RemoteProtocolError),
    ],
)
async def test_a_broken_answer_is_an_httpx_error(answer: Answer, error: type[Exception]) -> None:
    async with receiving(answer) as receiver, client() as httpx_client:
        with pytest.raises(error) as raised:
            await httpx_client.post(receiver.url, content=b"x")
    assert not isinstance(raised.value, httpx.ConnectError)


async def test_nobody_listening_is_a_connect_error() -> None:
    async with receiving(replies(204)) as receiver:
        url = receiver.url
    async with client() as httpx_client:
        with pytest.raises(httpx.ConnectError):
            await httpx_client.post(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_literal_and_a_name_pass_the_same_gate(host: str) -> None:
    asked: list[str] = []

    def never(address: str) -> bool:
        asked.append(address)
        return False

    async with receiving(replies(204)) as receiver, client(never) as httpx_client:
        with pytest.raises(AddressRefused):
            await httpx_client.post(f"http://{host}:{receiver.port}/")
    assert "127.0.0.1" in asked
    assert receiver.connections == 0


async def test_the_next_address_is_dialled_when_the_first_is_refused() -> None:
    """Behind `localhost` are ::1 and 127.0.0.1 on most machines; one of the two is allowed."""

    async with receiving(replies(204)) as receiver, client("127.0.0.1".__eq__) as httpx_client:
        response = await httpx_client.post(f"http://localhost:{receiver.port}/")
    assert response.status_code == 204


async def test_a_transport_that_never_sent_closes_quietly() -> None:
    await AiohttpTransport(connect_s=1, per_endpoint=1, may_dial=anywhere).aclose()
