"""What a collector's house is told when it cannot have what it asked."""

from datetime import date

from gateway.domain.cash_refusals import DeviceUnknown, NewListsEnded


def test_where_cash_has_ended_the_day_is_told_and_what_still_goes_on() -> None:
    refused = NewListsEnded("32008", date(2027, 3, 1))
    assert refused.facts["ended_on"] == "2027-03-01"
    assert "may be uploaded" in refused.detail
    assert "vẫn được nộp" in refused.detail_vi


def test_receipts_of_an_unknown_tablet_are_to_be_kept() -> None:
    refused = DeviceUnknown("tab-9")
    assert "keep its receipts" in refused.detail
    assert "giữ biên nhận" in refused.detail_vi
