"""Refusals of mandates say what happened, in both languages."""

from datetime import date

from gateway.domain.mandate_refusals import DayRefused, MandateNotChangeable


def test_a_refusal_names_what_it_is_about() -> None:
    refused = MandateNotChangeable("mdt_1", "cancelled", "resume")
    assert "mdt_1" in refused.detail
    assert "mdt_1" in refused.detail_vi
    assert refused.facts["state"] == "cancelled"
    assert "2026-11-28" in DayRefused(date(2026, 11, 28), "off", "nghỉ").detail
