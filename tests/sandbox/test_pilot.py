import os
import subprocess
import sys
from collections import Counter
from datetime import date

import pytest

from gateway.sandbox.pilot import ELECTRONIC, EXAMPLE_BILL, Pilot, bill_id, segment_of

TODAY = date(2026, 11, 24)
SMALL = Pilot(customers=200, months=6, today=TODAY)

DIGEST = """
import hashlib
from datetime import date
from gateway.sandbox.pilot import Pilot
p = Pilot(customers=50, months=3, today=date(2026, 11, 24))
rows = [*p.customers(), *p.bills(), *p.history()]
print(hashlib.sha256(repr(rows).encode()).hexdigest())
"""


def test_the_same_seed_gives_the_same_rows_in_every_process() -> None:
    digests = {
        subprocess.check_output(
            [sys.executable, "-c", DIGEST], env=os.environ | {"PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_another_seed_gives_other_people() -> None:
    other = Pilot(customers=200, months=6, seed=1, today=TODAY)
    assert list(other.customers()) != list(SMALL.customers())


def test_every_customer_has_one_bill_a_month_that_adds_up() -> None:
    bills = list(SMALL.bills())
    assert len({bill[0] for bill in bills}) == len(bills) == 200 * 6
    assert all(net + vat == amount > 0 for _, _, _, _, net, vat, amount, _, _ in bills)


def test_the_newest_month_is_the_last_whole_one() -> None:
    assert SMALL.periods[-1] == date(2026, 10, 1)
    assert Pilot(months=2, today=date(2026, 1, 5)).periods == [date(2025, 11, 1), date(2025, 12, 1)]


def test_history_is_a_part_of_the_bills_in_their_order() -> None:
    order = {bill[0]: position for position, bill in enumerate(SMALL.bills())}
    places = [order[paid[0]] for paid in SMALL.history()]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def test_a_past_payment_pays_exactly_its_bill() -> None:
    amounts = {bill[0]: bill[6] for bill in SMALL.bills()}
    assert all(amounts[paid[0]] == paid[3] for paid in SMALL.history())


def test_the_demos_customers_have_exactly_one_open_bill() -> None:
    paid = {row[0] for row in SMALL.history()}
    still_open = Counter(bill[1] for bill in SMALL.bills() if bill[0] not in paid)
    assert {still_open[code] for code in SMALL.ward_5()} == {1}


def test_the_examples_bill_is_there_whatever_the_month() -> None:
    for today in (TODAY, date(2027, 3, 1)):
        bills = Pilot(customers=60, months=2, today=today).bills()
        assert [bill[4:7] for bill in bills if bill[0] == EXAMPLE_BILL[0]] == [
            (325_000, 26_000, 351_000)
        ]


def test_few_paid_electronically_in_the_first_month_as_in_2019() -> None:
    big = Pilot(customers=5_000, months=3, today=TODAY)
    first = [paid for paid in big.history() if paid[2] == big.periods[0]]
    electronic = sum((paid[4], paid[5]) in ELECTRONIC for paid in first)
    assert electronic / len(first) == pytest.approx(0.187, abs=0.02)


def test_all_segments_are_there() -> None:
    assert {segment_of(index) for index in range(200)} == {
        "household",
        "public_employee",
        "business",
    }


def test_a_bills_number_says_month_and_customer() -> None:
    assert bill_id(date(2026, 1, 1), 41) == "HD202601-PB14010000042"
