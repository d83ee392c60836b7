"""What became of a call to a provider, as the wire tells it and as it may be stored."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.kit.abilities import Config
from gateway.kit.messages import Reply


class Fate(StrEnum):
    """What became of a call, as far as the money is concerned."""

    ANSWERED = "answered"
    """A whole answer with a status of 2xx or 4xx; the adapter says what it means."""
    NOT_SENT = "not_sent"
    """Proved: not one byte reached the provider's application; it may be sent again."""
    SILENT = "silent"
    """It may have arrived and have had its effect; only a query can tell."""


class Reason(StrEnum):
    """Why a call ended as it did."""

    ANSWERED = "answered"
    BREAKER_OPEN = "breaker_open"
    POOL_FULL = "pool_full"
    """No free place within a short time: other calls to this provider hold them all."""
    BAD_CALL = "bad_call"
    """The adapter's call is no HTTP request."""
    UNAUTHORISED = "unauthorised"
    """The provider gave no token, and without one its calls are refused."""
    UNRESOLVABLE = "unresolvable"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_FAILED = "tls_failed"
    READ_TIMEOUT = "read_timeout"
    WRITE_TIMEOUT = "write_timeout"
    DEADLINE = "deadline"
    """The time for the whole call was over; NOT_SENT if it was still connecting."""
    RESET = "reset"
    PROTOCOL_ERROR = "protocol_error"
    """What came back is not HTTP, or the connection was closed before it was whole."""
    TOO_LARGE = "too_large"
    SERVER_ERROR = "server_error"
    REDIRECT = "redirect"
    CANCELLED = "cancelled"
    """Our own task was cancelled; NOT_SENT if it was still connecting."""


NEVER_LEFT = frozenset(
    {
        Reason.BREAKER_OPEN,
        Reason.POOL_FULL,
        Reason.BAD_CALL,
        Reason.UNAUTHORISED,
        Reason.UNRESOLVABLE,
        Reason.CONNECT_REFUSED,
        Reason.CONNECT_FAILED,
        Reason.CONNECT_TIMEOUT,
        Reason.TLS_FAILED,
    }
)
DEPENDS = frozenset({Reason.DEADLINE, Reason.CANCELLED})
# Our own doing, which says nothing of the provider.
NOT_COUNTED = frozenset({Reason.BREAKER_OPEN, Reason.POOL_FULL, Reason.BAD_CALL, Reason.CANCELLED})


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds. `deadline_s` bounds connecting, sending, head and body together."""

    connect_timeout_s: float = 5.0
    deadline_s: float = 30.0
    concurrency: int = 32
    place_wait_s: float = 0.5
    """How long a call waits for one of the `concurrency` places before it is not sent."""

    @classmethod
    def of(cls, config: Config) -> "Limits":
        """Take the limits of a provider's configuration."""
        return cls(config.connect_timeout_s, config.deadline_s, config.concurrency)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and what became of it; all but `reply` is redacted and may be stored and shown.

    Hashes are SHA-256 (hex) of the bodies as they travelled; `reply_sha256` is None unless the
    whole body came. Headers are not kept: they carry credentials. Compressed replies are hashed
    and shown as inflated. `reply` is what the adapter reads, given only for ANSWERED.
    """

    operation: str
    method: str
    url: str
    request_text: str
    request_sha256: str
    fate: Fate
    reason: Reason
    started_at: datetime
    took_ms: int
    status: int | None = None
    reply_text: str | None = None
    reply_sha256: str | None = None
    reply: Reply | None = field(default=None, repr=False)
