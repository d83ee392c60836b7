"""Forms and plain text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.forms import basic, post_form, read_form, to_plain
from gateway.kit.messages import Incoming, Unreadable

FIELDS = st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.just("a+b/ =&"))


@given(FIELDS)
def test_what_is_posted_is_what_is_read(fields: dict[str, str]) -> None:
    call = post_form("query", "https://pay.example", fields)
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert read_form(Incoming("POST", body=call.body)) == fields


def test_a_query_string_is_read_where_nothing_was_posted() -> None:
    assert read_form(Incoming("GET", "a=1&b=")) == {"a": "1", "b": ""}
    assert read_form(Incoming("POST", "a=1", b"a=2")) == {"a": "2"}


@pytest.mark.parametrize("body", [b"a=1&a=2", b"\xff", b"a=%00", b"a=%ff", b"a=%0A", b"a=b&" * 101])
def test_a_form_with_something_hidden_in_it_is_not_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_form(Incoming("POST", body=body))


@given(st.text(max_size=60), st.integers(1, 40))
def test_plain_text_is_ascii_within_its_limit(text: str, most: int) -> None:
    plain = to_plain(text, most)
    assert plain.isascii()
    assert len(plain) <= most
    assert plain == plain.strip()
    assert to_plain(unicodedata.normalize("NFC", text), most) == plain


def test_vietnamese_is_folded() -> None:
    assert to_plain("Điện (lực)/Cà Mau=?&đ|ữ", 100) == "Dien luc Ca Mau d u"


def test_basic_is_of_utf_8() -> None:
    assert basic("a", "đ") == "Basic YTrEkQ=="
