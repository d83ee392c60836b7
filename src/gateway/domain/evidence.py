"""Evidence: a ranked fact about an attempt, as a provider or our own clock gave it.

A finding is what one message of a provider says, read and checked; its rank is how far the way by
which it came may be believed (design, section 6).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from gateway.domain.clock import to_text


class Rank(IntEnum):
    """How far a finding may be believed; 0 and 1 never end an attempt."""

    GUESS = 0
    """Our own time-out, or a process that died."""
    RETURN = 1
    """What the payer's browser brought back."""
    NOTIFICATION = 2
    """A notification whose signature is right."""
    QUERY = 3
    """The answer to our authenticated query by our own reference."""
    STATEMENT = 4
    """A line of the provider's settlement file."""


class Outcome(StrEnum):
    """What a provider's message says about the money."""

    WAITING = "waiting"
    """The order is open and the payer has not paid; nothing has been taken so far."""
    PENDING = "pending"
    """The provider or a bank is at it; money may be moving at this moment."""
    SUCCEEDED = "succeeded"
    """The money was taken."""
    FAILED = "failed"
    """Proved not taken, and this order will not take it any more."""
    ABSENT = "absent"
    """The provider does not know our reference; proof only after the order's end, and twice."""
    HELD = "held"
    """The provider may have the money and will not say so (fraud check); a person must ask."""
    UNKNOWN = "unknown"
    """Nothing can be concluded: an unlisted code, a bad signature, another order's answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one message says; fields that the message does not carry are None.

    `code` is the provider's own, as received; `amount_dong` is in đồng whatever the wire counts in;
    `provider_id` is the provider's number of the money's movement.
    """

    outcome: Outcome
    code: str = ""
    message: str = ""
    reference: str | None = None
    amount_dong: int | None = None
    merchant: str | None = None
    provider_id: str | None = None
    paid_at: datetime | None = None
    memory: dict[str, str] = field(default_factory=dict)
    """What the adapter wants back with later calls for this attempt (few, short, not secret)."""


def mismatch(finding: Finding, *, reference: str, amount_dong: int, merchant: str) -> str | None:
    """Name the first of reference, merchant and amount that is not ours, or None.

    A field that the message lacks cannot disagree, but a success must carry the amount.

    >>> paid = Finding(Outcome.SUCCEEDED, reference="att_1", amount_dong=99_000)
    >>> mismatch(paid, reference="att_1", amount_dong=100_000, merchant="EVN")
    'amount'
    """
    if finding.reference is not None and finding.reference != reference:
        return "reference"
    if finding.merchant is not None and finding.merchant != merchant:
        return "merchant"
    if finding.amount_dong is None:
        return "amount" if finding.outcome is Outcome.SUCCEEDED else None
    return "amount" if finding.amount_dong != amount_dong else None


def as_facts(finding: Finding) -> dict[str, Any]:
    """Write a finding as JSON-able facts, for evidence rows and proof bundles."""
    return {
        "outcome": finding.outcome.value,
        "code": finding.code,
        "message": finding.message,
        "reference": finding.reference,
        "amount_dong": finding.amount_dong,
        "merchant": finding.merchant,
        "provider_id": finding.provider_id,
        "paid_at": to_text(finding.paid_at) if finding.paid_at else None,
    }
