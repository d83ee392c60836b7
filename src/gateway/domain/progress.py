"""How a payment through a provider stands: inside, to its caller, and to the payer.

Pure: follows from its newest attempt, from whether cancelling was asked, and from where its money
went.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.attempt import AttemptState


class PaymentState(StrEnum):
    """Where a payment stands inside (design, section 6)."""

    AWAITING_PAYER = "awaiting_payer"
    PROCESSING = "processing"
    IN_DOUBT = "in_doubt"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CONFLICTED = "conflicted"


class Status(StrEnum):
    """What a caller sees."""

    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Certainty(StrEnum):
    """How sure the status is."""

    PROVED = "proved"
    OPEN = "open"
    """Nothing has been paid yet, or the provider is at it; the outcome will follow."""
    IN_DOUBT = "in_doubt"
    DISPUTED = "disputed"


class PayAgain(StrEnum):
    """Whether the payer may pay these bills in another way now."""

    YES = "yes"
    NO = "no"
    AFTER = "after"
    """Not before the payment's `expires_at`, or once it is shown as ended."""


class Claim(StrEnum):
    """How strongly a payment holds its bills."""

    SOFT = "soft"
    """The payer is still deciding; another payment may take the bills."""
    HARD = "hard"
    """Money may be moving; nobody may take them."""


FINAL = frozenset(
    {
        PaymentState.SUCCEEDED,
        PaymentState.FAILED,
        PaymentState.CANCELLED,
        PaymentState.EXPIRED,
    }
)

_OPEN = {
    AttemptState.SENT: PaymentState.PROCESSING,
    AttemptState.WAITING: PaymentState.AWAITING_PAYER,
    AttemptState.PENDING: PaymentState.PROCESSING,
    AttemptState.UNKNOWN: PaymentState.IN_DOUBT,
    AttemptState.CONFLICTED: PaymentState.CONFLICTED,
    AttemptState.FAILED: PaymentState.FAILED,
    AttemptState.NOT_SENT: PaymentState.FAILED,
    AttemptState.ABSENT: PaymentState.EXPIRED,
    AttemptState.EXPIRED: PaymentState.EXPIRED,
}
_CANCELLING = {
    PaymentState.AWAITING_PAYER: PaymentState.CANCELLING,
    PaymentState.FAILED: PaymentState.CANCELLED,
    PaymentState.EXPIRED: PaymentState.CANCELLED,
}
_STATUS = {
    PaymentState.AWAITING_PAYER: Status.REQUIRES_ACTION,
    PaymentState.PROCESSING: Status.PROCESSING,
    PaymentState.IN_DOUBT: Status.PROCESSING,
    PaymentState.CANCELLING: Status.PROCESSING,
    PaymentState.CONFLICTED: Status.PROCESSING,
    PaymentState.SUCCEEDED: Status.SUCCEEDED,
    PaymentState.FAILED: Status.FAILED,
    PaymentState.CANCELLED: Status.CANCELLED,
    PaymentState.EXPIRED: Status.EXPIRED,
}
_CLAIMS = {
    PaymentState.AWAITING_PAYER: Claim.SOFT,
    PaymentState.CANCELLING: Claim.SOFT,
    PaymentState.PROCESSING: Claim.HARD,
    PaymentState.IN_DOUBT: Claim.HARD,
    PaymentState.CONFLICTED: Claim.HARD,
}
# Waits between questions, in seconds; the last one repeats until the settlement file.
IN_DOUBT_S = (2, 5, 15, 60, 300, 900, 3600)
AWAITED_S = (15, 30, 60)
QUESTIONS_MAX = 200
"""After so many (over a week) an attempt that is still open becomes a person's exception."""


def after_attempt(attempt: AttemptState, *, is_cancelling: bool) -> PaymentState:
    """Give the payment's state after its newest attempt moved; success is settled elsewhere."""
    state = _OPEN[attempt]
    return _CANCELLING.get(state, state) if is_cancelling else state


def status_of(state: str) -> Status:
    """Say what callers see of a payment in this state."""
    return _STATUS[PaymentState(state)]


def claim_of(state: PaymentState) -> Claim | None:
    """Say how strongly a payment in this state holds its bills; None: not at all."""
    return _CLAIMS.get(state)


def next_question_in(attempt: AttemptState, asked: int) -> timedelta:
    """Say when to ask the provider again, after `asked` questions."""
    waits = AWAITED_S if attempt is AttemptState.WAITING else IN_DOUBT_S
    return timedelta(seconds=waits[min(asked, len(waits) - 1)])


@dataclass(frozen=True, slots=True)
class Shown:
    """What a caller and a payer are told."""

    status: Status
    certainty: Certainty
    may_pay_again: PayAgain
    pay_again_at: datetime | None


def shown(
    state: PaymentState, *, expires_at: datetime | None, has_late_money: bool, is_disputed: bool
) -> Shown:
    """Put a payment's state into the caller's and the payer's words."""
    status = _STATUS[state]
    if is_disputed or state is PaymentState.CONFLICTED:
        return Shown(status, Certainty.DISPUTED, PayAgain.NO, None)
    if state is PaymentState.IN_DOUBT:
        return Shown(status, Certainty.IN_DOUBT, PayAgain.NO, None)
    if state in FINAL:
        may = PayAgain.NO if state is PaymentState.SUCCEEDED or has_late_money else PayAgain.YES
        return Shown(status, Certainty.PROVED, may, None)
    if state in {PaymentState.AWAITING_PAYER, PaymentState.CANCELLING}:
        return Shown(status, Certainty.OPEN, PayAgain.AFTER, expires_at)
    return Shown(status, Certainty.OPEN, PayAgain.NO, None)
