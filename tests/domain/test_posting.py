"""What a biller's answer makes of one bill, and what is done next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import posting
from gateway.domain.posting import Clearing, Line, LineState, Step, Undoing

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=2)
DUE = Line("HD1", 150_000, LineState.NONE)
SENT = replace(DUE, state=LineState.SENT, sent_at=NOW)
CLEARED = replace(DUE, state=LineState.ACKNOWLEDGED, sent_at=NOW)
UNDO_SENT = replace(CLEARED, undo=LineState.SENT)


def test_doubt_is_cleared_up_before_anything_is_sent() -> None:
    assert posting.next_step([DUE, SENT]) == (Step.CHECK, (SENT,))
    assert posting.next_step([DUE, UNDO_SENT]) == (Step.CHECK, (UNDO_SENT,))


def test_what_is_due_is_cleared_in_one_call_and_what_is_reversed_undone() -> None:
    other = replace(DUE, bill_id="HD2")
    assert posting.next_step([DUE, CLEARED, other]) == (Step.CLEAR, (DUE, other))
    undo = replace(CLEARED, undo=LineState.NONE)
    assert posting.next_step([undo]) == (Step.UNDO, (undo,))
    assert posting.next_step([CLEARED, replace(undo, undo=LineState.REJECTED)]) == (Step.REST, ())


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (Clearing.CLEARED, LineState.ACKNOWLEDGED),
        (Clearing.NOT_CLEARED, LineState.UNKNOWN),
        (Clearing.PAID_BY_OTHER, LineState.REJECTED),
        (Clearing.AMOUNT_DIFFERS, LineState.REJECTED),
        (Clearing.NOT_FOUND, LineState.REJECTED),
        (Clearing.CANCELLED, LineState.REJECTED),
        (Clearing.OLDER_UNPAID, LineState.NONE),
        (Clearing.LOCKED, LineState.NONE),
        (Clearing.REFUSED, LineState.REJECTED),
        (Clearing.PENDING, LineState.UNKNOWN),
        (Clearing.UNKNOWN, LineState.UNKNOWN),
    ],
)
def test_an_answer_to_a_clearing(said: Clearing, state: LineState) -> None:
    after = posting.after_clear(SENT, said, "x")
    assert after.state is state
    assert (after.trouble is not None) is (state is LineState.REJECTED)


@pytest.mark.parametrize("said", [Clearing.FLOAT_EMPTY, Clearing.SET_UP_WRONG])
def test_what_is_wrong_with_us_is_a_persons_at_once_and_still_to_be_sent(said: Clearing) -> None:
    after = posting.after_clear(SENT, said, "-7")
    assert after.state is LineState.NONE
    assert after.trouble in posting.PASSING


def test_what_is_pending_stays_in_doubt_whatever_the_window() -> None:
    now = NOW + 10 * WINDOW
    after = posting.after_check(SENT, Clearing.PENDING, "0/3", now=now, window=WINDOW)
    assert after.state is LineState.UNKNOWN


def test_a_clearing_that_failed_after_all_needs_no_undoing() -> None:
    after = posting.after_check(UNDO_SENT, Clearing.REFUSED, "0/5", now=NOW, window=WINDOW)
    assert after.undo is LineState.ACKNOWLEDGED


@pytest.mark.parametrize(("waited", "state"), [(1, LineState.UNKNOWN), (2, LineState.NONE)])
def test_not_cleared_is_believed_once_the_window_has_passed(waited: int, state: LineState) -> None:
    now = NOW + timedelta(minutes=waited)
    after = posting.after_check(SENT, Clearing.NOT_CLEARED, "", now=now, window=WINDOW)
    assert after.state is state


@pytest.mark.parametrize(
    ("said", "undo"),
    [
        (Clearing.CLEARED, LineState.NONE),
        (Clearing.NOT_CLEARED, LineState.ACKNOWLEDGED),
        (Clearing.PAID_BY_OTHER, LineState.ACKNOWLEDGED),
        (Clearing.UNKNOWN, LineState.UNKNOWN),
        (Clearing.NOT_FOUND, LineState.UNKNOWN),
    ],
)
def test_a_check_of_an_undoing_in_doubt(said: Clearing, undo: LineState) -> None:
    after = posting.after_check(UNDO_SENT, said, "", now=NOW, window=WINDOW)
    assert (after.undo, after.state) == (undo, LineState.ACKNOWLEDGED)


@pytest.mark.parametrize(
    ("said", "undo"),
    [
        (Undoing.UNDONE, LineState.ACKNOWLEDGED),
        (Undoing.NOTHING_TO_UNDO, LineState.ACKNOWLEDGED),
        (Undoing.TOO_LATE, LineState.REJECTED),
        (Undoing.UNKNOWN, LineState.UNKNOWN),
    ],
)
def test_an_answer_to_an_undoing(said: Undoing, undo: LineState) -> None:
    assert posting.after_undo(UNDO_SENT, said, "x").undo is undo


@given(
    st.lists(
        st.builds(
            Line,
            st.just("HD1"),
            st.just(1),
            st.sampled_from(LineState),
            st.none() | st.sampled_from(LineState),
        ),
        max_size=4,
    )
)
def test_something_is_planned_exactly_while_something_is_left_to_do(lines: list[Line]) -> None:
    step, chosen = posting.next_step(lines)
    assert (posting.next_try_in(lines, 0) is None) is (step is Step.REST)
    assert bool(chosen) is (step is not Step.REST)
    for line in chosen:
        assert not (step is Step.CLEAR and line.undo is not None)
        assert not (step is Step.UNDO and line.state in posting.IN_DOUBT)


@pytest.mark.parametrize("state", [LineState.NONE, LineState.REJECTED])
def test_what_had_no_effect_needs_no_undoing(state: LineState) -> None:
    line = replace(DUE, state=state, undo=LineState.NONE)
    assert posting.without_effect(line).undo is LineState.ACKNOWLEDGED
    assert posting.without_effect(replace(line, state=LineState.SENT)).undo is LineState.NONE
