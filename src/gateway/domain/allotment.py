"""Which of a customer's bills an amount pays, under the biller's rules, and what is left. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.domain.biller import BillerRules, Channel
from gateway.domain.payment import BillState, BillStatus, Line, least_part
from gateway.domain.progress import Claim

LINES_MAX = 50


@dataclass(frozen=True, slots=True)
class Allotment:
    """What an amount does: the lines that it pays, what is over, what is missing to pay all.

    `is_blocked`: a bill is being paid by somebody else at this moment, or may not be paid so.
    """

    lines: tuple[Line, ...] = ()
    rest_dong: int = 0
    missing_dong: int = 0
    is_blocked: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether it pays bills and nothing is over."""
        return bool(self.lines) and self.rest_dong == 0


def allot(
    amount_dong: int,
    bills: Sequence[BillState],
    rules: BillerRules,
    period: date | None = None,
    channel: Channel = Channel.QR,
) -> Allotment:
    """Say what an amount pays: the month that it names, all that is open, or the oldest exactly.

    More than all pays all. Less pays nothing, unless the biller takes parts of bills.
    """
    is_open = [b for b in bills if b.status is BillStatus.OPEN and b.due_dong > 0]
    in_order = sorted(is_open, key=lambda bill: (bill.period, bill.id))
    payable = _payable(in_order, rules)[:LINES_MAX]
    is_blocked = len(payable) < len(in_order)
    for some in _whole_choices(payable, rules, period):
        if sum(bill.due_dong for bill in some) == amount_dong and _fits(
            rules, amount_dong, channel
        ):
            return Allotment(_lines(some))
    due = sum(bill.due_dong for bill in payable)
    if not payable or not _fits(rules, min(amount_dong, due), channel):
        return Allotment(rest_dong=amount_dong, is_blocked=bool(in_order))
    if amount_dong > due:
        return Allotment(_lines(payable), rest_dong=amount_dong - due, is_blocked=is_blocked)
    parts = () if rules.whole_bill_only else _in_parts(amount_dong, payable, rules)
    missing = 0 if parts else due - amount_dong
    return Allotment(parts, 0 if parts else amount_dong, missing, is_blocked)


def _payable(in_order: Sequence[BillState], rules: BillerRules) -> Sequence[BillState]:
    if not rules.oldest_first:
        return [bill for bill in in_order if bill.claim != Claim.HARD]
    held = [bill.period for bill in in_order if bill.claim == Claim.HARD]
    return [
        bill
        for bill in in_order
        if bill.claim != Claim.HARD and (not held or bill.period <= min(held))
    ]


def _fits(rules: BillerRules, amount_dong: int, channel: Channel) -> bool:
    most = rules.channel_max_dong.get(channel)
    return channel in rules.channels and (most is None or amount_dong <= most)


def _whole_choices(
    payable: Sequence[BillState], rules: BillerRules, period: date | None
) -> Iterator[Sequence[BillState]]:
    of_month = [bill for bill in payable if bill.period == period]
    is_oldest = all(bill.period >= period for bill in payable) if period else False
    if of_month and (is_oldest or not rules.oldest_first):
        yield of_month
    for count in range(len(payable), 0, -1):
        # Bills of one month are equally old: which of them is meant cannot be known.
        if count == len(payable) or payable[count - 1].period < payable[count].period:
            yield payable[:count]


def _lines(bills: Sequence[BillState]) -> tuple[Line, ...]:
    return tuple(Line(bill.id, bill.due_dong) for bill in bills)


def _in_parts(
    amount_dong: int, payable: Sequence[BillState], rules: BillerRules
) -> tuple[Line, ...]:
    """Pay the oldest whole and the next in part, where the biller takes parts of this size."""
    lines, left = [], amount_dong
    for bill in payable:
        part = min(left, bill.due_dong)
        if part < bill.due_dong and part < least_part(rules):
            break
        lines.append(Line(bill.id, part))
        left -= part
        if left == 0:
            return tuple(lines)
    return ()
