"""Events of mandates and debits as OpenAPI shows them under `webhooks`."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from gateway.api.mandate_models import Sums
from gateway.domain.mandate import MandateState

_WHEN = Field(description="When it happened, RFC 3339, UTC")


class MandateTold(BaseModel):
    """What an event says of a mandate."""

    id: str
    biller: str
    customer_code: str
    provider: str
    state: MandateState
    reason: str


class MandateChanged(BaseModel):
    """A mandate has changed: who may be debited, and who not any more."""

    type: Literal[
        "mandate.confirmed",
        "mandate.activated",
        "mandate.suspended",
        "mandate.resumed",
        "mandate.cancelled",
        "mandate.rejected",
        "mandate.expired",
    ]
    timestamp: str = _WHEN
    data: MandateTold


class DebitTold(BaseModel):
    """What an event says of a debit."""

    id: str
    mandate: str
    customer_code: str
    bill: str
    amount_dong: int


class DebitOnDay(DebitTold):
    """A debit and its day."""

    day: date


class DebitWithReason(DebitTold):
    """A debit and why it was not made."""

    reason: str


class DebitAnnounced(BaseModel):
    """A debit is planned: tell the payer, two days before it."""

    type: Literal["debit.announced"]
    timestamp: str = _WHEN
    data: DebitOnDay


class DebitNotMade(BaseModel):
    """A debit was skipped at the last look, or failed for good this month: the bill is open."""

    type: Literal["debit.skipped", "debit.failed"]
    timestamp: str = _WHEN
    data: DebitWithReason


class RunTold(BaseModel):
    """A run and its debits by state."""

    id: str
    provider: str
    day: date
    debits: dict[str, Sums]


class DebitRunCompleted(BaseModel):
    """Nothing of a run is open any more."""

    type: Literal["debit_run.completed"]
    timestamp: str = _WHEN
    data: RunTold


MANDATE_WEBHOOKS: dict[str, tuple[type[BaseModel], str]] = {
    **{
        f"mandate.{word}": (MandateChanged, f"A mandate was {word}")
        for word in (
            *("confirmed", "activated", "suspended", "resumed", "cancelled", "rejected", "expired"),
        )
    },
    "debit.announced": (DebitAnnounced, "A debit is planned"),
    "debit.skipped": (DebitNotMade, "A debit was skipped"),
    "debit.failed": (DebitNotMade, "A debit has failed"),
    "debit_run.completed": (DebitRunCompleted, "A debit run is completed"),
}
