import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.messages import Reply, SignatureWrong, Unreadable
from gateway.kit.payload import (
    check_signature,
    integer_of,
    raw_member,
    read_exact,
    read_object,
    read_ok,
    text_of,
)


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


def test_numbers_may_be_read_as_the_text_that_they_were() -> None:
    body = b'{"cash": 356400.00000000, "big": [{"n": 123456789012345678}], "on": true, "t": "1.50"}'
    assert read_exact(body) == {
        "cash": "356400.00000000",
        "big": [{"n": "123456789012345678"}],
        "on": True,
        "t": "1.50",
    }
    with pytest.raises(Unreadable):
        read_exact(b'{"a": 1, "a": 2}')


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        (b'{"order":{"url":"https:\\/\\/x","n":1.50}}', '{"url":"https:\\/\\/x","n":1.50}'),
        (b' { "a" : {"order": 1} ,\n"order" : [ 1,\t2 ] , "b": 0 } ', "[ 1,\t2 ]"),
        (b'{"a":"\\"order\\":5","order":-1.5e3,"b":null}', "-1.5e3"),
        (b'{"\\u006frder":null}', "null"),
        ('{"á":"đ","order":"Điện {"}'.encode(), '"Điện {"'),
    ],
    ids=["escapes", "blanks", "a key in a text", "an escaped key", "letters"],
)
def test_a_member_is_cut_out_as_it_was_sent(body: bytes, raw: str) -> None:
    assert raw_member(body, "order") == raw


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"a": {"order": 1}}', b'{"order": 1, "order": 2}', b'{"order": 1', b"{}"]
)
def test_a_member_that_is_not_there_once_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        raw_member(body, "order")


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(st.integers(-9, 9) | st.text(max_size=5) | st.none(), st.lists, max_leaves=5),
        min_size=1,
    ),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_every_member_is_found(fields: dict[str, Any], indent: Any, ascii_only: bool) -> None:  # noqa: FBT001 (given by Hypothesis)
    for name, value in fields.items():
        raw = raw_member(json.dumps(fields, indent=indent, ensure_ascii=ascii_only).encode(), name)
        assert json.loads(raw) == value


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


def test_only_an_answer_of_status_200_is_read() -> None:
    assert read_ok(Reply(200, b'{"a": 1}')) == {"a": 1}
    for status in (201, 302, 400, 404):
        with pytest.raises(Unreadable):
            read_ok(Reply(status, b'{"a": 1}'))
