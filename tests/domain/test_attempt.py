"""What one piece of evidence makes of an attempt: the whole table."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from gateway.domain.attempt import (
    NEGATIVE,
    OPEN,
    AttemptState,
    Effect,
    Fact,
    Standing,
    Trouble,
    judge,
)
from gateway.domain.evidence import Finding, Outcome, Rank

END = datetime(2026, 11, 24, 3, 15, tzinfo=UTC)
BEFORE_END = END - timedelta(minutes=5)
WINDOW = timedelta(seconds=120)
PROVING = (Rank.NOTIFICATION, Rank.QUERY, Rank.STATEMENT)
LETTERS = {
    "s": AttemptState.SENT,
    "w": AttemptState.WAITING,
    "p": AttemptState.PENDING,
    "u": AttemptState.UNKNOWN,
    "S": AttemptState.SUCCEEDED,
    "F": AttemptState.FAILED,
    "N": AttemptState.NOT_SENT,
    "A": AttemptState.ABSENT,
    "E": AttemptState.EXPIRED,
    "C": AttemptState.CONFLICTED,
}
# For an attempt that stands on a notification, before its end. Each row is a state and each column
# an outcome; the three letters say what a notification, a query and a statement make of it.
TABLE = """
    waiting pending succeeded failed absent held unknown
s   www     ppp     SSS       FFF    uuu    ppp  uuu
w   www     ppp     SSS       FFF    www    ppp  www
p   pww     ppp     SSS       FFF    ppp    ppp  ppp
u   www     ppp     SSS       FFF    uuu    ppp  uuu
S   SSS     SSS     SSS       CCC    SSS    SSS  SSS
F   FFF     FFF     CSS       FFF    FFF    FFF  FFF
N   NNN     NNN     SSS       FFF    NNN    NNN  NNN
A   AAA     AAA     SSS       FFF    AAA    AAA  AAA
E   EEE     EEE     SSS       FFF    EEE    EEE  EEE
C   CCC     CCC     CSS       CFF    CCC    CCC  CCC
"""
# Who must be told of it: (states, outcome, ranks) and why.
TROUBLES = [
    ("S", Outcome.FAILED, PROVING, Trouble.CONFLICTED),
    ("F", Outcome.SUCCEEDED, PROVING[:1], Trouble.CONFLICTED),
    ("AE", Outcome.PENDING, PROVING, Trouble.MOVING_AFTER_END),
    ("swpuSFNAEC", Outcome.HELD, PROVING, Trouble.HELD_BY_PROVIDER),
]


def a_standing(
    state: AttemptState = AttemptState.SENT,
    rank: Rank = Rank.NOTIFICATION,
    provider_id: str | None = None,
) -> Standing:
    return Standing(state, rank, END, WINDOW, provider_id)


def a_fact(
    outcome: Outcome = Outcome.SUCCEEDED,
    rank: Rank = Rank.QUERY,
    at: datetime = BEFORE_END,
    disagrees: str | None = None,
    provider_id: str | None = None,
) -> Fact:
    return Fact(rank, Finding(outcome, provider_id=provider_id), at, disagrees)


def cases() -> list[tuple[AttemptState, Outcome, Rank, AttemptState]]:
    head, *rows = TABLE.strip().splitlines()
    outcomes = [Outcome(name) for name in head.split()]
    return [
        (LETTERS[letter], outcome, rank, LETTERS[becomes])
        for letter, *cells in map(str.split, rows)
        for outcome, cell in zip(outcomes, cells, strict=True)
        for rank, becomes in zip(PROVING, cell, strict=True)
    ]


def test_the_table_names_every_state_and_outcome() -> None:
    assert {case[:3] for case in cases()} == {
        (state, outcome, rank) for state in AttemptState for outcome in Outcome for rank in PROVING
    }


@pytest.mark.parametrize(("state", "outcome", "rank", "becomes"), cases())
def test_evidence_makes_of_an_attempt_what_the_table_says(
    state: AttemptState, outcome: Outcome, rank: Rank, becomes: AttemptState
) -> None:
    judged = judge(a_standing(state), a_fact(outcome, rank))
    assert judged.standing.state is becomes
    is_taken = becomes is AttemptState.SUCCEEDED is not state
    is_let_go = becomes in NEGATIVE and state not in NEGATIVE
    expected = Effect.SETTLE if is_taken else Effect.RELEASE if is_let_go else Effect.NOTHING
    assert judged.effect is expected


def test_a_person_is_told_exactly_where_the_table_says() -> None:
    told = {
        (state, outcome, rank): trouble
        for state, outcome, rank, _ in cases()
        if (trouble := judge(a_standing(state), a_fact(outcome, rank)).trouble) is not None
    }
    assert told == {
        (LETTERS[letter], outcome, rank): trouble
        for letters, outcome, ranks, trouble in TROUBLES
        for letter in letters
        for rank in ranks
    }


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("rank", [Rank.GUESS, Rank.RETURN])
def test_a_guess_and_a_browser_change_nothing_but_sent_into_in_doubt(
    state: AttemptState, rank: Rank
) -> None:
    stands = a_standing(state)
    for outcome, disagrees in product(Outcome, [None, "amount", "reference"]):
        judged = judge(stands, a_fact(outcome, rank, END + WINDOW, disagrees))
        assert (judged.effect, judged.trouble) == (Effect.NOTHING, None)
        is_silence = (state, outcome, rank) == (AttemptState.SENT, Outcome.UNKNOWN, Rank.GUESS)
        assert judged.standing.state is (AttemptState.UNKNOWN if is_silence else state)
        assert is_silence or judged.standing == stands


@pytest.mark.parametrize("state", AttemptState)
def test_what_a_browser_or_we_guess_is_a_reason_to_ask_while_the_outcome_is_open(
    state: AttemptState,
) -> None:
    for rank in (Rank.GUESS, Rank.RETURN):
        assert judge(a_standing(state), a_fact(rank=rank)).ask_now is (state in OPEN)


@pytest.mark.parametrize(("state", "outcome", "rank", "becomes"), cases())
def test_an_attempt_stands_on_the_evidence_that_moved_it(
    state: AttemptState, outcome: Outcome, rank: Rank, becomes: AttemptState
) -> None:
    moved = becomes is not state
    repeated = (outcome is Outcome.WAITING and becomes is AttemptState.WAITING) or (
        (outcome, becomes)
        in {
            (Outcome.PENDING, AttemptState.PENDING),
            (Outcome.HELD, AttemptState.PENDING),
            (Outcome.SUCCEEDED, AttemptState.SUCCEEDED),
            (Outcome.FAILED, AttemptState.FAILED),
        }
    )
    expected = rank if moved or repeated else Rank.NOTIFICATION
    doubted = moved and becomes is AttemptState.UNKNOWN
    stands = judge(a_standing(state), a_fact(outcome, rank)).standing
    assert stands.rank is (Rank.GUESS if doubted else expected)


@pytest.mark.parametrize(
    ("stands_on", "pairs"),
    [
        (Rank.NOTIFICATION, "SF FS CS CF Ap Ep"),
        (Rank.QUERY, "FS Ap Ep"),
    ],
)
def test_a_notification_is_a_reason_to_ask_exactly_where_it_decides_nothing(
    stands_on: Rank, pairs: str
) -> None:
    asked = {
        (state, outcome)
        for state, outcome in product(AttemptState, Outcome)
        if judge(a_standing(state, stands_on), a_fact(outcome, Rank.NOTIFICATION)).ask_now
    }
    told = {"S": Outcome.SUCCEEDED, "F": Outcome.FAILED, "p": Outcome.PENDING}
    assert asked == {(LETTERS[pair[0]], told[pair[1]]) for pair in pairs.split()}


@pytest.mark.parametrize("disagrees", ["reference", "merchant", "amount"])
def test_a_notification_that_is_not_ours_is_a_reason_to_ask_while_the_outcome_is_open(
    disagrees: str,
) -> None:
    for outcome in Outcome:
        fact = a_fact(outcome, Rank.NOTIFICATION, disagrees=disagrees)
        assert {state for state in AttemptState if judge(a_standing(state), fact).ask_now} == OPEN


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("disagrees", [None, "amount", "merchant"])
def test_the_answer_to_a_question_is_never_a_reason_to_ask_at_once(
    state: AttemptState, disagrees: str | None
) -> None:
    silence = a_fact(Outcome.UNKNOWN, Rank.GUESS, disagrees=disagrees)
    answers = [a_fact(outcome, disagrees=disagrees) for outcome in Outcome]
    for rank in (Rank.NOTIFICATION, Rank.QUERY, Rank.STATEMENT):
        stands = a_standing(state, rank)
        assert [f for f in [silence, *answers] if judge(stands, f).ask_now] == []


@pytest.mark.parametrize("disagrees", ["reference", "merchant", "amount"])
@pytest.mark.parametrize("state", AttemptState)
def test_what_is_not_ours_never_settles_nor_lets_go(disagrees: str, state: AttemptState) -> None:
    for outcome, rank in product(Outcome, PROVING):
        judged = judge(a_standing(state), a_fact(outcome, rank, END + WINDOW, disagrees))
        assert judged.effect is Effect.NOTHING
        assert judged.standing.state in {state, AttemptState.UNKNOWN, AttemptState.CONFLICTED}
        other_amount_taken = disagrees == "amount" and outcome is Outcome.SUCCEEDED
        assert (judged.trouble is Trouble.AMOUNT_DIFFERS) is other_amount_taken


def test_another_orders_answer_leaves_what_was_sent_in_doubt() -> None:
    judged = judge(a_standing(), a_fact(Outcome.WAITING, disagrees="reference"))
    assert judged.standing.state is AttemptState.UNKNOWN


@pytest.mark.parametrize("state", AttemptState)
def test_a_query_that_shows_another_amount_is_a_dispute_unless_it_had_ended(
    state: AttemptState,
) -> None:
    judged = judge(a_standing(state), a_fact(Outcome.SUCCEEDED, disagrees="amount"))
    if state in OPEN | {AttemptState.CONFLICTED}:
        assert judged.standing == a_standing(AttemptState.CONFLICTED, Rank.QUERY)
    else:
        assert judged.standing == a_standing(state)


@pytest.mark.parametrize("rank", PROVING)
def test_a_notification_alone_never_disputes_an_amount(rank: Rank) -> None:
    judged = judge(a_standing(AttemptState.WAITING), a_fact(rank=rank, disagrees="amount"))
    is_alone = rank is Rank.NOTIFICATION
    assert (judged.standing.state is AttemptState.WAITING) is is_alone
