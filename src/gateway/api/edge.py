"""The outermost ASGI layer: request ids, limits, errors, metrics, logs, and the thin hot routes.

Pure ASGI: a BaseHTTPMiddleware costs over 400 µs a request (measured), this about 20.
"""

import os
import re
from collections.abc import Awaitable, Callable, Container, Mapping
from contextlib import suppress
from functools import cache
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api import problems
from gateway.api.exchange import Answered, Asked, joined
from gateway.domain.errors import BodyTooLarge, DatabaseUnavailable, GatewayError, InvariantBroken
from gateway.kit import metrics
from gateway.kit.logs import log, write_line
from gateway.runtime import Runtime
from gateway.store import database

Hot = Callable[[Runtime, Asked], Awaitable[Answered]]

BODY_MAX_BYTES = 64 * 1024
BULK_BODY_MAX_BYTES = 2 * 1024 * 1024
BULK = re.compile(r"/v1/(billers/[^/]+/(bills|customers)|hand-over-lists/[^/]+/receipts)")
DIGITS_MAX = 12
MOVES_MONEY = ("/v1/payments", "/v1/collections/", "/v1/hand-over-lists", "/v1/cash-deposits")
REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}", re.ASCII)


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class Edge:
    """Wraps the FastAPI app; `hot` routes are answered here without it."""

    def __init__(
        self,
        app: ASGIApp,
        runtime: Callable[[], Runtime],
        hot: Mapping[tuple[str, str], Hot],
    ) -> None:
        self.app = app
        self._runtime = runtime
        self._hot = hot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass the lifespan through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = joined([(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]])
        request_id = scope["gateway.request_id"] = _request_id(headers)
        visit = _Visit(scope, send, request_id, self._hot)
        hot = self._hot.get((scope["method"], scope["path"]))
        try:
            body = await _read(scope["path"], headers, receive)
            if hot is None:
                await self.app(scope, _again(body, receive), visit.send)
            else:
                asked = Asked(headers, scope["query_string"].decode("latin-1"), body, request_id)
                await visit.answer(await hot(self._runtime(), asked))
        except ClientGone:
            visit.status = 499
        except Exception as error:
            await visit.fail(error)
        finally:
            visit.end()


class _Visit:
    """One request's way out: adds the request id, remembers the status, counts and logs."""

    def __init__(
        self, scope: Scope, send: Send, request_id: str, hot: Container[tuple[str, str]]
    ) -> None:
        self._hot = hot
        self._scope = scope
        self._send = send
        self._request_id = request_id
        self._began = perf_counter()
        self._code: str | None = None
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"].append((b"x-request-id", self._request_id.encode()))
            self._code = self._scope.get("gateway.code")
        await self._send(message)

    async def answer(self, answered: Answered) -> None:
        self._scope["gateway.code"] = answered.code
        headers = [
            (b"content-type", answered.media_type.encode()),
            (b"content-length", b"%d" % len(answered.body)),
            *((name.encode(), value.encode()) for name, value in answered.headers.items()),
        ]
        await self.send(
            {"type": "http.response.start", "status": answered.status, "headers": headers}
        )
        await self._send({"type": "http.response.body", "body": answered.body})

    async def fail(self, error: Exception) -> None:
        known = as_gateway_error(error)
        self._code = self._scope["gateway.code"] = known.code
        if known.code == "internal_error":
            log.error("request.failed", request_id=self._request_id, exc_info=error)
        if self.status is None:
            with suppress(OSError):
                await self.answer(problem(known, self._scope))

    def end(self) -> None:
        seconds = perf_counter() - self._began
        route = self._route()
        _count(route, self.status).inc()
        _timer(route).observe(seconds)
        if self._code is not None:
            metrics.PROBLEMS.labels(self._code).inc()
        write_line(
            event="request.answered",
            request_id=self._request_id,
            route=route,
            status=self.status,
            code=self._code,
            ms=round(seconds * 1000, 2),
        )

    def _route(self) -> str:
        method, path = self._scope["method"], self._scope["path"]
        matched: Any = self._scope.get("route")
        if matched is not None:
            path = getattr(matched, "path", "other")
        elif (method, path) not in self._hot:
            path = "unmatched"
        return f"{method} {path}" if method in _METHODS else "other"


_count = cache(metrics.REQUESTS.labels)
_timer = cache(metrics.REQUEST_SECONDS.labels)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def as_gateway_error(error: Exception) -> GatewayError:
    """Give the error of ours that stands for whatever was raised."""
    if isinstance(error, GatewayError):
        return error
    if database.broke(error):
        return DatabaseUnavailable()
    return InvariantBroken(f"no {type(error).__name__} escapes a route")


def problem(error: GatewayError, scope: Scope) -> Answered:
    """Give the answer to an error that this request met."""
    moves_money = scope["method"] == "POST" and scope["path"].startswith(MOVES_MONEY)
    status, body = problems.write(error, scope["gateway.request_id"], moves_money=moves_money)
    headers = {}
    if (wait_s := problems.retry_after(error)) is not None:
        headers["retry-after"] = str(wait_s)
    if error.code == "unauthenticated":
        headers["www-authenticate"] = 'Bearer realm="gateway"'
    return Answered(status, body, problems.MEDIA_TYPE, headers, error.code)


def _request_id(headers: Mapping[str, str]) -> str:
    sent = headers.get("x-request-id")
    return sent if sent is not None and REQUEST_ID.fullmatch(sent) else os.urandom(16).hex()


async def _read(path: str, headers: Mapping[str, str], receive: Receive) -> bytes:
    """Read the whole body, up to its route's limit, before anything else is done."""
    limit = BULK_BODY_MAX_BYTES if BULK.fullmatch(path) else BODY_MAX_BYTES
    declared = headers.get("content-length", "0")
    if len(declared) > DIGITS_MAX or not declared.isdecimal() or int(declared) > limit:
        raise BodyTooLarge(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= limit:
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientGone
    if len(body) > limit:
        raise BodyTooLarge(limit)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the framework the body that was read, once, and then what the server says."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replayed() -> Message:
        return next(messages, None) or await receive()

    return replayed
