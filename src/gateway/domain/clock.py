"""Times as the house writes them: instants in UTC, business dates in Asia/Ho_Chi_Minh.

Vietnam keeps UTC+7 all year (since 1975; IANA zone Asia/Ho_Chi_Minh, read 2026-11-24), so the
zone is a constant here and needs no zone files on the machine.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


def business_date(moment: datetime) -> date:
    """Give the Vietnamese calendar day of an aware instant.

    >>> business_date(datetime(2026, 11, 30, 17, 0, tzinfo=UTC))
    datetime.date(2026, 12, 1)
    """
    return moment.astimezone(VIETNAM).date()


@lru_cache(maxsize=64)  # a payment writes one instant in its body and in its event
def to_text(moment: datetime) -> str:
    """Write an aware instant as RFC 3339 in UTC with microseconds.

    >>> to_text(datetime(2026, 11, 24, 10, 0, tzinfo=VIETNAM))
    '2026-11-24T03:00:00.000000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
