"""Orders, charges and what a payer does, at a simulated provider."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class OrderState(StrEnum):
    """Where a simulated order stands."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass
class RailOrder:
    """One order at the simulated provider; `fields` is whatever its protocol needs again."""

    reference: str
    amount_dong: int
    text: str
    notify_url: str
    return_url: str
    created_at: datetime
    expires_at: datetime
    state: OrderState = OrderState.OPEN
    code: str = ""
    provider_id: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Charge:
    """Money that the simulated provider took from a payer."""

    reference: str
    amount_dong: int
    provider_id: str
    at: float


class Act(StrEnum):
    """What the payer does."""

    APPROVE = "approve"
    DECLINE = "decline"
    PROCESS = "process"
    """Approve, but the bank is still at it."""
