"""A webhook receiver made of bare sockets, so that a test can answer in any way whatever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from gateway.kit.hooks import HookReply, HookSender

HEADERS = {"webhook-id": "evt_1", "webhook-timestamp": "1764000000", "webhook-signature": "v1,x"}
BODY = b'{"type":"ping","note":"\xc4\x91\xe1\xbb\x93ng \x00\xff"}'

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Hit:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    answer: Answer
    port: int = 0
    hits: list[Hit] = field(default_factory=list)
    hit: asyncio.Event = field(default_factory=asyncio.Event)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    open_now: int = 0
    open_max: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.connected.set()
        self.open_now += 1
        self.open_max = max(self.open_max, self.open_now)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                self.hits.append(await read_hit(reader))
                self.hit.set()
                await self.answer(writer)
                await writer.drain()
        self.open_now -= 1
        writer.close()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def read_hit(reader: asyncio.StreamReader) -> Hit:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
    line, *fields = head.split("\r\n")
    pairs = (field.split(": ", 1) for field in fields)
    headers = {name.lower(): value for name, value in pairs}
    return Hit(line, headers, await reader.readexactly(int(headers["content-length"])))


@asynccontextmanager
async def receiving(answer: Answer, **listening: object) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, **listening)  # type: ignore[arg-type]
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        await receiver.stop()
        server.close()
        await server.wait_closed()


def says(raw: bytes) -> Answer:
    """Answer with these bytes and wait for the next request."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return answer


def replies(status: int, *headers: str, body: bytes = b"") -> Answer:
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}", *headers]
    return says("\r\n".join([*lines, "", ""]).encode() + body)


@asynccontextmanager
async def sending(**limits: float) -> AsyncIterator[HookSender]:
    sender = HookSender(**{"deadline_s": 5.0, "allow_private": True, **limits})  # type: ignore[arg-type]
    try:
        yield sender
    finally:
        await sender.aclose()


async def post_once(answer: Answer, **limits: float) -> HookReply:
    async with receiving(answer) as receiver, sending(**limits) as sender:
        return await sender.post(receiver.url, HEADERS, BODY)


async def hang(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()
