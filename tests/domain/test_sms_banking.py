import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.payment import Line
from gateway.domain.sms_banking import (
    OTP_LIFE,
    Answer,
    Asked,
    Command,
    Quote,
    hash_otp,
    judge,
    otp_of,
    read,
)

CODE = "PB14010000123"
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
KEY = b"k" * 32
LINES = (Line("HD1", 150_000), Line("HD2", 99_000))


def a_quote(**changed: Any) -> Quote:
    digest = hash_otp(KEY, "012345", sender="84912345678", customer_code=CODE, lines=LINES)
    quote = Quote("84912345678", CODE, LINES, digest, NOW + OTP_LIFE)
    return replace(quote, **changed)


# ── the grammar ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "VBA TT EVN PB14010000123",
        "vba tt evn pb14010000123",
        "  VBA   TT\tEVN \n PB14010000123 ",
        "VBA TT EVN PB14O1OOOO123",
        "VBA TT EVN PB14 0100 00123",
        "VBA.TT.EVN.PB14010000123.",
        "vbạ tt évn pb14010000123",
        "TT EVN PB14010000123",
        "VBA TT PB14010000123",
    ],
    ids=["plain", "small", "blanks", "O for 0", "parts", "stops", "marks", "no bank", "no EVN"],
)
def test_however_it_is_typed_it_asks_to_pay(text: str) -> None:
    for typed in (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)):
        assert read(typed, bank="VBA") == Asked(Command.PAY, customer_code=CODE)


@pytest.mark.parametrize(
    ("period", "first"),
    [
        ("10/2026", date(2026, 10, 1)),
        ("3/26", date(2026, 3, 1)),
        ("kỳ 10/2026", date(2026, 10, 1)),
        ("1/10/2026", date(2026, 10, 1)),
        ("kỳ/10/2026", date(2026, 10, 1)),
    ],
)
def test_a_period_may_follow(period: str, first: date) -> None:
    asked = read(f"VBA NO EVN {CODE} {period}", bank="VBA")
    assert asked == Asked(Command.DEBT, customer_code=CODE, period=first)


@pytest.mark.parametrize("typed", ["012345", "O12345", "o12 345", " 012345 "])
def test_a_code_may_be_typed_with_the_letter_o(typed: str) -> None:
    assert read(f"vba xn {typed}", bank="VBA") == Asked(Command.CONFIRM, otp="012345")


def test_giving_up_may_name_a_reference() -> None:
    assert read("VBA HUỶ A12", bank="VBA") == Asked(Command.GIVE_UP, reference="A12")
    assert read("VBA HUY", bank="VBA") == Asked(Command.GIVE_UP)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "VBA",
        "xin chào",
        "EIB TT EVN PB14010000123",
        "VBA TT EVN",
        "VBA TT EVN PB14010000123 13/2026",
        "VBA TT EVN 10/2026",
        "VBA TT EVN PB1/4 10/2026",
        "VBA XN 12345",
        "VBA XN 1234567",
        "VBA XN 12345a",
        "VBA XN ١٢٣٤٥٦",
    ],
)
def test_what_is_no_command_asks_nothing(text: str) -> None:
    assert read(text, bank="VBA") is None


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    for typed in (text, f"TT {text}", f"VBA XN {text}"):
        asked = read(typed, bank="VBA")
        assert asked is None or asked.customer_code.isascii()


# ── codes ───────────────────────────────────────────────────────────────────────────────────────


def judged(quote: Quote, otp: str = "012345", **changed: Any) -> Answer:
    what = {"now": NOW, "due": LINES, **changed}
    return judge(KEY, quote, otp, **what)


def test_the_right_code_in_time_confirms_whatever_the_order_of_bills() -> None:
    assert judged(a_quote(), due=LINES[::-1]) is Answer.CONFIRMED


def test_a_code_ends_after_three_minutes_even_if_it_is_right() -> None:
    assert judged(a_quote(), now=NOW + OTP_LIFE - timedelta(seconds=1)) is Answer.CONFIRMED
    assert judged(a_quote(), now=NOW + OTP_LIFE) is Answer.EXPIRED


def test_the_third_wrong_code_is_the_last() -> None:
    assert judged(a_quote(), "999999") is Answer.WRONG
    assert judged(a_quote(tries_left=1), "999999") is Answer.USED_UP
    assert judged(a_quote(tries_left=0)) is Answer.EXPIRED


@pytest.mark.parametrize(
    "due", [LINES[:1], (LINES[0], Line("HD2", 1)), (*LINES, Line("HD3", 5)), ()]
)
def test_another_debt_than_the_quoted_is_quoted_again(due: tuple[Line, ...]) -> None:
    assert judged(a_quote(), due=due) is Answer.CHANGED
    assert judged(a_quote(), "999999", due=due) is Answer.WRONG


@pytest.mark.parametrize(
    "changed",
    [
        {"sender": "84900000000"},
        {"customer_code": "PB14010000124"},
        {"lines": (Line("HD1", 150_001), Line("HD2", 99_000))},
        {"lines": (Line("HD1", 150_000), Line("HD3", 99_000))},
    ],
    ids=["sender", "customer", "amount", "bill"],
)
def test_a_code_is_bound_to_whose_it_is_and_what_it_pays(changed: dict[str, Any]) -> None:
    assert judged(a_quote(**changed), due=changed.get("lines", LINES)) is Answer.WRONG


def test_the_hash_is_worth_nothing_without_the_key() -> None:
    assert judge(b"x" * 32, a_quote(), "012345", now=NOW, due=LINES) is Answer.WRONG
    assert b"012345" not in a_quote().otp_hash
    assert "012345" not in repr(a_quote())


def test_codes_keep_their_noughts() -> None:
    assert otp_of(7) == "000007"
    assert len({otp_of(number) for number in (0, 999_999)}) == 2
