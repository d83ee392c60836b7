"""The Vietnamese business calendar: Tết moves, Hùng kings' day too, and no year is guessed."""

from datetime import date, datetime, time, timedelta

import pytest

from gateway.domain.calendar import (
    HOLIDAYS,
    CalendarUnknown,
    days_drawn_on,
    is_after_cutoff,
    is_business_day,
    next_business_day,
    on_or_after,
)
from gateway.domain.clock import VIETNAM

OFF = ["2024-02-08", "2025-01-29", "2026-02-17", "2027-02-08", "2025-04-07", "2026-04-27"]


@pytest.mark.parametrize("day", OFF)
def test_banks_do_not_book_at_tet_nor_on_the_day_of_the_hung_kings(day: str) -> None:
    assert not is_business_day(date.fromisoformat(day))


def test_after_tet_the_next_business_day_is_the_first_on_which_banks_book() -> None:
    assert next_business_day(date(2027, 2, 3)) == date(2027, 2, 11)
    assert on_or_after(date(2025, 1, 25)) == date(2025, 2, 3)


def test_a_year_without_data_is_refused() -> None:
    with pytest.raises(CalendarUnknown, match="2031"):
        is_business_day(date(2031, 6, 2))


def test_every_day_is_drawn_on_exactly_one_business_day() -> None:
    days = [date(2026, 12, 31) + timedelta(days=n) for n in range(366)]
    drawn = [number for day in days for number in days_drawn_on(day)]
    assert drawn == [day.day for day in days]


def test_nothing_is_drawn_on_a_day_off() -> None:
    assert all(days_drawn_on(day) == () for day in HOLIDAYS)


def test_the_cut_off_is_vietnamese_and_sharp() -> None:
    day, cutoff = date(2026, 11, 25), time(16)
    sharp = datetime.combine(day, cutoff, tzinfo=VIETNAM)
    assert is_after_cutoff(sharp, day, cutoff)
    assert not is_after_cutoff(sharp - timedelta(seconds=1), day, cutoff)
