"""A late return leaves the attempt as it stands."""

from datetime import UTC, datetime, timedelta

from gateway.domain.attempt import AttemptState, Effect, Standing
from gateway.domain.debit_return import after_return
from gateway.domain.evidence import Rank


def test_a_return_changes_neither_the_attempt_nor_what_it_took() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    stands = Standing(AttemptState.SUCCEEDED, Rank.QUERY, now, timedelta())
    judged = after_return(stands)
    assert (judged.standing, judged.effect) == (stands, Effect.NOTHING)
