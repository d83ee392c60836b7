"""A mandate's states: one table, and nothing leads out of an end."""

from datetime import date

import pytest

from gateway.domain.mandate import (
    FINAL,
    Change,
    MandateState,
    after,
    change_to,
    lapses_on,
)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_leads_out_of_an_end(state: MandateState) -> None:
    assert [change for change in Change if after(state, change) is not None] == []


def test_every_state_that_is_no_end_can_be_ended_by_its_payer() -> None:
    assert all(after(state, Change.CANCEL) for state in set(MandateState) - FINAL)


def test_a_bank_resumes_only_what_it_paused_itself() -> None:
    paused, active = MandateState.SUSPENDED, MandateState.ACTIVE
    assert change_to(paused, active, by_bank_suspended=True) is Change.RESUME
    assert change_to(paused, active, by_bank_suspended=False) is None


def test_what_a_bank_says_late_moves_nothing_back() -> None:
    told = MandateState.PENDING_CUSTOMER
    assert change_to(MandateState.ACTIVE, told, by_bank_suspended=False) is None
    assert change_to(MandateState.CANCELLED, MandateState.ACTIVE, by_bank_suspended=True) is None


def test_thirteen_months_end_in_the_month_after_the_year() -> None:
    assert lapses_on(date(2026, 12, 15)) == date(2028, 1, 15)
