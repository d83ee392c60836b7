"""Who looks after money in suspense, by when, and how."""

from datetime import date

import pytest

from gateway.domain.suspense import OWNERS, REFUNDED, Reason, age_band, care_of

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_owner_a_day_and_a_next_action(reason: Reason) -> None:
    care = care_of(
        reason, TODAY, amount_dong=7, missing_dong=3, customer="PB14010012345", source="ref 9"
    )
    assert care.owner in OWNERS
    assert care.due_on > TODAY
    assert "{" not in care.next_action
    assert ("refund 7 đồng" in care.next_action) is care.is_refunded is (reason in REFUNDED)


def test_money_whose_payer_nobody_knows_is_not_refunded() -> None:
    assert not care_of(Reason.UNKNOWN, TODAY, amount_dong=1).is_refunded


def test_what_is_too_little_says_how_much_is_missing() -> None:
    care = care_of(Reason.SHORT, TODAY, amount_dong=7, missing_dong=3, customer="PB1")
    assert "underpaid by 3 đồng" in care.next_action


def test_ages_fall_into_four_bands() -> None:
    assert [age_band(days) for days in (0, 2, 8, 400)] == ["0-1", "2-7", "8-30", ">30"]
