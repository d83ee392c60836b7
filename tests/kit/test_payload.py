from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.messages import SignatureWrong, Unreadable
from gateway.kit.payload import check_signature, integer_of, read_object, text_of


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff\xfe", b"null", b"[]", b'"text"', b'{"a": 1, "a": 2}', b'{"a": NaN}'),
        *(b'{"a": "\\ud800"}', b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}", b"\xef\xbb\xbf{}"),
    ],
)
def test_what_is_not_one_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_object(body)


@given(st.binary())
def test_no_bytes_raise_anything_but_unreadable(body: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(read_object(body), dict)


@pytest.mark.parametrize(
    ("value", "read"), [(0, 0), (-7, -7), ("0150", 150), (10**18 - 1, 10**18 - 1), (None, None)]
)
def test_an_integer_is_a_number_or_digits(value: object, read: int | None) -> None:
    assert integer_of({"amount": value}, "amount") == read


@pytest.mark.parametrize(
    "value",
    [True, 1.0, "", " 1", "1\n", "\u0661", "1_000", "+1", [], {}, 10**18, 10**4299, "9" * 19],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else f"int{value > 1}",
)
def test_what_is_no_integer_of_18_digits_is_unreadable(value: object) -> None:
    with pytest.raises(Unreadable, match="amount"):
        integer_of({"amount": value}, "amount")


def test_an_absent_text_is_empty_and_another_type_is_unreadable() -> None:
    assert text_of({}, "message") == text_of({"message": None}, "message") == ""
    with pytest.raises(Unreadable, match="message"):
        text_of({"message": 1}, "message")


@pytest.mark.parametrize("given_", [None, "", 1, "AB", "ab ", "\ud800", "đ"])
def test_any_other_signature_is_wrong(given_: object) -> None:
    check_signature("ab", "ab")
    with pytest.raises(SignatureWrong):
        check_signature("ab", given_)
