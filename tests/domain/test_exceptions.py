"""The exceptions queue: each trouble has an owner, a day and something to do."""

from datetime import date

import pytest

from gateway.domain import exceptions
from gateway.domain.attempt import Trouble

TODAY = date(2026, 12, 31)
# Owner, days: money that we have and must give back is accounting's; the rest is operations'.
OWNED = {
    "late_money": ("accounting", 1),
    "conflicted": ("operations", 0),
    "amount_differs": ("operations", 0),
    "held_by_provider": ("operations", 1),
    "second_movement": ("accounting", 1),
    "moving_after_end": ("operations", 1),
    "unresolved": ("operations", 1),
}


def test_no_trouble_is_without_an_owner() -> None:
    assert set(OWNED) == set(Trouble)


@pytest.mark.parametrize("trouble", Trouble)
def test_a_trouble_has_its_owner_and_its_day(trouble: Trouble) -> None:
    owner, days = OWNED[trouble]
    assert exceptions.owner_of(trouble) == owner
    assert (exceptions.due_on(trouble, TODAY) - TODAY).days == days


@pytest.mark.parametrize("trouble", Trouble)
def test_what_to_do_names_the_provider_and_the_order(trouble: Trouble) -> None:
    said = exceptions.next_action_of(trouble, "acme", "att_{1}")
    assert "acme" in said
    assert "att_{1}" in said


def test_no_two_troubles_ask_for_the_same() -> None:
    said = {exceptions.next_action_of(trouble, "acme", "1") for trouble in Trouble}
    assert len(said) == len(Trouble)


def test_due_tomorrow_may_be_next_year() -> None:
    assert exceptions.due_on(Trouble.LATE_MONEY, TODAY) == date(2027, 1, 1)
