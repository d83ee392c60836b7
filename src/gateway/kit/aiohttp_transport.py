"""httpx's transport interface over aiohttp's client: ten times the requests per core.

httpx 0.28 rescans its whole pool on every acquire and release, so it manages some 700 webhooks a
second on one core where this manages 7,000 (see docs/decisions/0009). It keeps httpx's requests,
responses and exceptions, and nothing else changes hands: no proxies from the environment, no
cookies, no redirects, no decompression.

It is for messages that are safe to send twice. Payments travel on plain httpx, whose exceptions
say more exactly whether bytes have left.
"""

import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from functools import lru_cache

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from yarl import URL

# Receivers drop idle connections after 5 s (uvicorn) and more; we let go first.
_KEEPALIVE_S = 4
_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class AddressRefused(httpx.ConnectError):
    """No address of the host may be dialled; nothing was sent."""


class TlsFailed(httpx.ConnectError):
    """The receiver did not prove who it is; nothing was sent."""


class _NotDialled(OSError):
    """Our own refusal, on its way through aiohttp as a failure to connect."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Send httpx requests through aiohttp, at most `per_endpoint` connections to one host and port.

    With a `per_endpoint` of 0 the caller keeps the limit.
    `may_dial` is asked for each address, as text, at the moment it is dialled, so a name that
    resolves differently than before changes nothing: the address asked about is the one connected.
    `connect_s` bounds TCP and TLS together; a limit on the whole is the caller's, who cancels.
    """

    def __init__(
        self,
        *,
        connect_s: float,
        per_endpoint: int,
        may_dial: Callable[[str], bool],
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._connect_s = connect_s
        self._per_endpoint = per_endpoint
        self._may_dial = may_dial
        self._resolver = resolver
        self._opened: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` once; the response's body is read as it is iterated.

        Raises:
            AddressRefused, TlsFailed, httpx.ConnectError, httpx.ConnectTimeout: nothing was sent.
            httpx.ReadError, httpx.RemoteProtocolError: the receiver may have it.
        """
        body = await request.aread()
        try:
            answer = await self._session().request(
                request.method,
                _target(request.url),
                data=body,
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise _translate(error) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer))

    async def aclose(self) -> None:
        """Close every connection."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        # Made at the first request because aiohttp wants a running loop.
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    limit_per_host=self._per_endpoint,
                    keepalive_timeout=_KEEPALIVE_S,
                    resolver=self._resolver,
                    socket_factory=self._dial,
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                skip_auto_headers=_OURS,
            )
        return self._opened

    def _dial(self, found: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = found
        # The one gate: names, literals and cached answers all become a socket here.
        if not self._may_dial(str(address[0])):
            raise _NotDialled(errno.EACCES, "the address may not be dialled")
        return socket.socket(family, kind, protocol)


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._answer.content
        try:
            while piece := await content.readany():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise _translate(error) from error

    async def aclose(self) -> None:
        # A body read to its end has given its connection back already; any other is cut off.
        self._answer.close()


@lru_cache(maxsize=1024)
def _target(url: httpx.URL) -> URL:
    return URL(str(url), encoded=True)


def _translate(error: Exception) -> httpx.TransportError:
    """Say in httpx's words what aiohttp or the socket met."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return _translate_connect(error, said)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(said)
    if isinstance(error, (aiohttp.ClientResponseError, aiohttp.InvalidURL)):
        return httpx.RemoteProtocolError(said)
    # Lost connections, before the head or within the body (aiohttp's ClientPayloadError).
    return httpx.ReadError(said)


def _translate_connect(error: aiohttp.ClientConnectorError, said: str) -> httpx.ConnectError:
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return TlsFailed(said)
    if isinstance(error.os_error, _NotDialled):
        return AddressRefused(said)
    return httpx.ConnectError(said)
