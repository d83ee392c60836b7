from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.clock import VIETNAM, business_date, to_text

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 31), timezones=ZONES)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 24, 16, 59, 59, 999_999, UTC), date(2026, 11, 24)),
        (datetime(2026, 11, 24, 17, 0, tzinfo=UTC), date(2026, 11, 25)),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2028, 2, 28, 17, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
    ids=["a-microsecond-before-midnight", "midnight", "new-year", "leap-day"],
)
def test_a_business_day_begins_at_midnight_in_vietnam(moment: datetime, day: date) -> None:
    assert business_date(moment) == day


@given(MOMENTS)
def test_a_business_date_does_not_depend_on_the_zone_that_an_instant_is_written_in(
    moment: datetime,
) -> None:
    assert business_date(moment) == business_date(moment.astimezone(UTC))
    assert business_date(moment) == business_date(moment.astimezone(VIETNAM))


@given(MOMENTS)
def test_a_written_instant_reads_back_as_the_same_instant(moment: datetime) -> None:
    assert datetime.fromisoformat(to_text(moment)) == moment


@given(MOMENTS)
def test_an_instant_is_always_written_in_27_characters_of_utc(moment: datetime) -> None:
    text = to_text(moment)
    assert len(text) == 27
    assert text.endswith("Z")


@given(MOMENTS, MOMENTS)
def test_written_instants_sort_as_the_instants_do(one: datetime, other: datetime) -> None:
    assert (to_text(one) < to_text(other)) == (one < other)


def test_a_whole_second_is_written_with_its_microseconds() -> None:
    assert to_text(datetime(2026, 11, 24, tzinfo=UTC)) == "2026-11-24T00:00:00.000000Z"
