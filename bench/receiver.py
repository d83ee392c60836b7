"""A fast billing system: raw asyncio, answers 204 at once and remembers each webhook-id.

`python -m bench.receiver PORT`; a GET answers the ids it has seen, one a line.
"""

import asyncio
import sys

import uvloop

SEEN: dict[bytes, int] = {}
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection of a worker."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            if head.startswith(b"get"):
                self._tell()
                self._buffer = b""
                return
            length = int(_value(head, b"content-length: "))
            if len(self._buffer) < end + 4 + length:
                return
            name = _value(head, b"webhook-id: ")
            SEEN[name] = SEEN.get(name, 0) + 1
            self._buffer = self._buffer[end + 4 + length :]
            self._write(NO_CONTENT)

    def _tell(self) -> None:
        body = b"\n".join(SEEN)
        self._write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def _value(head: bytes, name: bytes) -> bytes:
    at = head.find(name) + len(name)
    end = head.find(b"\r", at)
    return head[at:] if end < 0 else head[at:end]


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
