"""What httpx's exceptions mean for a call to a provider (httpx 0.28, httpcore 1.0)."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from gateway.kit.exchange import Reason

_REASONS: tuple[tuple[type[httpx.TransportError], Reason], ...] = (
    (httpx.UnsupportedProtocol, Reason.BAD_CALL),
    (httpx.PoolTimeout, Reason.POOL_FULL),
    (httpx.ConnectTimeout, Reason.CONNECT_TIMEOUT),
    (httpx.ReadTimeout, Reason.READ_TIMEOUT),
    (httpx.WriteTimeout, Reason.WRITE_TIMEOUT),
    (httpx.ConnectError, Reason.CONNECT_FAILED),
    (httpx.NetworkError, Reason.RESET),
)
_CAUSES: tuple[tuple[type[BaseException], Reason], ...] = (
    (ssl.SSLError, Reason.TLS_FAILED),
    (socket.gaierror, Reason.UNRESOLVABLE),
    (ConnectionRefusedError, Reason.CONNECT_REFUSED),
)


def reason_of(error: httpx.TransportError) -> Reason:
    """Name what httpx met; what is not in the table is a protocol error, and may have left."""
    reason = next((why for kind, why in _REASONS if isinstance(error, kind)), None)
    if reason is not Reason.CONNECT_FAILED:
        return reason or Reason.PROTOCOL_ERROR
    causes = list(_causes(error))
    return next((why for kind, why in _CAUSES if _any_is(causes, kind)), reason)


def reason_of_status(status: int) -> Reason:
    """Name what a whole answer is by its status; only 2xx and 4xx are an adapter's to read."""
    if status < httpx.codes.OK:
        return Reason.PROTOCOL_ERROR
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Reason.SERVER_ERROR
    return Reason.REDIRECT if httpx.codes.is_redirect(status) else Reason.ANSWERED


def _any_is(errors: list[BaseException], kind: type[BaseException]) -> bool:
    return any(isinstance(error, kind) for error in errors)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    # Chains can be rings: an exception that is raised again while it is handled is its own context.
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or error.__context__
