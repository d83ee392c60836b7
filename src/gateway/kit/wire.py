"""The one place that talks to providers: what leaves here is accounted for, whatever comes back.

The exception table (design, section 6) is `wire_errors.py` with `exchange.NEVER_LEFT`. What can be
shown not to have left is NOT_SENT and may be sent again. All that may have left without a whole
answer is SILENT: the provider may have acted, so the attempt is in doubt.

Plain httpx, HTTP/1.1, no proxies from the environment, no redirects, no cookies, no retries.
"""

import asyncio
import hashlib
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import monotonic
from typing import Any

import httpx

from gateway.kit import metrics
from gateway.kit.abilities import NeedsToken, Provider
from gateway.kit.breaker import Breakers, State
from gateway.kit.exchange import DEPENDS, NEVER_LEFT, NOT_COUNTED, Exchange, Fate, Limits, Reason
from gateway.kit.logs import log
from gateway.kit.messages import REPLY_BYTES_MAX, Call, Reply
from gateway.kit.redact import Redactor, secrets_of
from gateway.kit.tokens import Tokens
from gateway.kit.wire_errors import reason_of, reason_of_status

__all__ = ["Exchange", "Fate", "Limits", "Reason", "Wire"]

READ_BYTES_MAX = REPLY_BYTES_MAX
PORT_MAX = 65_535
# Servers let go after 5 s and more; we do first, so few calls meet a closing connection: doubt.
KEEPALIVE_S = 4.0


@dataclass(slots=True)
class _Flight:
    """What is known so far of a call under way; kept outside so that no exception loses it."""

    call: Call
    started_at: datetime
    began: float
    may_have_left: bool = False
    # Stands if the task ends in any way that is not foreseen below.
    reason: Reason = Reason.CANCELLED
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False

    # The socket while nobody else would close it: httpcore 1.0 leaves it open when a TLS handshake
    # is cancelled.
    handshaking: Any = None

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from httpx where the call is."""
        if event == "connection.connect_tcp.complete":
            self.handshaking = info["return_value"]
        elif event == "http11.send_request_headers.started":
            self.handshaking = None
            self.may_have_left = True

    async def land(self) -> None:
        """Close what a call left behind that never got to its request."""
        if self.handshaking is not None:
            await self.handshaking.aclose()

    @property
    def fate(self) -> Fate:
        if self.reason is Reason.ANSWERED:
            return Fate.ANSWERED
        is_early = self.reason in NEVER_LEFT | DEPENDS
        return Fate.NOT_SENT if is_early and not self.may_have_left else Fate.SILENT

    @property
    def says_of_provider(self) -> bool | None:
        """Say whether the provider answered; None if this call tells nothing of it."""
        return None if self.reason in NOT_COUNTED else self.fate is Fate.ANSWERED

    def conclude(self, encoding: str) -> Reason:
        """Judge the answer, whose body is here as it travelled, and inflate it."""
        try:
            self.body = _inflated(self.body, encoding, self.call.reply_bytes_max)
        except zlib.error:
            return Reason.PROTOCOL_ERROR
        if len(self.body) > self.call.reply_bytes_max:
            return Reason.TOO_LARGE
        self.is_whole = True
        return reason_of_status(self.status or 0)


class Wire:
    """Talks to one provider; safe to use from many tasks of one event loop at once."""

    def __init__(
        self,
        code: str,
        limits: Limits,
        redactor: Redactor,
        breakers: Breakers,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._code = code
        self._limits = limits
        self._redactor = redactor
        self._breakers = breakers
        self._now = now
        self._places = asyncio.Semaphore(limits.concurrency)
        self._client = _client(limits)
        self._tokens: Tokens | None = None

    @classmethod
    def of(
        cls,
        provider: Provider[Any],
        breakers: Breakers,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        limits: Limits | None = None,
    ) -> "Wire":
        """Make the wire of a configured provider; its configuration says the limits."""
        redactor = Redactor(secrets_of(provider.config), provider.private_fields)
        chosen = limits or Limits.of(provider.config)
        wire = cls(provider.code, chosen, redactor, breakers, now=now)
        if isinstance(provider, NeedsToken):
            wire._tokens = Tokens(provider, wire._send, wire._refuse)
        return wire

    def may_call(self, operation: str) -> bool:
        """Say whether calls of this operation go now: its breaker is not open."""
        return self._breakers.of(self._code, operation).state is not State.OPEN

    async def send(self, call: Call) -> Exchange:
        """Make one call and tell what became of it; the network never makes it raise.

        Raises:
            asyncio.CancelledError: our own task was cancelled. If it was sending, the provider may
                have acted: whoever calls has written that down before.
        """
        return await (self._send(call) if self._tokens is None else self._tokens.send(call))

    async def _send(self, call: Call) -> Exchange:
        flight = _Flight(call, started_at=self._now(), began=monotonic())
        breaker = self._breakers.of(self._code, call.operation)
        permit = breaker.admit()
        if permit is None:
            flight.reason = Reason.BREAKER_OPEN
            return self._tell(flight)
        try:
            flight.reason = await self._fly(flight)
        finally:
            breaker.settle(permit, answered=flight.says_of_provider)
            exchange = self._tell(flight)
        return exchange

    async def aclose(self) -> None:
        """Close every connection."""
        if self._tokens is not None:
            await self._tokens.aclose()
        await self._client.aclose()

    def _refuse(self, call: Call) -> Exchange:
        return self._tell(_Flight(call, self._now(), monotonic(), reason=Reason.UNAUTHORISED))

    async def _fly(self, flight: _Flight) -> Reason:
        try:
            async with asyncio.timeout(self._limits.place_wait_s):
                await self._places.acquire()
        except TimeoutError:
            return Reason.POOL_FULL
        try:
            async with asyncio.timeout(self._limits.deadline_s):
                return await self._exchange(flight)
        except TimeoutError:
            return Reason.DEADLINE
        except httpx.TransportError as error:
            return reason_of(error)
        finally:
            self._places.release()
            await flight.land()

    async def _exchange(self, flight: _Flight) -> Reason:
        call = flight.call
        try:
            request = self._client.build_request(
                call.method,
                call.url,
                content=call.body,
                headers=call.headers,
                extensions={"trace": flight.trace},
            )
        except (httpx.InvalidURL, ValueError):
            return Reason.BAD_CALL
        # httpx lets it pass, and asyncio then raises what is no httpx exception.
        if (request.url.port or 0) > PORT_MAX:
            return Reason.BAD_CALL
        response = await self._client.send(request, stream=True)
        try:
            flight.status, flight.headers = response.status_code, dict(response.headers.items())
            async for piece in response.aiter_raw():
                flight.body += piece
                if len(flight.body) > call.reply_bytes_max:
                    return Reason.TOO_LARGE
        finally:
            await response.aclose()
        return flight.conclude(response.headers.get("content-encoding", "identity"))

    def _tell(self, flight: _Flight) -> Exchange:
        """Count the call, log it without its bodies, and give the exchange."""
        took_s = monotonic() - flight.began
        exchange = self._exchange_of(flight, took_ms=round(took_s * 1000))
        operation = exchange.operation
        metrics.PROVIDER_CALLS.labels(self._code, operation, exchange.fate.value).inc()
        metrics.PROVIDER_SECONDS.labels(self._code, operation).observe(took_s)
        log.info(
            "provider.called",
            provider=self._code,
            operation=operation,
            fate=exchange.fate.value,
            reason=exchange.reason.value,
            status=exchange.status,
            took_ms=exchange.took_ms,
        )
        return exchange

    def _exchange_of(self, flight: _Flight, *, took_ms: int) -> Exchange:
        call, fate, body = flight.call, flight.fate, bytes(flight.body)
        is_answered = fate is Fate.ANSWERED
        return Exchange(
            operation=call.operation,
            method=call.method,
            url=self._redactor.url(call.url),
            request_text=self._redactor.text(call.body),
            request_sha256=hashlib.sha256(call.body).hexdigest(),
            fate=fate,
            reason=flight.reason,
            started_at=flight.started_at,
            took_ms=took_ms,
            status=flight.status,
            reply_text=None if flight.status is None else self._redactor.text(body),
            reply_sha256=hashlib.sha256(body).hexdigest() if flight.is_whole else None,
            reply=Reply(flight.status or 0, body, flight.headers) if is_answered else None,
        )


def _client(limits: Limits) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=_trusted(),
        http1=True,
        http2=False,
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        # Asking for no compression; some compress all the same.
        headers={"accept-encoding": "identity", "user-agent": "gateway/1"},
        limits=httpx.Limits(
            max_connections=limits.concurrency,
            max_keepalive_connections=limits.concurrency,
            keepalive_expiry=KEEPALIVE_S,
        ),
        timeout=httpx.Timeout(
            limits.deadline_s, connect=limits.connect_timeout_s, pool=limits.place_wait_s
        ),
    )


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _inflated(raw: bytearray, encoding: str, most: int) -> bytearray:
    """Undo gzip or deflate, but never past `most` bytes and one.

    Raises:
        zlib.error: damaged, cut short, or an encoding that nobody asked for.
    """
    if encoding.strip().lower() in {"", "identity"}:
        return raw
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        raise zlib.error(encoding)
    inflater = zlib.decompressobj(wbits=_ZLIB_OR_GZIP)
    inflated = inflater.decompress(raw, most + 1)
    if not inflater.eof and len(inflated) <= most:
        raise zlib.error(encoding)
    return bytearray(inflated)


_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
