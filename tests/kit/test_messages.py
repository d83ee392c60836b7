"""What travels to and from providers, and what proves nothing."""

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime

import pytest

from gateway.domain.errors import GatewayError
from gateway.kit.messages import (
    Call,
    Garbled,
    Incoming,
    Moment,
    NextAction,
    Opened,
    Order,
    Reply,
    SignatureWrong,
    Unreadable,
    Verdict,
)

FIELDS_MAX = 100


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", []),
        ("a=1&b=2", [("a", "1"), ("b", "2")]),
        ("b=2&a=1", [("b", "2"), ("a", "1")]),
        ("a=1&a=2", [("a", "1"), ("a", "2")]),
        ("a=&b", [("a", ""), ("b", "")]),
        ("a=x+y%20z", [("a", "x y z")]),
        ("a=%C4%91%E1%BB%93ng", [("a", "đồng")]),
        ("a=1%26b%3D2", [("a", "1&b=2")]),
        ("a=%2541", [("a", "%41")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("a=b=c", [("a", "b=c")]),
    ],
)
def test_a_query_string_is_decoded_once_in_order_with_its_empty_values(
    query: str, pairs: list[tuple[str, str]]
) -> None:
    assert Incoming("GET", query).query_pairs() == pairs


@pytest.mark.parametrize("query", ["a=%FF", "%C4=1", "a=%ED%A0%80", "a=%C3%28", "a=1&b=%80"])
def test_a_query_string_that_is_no_utf8_is_unreadable(query: str) -> None:
    with pytest.raises(Unreadable, match="query string cannot be read"):
        Incoming("GET", query).query_pairs()


@pytest.mark.parametrize("many", [FIELDS_MAX, FIELDS_MAX + 1, 10_000])
def test_a_query_string_of_over_a_hundred_fields_is_unreadable(many: int) -> None:
    incoming = Incoming("GET", "&".join(["a=1"] * many))
    if many <= FIELDS_MAX:
        assert incoming.query_pairs() == [("a", "1")] * many
        return
    with pytest.raises(Unreadable):
        incoming.query_pairs()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SignatureWrong(), "its signature is missing or wrong"),
        (Unreadable(what="field 'amount'"), "field 'amount' cannot be read"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_proves_nothing_says_why(error: Garbled, reason: str) -> None:
    assert error.reason == reason
    assert str(error) == f"the provider's message proves nothing: {reason}"


def test_what_proves_nothing_is_never_an_answer_of_the_api() -> None:
    assert not issubclass(Garbled, GatewayError)


def test_both_kinds_of_what_proves_nothing_are_caught_as_one() -> None:
    assert set(Garbled.__subclasses__()) >= {SignatureWrong, Unreadable}


def test_a_verdict_is_spelled_as_it_is_for_ever() -> None:
    assert {verdict.value for verdict in Verdict} == {
        *("recorded", "repeated", "unknown_reference", "amount_differs", "refused", "try_later")
    }


NOW = datetime(2026, 11, 24, tzinfo=UTC)
MESSAGES = [
    Call("create", "https://pay.example.vn"),
    Reply(200, b"{}"),
    Incoming("POST"),
    Moment(NOW, "0" * 32),
    NextAction(deeplink="pay://1"),
    Opened(NextAction(deeplink="pay://1")),
    Order("att_1", 1_000, "Tiền điện", NOW, NOW, "0" * 32, "https://a.vn", "https://b.vn"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_not_changed_on_its_way(message: object) -> None:
    first = fields(message)[0].name  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        setattr(message, first, "another")


def test_two_orders_do_not_share_what_an_adapter_remembers() -> None:
    one, other = (Opened(NextAction(deeplink=f"pay://{n}")) for n in range(2))
    one.memory["token"] = "of the first"
    assert other.memory == {}
