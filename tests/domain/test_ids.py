from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from uuid_utils import uuid7

from gateway.domain.ids import floor_of, from_public, to_public

PREFIXES = st.sampled_from(["pay", "evt", "whe"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
GOOD = "01936b2e000070008000000000000001"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pay_",
        GOOD,
        f"evt_{GOOD}",
        f"PAY_{GOOD}",
        f"pay-{GOOD}",
        f"pay_{GOOD.replace('e', 'E')}",
        f"pay_{GOOD[:-1]}",
        f"pay_{GOOD}0",
        f"pay_{GOOD}\n",
        f" pay_{GOOD}",
        "pay_01936b2e-0000-7000-8000-000000000001",
        "pay_" + "٠" * 32,  # noqa: RUF001 (an Arabic digit is no hex digit)
    ],
)
def test_what_is_not_an_id_of_this_kind_is_none(text: str) -> None:
    assert from_public("pay", text) is None


@given(PREFIXES, st.uuids())
def test_a_public_id_reads_back(prefix: str, value: UUID) -> None:
    assert from_public(prefix, to_public(prefix, value)) == value


@given(PREFIXES, st.text(max_size=40))
def test_each_id_has_one_spelling(prefix: str, text: str) -> None:
    value = from_public(prefix, text)
    assert value is None or to_public(prefix, value) == text


@given(MOMENTS)
@example(datetime(2038, 2, 1, 0, 0, 0, 351_000, UTC))  # as a float it is a millisecond less
def test_the_floor_of_an_instant_holds_its_milliseconds(moment: datetime) -> None:
    since = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert floor_of(moment).int == since << 80


@given(MOMENTS)
def test_no_id_of_an_instant_is_below_its_floor_nor_above_the_next(moment: datetime) -> None:
    nanoseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    made = UUID(int=uuid7(nanoseconds=nanoseconds).int)
    assert floor_of(moment) < made < floor_of(moment + timedelta(milliseconds=1))
