import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.fingerprint import fingerprint_of, first_difference

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=8)
FIELDS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=6)

PAYMENT: dict[str, object] = {
    "biller": "evnspc-camau",
    "channel": "qr",
    "bills": [{"id": "HD-1", "amount_dong": 150_000}, {"id": "HD-2", "amount_dong": 1}],
    "lookup_token": None,
}
CHANGES: dict[str, dict[str, object]] = {
    "biller": {"biller": "evnspc-kiengiang"},
    "channel": {"channel": "pos"},
    "amount": {"bills": [{"id": "HD-1", "amount_dong": 150_001}, {"id": "HD-2", "amount_dong": 1}]},
    "order-of-bills": {"bills": list(reversed(PAYMENT["bills"]))},  # type: ignore[call-overload]
    "one-bill-less": {"bills": [{"id": "HD-1", "amount_dong": 150_000}]},
    "number-as-text": {
        "bills": [{"id": "HD-1", "amount_dong": "150000"}, {"id": "HD-2", "amount_dong": 1}]
    },
    "null-as-text": {"lookup_token": "null"},
}


def test_the_same_fields_of_another_operation_are_another_request() -> None:
    one, other = (fingerprint_of(name, {"reason": "x"}) for name in ("pay", "reverse"))
    assert one.sha256 != other.sha256


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_request_that_differs_has_another_fingerprint(change: dict[str, object]) -> None:
    fresh = fingerprint_of("pay", PAYMENT | change)
    first = fingerprint_of("pay", PAYMENT)
    assert fresh.sha256 != first.sha256
    assert first_difference(first.field_digests, fresh, list(PAYMENT)) in change


def test_a_value_cannot_pass_for_the_next_field() -> None:
    split = fingerprint_of("pay", {"a": "x\x1fy", "b": "z"})
    other = fingerprint_of("pay", {"a": "x", "b": "y\x1fz"})
    assert split.sha256 != other.sha256


def test_the_first_of_several_differences_is_named() -> None:
    first = fingerprint_of("pay", {"a": 1, "b": 2, "c": 3})
    fresh = fingerprint_of("pay", {"a": 1, "b": 0, "c": 0})
    assert first_difference(first.field_digests, fresh, ["a", "b", "c"]) == "b"


def test_a_difference_that_no_digest_shows_is_said_to_be_in_the_last_field() -> None:
    # plumless and buckeroo have one CRC-32, with the quotes of JSON as well.
    first = fingerprint_of("pay", {"a": "plumless", "b": 1})
    fresh = fingerprint_of("pay", {"a": "buckeroo", "b": 1})
    assert first.field_digests == fresh.field_digests
    assert first.sha256 != fresh.sha256
    assert first_difference(first.field_digests, fresh, ["a", "b"]) == "b"


@given(FIELDS)
def test_a_repeated_request_has_the_same_fingerprint(fields: dict[str, object]) -> None:
    assert fingerprint_of("pay", fields) == fingerprint_of("pay", dict(fields))


@given(st.dictionaries(NAMES, VALUES, min_size=2, max_size=5))
def test_the_order_of_keys_inside_a_field_does_not_matter(inner: dict[str, object]) -> None:
    turned = dict(reversed(inner.items()))
    assert fingerprint_of("pay", {"bill": inner}) == fingerprint_of("pay", {"bill": turned})


@given(FIELDS, st.data())
def test_one_changed_field_is_found_by_its_name(
    fields: dict[str, object], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(fields)))
    first = fingerprint_of("pay", fields)
    fresh = fingerprint_of("pay", fields | {name: "a value that no strategy above draws"})
    assert first.sha256 != fresh.sha256
    assert first_difference(first.field_digests, fresh, list(fields)) == name
