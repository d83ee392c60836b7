"""A payment: what is asked, what refuses it, and how it is written for callers.

Pure rules; the compare-and-set that makes them hold under races is `store/payments.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from gateway.domain.biller import AmountRule, BillerRules, Channel
from gateway.domain.clock import VIETNAM, business_date
from gateway.domain.errors import CallerError
from gateway.domain.progress import Claim
from gateway.domain.provider_refusals import BillBeingPaid
from gateway.domain.refusals import (
    AmountMismatch,
    BillAlreadyPaid,
    BillCancelled,
    BillNotFound,
    ChannelNotAllowed,
    OlderBillOpen,
)


class Method(StrEnum):
    """The three ways a payment begins (design, section 4)."""

    COLLECTED = "collected"
    PROVIDER = "provider"
    MANDATE = "mandate"


class BillStatus(StrEnum):
    """Where a bill stands."""

    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Line:
    """One bill of a payment. `bill_id` is the biller's own number; the amount is in đồng, > 0."""

    bill_id: str
    amount_dong: int


@dataclass(frozen=True, slots=True)
class Order:
    """What a partner asks: pay these bills of one customer, all or none."""

    partner_reference: str
    channel: Channel
    customer_code: str
    lines: tuple[Line, ...]

    @property
    def amount_dong(self) -> int:
        """The sum of the lines."""
        return sum(line.amount_dong for line in self.lines)


@dataclass(frozen=True, slots=True)
class BillState:
    """What the database says of a bill at the moment of a refusal."""

    id: str
    period: date
    status: BillStatus
    due_dong: int
    claim: str | None = None
    claimed_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class PaidLine:
    """A bill of a payment. `sequence` is the gap-free number of the bill's event, once paid."""

    bill_id: str
    period: date
    amount_dong: int
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as it is stored and shown. Times are aware UTC, the date is Vietnamese."""

    id: UUID
    biller: str
    customer_code: str
    partner: str
    partner_reference: str
    method: Method
    channel: Channel
    status: str
    amount_dong: int
    business_date: date
    created_at: datetime
    reversed_at: datetime | None
    reversal_reason: str | None
    lines: tuple[PaidLine, ...]
    provider: str | None = None


def check_channel(biller: str, rules: BillerRules, order: Order) -> None:
    """Hold an order against the biller's channels and their limits.

    Raises:
        ChannelNotAllowed: nothing moved.
    """
    if order.channel not in rules.channels:
        raise ChannelNotAllowed(biller, order.channel)
    most = rules.channel_max_dong.get(order.channel)
    if most is not None and order.amount_dong > most:
        raise ChannelNotAllowed(biller, order.channel, most)


def refusal_of(
    biller: str, rules: BillerRules, order: Order, open_or_named: Sequence[BillState]
) -> CallerError | None:
    """Say why an order cannot be paid as things stand, or None if it can.

    Args:
        biller: the biller's code, for the sentence.
        rules: the biller's rules.
        order: what was asked.
        open_or_named: the customer's open bills, and those that the order names.
    """
    states = {state.id: state for state in open_or_named}
    for line in order.lines:
        refusal = _line_refusal(biller, rules, line, states.get(line.bill_id))
        if refusal is not None:
            return refusal
    if rules.oldest_first:
        return _older_open(order, open_or_named)
    return None


def _line_refusal(
    biller: str, rules: BillerRules, line: Line, state: BillState | None
) -> CallerError | None:
    if state is None:
        return BillNotFound(biller, line.bill_id)
    if state.status is BillStatus.PAID:
        return BillAlreadyPaid(line.bill_id)
    if state.status is BillStatus.CANCELLED:
        return BillCancelled(line.bill_id)
    if not _amount_fits(rules, line.amount_dong, state.due_dong):
        return AmountMismatch(line.bill_id, asked_dong=line.amount_dong, due_dong=state.due_dong)
    return BillBeingPaid(line.bill_id) if state.claim == Claim.HARD else None


def _amount_fits(rules: BillerRules, asked_dong: int, due_dong: int) -> bool:
    if asked_dong == due_dong:
        return True
    return asked_dong < due_dong and asked_dong >= least_part(rules)


def least_part(rules: BillerRules) -> int:
    """Give the least that may be paid of a bill without paying all of it, in đồng.

    Under the exact rule no part is accepted: the answer is more than any bill can hold.
    """
    if rules.amount_rule is AmountRule.EXACT:
        return NO_PART
    return rules.partial_min_dong if rules.amount_rule is AmountRule.RANGE else 1


NO_PART = 2**62


def _older_open(order: Order, open_or_named: Sequence[BillState]) -> CallerError | None:
    named = {line.bill_id for line in order.lines}
    newest = max(state.period for state in open_or_named if state.id in named)
    older = [
        state
        for state in open_or_named
        if state.status is BillStatus.OPEN and state.id not in named and state.period < newest
    ]
    return OlderBillOpen(min(older, key=lambda s: (s.period, s.id)).id) if older else None


def reversible_until(paid_on: date, cutoff: time) -> datetime:
    """Give the instant up to which a payment of this business date may be reversed."""
    return datetime.combine(paid_on, cutoff, tzinfo=VIETNAM)


def may_reverse(paid_on: date, cutoff: time, now: datetime) -> bool:
    """Say whether a collected payment of this business date may still be reversed at `now`."""
    return business_date(now) == paid_on and now < reversible_until(paid_on, cutoff)
