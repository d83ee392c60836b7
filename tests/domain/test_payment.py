from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.biller import BillerRules, Channel, read_rules
from gateway.domain.payment import (
    BillState,
    BillStatus,
    Line,
    Order,
    check_channel,
    least_part,
    may_reverse,
    refusal_of,
    reversible_until,
)
from gateway.domain.refusals import (
    AmountMismatch,
    BillAlreadyPaid,
    BillCancelled,
    BillNotFound,
    ChannelNotAllowed,
    OlderBillOpen,
)

OCTOBER, SEPTEMBER = date(2026, 10, 1), date(2026, 9, 1)
LARGEST_BILL = 10**15


def rules(**changes: object) -> BillerRules:
    return read_rules({"customer_code_pattern": "PB14[0-9]{9}"} | changes)


def an_order(*lines: tuple[str, int], channel: Channel = Channel.QR) -> Order:
    return Order("REF-1", channel, "PB14010000001", tuple(Line(*line) for line in lines))


def a_bill(
    bill_id: str = "HD-1",
    due_dong: int = 150_000,
    *,
    status: BillStatus = BillStatus.OPEN,
    period: date = OCTOBER,
) -> BillState:
    return BillState(bill_id, period, status, due_dong)


def refused(order: Order, *bills: BillState, **rule: object) -> object:
    return type(refusal_of("evnspc-camau", rules(**rule), order, bills))


PAID, CANCELLED = BillStatus.PAID, BillStatus.CANCELLED


def test_a_channel_that_the_biller_does_not_accept_is_refused() -> None:
    with pytest.raises(ChannelNotAllowed):
        check_channel("b", rules(channels=["portal"]), an_order(("HD-1", 1)))


@pytest.mark.parametrize("amounts", [(5_001,), (2_500, 2_501)])
def test_an_order_over_the_limit_of_its_channel_is_refused(amounts: tuple[int, ...]) -> None:
    order = an_order(*((f"HD-{n}", dong) for n, dong in enumerate(amounts)))
    with pytest.raises(ChannelNotAllowed, match="over 5000"):
        check_channel("b", rules(channel_max_dong={"qr": 5_000}), order)


def test_an_order_at_the_limit_of_its_channel_passes() -> None:
    check_channel("b", rules(channel_max_dong={"qr": 5_000, "pos": 1}), an_order(("HD-1", 5_000)))


def test_a_bill_that_the_customer_has_not_is_refused() -> None:
    assert refused(an_order(("HD-2", 150_000)), a_bill("HD-1")) is BillNotFound


def test_a_paid_bill_is_refused() -> None:
    assert refused(an_order(("HD-1", 1)), a_bill(due_dong=0, status=PAID)) is BillAlreadyPaid


def test_a_cancelled_bill_is_refused() -> None:
    assert refused(an_order(("HD-1", 150_000)), a_bill(status=CANCELLED)) is BillCancelled


@pytest.mark.parametrize("asked", [1, 149_999, 150_001])
def test_under_the_exact_rule_any_other_amount_is_refused(asked: int) -> None:
    assert refused(an_order(("HD-1", asked)), a_bill()) is AmountMismatch


@pytest.mark.parametrize("asked", [19_999, 150_001])
def test_under_the_range_rule_less_than_the_least_and_more_than_due_are_refused(
    asked: int,
) -> None:
    order = an_order(("HD-1", asked))
    assert refused(order, a_bill(), amount_rule="range", partial_min_dong=20_000) is AmountMismatch


def test_under_the_any_rule_more_than_is_due_is_refused() -> None:
    assert refused(an_order(("HD-1", 150_001)), a_bill(), amount_rule="any") is AmountMismatch


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (150_000, {}),
        (150_000, {"amount_rule": "range", "partial_min_dong": 200_000}),
        (20_000, {"amount_rule": "range", "partial_min_dong": 20_000}),
        (149_999, {"amount_rule": "range", "partial_min_dong": 20_000}),
        (1, {"amount_rule": "any", "partial_min_dong": 20_000}),
    ],
    ids=["exact", "all-of-less-than-the-least-part", "least-part", "all-but-one", "any"],
)
def test_an_amount_that_fits_the_rule_passes(asked: int, rule: dict[str, object]) -> None:
    assert refused(an_order(("HD-1", asked)), a_bill(), **rule) is type(None)


def test_the_second_of_two_lines_is_refused_too() -> None:
    order = an_order(("HD-1", 150_000), ("HD-2", 1))
    assert refused(order, a_bill("HD-1"), a_bill("HD-2", 2)) is AmountMismatch


def test_a_newer_bill_before_an_older_open_one_is_refused() -> None:
    bills = a_bill("HD-2"), a_bill("HD-1", period=SEPTEMBER)
    assert refused(an_order(("HD-2", 150_000)), *bills, oldest_first=True) is OlderBillOpen


def test_the_oldest_of_the_older_bills_is_named() -> None:
    bills = [
        a_bill("HD-3"),
        a_bill("HD-2", period=SEPTEMBER),
        a_bill("HD-1", period=date(2026, 8, 1)),
    ]
    refusal = refusal_of("b", rules(oldest_first=True), an_order(("HD-3", 150_000)), bills)
    assert refusal is not None
    assert refusal.facts == {"bill_id": "HD-1"}


@pytest.mark.parametrize("status", [PAID, CANCELLED])
def test_an_older_bill_that_is_no_longer_open_is_in_nobodys_way(status: BillStatus) -> None:
    bills = a_bill("HD-2"), a_bill("HD-1", status=status, period=SEPTEMBER)
    assert refused(an_order(("HD-2", 150_000)), *bills, oldest_first=True) is type(None)


def test_an_older_bill_in_the_same_payment_is_in_nobodys_way() -> None:
    order = an_order(("HD-2", 150_000), ("HD-1", 150_000))
    bills = a_bill("HD-2"), a_bill("HD-1", period=SEPTEMBER)
    assert refused(order, *bills, oldest_first=True) is type(None)


def test_another_bill_of_the_same_period_is_in_nobodys_way() -> None:
    bills = a_bill("HD-2"), a_bill("HD-1")
    assert refused(an_order(("HD-2", 150_000)), *bills, oldest_first=True) is type(None)


def test_a_biller_without_the_rule_takes_a_newer_bill_first() -> None:
    bills = a_bill("HD-2"), a_bill("HD-1", period=SEPTEMBER)
    assert refused(an_order(("HD-2", 150_000)), *bills) is type(None)


@given(st.integers(1, LARGEST_BILL), st.integers(1, LARGEST_BILL))
def test_no_part_of_any_bill_is_accepted_under_the_exact_rule(due: int, asked: int) -> None:
    fits = refused(an_order(("HD-1", asked)), a_bill(due_dong=due)) is type(None)
    assert fits == (asked == due)


@given(st.integers(1, LARGEST_BILL), st.integers(1, LARGEST_BILL), st.integers(1, LARGEST_BILL))
def test_never_more_than_is_due_is_accepted(due: int, asked: int, least: int) -> None:
    for rule in ("exact", "range", "any"):
        given_rules: dict[str, object] = {"amount_rule": rule, "partial_min_dong": least}
        if refused(an_order(("HD-1", asked)), a_bill(due_dong=due), **given_rules) is type(None):
            assert asked <= due


def test_the_least_part_follows_the_rule() -> None:
    assert least_part(rules()) > LARGEST_BILL
    assert least_part(rules(amount_rule="range", partial_min_dong=7)) == 7
    assert least_part(rules(amount_rule="any", partial_min_dong=7)) == 1


PAID_ON = date(2026, 11, 24)
CUTOFF = time(21, 30)


@pytest.mark.parametrize(
    ("now", "may"),
    [
        (datetime(2026, 11, 24, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 24, 14, 29, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 24, 14, 30, tzinfo=UTC), False),
        (datetime(2026, 11, 24, 17, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 23, 16, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 25, 3, 0, tzinfo=UTC), False),
    ],
    ids=["morning", "before-cutoff", "at-cutoff", "next-day", "day-before", "next-morning"],
)
def test_a_payment_may_be_reversed_on_its_own_business_day_before_the_cutoff(
    now: datetime,
    may: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    assert may_reverse(PAID_ON, CUTOFF, now) is may


def test_the_cutoff_is_a_time_in_vietnam() -> None:
    assert reversible_until(PAID_ON, CUTOFF) == datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


def test_an_order_asks_for_the_sum_of_its_lines() -> None:
    assert an_order(("HD-1", 150_000), ("HD-2", 1)).amount_dong == 150_001
