import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.order_code import (
    ALPHABET,
    LENGTH,
    PATTERN,
    at_the_end,
    candidates,
    is_code,
    of_attempt,
)

CODE = of_attempt(UUID(int=1))
CODES = st.uuids().map(of_attempt)


@given(st.uuids())
def test_a_code_is_stable_short_and_unambiguous(attempt: UUID) -> None:
    code = of_attempt(attempt)
    assert code == of_attempt(attempt)
    assert re.fullmatch(PATTERN, code)
    assert is_code(code)
    assert not set("01ILO") & set(ALPHABET)


def test_code_blank_and_customer_code_fill_a_purpose() -> None:
    assert LENGTH + len(" PB14010012345") == 25


def test_a_hundred_thousand_attempts_have_a_hundred_thousand_codes() -> None:
    assert len({of_attempt(UUID(int=number)) for number in range(100_000)}) == 100_000


@given(CODES, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(code: str, at: int, sign: str) -> None:
    twin = code[:at] + sign + code[at + 1 :]
    assert is_code(twin) is (twin == code)


@given(CODES, st.integers(0, LENGTH - 2))
def test_two_characters_that_changed_places_are_noticed(code: str, at: int) -> None:
    twin = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert is_code(twin) is (twin == code)


@pytest.mark.parametrize(
    "text",
    [
        "{code} PB14010012345",
        "{code}PB14010012345",
        "MBVCB.123.{code} PB14010012345.CT tu 0011",
        "MBVCB123{code}PB14010012345CTTU0011",
        "QR   {code}",
        "IBFT {code} PB140",
        "{code}",
        "EVNCM{code}",
        "TT.{first}-{rest}",
        "TT {first} {rest}",
    ],
)
@pytest.mark.parametrize("case", [str.upper, str.lower], ids=["upper", "lower"])
def test_a_code_survives_what_banks_do(text: str, case: object) -> None:
    sent = text.format(code=CODE, first=CODE[:5], rest=CODE[5:])
    assert callable(case)
    assert CODE in candidates(case(sent))


def test_a_code_that_was_cut_is_not_guessed() -> None:
    assert CODE not in candidates(f"PB14010012345 {CODE[:-1]}")


@given(st.text(max_size=200))
def test_every_candidate_is_a_code(text: str) -> None:
    found = candidates(text)
    assert all(map(is_code, found))
    assert len(set(found)) == len(found)


def test_a_virtual_account_gives_its_code_and_another_none() -> None:
    assert at_the_end(f"evncm{CODE}") == CODE
    assert at_the_end(f"{CODE}1") is None
    assert at_the_end("0011012345678") is None
