"""Figures as each language writes them; the usual cases stand in the doctests of the module."""

from datetime import UTC, datetime

from gateway.pages.formats import dong, moment, number, percent


def test_nothing_and_debts_are_written_plainly() -> None:
    assert number(0, "vi") == "0"
    assert dong(-1_000, "vi") == "-1.000\N{NO-BREAK SPACE}₫"
    assert percent(1.0, "vi") == "100,0\N{NO-BREAK SPACE}%"


def test_an_instant_is_written_in_vietnam_s_day() -> None:
    assert moment(datetime(2026, 12, 31, 17, 0, tzinfo=UTC), "vi") == "00:00 01/01/2027"
