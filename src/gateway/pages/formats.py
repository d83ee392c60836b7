"""Amounts, days and times as people in Vietnam, or readers of English, write them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.pages.words import Language

JOINED = "\N{NO-BREAK SPACE}"
HERE = ZoneInfo("Asia/Ho_Chi_Minh")


def number(value: int, language: Language) -> str:
    """Write a whole number.

    >>> number(1351000, "vi"), number(1351000, "en")
    ('1.351.000', '1,351,000')
    """
    written = f"{value:,}"
    return written.replace(",", ".") if language == "vi" else written


def dong(amount: int, language: Language) -> str:
    r"""Write an amount of đồng.

    >>> dong(351000, "vi"), dong(351000, "en")
    ('351.000\xa0₫', 'VND\xa0351,000')
    """
    written = number(amount, language)
    return f"{written}{JOINED}₫" if language == "vi" else f"VND{JOINED}{written}"


def percent(share: float, language: Language) -> str:
    r"""Write a share with one decimal.

    >>> percent(0.342, "vi"), percent(0.342, "en")
    ('34,2\xa0%', '34.2%')
    """
    written = f"{100 * share:.1f}"
    return written.replace(".", ",") + f"{JOINED}%" if language == "vi" else f"{written}%"


def day(value: date, language: Language) -> str:
    """Write a day.

    >>> day(date(2026, 11, 4), "vi"), day(date(2026, 11, 4), "en")
    ('04/11/2026', '4 Nov 2026')
    """
    return f"{value:%d/%m/%Y}" if language == "vi" else f"{value.day} {value:%b %Y}"


def month(value: date, language: Language) -> str:
    """Write a month.

    >>> month(date(2026, 11, 1), "vi"), month(date(2026, 11, 1), "en")
    ('11/2026', 'Nov 2026')
    """
    return f"{value:%m/%Y}" if language == "vi" else f"{value:%b %Y}"


def moment(value: datetime, language: Language) -> str:
    """Write an instant as a clock in Vietnam shows it.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 4, 18, 5, tzinfo=UTC), "vi")
    '01:05 05/11/2026'
    """
    local = value.astimezone(HERE)
    return f"{local:%H:%M} {day(local.date(), language)}"
