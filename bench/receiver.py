"""A fast billing system: raw asyncio, answers 204 at once, remembers each event and its payment.

`python -m bench.receiver PORT`; GET /count answers how many webhooks came, GET / their ids, one
`event payment` a line and as often as it came.
"""

import asyncio
import sys

import uvloop

SEEN: list[tuple[bytes, bytes]] = []
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
HEX_DIGITS = 32


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
                self._tell(head)
                self._buffer = b""
                return
            stop = end + 4 + int(_value(head, b"content-length: "))
            if len(self._buffer) < stop:
                return
            at = self._buffer.find(b'"id":"pay_', end) + len(b'"id":"pay_')
            payment = self._buffer[at : at + HEX_DIGITS]
            SEEN.append((_value(head, b"webhook-id: evt_"), payment))
            self._buffer = self._buffer[stop:]
            self._write(NO_CONTENT)

    def _tell(self, head: bytes) -> None:
        body = b"\n".join(event + b" " + payment for event, payment in SEEN)
        if head.startswith(b"get /count"):
            body = b"%d" % len(SEEN)
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
