"""The one place that sends webhooks: one signed POST, one deadline, one answer, never a surprise.

Plain httpx is replaced below by `AiohttpTransport`; everything above the transport speaks httpx.
Re-sending a webhook is always safe, so every failure here simply means: try again later.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache
from time import monotonic

import httpx
from aiohttp.abc import AbstractResolver

from gateway.domain.addresses import Trap, UrlRefused, is_public, vet_url
from gateway.kit.aiohttp_transport import AddressRefused, AiohttpTransport, TlsFailed

__all__ = ["Failure", "HookReply", "HookSender", "UrlRefused", "read_retry_after", "vet_url"]

READ_BYTES_MAX = 64 * 1024
EXCERPT_BYTES_MAX = 4096
RETRY_AFTER_S_MAX = 24 * 3600

_SUCCESS = range(200, 300)
_DEFAULTS = {
    "content-type": "application/json",
    # Asking for no compression, and undoing none, leaves no bomb to defuse.
    "accept-encoding": "identity",
    "user-agent": "gateway-webhooks/1",
}
_SECONDS = re.compile(r"[0-9]+", re.ASCII)
_SECONDS_DIGITS_MAX = 9


class Failure(StrEnum):
    """Why no whole answer came; after the first four the receiver cannot have the message."""

    REFUSED_URL = "refused_url"
    """The URL holds a trap; nothing was sent."""
    REFUSED_ADDRESS = "refused_address"
    """The host leads to an address that is not public; nothing was sent."""
    CONNECT = "connect"
    """The name did not resolve or nobody answered at the address; nothing was sent."""
    TLS = "tls"
    """The receiver's certificate was not good; nothing was sent."""
    TIMEOUT = "timeout"
    """The deadline passed before the answer was whole."""
    DROPPED = "dropped"
    """The receiver closed the connection before the answer was whole."""
    PROTOCOL = "protocol"
    """What came back was not HTTP."""
    TOO_LARGE = "too_large"
    """The answer's body went over 64 KB."""


@dataclass(frozen=True, slots=True)
class HookReply:
    """What one try brought. `status` may be known although the answer failed later.

    `excerpt` is at most 4 KB of UTF-8 without NUL; `retry_after_s` is 0 to 86,400 or None.
    """

    status: int | None
    excerpt: str
    retry_after_s: int | None
    failure: Failure | None
    elapsed_ms: int

    @property
    def delivered(self) -> bool:
        """Say whether a whole answer came and its status was 2xx; nothing else is success."""
        return self.failure is None and self.status in _SUCCESS


class HookSender:
    """Send webhooks; safe to use from many tasks of one event loop at once."""

    def __init__(
        self,
        *,
        deadline_s: float = 15.0,
        connect_s: float = 3.0,
        per_endpoint: int = 0,
        allow_private: bool = False,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """Set the limits; `allow_private` lets tests and the sandbox reach this machine.

        `per_endpoint` bounds the connections to one host and port, 0 does not; waiting for one
        counts against `deadline_s`. Endpoints of one host would then keep each other waiting, so
        it is better to bound what is in flight to each.
        """
        self._deadline_s = deadline_s
        self._allow_private = allow_private
        self._transport = AiohttpTransport(
            connect_s=connect_s,
            per_endpoint=per_endpoint,
            may_dial=_any_address if allow_private else is_public,
            resolver=resolver,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HookReply:
        """Send `body` to `url` once and tell what came back; never raises for the wire."""
        began = monotonic()
        answer = _Answer()
        failure: Failure | None = None
        try:
            async with asyncio.timeout(self._deadline_s):
                failure = await self._exchange(
                    _target(url, self._allow_private), headers, body, answer
                )
        except UrlRefused as refused:
            is_address = refused.trap is Trap.PRIVATE_ADDRESS
            failure = Failure.REFUSED_ADDRESS if is_address else Failure.REFUSED_URL
        except TimeoutError:
            failure = Failure.TIMEOUT
        except httpx.TransportError as error:
            failure = _failure_of(error)
        return answer.reply(failure, elapsed_ms=round((monotonic() - began) * 1000))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _exchange(
        self, url: httpx.URL, headers: Mapping[str, str], body: bytes, answer: "_Answer"
    ) -> Failure | None:
        named = {**_DEFAULTS, **{name.lower(): value for name, value in headers.items()}}
        request = httpx.Request("POST", url, headers=named, content=body)
        response = await self._transport.handle_async_request(request)
        answer.head(response)
        try:
            return await answer.read(response)
        finally:
            await response.aclose()


@dataclass(slots=True)
class _Answer:
    """What has come so far, kept outside the exchange so that a deadline does not lose it."""

    status: int | None = None
    retry_after: str | None = None
    encoding: str | None = None
    kept: bytearray = field(default_factory=bytearray)

    def head(self, response: httpx.Response) -> None:
        self.status = response.status_code
        if response.status_code not in _SUCCESS:
            self.retry_after = response.headers.get("retry-after")
        self.encoding = response.headers.get("content-encoding")

    async def read(self, response: httpx.Response) -> Failure | None:
        # The transport's stream rather than aiter_bytes: the bytes as they came, never inflated.
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            return None
        async for piece in stream:
            self.kept += piece
            if len(self.kept) > READ_BYTES_MAX:
                return Failure.TOO_LARGE
        return None

    def reply(self, failure: Failure | None, *, elapsed_ms: int) -> HookReply:
        retry_after_s = None
        if self.retry_after is not None:
            retry_after_s = read_retry_after(self.retry_after, now=datetime.now(UTC))
        return HookReply(self.status, self._excerpt(), retry_after_s, failure, elapsed_ms)

    def _excerpt(self) -> str:
        if self.kept and self.encoding is not None and self.encoding.lower() != "identity":
            return _clean(f"[{len(self.kept)} bytes encoded as '{self.encoding}']".encode())
        return _clean(bytes(self.kept[:EXCERPT_BYTES_MAX]))


def read_retry_after(text: str, *, now: datetime) -> int | None:
    """Read a `Retry-After` header as seconds from `now`, at most 24 hours; None if it says nothing.

    Both forms of RFC 9110, section 10.2.3. Negative seconds and dates in the past are ignored.

    >>> noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    >>> read_retry_after("120", now=noon)
    120
    >>> read_retry_after("Tue, 24 Nov 2026 12:05:00 GMT", now=noon)
    300
    >>> read_retry_after("-5", now=noon) is None
    True
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        seconds = int(text) if len(text) <= _SECONDS_DIGITS_MAX else RETRY_AFTER_S_MAX
        return min(seconds, RETRY_AFTER_S_MAX)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    seconds = round((until - now).total_seconds())
    return min(seconds, RETRY_AFTER_S_MAX) if seconds >= 0 else None


def _any_address(_: str) -> bool:
    return True


@lru_cache(maxsize=1024)
def _target(url: str, allow_private: bool) -> httpx.URL:  # noqa: FBT001 (a cache's key)
    vet_url(url, allow_private=allow_private)
    return httpx.URL(url)


_FAILURES: tuple[tuple[type[httpx.TransportError], Failure], ...] = (
    (AddressRefused, Failure.REFUSED_ADDRESS),
    (TlsFailed, Failure.TLS),
    (httpx.ConnectError, Failure.CONNECT),
    (httpx.ConnectTimeout, Failure.CONNECT),
    (httpx.NetworkError, Failure.DROPPED),
)


def _failure_of(error: httpx.TransportError) -> Failure:
    for kind, failure in _FAILURES:
        if isinstance(error, kind):
            return failure
    return Failure.PROTOCOL


def _clean(raw: bytes) -> str:
    """Make foreign bytes into text that Postgres and a page can hold."""
    text = raw.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text.encode()[:EXCERPT_BYTES_MAX].decode("utf-8", "ignore")
