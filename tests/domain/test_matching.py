"""From what a bank made of a payer's words to what the money is for; nothing is guessed."""

import re
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import order_code
from gateway.domain.matching import Purpose, choose, clues_of

PATTERN = re.compile("PB(14|19)[0-9]{9}", re.ASCII)
ATTEMPT = UUID(int=7)
CODE = order_code.of_attempt(ATTEMPT)
CUSTOMER, OTHER = "PB14010012345", "PB14010054321"
KNOWN = {CUSTOMER, OTHER}

before = st.sampled_from(
    ["", "MBVCB.123456.", "IBFT ", "CT DEN:0123 ", "NGUYEN VAN A chuyen tien ", "tien dien "]
)
after = st.sampled_from(["", ".CT tu 0011000123456 toi 0501", "-211124-09:30:00 99", " GD 77"])
customers = st.from_regex(PATTERN, fullmatch=True)


def purpose_of(text: str, **others: str) -> Purpose:
    """Match against one attempt and two customers."""
    clues = clues_of(text, PATTERN, **others)
    return choose(clues, {CODE: [ATTEMPT]}, KNOWN)


@given(before=before, after=after, code=customers, lower=st.booleans())
def test_a_customer_code_is_found_whatever_a_bank_puts_around_it(
    before: str, after: str, code: str, *, lower: bool
) -> None:
    text = f"{before}{code}{after}"
    clues = clues_of(text.lower() if lower else text, PATTERN)
    assert choose(clues, {}, {code}) == Purpose(customer_code=code, period=clues.period)


@given(code=customers, at=st.sets(st.integers(1, 12), max_size=4), sign=st.sampled_from(" .-/"))
def test_a_customer_code_is_found_with_blanks_and_punctuation_inside(
    code: str, at: set[int], sign: str
) -> None:
    torn = "".join(f"{sign}{c}" if i in at else c for i, c in enumerate(code))
    assert choose(clues_of(f"nop {torn}", PATTERN), {}, {code}).customer_code == code


@given(code=customers, kept=st.integers(0, 12), number=st.from_regex("[0-9]{1,9}", fullmatch=True))
def test_a_code_that_was_cut_is_nobodys_though_digits_follow(
    code: str, kept: int, number: str
) -> None:
    cut = code[:kept]
    everybody = {f"{cut}{number}{'0' * 13}"[:13], code} - {f"{cut}{number}"}
    found = choose(clues_of(f"{cut} {number}", PATTERN), {}, everybody)
    assert not found.is_known


@given(st.text(max_size=60))
def test_any_text_is_read_and_names_nobody_who_is_not_in_it(text: str) -> None:
    found = purpose_of(text)
    squeezed = re.sub("[^0-9A-Z]", "", text.upper())
    assert found.customer_code is None or found.customer_code in squeezed
    assert found.attempt_id is None or CODE in squeezed


@given(before=before, after=after)
def test_an_order_code_is_found_and_says_more_than_a_customer_code(before: str, after: str) -> None:
    found = purpose_of(f"{before}{CODE} {OTHER}{after}")
    assert found == Purpose(attempt_id=ATTEMPT)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        (f"{CUSTOMER} {OTHER}", {}),
        ("chuc mung nam moi", {}),
        ("", {}),
        ("PB14010099999", {}),
        ("PB1401001234", {}),
        ("x", {"virtual_account": "EVNCM0001"}),
    ],
    ids=["two customers", "a wish", "nothing", "nobody's", "cut", "a strange virtual account"],
)
def test_what_can_be_read_in_no_way_or_in_two_is_unknown(text: str, others: dict[str, str]) -> None:
    assert not purpose_of(text, **others).is_known


def test_an_order_code_of_two_attempts_is_unknown() -> None:
    clues = clues_of(f"{CODE} {CUSTOMER}", PATTERN)
    assert choose(clues, {CODE: [ATTEMPT, UUID(int=8)]}, KNOWN) == Purpose()


@pytest.mark.parametrize("account", [f"EVNCM{CODE}", f"evncm{CODE}".lower()])
def test_a_virtual_account_of_an_attempt_says_more_than_the_text(account: str) -> None:
    assert purpose_of(OTHER, virtual_account=account) == Purpose(attempt_id=ATTEMPT)


def test_a_virtual_account_of_a_customer_says_more_than_the_text() -> None:
    assert purpose_of(OTHER, virtual_account=f"96247{CUSTOMER}").customer_code == CUSTOMER


def test_a_code_that_the_sender_recognised_is_believed_where_it_is_known() -> None:
    clues = clues_of(CUSTOMER, PATTERN, recognised="1234567")
    assert choose(clues, {"1234567": [ATTEMPT]}, KNOWN) == Purpose(attempt_id=ATTEMPT)
    assert choose(clues, {}, KNOWN).customer_code == CUSTOMER


@pytest.mark.parametrize(
    ("text", "period"),
    [
        (f"{CUSTOMER} T112025", date(2025, 11, 1)),
        (f"{CUSTOMER}T112025CTTU", date(2025, 11, 1)),
        (f"{CUSTOMER} 11/2025", date(2025, 11, 1)),
        (f"{CUSTOMER} 10/2025 11/2025", None),
        (f"{CUSTOMER} T132025", None),
        ("PB14010012025", None),
    ],
)
def test_a_month_is_read_where_one_is_named(text: str, period: date | None) -> None:
    assert clues_of(text, PATTERN).period == period
