"""Refusals of field cash say what they are about, in both languages."""

from datetime import date

from gateway.domain.cash_refusals import DeviceUnknown, NewListsEnded, NothingToHandOver


def test_an_area_that_has_ended_is_told_since_when_and_what_still_goes() -> None:
    refused = NewListsEnded("32008", date(2027, 3, 1))
    assert refused.facts == {"area": "32008", "ended_on": "2027-03-01"}
    assert "may be uploaded and closed" in refused.detail
    assert "2027-03-01" in refused.detail_vi


def test_a_tablet_that_is_not_known_is_told_to_keep_its_receipts() -> None:
    refused = DeviceUnknown("tab-1")
    assert "keep its receipts" in refused.detail
    assert "giữ biên nhận" in refused.detail_vi


def test_nothing_to_hand_over_says_why() -> None:
    assert "all are on other lists" in NothingToHandOver("32008", "all are on other lists").detail
