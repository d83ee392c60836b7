"""How a payment stands after its attempt: shown, claimed, and asked about again."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain import progress
from gateway.domain.attempt import AttemptState
from gateway.domain.progress import Certainty, Claim, PayAgain, PaymentState, Shown, Status

EXPIRES = datetime(2026, 11, 24, 3, 15, tzinfo=UTC)
OPEN_STATES = sorted(set(PaymentState) - progress.FINAL)

AFTER = {
    "sent": ("processing", "processing"),
    "waiting": ("awaiting_payer", "cancelling"),
    "pending": ("processing", "processing"),
    "unknown": ("in_doubt", "in_doubt"),
    "conflicted": ("conflicted", "conflicted"),
    "failed": ("failed", "cancelled"),
    "not_sent": ("failed", "cancelled"),
    "absent": ("expired", "cancelled"),
    "expired": ("expired", "cancelled"),
}
# State: what a caller sees, how sure, may the payer pay again, and how strongly bills are held.
SHOWN = {
    "awaiting_payer": ("requires_action", "open", "after", "soft"),
    "processing": ("processing", "open", "no", "hard"),
    "in_doubt": ("processing", "in_doubt", "no", "hard"),
    "cancelling": ("processing", "open", "after", "soft"),
    "conflicted": ("processing", "disputed", "no", "hard"),
    "succeeded": ("succeeded", "proved", "no", None),
    "failed": ("failed", "proved", "yes", None),
    "cancelled": ("cancelled", "proved", "yes", None),
    "expired": ("expired", "proved", "yes", None),
}


def show(state: str, *, late: bool = False, disputed: bool = False) -> Shown:
    return progress.shown(
        PaymentState(state), expires_at=EXPIRES, has_late_money=late, is_disputed=disputed
    )


def test_every_attempt_but_a_success_leads_to_a_state() -> None:
    assert set(AFTER) == set(AttemptState) - {AttemptState.SUCCEEDED}
    with pytest.raises(KeyError):
        progress.after_attempt(AttemptState.SUCCEEDED, is_cancelling=False)


@pytest.mark.parametrize("attempt", AFTER)
def test_a_payment_follows_its_attempt(attempt: str) -> None:
    state = AttemptState(attempt)
    found = [progress.after_attempt(state, is_cancelling=asked) for asked in (False, True)]
    assert tuple(found) == AFTER[attempt]


@pytest.mark.parametrize("state", PaymentState)
def test_a_payment_is_shown_so(state: PaymentState) -> None:
    status, certainty, again, claim = SHOWN[state]
    shows = show(state)
    assert (shows.status, shows.certainty, shows.may_pay_again) == (status, certainty, again)
    assert progress.status_of(state) == status
    assert progress.claim_of(state) == claim


@pytest.mark.parametrize("state", PaymentState)
def test_only_who_has_to_wait_is_told_until_when(state: PaymentState) -> None:
    waits = SHOWN[state][2] == "after"
    assert show(state).pay_again_at == (EXPIRES if waits else None)


@pytest.mark.parametrize("state", PaymentState)
def test_while_evidence_disagrees_nothing_is_proved_and_nobody_pays_again(
    state: PaymentState,
) -> None:
    shows = show(state, disputed=True)
    assert (shows.certainty, shows.may_pay_again) == (Certainty.DISPUTED, PayAgain.NO)
    assert shows.status == SHOWN[state][0]


@pytest.mark.parametrize("state", sorted(progress.FINAL))
def test_whose_late_money_we_hold_need_not_pay_again(state: PaymentState) -> None:
    assert show(state, late=True).may_pay_again is PayAgain.NO


@pytest.mark.parametrize("state", OPEN_STATES)
def test_nobody_is_told_to_pay_again_while_money_may_move(state: PaymentState) -> None:
    for late in (False, True):
        assert show(state, late=late).may_pay_again is not PayAgain.YES


@pytest.mark.parametrize("state", OPEN_STATES)
def test_what_may_still_be_paid_holds_its_bills_and_what_has_ended_does_not(
    state: PaymentState,
) -> None:
    assert progress.claim_of(state) is not None
    assert {progress.claim_of(final) for final in progress.FINAL} == {None}


@pytest.mark.parametrize("state", ["processing", "in_doubt", "conflicted"])
def test_bills_are_held_hard_wherever_money_may_be_moving(state: str) -> None:
    assert progress.claim_of(PaymentState(state)) is Claim.HARD


def test_an_unknown_state_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ValueError, match="paid"):
        progress.status_of("paid")


def test_callers_see_six_words() -> None:
    assert {progress.status_of(state) for state in PaymentState} == set(Status)


@pytest.mark.parametrize(
    ("attempt", "waits_s"),
    [
        (AttemptState.UNKNOWN, [2, 5, 15, 60, 300, 900, 3600, 3600]),
        (AttemptState.PENDING, [2, 5, 15, 60, 300, 900, 3600, 3600]),
        (AttemptState.WAITING, [15, 30, 60, 60, 60, 60, 60, 60]),
    ],
)
def test_questions_are_asked_as_planned(attempt: AttemptState, waits_s: list[int]) -> None:
    found = [progress.next_question_in(attempt, asked) for asked in range(len(waits_s))]
    assert found == [timedelta(seconds=s) for s in waits_s]
    longest = timedelta(seconds=waits_s[-1])
    assert progress.next_question_in(attempt, progress.QUESTIONS_MAX) == longest


def test_a_person_is_called_only_after_a_week_of_questions() -> None:
    asked = range(progress.QUESTIONS_MAX)
    waits = [progress.next_question_in(AttemptState.UNKNOWN, n) for n in asked]
    assert sum(waits, timedelta()) > timedelta(days=7)
