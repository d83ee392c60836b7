"""Which bills an amount pays: exactly, or all and a rest; in the order that the biller wants."""

import re
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.allotment import Allotment, allot
from gateway.domain.biller import AmountRule, BillerRules, Channel
from gateway.domain.payment import BillState, BillStatus, Line

PATTERN = re.compile("PB14[0-9]{9}")
EXACT = BillerRules(PATTERN)
OLDEST = BillerRules(PATTERN, oldest_first=True)
ANY = BillerRules(PATTERN, amount_rule=AmountRule.ANY)
RANGE = BillerRules(PATTERN, amount_rule=AmountRule.RANGE, partial_min_dong=50)
OCTOBER = date(2026, 10, 1)


def a_bill(month: int, due_dong: int, *, claim: str | None = None, n: int = 0) -> BillState:
    """Give an open bill of a month of 2026."""
    held_by = UUID(int=1) if claim else None
    return BillState(
        f"HD-{month}-{n}", date(2026, month, 1), BillStatus.OPEN, due_dong, claim, held_by
    )


BILLS = [a_bill(10, 70), a_bill(8, 100), a_bill(9, 100)]


def paid(allotted: Allotment) -> list[int]:
    """Give the months that are paid."""
    return [int(line.bill_id.split("-")[1]) for line in allotted.lines]


@pytest.mark.parametrize(
    ("amount", "months", "rest", "missing"),
    [
        (270, [8, 9, 10], 0, 0),
        (200, [8, 9], 0, 0),
        (100, [8], 0, 0),
        (70, [], 70, 200),
        (150, [], 150, 120),
        (300, [8, 9, 10], 30, 0),
    ],
)
def test_all_bills_or_the_oldest_that_are_covered_exactly_are_paid(
    amount: int, months: list[int], rest: int, missing: int
) -> None:
    found = allot(amount, BILLS, EXACT)
    assert (paid(found), found.rest_dong, found.missing_dong) == (months, rest, missing)


def test_the_month_that_is_named_is_paid_if_no_older_bill_has_to_come_first() -> None:
    assert paid(allot(70, BILLS, EXACT, OCTOBER)) == [10]
    assert paid(allot(70, BILLS, OLDEST, OCTOBER)) == []
    assert paid(allot(100, BILLS, OLDEST, date(2026, 8, 1))) == [8]


def test_which_of_two_bills_of_one_month_is_meant_is_not_guessed() -> None:
    assert not allot(100, [a_bill(8, 100), a_bill(8, 100, n=1)], EXACT).lines


def test_a_bill_whose_money_may_be_moving_is_left_alone() -> None:
    held = [a_bill(8, 100, claim="hard"), a_bill(9, 70)]
    assert paid(allot(70, held, EXACT)) == [9]
    assert allot(70, held, OLDEST) == Allotment(rest_dong=70, is_blocked=True)
    assert allot(100, held[:1], EXACT).is_blocked
    assert paid(allot(100, [a_bill(8, 100, claim="soft")], EXACT)) == [8]


def test_nothing_owed_leaves_all_of_it() -> None:
    assert allot(100, [], EXACT) == Allotment(rest_dong=100)


def test_a_biller_that_takes_parts_is_paid_in_parts_the_oldest_first() -> None:
    assert allot(150, BILLS, ANY).lines == (Line("HD-8-0", 100), Line("HD-9-0", 50))
    assert allot(149, BILLS, RANGE).missing_dong == 121
    assert allot(150, BILLS, RANGE).is_exact


def test_more_than_the_biller_takes_over_this_channel_pays_nothing() -> None:
    small = BillerRules(PATTERN, channel_max_dong={Channel.QR: 99})
    assert allot(100, BILLS, small) == Allotment(rest_dong=100, is_blocked=True)
    none = BillerRules(PATTERN, channels=frozenset({Channel.CARD}))
    assert allot(100, BILLS, none).is_blocked


@given(
    amount=st.integers(1, 1000),
    dues=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 300)), max_size=6),
    rules=st.sampled_from([EXACT, OLDEST, ANY, RANGE]),
)
def test_what_is_paid_and_what_is_left_is_what_came(
    amount: int, dues: list[tuple[int, int]], rules: BillerRules
) -> None:
    bills = [a_bill(month, due, n=n) for n, (month, due) in enumerate(dues)]
    found = allot(amount, bills, rules)
    due_of = {bill.id: bill.due_dong for bill in bills}
    assert sum(line.amount_dong for line in found.lines) + found.rest_dong == amount
    assert all(0 < line.amount_dong <= due_of[line.bill_id] for line in found.lines)
    assert len({line.bill_id for line in found.lines}) == len(found.lines)
    assert found.missing_dong == 0 or not found.lines
