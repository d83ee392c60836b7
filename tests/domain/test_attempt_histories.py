"""What holds for an attempt whatever evidence comes, in whatever order."""

from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.attempt import (
    OPEN,
    AttemptState,
    Effect,
    Fact,
    Judgement,
    Standing,
    Trouble,
    judge,
)
from gateway.domain.evidence import Outcome, Rank
from tests.domain.test_attempt import END, PROVING, WINDOW, a_fact, a_standing

FACTS = st.builds(
    a_fact,
    outcome=st.sampled_from(Outcome),
    rank=st.sampled_from(Rank),
    at=st.integers(-10, 10).map(lambda n: END + n * WINDOW / 2),
    disagrees=st.sampled_from([None, None, None, "amount", "merchant"]),
    provider_id=st.sampled_from([None, "1", "2"]),
)


def lived(facts: list[Fact]) -> list[tuple[Standing, Fact, Judgement]]:
    """Give every step of an attempt to which these facts come in this order."""
    stands, steps = a_standing(rank=Rank.GUESS), []
    for fact in facts:
        judged = judge(stands, fact)
        steps.append((stands, fact, judged))
        stands = judged.standing
    return steps


@given(st.lists(FACTS, max_size=12))
def test_whatever_comes_nothing_leaves_success_but_into_a_dispute(facts: list[Fact]) -> None:
    for before, _, judged in lived(facts):
        if before.state is AttemptState.SUCCEEDED:
            assert judged.standing.state in {AttemptState.SUCCEEDED, AttemptState.CONFLICTED}
            assert judged.effect is Effect.NOTHING
        if judged.standing.state is AttemptState.CONFLICTED is not before.state:
            assert judged.trouble in {Trouble.CONFLICTED, Trouble.AMOUNT_DIFFERS}


@given(st.lists(FACTS, max_size=12))
def test_whatever_comes_a_lower_rank_overturns_nothing(facts: list[Fact]) -> None:
    ended = {AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.CONFLICTED}
    for before, fact, judged in lived(facts):
        if before.state in ended and fact.rank < before.rank:
            assert judged.standing.state is before.state
            assert judged.standing.rank is before.rank


@given(st.lists(FACTS, max_size=12))
def test_whatever_comes_an_end_stands_on_evidence_that_may_end_it(facts: list[Fact]) -> None:
    for before, fact, judged in lived(facts):
        ends_as = judged.standing.state
        if ends_as is before.state or ends_as in OPEN:
            continue
        assert fact.rank >= Rank.NOTIFICATION
        if ends_as is AttemptState.SUCCEEDED:
            assert (fact.finding.outcome, fact.disagrees) == (Outcome.SUCCEEDED, None)
        if ends_as in {AttemptState.ABSENT, AttemptState.EXPIRED}:
            assert fact.rank >= Rank.QUERY
            assert before.negative_since is not None
            assert END <= before.negative_since <= fact.at - WINDOW


AUTHENTIC = st.builds(
    a_fact,
    outcome=st.sampled_from([o for o in Outcome if o is not Outcome.UNKNOWN]),
    rank=st.sampled_from(PROVING),
)


def _ends(facts: list[Fact]) -> set[tuple[AttemptState, bool]]:
    """Give how each order of these facts ends, and whether a dispute was told on the way."""
    ends = set()
    for order in permutations(facts):
        steps = lived([replace(f, at=END + n * WINDOW) for n, f in enumerate(order)])
        disputed = any(judged.trouble is Trouble.CONFLICTED for _, _, judged in steps)
        ends.add((steps[-1][2].standing.state, disputed))
    return ends


def _best(facts: list[Fact], outcome: Outcome) -> int:
    return max((f.rank for f in facts if f.finding.outcome is outcome), default=-1)


@given(st.lists(AUTHENTIC, min_size=1, max_size=4))
def test_in_whatever_order_evidence_comes_it_proves_one_thing_or_is_disputed(
    facts: list[Fact],
) -> None:
    ends = _ends(facts)
    taken, failed = (_best(facts, o) for o in (Outcome.SUCCEEDED, Outcome.FAILED))
    if taken < 0 and failed < 0:
        assert not {state for state, _ in ends} & {AttemptState.SUCCEEDED, AttemptState.CONFLICTED}
    elif failed < 0:
        assert ends == {(AttemptState.SUCCEEDED, False)}
    elif taken < 0:
        assert ends == {(AttemptState.FAILED, False)}
    else:
        proved = {state for state, _ in ends} - {AttemptState.CONFLICTED}
        likelier = AttemptState.SUCCEEDED if taken > failed else AttemptState.FAILED
        assert proved <= ({likelier} if taken != failed else set())
        assert AttemptState.FAILED not in {state for state, told in ends if not told}
