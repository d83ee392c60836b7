"""How an attempt ends: nobody paid, it never left, or it was paid, once or twice."""

from datetime import timedelta

import pytest

from gateway.domain.attempt import OPEN, AttemptState, Effect, Trouble, after_not_sent, judge
from gateway.domain.evidence import Outcome, Rank
from tests.domain.test_attempt import END, WINDOW, a_fact, a_standing


@pytest.mark.parametrize(
    ("outcome", "ends_as"),
    [(Outcome.ABSENT, AttemptState.ABSENT), (Outcome.WAITING, AttemptState.EXPIRED)],
)
@pytest.mark.parametrize(
    ("first_s", "second_s", "effect"),
    [
        (-1, 1_000, Effect.NOTHING),
        (-1_000, -1, Effect.NOTHING),
        (0, 119, Effect.NOTHING),
        (0, 120, Effect.RELEASE),
        (5, 5, Effect.NOTHING),
        (5, 124, Effect.NOTHING),
        (5, 125, Effect.RELEASE),
        (200, 0, Effect.NOTHING),
    ],
)
def test_no_payment_is_proved_only_after_the_end_and_twice_a_window_apart(
    outcome: Outcome, ends_as: AttemptState, first_s: int, second_s: int, effect: Effect
) -> None:
    stands = a_standing(AttemptState.UNKNOWN)
    for seconds in (first_s, second_s):
        judged = judge(stands, a_fact(outcome, at=END + timedelta(seconds=seconds)))
        stands = judged.standing
    assert judged.effect is effect
    if effect is Effect.RELEASE:
        assert (stands.rank, stands.negatives) == (Rank.QUERY, 2)
    assert (stands.state is ends_as) is (effect is Effect.RELEASE)


@pytest.mark.parametrize(
    ("between", "rank"),
    [
        (Outcome.PENDING, Rank.QUERY),
        (Outcome.HELD, Rank.QUERY),
        (Outcome.PENDING, Rank.NOTIFICATION),
        (Outcome.WAITING, Rank.NOTIFICATION),
    ],
)
def test_a_provider_at_work_starts_the_count_of_negatives_anew(
    between: Outcome, rank: Rank
) -> None:
    stands = judge(a_standing(AttemptState.UNKNOWN), a_fact(Outcome.ABSENT, at=END)).standing
    assert stands.negatives == 1
    stands = judge(stands, a_fact(between, rank, END + WINDOW)).standing
    assert (stands.negatives, stands.negative_since) == (0, None)
    stands = judge(stands, a_fact(Outcome.ABSENT, at=END + 2 * WINDOW)).standing
    assert stands.state in OPEN


def test_an_end_that_is_proved_otherwise_forgets_the_negatives() -> None:
    stands = judge(a_standing(AttemptState.UNKNOWN), a_fact(Outcome.ABSENT, at=END)).standing
    for outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
        assert judge(stands, a_fact(outcome)).standing.negatives == 0


def test_a_notification_never_counts_as_a_negative() -> None:
    stands = a_standing(AttemptState.WAITING)
    for number in range(5):
        told = a_fact(Outcome.WAITING, Rank.NOTIFICATION, END + number * WINDOW)
        stands = judge(stands, told).standing
    assert (stands.state, stands.negatives) == (AttemptState.WAITING, 0)


def test_what_never_left_is_let_go() -> None:
    judged = after_not_sent(a_standing(rank=Rank.GUESS))
    assert (judged.standing.state, judged.effect) == (AttemptState.NOT_SENT, Effect.RELEASE)


def test_another_number_of_a_movement_of_money_is_told() -> None:
    stands = judge(a_standing(), a_fact(provider_id="1")).standing
    assert judge(stands, a_fact(provider_id="1")).trouble is None
    assert judge(stands, a_fact()).trouble is None
    assert judge(stands, a_fact(provider_id="2")).trouble is Trouble.SECOND_MOVEMENT


def test_the_number_of_the_movement_is_learnt_and_kept() -> None:
    bare = judge(a_standing(), a_fact()).standing
    assert bare.provider_id is None
    known = judge(bare, a_fact(provider_id="1")).standing
    assert known.provider_id == "1"
    for later in (a_fact(), a_fact(provider_id="2"), a_fact(Outcome.FAILED)):
        assert judge(known, later).standing.provider_id == "1"
