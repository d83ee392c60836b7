import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.messages import Reply, SignatureWrong, Unreadable
from gateway.kit.payload import (
    body_of,
    check_signature,
    check_signatures,
    dong_of,
    id_of,
    integer_of,
    raw_member,
    read_exact,
    read_object,
    read_ok,
    read_texts,
    text_of,
    vietnam_time_of,
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


def test_an_id_is_short_and_printable_or_absent() -> None:
    assert id_of({"id": "FT24331Q8MDW"}, "id") == "FT24331Q8MDW"
    assert id_of({}, "id") is id_of({"id": ""}, "id") is id_of({"id": None}, "id") is None


@pytest.mark.parametrize("value", ["x" * 101, "a\x00", "a\nb", "\ud800", 7, ["a"]])
def test_what_is_no_id_is_unreadable(value: object) -> None:
    with pytest.raises(Unreadable, match="id"):
        id_of({"id": value}, "id")


@pytest.mark.parametrize(
    ("text", "dong"), [("1000", 1000), ("1000.00", 1000), ("0", 0), ("", None), (None, None)]
)
def test_an_amount_is_whole_dong(text: str | None, dong: int | None) -> None:
    assert dong_of({"amount": text}, "amount") == dong


@pytest.mark.parametrize(
    "text", ["1000.5", "1000.", "-1", "1e3", "1,000", " 1", "\u0661", "9" * 16, 1000, True]
)
def test_what_is_no_whole_dong_is_unreadable(text: object) -> None:
    with pytest.raises(Unreadable, match="amount"):
        dong_of({"amount": text}, "amount")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-11-24 07:30:00", None),
        ("2026-11-24T07:30:00", None),
        ("2026-11-24T00:30:00Z", None),
        ("20261124073000", "%Y%m%d%H%M%S"),
    ],
)
def test_a_time_without_a_zone_is_vietnams(text: str, form: str | None) -> None:
    at = vietnam_time_of({"when": text}, "when", form)
    assert at == datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    assert at.tzinfo is UTC


@pytest.mark.parametrize("text", ["", None, "0001-01-01 00:00:00", "today", 5, "2026-13-01"])
def test_what_is_no_time_is_unreadable(text: object) -> None:
    with pytest.raises(Unreadable, match="when"):
        vietnam_time_of({"when": text}, "when")


def test_texts_and_numbers_are_read_as_the_text_that_they_were() -> None:
    body = b'{"status": -1, "amount": 150000.50, "id": "a", "more": null}'
    assert read_texts(body) == {"status": "-1", "amount": "150000.50", "id": "a"}


@pytest.mark.parametrize("body", [b"{}", b'{"a":null}', b'{"a":[]}', b'{"a":true}', b"[]", b""])
def test_what_is_no_object_of_texts_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_texts(body)


def test_only_the_body_of_a_200_is_read() -> None:
    assert body_of(Reply(200, b"x")) == b"x"
    for status in (201, 302, 404):
        with pytest.raises(Unreadable):
            body_of(Reply(status, b"x"))


def test_one_of_several_signatures_is_enough_and_none_is_wrong() -> None:
    check_signatures(["a", "b"], "b")
    for given_ in ("c", "", None, 5):
        with pytest.raises(SignatureWrong):
            check_signatures(["a", "b"], given_)
    with pytest.raises(SignatureWrong):
        check_signatures([], "")


def test_only_an_answer_of_status_200_is_read() -> None:
    assert read_ok(Reply(200, b'{"a": 1}')) == {"a": 1}
    for status in (201, 302, 400, 404):
        with pytest.raises(Unreadable):
            read_ok(Reply(status, b'{"a": 1}'))
