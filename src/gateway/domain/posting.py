"""Posting: after the money moved, the debt is cleared at the biller, and undone with a reversal.

Pure rules: what a biller's answer makes of one bill, and what is done next. A bill is cleared with
a transaction code of its own, the same on every repetition; it is never sent again before the
biller was asked what became of the last time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.progress import IN_DOUBT_S


class Clearing(StrEnum):
    """What a biller's service says of a bill that we clear, or ask about."""

    CLEARED = "cleared"
    """By us, with the whole amount."""
    NOT_CLEARED = "not_cleared"
    """Nobody has paid it there."""
    PAID_BY_OTHER = "paid_by_other"
    AMOUNT_DIFFERS = "amount_differs"
    NOT_FOUND = "not_found"
    CANCELLED = "cancelled"
    OLDER_UNPAID = "older_unpaid"
    """Not now: an older period is paid first."""
    LOCKED = "locked"
    """Not now: another collector holds it."""
    PENDING = "pending"
    """Taken, and not yet cleared at the biller: ask again, never send again."""
    FLOAT_EMPTY = "float_empty"
    """Not now: what we have deposited there is used up."""
    SET_UP_WRONG = "set_up_wrong"
    """Not now: it does not accept our signature, clock or address."""
    REFUSED = "refused"
    """For good, and for none of these reasons; nothing was cleared."""
    UNKNOWN = "unknown"


class Undoing(StrEnum):
    """What a biller's service says of a clearing that we undo."""

    UNDONE = "undone"
    NOTHING_TO_UNDO = "nothing_to_undo"
    TOO_LATE = "too_late"
    UNKNOWN = "unknown"


class LineState(StrEnum):
    """Where the clearing of one bill stands; the undoing of it has the same states."""

    NONE = "none"
    """Not sent, or proved to have had no effect: to be sent."""
    SENT = "sent"
    """May be on its way at this moment."""
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    """Refused for good; a person decides."""
    UNKNOWN = "unknown"
    """May have had its effect: ask before anything else."""


class PostingTrouble(StrEnum):
    """What a person has to settle between a payment and its biller."""

    PAID_BY_OTHER = "posting_paid_by_other"
    AMOUNT_DIFFERS = "posting_amount_differs"
    BILL_NOT_FOUND = "posting_bill_not_found"
    BILL_CANCELLED = "posting_bill_cancelled"
    REFUSED = "posting_refused"
    FLOAT_EMPTY = "posting_float_empty"
    """Open while it is; the house goes on trying, as with NOT_POSTED and SET_UP_WRONG."""
    SET_UP_WRONG = "posting_set_up_wrong"
    UNDO_REFUSED = "posting_undo_refused"
    NOT_POSTED = "posting_not_acknowledged"


class Step(StrEnum):
    """What is done next for a posting."""

    CLEAR = "clear"
    CHECK = "check"
    UNDO = "undo"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Line:
    """One bill of a posting. `undo` is None unless the payment was reversed; times are aware UTC.

    `sent_at` is when the last call that clears or undoes it left.
    """

    bill_id: str
    amount_dong: int
    state: LineState
    undo: LineState | None = None
    code: str = ""
    sent_at: datetime | None = None
    trouble: PostingTrouble | None = None


IN_DOUBT = frozenset({LineState.SENT, LineState.UNKNOWN})
AT_REST = frozenset({LineState.ACKNOWLEDGED, LineState.REJECTED})
TRIES_BEFORE_A_PERSON = 8
"""About three hours of the schedule; the house goes on trying."""
_REFUSED = {
    Clearing.PAID_BY_OTHER: PostingTrouble.PAID_BY_OTHER,
    Clearing.AMOUNT_DIFFERS: PostingTrouble.AMOUNT_DIFFERS,
    Clearing.NOT_FOUND: PostingTrouble.BILL_NOT_FOUND,
    Clearing.CANCELLED: PostingTrouble.BILL_CANCELLED,
    Clearing.REFUSED: PostingTrouble.REFUSED,
}
_NOT_NOW: dict[Clearing, PostingTrouble | None] = {
    Clearing.OLDER_UNPAID: None,
    Clearing.LOCKED: None,
    Clearing.FLOAT_EMPTY: PostingTrouble.FLOAT_EMPTY,
    Clearing.SET_UP_WRONG: PostingTrouble.SET_UP_WRONG,
}
PASSING = (PostingTrouble.NOT_POSTED, PostingTrouble.FLOAT_EMPTY, PostingTrouble.SET_UP_WRONG)
"""What is over by itself once the bill is cleared."""


def next_step(lines: Sequence[Line]) -> tuple[Step, tuple[Line, ...]]:
    """Say what is done next, and for which bills; doubt is always cleared up first."""
    doubted = tuple(line for line in lines if _is_in_doubt(line))
    if doubted:
        return Step.CHECK, doubted
    due = tuple(x for x in lines if x.undo is None and x.state is LineState.NONE)
    if due:
        return Step.CLEAR, due
    undone = tuple(x for x in lines if x.undo is LineState.NONE)
    return (Step.UNDO, undone) if undone else (Step.REST, ())


def _is_in_doubt(line: Line) -> bool:
    if line.undo in AT_REST:
        return False
    return line.state in IN_DOUBT or line.undo in IN_DOUBT


def without_effect(line: Line) -> Line:
    """Drop the undoing of what never had an effect at the biller: nothing is to be undone."""
    if line.undo is LineState.NONE and line.state in {LineState.NONE, LineState.REJECTED}:
        return replace(line, undo=LineState.ACKNOWLEDGED)
    return line


def as_sent(line: Line, step: Step, now: datetime) -> Line:
    """Mark a bill before its call leaves."""
    if step is Step.UNDO:
        return replace(line, undo=LineState.SENT, sent_at=now)
    return replace(line, state=LineState.SENT, sent_at=now)


def not_sent(line: Line, step: Step) -> Line:
    """Take the mark back: it is proved that nothing left."""
    if step is Step.UNDO:
        return replace(line, undo=LineState.NONE)
    return replace(line, state=LineState.NONE)


def after_clear(line: Line, said: Clearing, code: str) -> Line:
    """Weigh the answer to a clearing.

    >>> sent = Line("HD-1", 150_000, LineState.SENT)
    >>> after_clear(sent, Clearing.PAID_BY_OTHER, "2").state
    <LineState.REJECTED: 'rejected'>
    >>> after_clear(sent, Clearing.LOCKED, "6").state
    <LineState.NONE: 'none'>
    >>> after_clear(sent, Clearing.PENDING, "1").state
    <LineState.UNKNOWN: 'unknown'>
    """
    if said is Clearing.CLEARED:
        return replace(line, state=LineState.ACKNOWLEDGED, code=code)
    if said in _NOT_NOW:
        return replace(line, state=LineState.NONE, code=code, trouble=_NOT_NOW[said])
    return _refused_or_doubted(line, said, code)


def after_check(line: Line, said: Clearing, code: str, *, now: datetime, window: timedelta) -> Line:
    """Weigh what the biller says of a bill whose clearing, or undoing, is in doubt.

    "Not cleared" is believed once `window` has passed since the call left: it may be under way.
    """
    if line.undo in IN_DOUBT:
        return _after_undo_check(line, said, code)
    if said is Clearing.CLEARED:
        return replace(line, state=LineState.ACKNOWLEDGED, code=code)
    if said is Clearing.NOT_CLEARED:
        may_be_under_way = line.sent_at is not None and now - line.sent_at < window
        state = LineState.UNKNOWN if may_be_under_way else LineState.NONE
        return replace(line, state=state, code=code)
    return _refused_or_doubted(line, said, code)


def _after_undo_check(line: Line, said: Clearing, code: str) -> Line:
    if said in {Clearing.NOT_CLEARED, Clearing.PAID_BY_OTHER, Clearing.REFUSED}:
        return replace(line, undo=LineState.ACKNOWLEDGED, code=code)
    undo = LineState.NONE if said is Clearing.CLEARED else LineState.UNKNOWN
    return replace(line, undo=undo, code=code)


def _refused_or_doubted(line: Line, said: Clearing, code: str) -> Line:
    trouble = _REFUSED.get(said)
    state = LineState.UNKNOWN if trouble is None else LineState.REJECTED
    return replace(line, state=state, code=code or line.code, trouble=trouble)


def after_undo(line: Line, said: Undoing, code: str) -> Line:
    """Weigh the answer to an undoing."""
    if said in {Undoing.UNDONE, Undoing.NOTHING_TO_UNDO}:
        return replace(line, undo=LineState.ACKNOWLEDGED, code=code)
    if said is Undoing.TOO_LATE:
        trouble = PostingTrouble.UNDO_REFUSED
        return replace(line, undo=LineState.REJECTED, code=code, trouble=trouble)
    return replace(line, undo=LineState.UNKNOWN, code=code or line.code)


def is_done(line: Line) -> bool:
    """Say whether nothing is left to do for a bill."""
    return next_step([line])[0] is Step.REST


def next_try_in(lines: Sequence[Line], tried: int) -> timedelta | None:
    """Say when to go on after `tried` turns; None when nothing is left to do."""
    step, _ = next_step(lines)
    if step is Step.REST:
        return None
    return timedelta(seconds=IN_DOUBT_S[min(tried, len(IN_DOUBT_S) - 1)])


def summary_of(states: Sequence[LineState]) -> LineState:
    """Put the states of all bills into one: the one that most needs attention."""
    return next(state for state in _BY_NEED if state in states)


_BY_NEED = (
    LineState.REJECTED,
    LineState.UNKNOWN,
    LineState.SENT,
    LineState.NONE,
    LineState.ACKNOWLEDGED,
)
