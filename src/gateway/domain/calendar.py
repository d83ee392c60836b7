"""The Vietnamese business calendar: on which days banks book, and which day follows.

Days off are data: public holidays of the Labour Code 2019, article 112, with lunar Tết, Hùng kings'
day and the swaps that the prime minister decides each year, as the `holidays` library (0.109, Viet
Nam) gives them, read 2026-11-24. A year that is not in the table is refused, never guessed: Tết
moves.
"""

from datetime import date, datetime, time, timedelta

from gateway.domain.clock import VIETNAM
from gateway.domain.errors import CallerError

NEW_YEAR, TET, HUNG_KINGS = "Tết Dương lịch", "Tết Nguyên đán", "Giỗ Tổ Hùng Vương"
REUNIFICATION, LABOUR, NATIONAL = "30 tháng 4", "Quốc tế Lao động", "Quốc khánh"
CULTURE, SUBSTITUTE = "Ngày Văn hóa Việt Nam", "nghỉ bù, hoán đổi"

# Month and day of each day off, by year; Saturdays and Sundays are off without standing here.
_DAYS_OFF = {
    2024: {
        NEW_YEAR: "01-01",
        TET: "02-08 02-09 02-10 02-11 02-12 02-13 02-14",
        HUNG_KINGS: "04-18",
        REUNIFICATION: "04-30",
        LABOUR: "05-01",
        NATIONAL: "09-02 09-03",
        SUBSTITUTE: "04-29",
    },
    2025: {
        NEW_YEAR: "01-01",
        TET: "01-27 01-28 01-29 01-30 01-31",
        HUNG_KINGS: "04-07",
        REUNIFICATION: "04-30",
        LABOUR: "05-01",
        NATIONAL: "09-01 09-02",
        SUBSTITUTE: "05-02",
    },
    2026: {
        NEW_YEAR: "01-01",
        TET: "02-16 02-17 02-18 02-19 02-20",
        HUNG_KINGS: "04-26",
        REUNIFICATION: "04-30",
        LABOUR: "05-01",
        NATIONAL: "09-01 09-02",
        CULTURE: "11-24",
        SUBSTITUTE: "04-27 08-31",
    },
    2027: {
        NEW_YEAR: "01-01",
        TET: "02-04 02-05 02-06 02-07 02-08 02-09 02-10",
        HUNG_KINGS: "04-16",
        REUNIFICATION: "04-30",
        LABOUR: "05-01",
        NATIONAL: "09-02 09-03",
        CULTURE: "11-24",
        SUBSTITUTE: "05-03",
    },
    2028: {
        NEW_YEAR: "01-01",
        TET: "01-24 01-25 01-26 01-27 01-28 01-29",
        HUNG_KINGS: "04-04",
        REUNIFICATION: "04-30",
        LABOUR: "05-01",
        NATIONAL: "09-01 09-02",
        CULTURE: "11-24",
        SUBSTITUTE: "01-03 05-02",
    },
}
HOLIDAYS = {
    date.fromisoformat(f"{year}-{day}"): name
    for year, named in _DAYS_OFF.items()
    for name, days in named.items()
    for day in days.split()
}
SATURDAY = 5
NOTICE = timedelta(days=2)
"""How long before a debit the payer is told (e.3: two days)."""


class CalendarUnknown(CallerError):
    """Nobody has said yet which days of that year are off."""

    code = "calendar_unknown"

    def __init__(self, year: int) -> None:
        super().__init__(
            f"the business calendar has no days off for {year}; add the year to it first",
            f"lịch làm việc chưa có ngày nghỉ của năm {year}; hãy bổ sung trước",
        )


def is_business_day(day: date) -> bool:
    """Say whether banks book on a day.

    Raises:
        CalendarUnknown: the year is not in the table.

    >>> is_business_day(date(2026, 2, 17))  # the first day of Tết
    False
    """
    if day.year not in _DAYS_OFF:
        raise CalendarUnknown(day.year)
    return day.weekday() < SATURDAY and day not in HOLIDAYS


def on_or_after(day: date) -> date:
    """Give the day itself if banks book on it, else the next one on which they do.

    >>> on_or_after(date(2026, 2, 14))
    datetime.date(2026, 2, 23)
    """
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def next_business_day(day: date, count: int = 1) -> date:
    """Give the business day that comes `count` business days after a day."""
    for _ in range(count):
        day = on_or_after(day + timedelta(days=1))
    return day


def days_drawn_on(day: date) -> tuple[int, ...]:
    """Give the days of the month whose debits are drawn on a business day: itself, and those off.

    >>> days_drawn_on(date(2026, 11, 30))  # a Monday
    (28, 29, 30)
    """
    if not is_business_day(day):
        return ()
    drawn = [day.day]
    before = day - timedelta(days=1)
    while not is_business_day(before):
        drawn.insert(0, before.day)
        before -= timedelta(days=1)
    return tuple(drawn)


def first_noticed(today: date) -> date:
    """Give the first business day whose payers, told today, are told in time.

    >>> first_noticed(date(2026, 11, 25))
    datetime.date(2026, 11, 27)
    """
    return on_or_after(today + NOTICE)


def is_after_cutoff(now: datetime, day: date, cutoff: time) -> bool:
    """Say whether the time is over at which the debits of a business day may be sent."""
    return now >= datetime.combine(day, cutoff, tzinfo=VIETNAM)
