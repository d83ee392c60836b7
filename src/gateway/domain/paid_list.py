"""The biller's own list of a day's payments held against what we cleared there (T+1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a line of either side turned out to be."""

    MATCHED = "matched"
    MISSING_THERE = "missing there"
    MISSING_HERE = "missing here"
    AMOUNT_DIFFERS = "amount differs"
    STATE_DIFFERS = "state differs"
    REVERSED = "reversed"
    """Undone on both sides."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A bill that we cleared, or tried to: `is_cleared` if it was acknowledged and not undone."""

    reference: str
    bill_id: str
    amount_dong: int
    is_cleared: bool
    is_undone: bool
    is_of_the_day: bool


@dataclass(frozen=True, slots=True)
class Theirs:
    """A line of the biller's list."""

    reference: str
    bill_id: str
    amount_dong: int
    is_undone: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One line with its verdict; amounts are None on the side that lacks it."""

    verdict: Verdict
    reference: str
    bill_id: str
    our_dong: int | None
    their_dong: int | None


def compare(ours: Iterable[Ours], theirs: Iterable[Theirs]) -> Iterator[Compared]:
    """Give each line of either side once, by our reference.

    A clearing of ours that the biller does not list is missing there only on its own day.
    """
    here = {line.reference: line for line in ours}
    listed: dict[str, Theirs] = {}
    for line in theirs:
        # A reversal may be listed beside what it undoes.
        before = listed.get(line.reference)
        listed[line.reference] = line if before is None or line.is_undone else before
    for reference, line in listed.items():
        own = here.get(reference)
        dong = None if own is None else own.amount_dong
        yield Compared(_of(own, line), reference, line.bill_id, dong, line.amount_dong)
    for reference, own in here.items():
        if reference not in listed and own.is_cleared and own.is_of_the_day:
            yield Compared(Verdict.MISSING_THERE, reference, own.bill_id, own.amount_dong, None)


def _of(own: Ours | None, line: Theirs) -> Verdict:
    if own is None:
        return Verdict.MISSING_HERE
    if (own.amount_dong, own.bill_id) != (line.amount_dong, line.bill_id):
        return Verdict.AMOUNT_DIFFERS
    if line.is_undone:
        return Verdict.REVERSED if own.is_undone else Verdict.STATE_DIFFERS
    return Verdict.MATCHED if own.is_cleared else Verdict.STATE_DIFFERS
