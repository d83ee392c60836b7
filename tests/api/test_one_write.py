"""An answer leaves in one piece, and never later than it would have in two."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gateway.api.one_write import HeadKeeper, OneWrite

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Recorder:
    """A transport that remembers what was sent, each piece by itself."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.sent.append(b"closed")

    def is_closing(self) -> bool:
        return self.sent[-1:] == [b"closed"]


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def keeper(recorder: Recorder) -> HeadKeeper:
    return HeadKeeper(cast(asyncio.Transport, recorder), asyncio.get_running_loop())


async def test_head_and_body_leave_together(keeper: HeadKeeper, recorder: Recorder) -> None:
    keeper.write(HEAD)
    keeper.write(b"ok")
    await asyncio.sleep(0)
    assert recorder.sent == [HEAD + b"ok"]


async def test_a_head_alone_leaves_at_the_next_turn(keeper: HeadKeeper, recorder: Recorder) -> None:
    keeper.write(HEAD)
    assert recorder.sent == []
    await asyncio.sleep(0)
    assert recorder.sent == [HEAD]
    keeper.write(b"ok")
    assert recorder.sent == [HEAD, b"ok"]


async def test_two_answers_keep_their_order(keeper: HeadKeeper, recorder: Recorder) -> None:
    for piece in (HEAD, HEAD, b"ok", HEAD):
        keeper.write(piece)
    await asyncio.sleep(0)
    assert b"".join(recorder.sent) == HEAD + HEAD + b"ok" + HEAD


async def test_what_is_kept_leaves_before_the_connection_closes(
    keeper: HeadKeeper, recorder: Recorder
) -> None:
    keeper.write(HEAD)
    keeper.close()
    await asyncio.sleep(0)
    assert recorder.sent == [HEAD, b"closed"]
    assert keeper.is_closing()


async def whole(_: Request) -> Response:
    return Response("whole")


async def slow(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"HTTP/1.1 ", b"is in ", b"a body"):
            await asyncio.sleep(0)
            yield piece

    return StreamingResponse(pieces())


@pytest.fixture
async def served() -> AsyncIterator[httpx.AsyncClient]:
    routes = [Route("/whole", whole, methods=["GET", "HEAD"]), Route("/slow", slow)]
    config = uvicorn.Config(
        Starlette(routes=routes), port=0, http=OneWrite, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn rings no bell)
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    server.should_exit = True
    await serving


async def test_every_kind_of_answer_arrives_whole(served: httpx.AsyncClient) -> None:
    for _ in range(3):
        assert (await served.get("/whole")).text == "whole"
        head = await served.head("/whole")
        assert (head.text, head.headers["content-length"]) == ("", "5")
        assert (await served.get("/slow")).text == "HTTP/1.1 is in a body"
        assert (await served.get("/missing")).status_code == 404
