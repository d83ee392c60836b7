"""Postings that a person has to settle."""

from datetime import UTC, datetime

from gateway.domain import posting_troubles
from gateway.domain.posting import Line, LineState, PostingTrouble

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
DUE = Line("HD1", 150_000, LineState.NONE)


def test_every_trouble_has_an_owner_a_day_and_a_sentence_with_its_bill() -> None:
    for trouble in PostingTrouble:
        said = posting_troubles.next_action_of(
            trouble, DUE, payable="payable:b", receivable="receivable:p"
        )
        assert "HD1" in said
        assert posting_troubles.owner_of(trouble) in {"accounting", "operations"}
        assert posting_troubles.due_on(trouble, NOW.date()) >= NOW.date()
