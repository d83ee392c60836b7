"""A line to Postgres that breaks exactly where a test says, between the API and the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit


class Break(StrEnum):
    """Where the line breaks for the one statement that carries the marked bytes."""

    BEFORE = "before the statement arrives"
    AFTER = "after it committed, before its answer"
    MIDDLE = "in the middle of its answer"


@dataclass
class Wire:
    """Passes bytes on, until a client sends what is marked."""

    target: str
    port: int = 0
    mark: bytes = b""
    how: Break = Break.BEFORE
    hides_ends: bool = False
    """Pass on what a server says when it ends a session, but not that it has ended."""
    broken: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def break_at(self, mark: str, how: Break) -> None:
        """Break once, at the statement that carries `mark`."""
        self.mark, self.how, self.broken = mark.encode(), how, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        up_reader, up_writer = await asyncio.open_unix_connection(self.target)
        line = _Line(self, writer, up_writer)
        with suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(line.carry_up(reader), line.carry_down(up_reader))
        writer.close()
        up_writer.close()

    async def stop(self) -> None:
        """Cut every line."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass
class _Line:
    wire: Wire
    down: asyncio.StreamWriter
    up: asyncio.StreamWriter
    is_doomed: bool = False

    async def carry_up(self, reader: asyncio.StreamReader) -> None:
        while piece := await reader.read(65536):
            wire = self.wire
            if wire.mark and wire.mark in piece:
                wire.mark, self.is_doomed = b"", True
                wire.broken += 1
                if wire.how is Break.BEFORE:
                    break
            self.up.write(piece)
        self.up.close()
        if self.is_doomed:
            self.down.close()

    async def carry_down(self, reader: asyncio.StreamReader) -> None:
        while piece := await reader.read(65536):
            if self.is_doomed:
                if self.wire.how is Break.MIDDLE:
                    self.down.write(piece[: len(piece) // 2])
                break
            self.down.write(piece)
        if self.wire.hides_ends and not self.is_doomed:
            await asyncio.Event().wait()
        self.down.close()


@asynccontextmanager
async def wired(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """Give a line to the server of `url`, and the address that leads over it."""
    parts = urlsplit(url)
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    wire = Wire(f"{options['host']}/.s.PGSQL.{options['port']}")
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire, f"postgresql://{parts.username}@127.0.0.1:{wire.port}{parts.path}"
    finally:
        server.close()
        await wire.stop()
        await server.wait_closed()
