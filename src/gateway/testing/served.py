"""ASGI applications over real HTTP on this machine, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import uvicorn

from gateway.kit.messages import Acknowledgement, Incoming

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def served(application: Application) -> AsyncIterator[str]:
    """Serve an application on a free port of 127.0.0.1 and give its base URL."""
    config = uvicorn.Config(
        application, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        # From here on a client waits in the queue until the server is up; nobody need poll.
        listening.listen()
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class Door:
    """Where a provider's notifications arrive; each is kept and answered by `answer`."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Incoming] = asyncio.Queue()
        self.answer: Callable[[Incoming], Acknowledgement] = lambda _: Acknowledgement(204)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Take one request, as ASGI calls it."""
        if scope["type"] != "http":
            return await _live(receive, send)
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        incoming = Incoming(
            scope["method"],
            query=scope["query_string"].decode("latin-1"),
            body=body,
            headers={name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]},
            peer=(scope.get("client") or ("",))[0],
            received_at=datetime.now(UTC),
        )
        self.arrived.put_nowait(incoming)
        return await _reply(send, self.answer(incoming))


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _reply(send: Send, said: Acknowledgement) -> None:
    media = [(b"content-type", said.media_type.encode())] if said.media_type else []
    await send({"type": "http.response.start", "status": said.status, "headers": media})
    await send({"type": "http.response.body", "body": said.body})
