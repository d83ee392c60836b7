"""Terminals on the wire, by the profile `pos-push/0.1` of docs/providers/pospush.md.

mPOS and TConnect publish parts of such a service (read 2026-11-24); the rest is the profile.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SKEW_S = 300.0

APPROVED, DECLINED, CANCELLED, TIMEOUT = "APPROVED", "DECLINED", "CANCELLED", "TIMEOUT"
PUSHED, IN_PROGRESS, REVERSED, VOIDED = "PUSHED", "IN_PROGRESS", "REVERSED", "VOIDED"


class Refusal(StrEnum):
    """Why a call is refused."""

    BAD_REQUEST = "BAD_REQUEST"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    SALE_UNKNOWN = "SALE_UNKNOWN"
    REFUND_UNKNOWN = "REFUND_UNKNOWN"
    TERMINAL_UNKNOWN = "TERMINAL_UNKNOWN"
    TERMINAL_BUSY = "TERMINAL_BUSY"
    TERMINAL_OFFLINE = "TERMINAL_OFFLINE"
    ID_USED = "ID_USED"
    SALE_IN_PROGRESS = "SALE_IN_PROGRESS"
    SALE_ENDED = "SALE_ENDED"
    NOT_APPROVED = "NOT_APPROVED"
    BATCH_CLOSED = "BATCH_CLOSED"
    BATCH_OPEN = "BATCH_OPEN"
    AMOUNT_TOO_HIGH = "AMOUNT_TOO_HIGH"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"


_BAD = {Refusal.BAD_REQUEST: 400, Refusal.BAD_SIGNATURE: 401, Refusal.TOO_MANY_REQUESTS: 429}
_UNKNOWN = (Refusal.SALE_UNKNOWN, Refusal.REFUND_UNKNOWN, Refusal.TERMINAL_UNKNOWN)
STATUSES = {**dict.fromkeys(Refusal, 409), **dict.fromkeys(_UNKNOWN, 404), **_BAD}
SIGNED = frozenset({200, 202, 404, 409})

Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,40}$")]
Dong = Annotated[int, Field(strict=True, gt=0, lt=10**12)]


class Refused(Exception):
    """A call is refused, with nothing done; `code` says why."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Account:
    """The simulator's own account; nobody publishes one."""

    mid: str = "EVNSPC000000001"
    secret: str = "pospush-sandbox-simulator-secret-0001"  # noqa: S105 (documented, of the sandbox)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore")


class SaleAsked(_Shape):
    """A sale to push."""

    sale_id: Id
    amount: Dong
    bill_id: str = Field(min_length=1, max_length=40)
    timeout_s: int = Field(strict=True, ge=10, le=900)
    notify_url: str = Field(pattern=r"^https?://[!-~]{4,500}$")


class BackAsked(_Shape):
    """Money to give back: a void or a refund."""

    refund_id: Id
    amount: Dong


def sign(secret: str, *lines: bytes) -> str:
    """Sign lines: lower hex HMAC-SHA256.

    >>> sign("Jefe", b"what do ya want for nothing?")[:16]
    '5bdcc146bf60754e'
    """
    return hmac.new(secret.encode(), b"\n".join(lines), hashlib.sha256).hexdigest()


def is_taken(status: int, body: bytes) -> bool:
    """Say whether an answer to a callback ends it."""
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return status == 200 and said == {"code": "OK"}  # noqa: PLR2004 (HTTP)
