"""Suspense: money that pays no bill, line by line: whose it is, why, how old, what is done next."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gateway.domain.exceptions import ACCOUNTING, OPERATIONS


class Reason(StrEnum):
    """Why money stands in suspense."""

    UNKNOWN = "unknown"
    """Nobody can say what it is for."""
    SHORT = "short"
    """It is too little; what completes it pays the bill with it."""
    OVER = "over"
    """What was left when the bills were paid."""
    SECOND_TRANSFER = "second_transfer"
    """A real second movement for what had been paid."""
    LATE = "late"
    """Its bills were paid otherwise, or withdrawn."""
    BEING_PAID = "being_paid"
    """Its bills are held by money that may be moving, or may not be paid in this way."""
    CASH_BACK = "cash_back"
    """Cash in a collector's hand whose bill was paid otherwise, or withdrawn."""
    CASH_UNPLACED = "cash_unplaced"
    """Cash in a collector's hand that its receipt cannot place: another amount, no such bill."""


class ClosedAs(StrEnum):
    """How money left suspense."""

    SETTLED = "settled"
    """It paid bills."""
    RECOGNISED = "recognised"
    """The books had it already: another message of its provider had settled it."""
    REFUNDED = "refunded"
    """It was given back."""


class GoesTo(StrEnum):
    """Where a refund can go."""

    PROVIDER = "provider"
    """By the provider that took it, which knows the payer."""
    SOURCE_ACCOUNT = "source_account"
    """Back by the bank, under its own reference of the movement."""
    COLLECTOR = "collector"
    """By the hand of the collector who holds the cash."""
    UNKNOWN = "unknown"
    """Nobody has named where it came from."""


@dataclass(frozen=True, slots=True)
class _Rule:
    owner: str
    days: int
    next_action: str


_RULES = {
    Reason.UNKNOWN: _Rule(
        OPERATIONS, 2, "find out whose {amount} đồng it is ({source}), and assign it"
    ),
    Reason.SHORT: _Rule(
        OPERATIONS,
        7,
        "underpaid by {missing} đồng: tell customer {customer} to send the rest, or refund",
    ),
    Reason.OVER: _Rule(ACCOUNTING, 1, "refund {amount} đồng: more than was due ({source})"),
    Reason.SECOND_TRANSFER: _Rule(
        ACCOUNTING, 1, "refund {amount} đồng: paid a second time ({source})"
    ),
    Reason.LATE: _Rule(
        ACCOUNTING, 1, "refund {amount} đồng: its bills were paid otherwise ({source})"
    ),
    Reason.BEING_PAID: _Rule(
        OPERATIONS,
        1,
        "wait for the payment that holds the bills of customer {customer}, then assign or refund",
    ),
    Reason.CASH_BACK: _Rule(
        ACCOUNTING,
        1,
        "refund {amount} đồng in cash, or book them forward for customer {customer}: "
        "the bill was paid otherwise ({source})",
    ),
    Reason.CASH_UNPLACED: _Rule(
        OPERATIONS,
        1,
        "ask what {amount} đồng in cash of customer {customer} are for ({source}); "
        "assign them or give them back",
    ),
}
REFUNDED = frozenset({Reason.OVER, Reason.SECOND_TRANSFER, Reason.LATE, Reason.CASH_BACK})
"""What the payer has back without asking."""
OWNERS = tuple(sorted({rule.owner for rule in _RULES.values()}))
"""All who look after lines."""


@dataclass(frozen=True, slots=True)
class Care:
    """Who looks after a line, by when, and how."""

    owner: str
    due_on: date
    next_action: str
    is_refunded: bool


def care_of(
    reason: Reason,
    today: date,
    *,
    amount_dong: int,
    missing_dong: int = 0,
    customer: str | None = None,
    source: str = "",
) -> Care:
    """Say who looks after money in suspense; `source` names where it came from.

    >>> care_of(Reason.OVER, date(2026, 11, 24), amount_dong=5, source="ref 7").next_action
    'refund 5 đồng: more than was due (ref 7)'
    """
    rule = _RULES[reason]
    next_action = rule.next_action.format(
        amount=amount_dong, missing=missing_dong, customer=customer or "?", source=source
    )
    return Care(rule.owner, today + timedelta(days=rule.days), next_action, reason in REFUNDED)


BANDS = ((1, "0-1"), (7, "2-7"), (30, "8-30"))


def age_band(days: int) -> str:
    """Give the band of an age in days.

    >>> [age_band(days) for days in (0, 1, 2, 7, 8, 30, 31)]
    ['0-1', '0-1', '2-7', '2-7', '8-30', '8-30', '>30']
    """
    return next((name for most, name in BANDS if days <= most), ">30")
