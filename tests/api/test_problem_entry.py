"""An entry of the problems' table: what it says when nothing more is said."""

import dataclasses

import pytest

from gateway.api.problem_entry import Entry, Retry

BARE = Entry(409, "Title", "Tựa đề", "Meaning.", "Ý nghĩa.")


def test_an_entry_promises_nothing_by_default() -> None:
    assert BARE.retry is Retry.NEVER
    assert BARE.money_may_have_moved is False


def test_an_entry_cannot_be_changed_while_the_service_runs() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BARE.status = 500  # type: ignore[misc]  # the claim is that this is refused


def test_what_a_machine_does_next_is_one_of_two_words() -> None:
    assert [str(retry) for retry in Retry] == ["never", "same_request"]
