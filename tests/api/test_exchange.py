"""What thin and ordinary routes both speak: headers joined, queries taken apart."""

import pytest

from gateway.api.exchange import QUERY_PARAMETERS_MAX, Asked, joined
from gateway.domain.errors import RequestInvalid


def asked(query: str) -> Asked:
    return Asked({}, query, b"", "a-request-id")


def test_a_repeated_header_is_joined_so_that_the_second_cannot_hide() -> None:
    sent = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "")]
    assert joined(sent) == {"a": "1, 3, ", "b": "2"}


def test_a_parameter_keeps_each_of_its_values_and_the_empty_one() -> None:
    assert asked("a=1&b=&a=2&c=%20x+y").query_pairs() == {
        "a": ["1", "2"],
        "b": [""],
        "c": [" x y"],
    }


def test_bytes_that_are_no_text_do_not_break_the_query() -> None:
    assert asked("a=%ff%00").query_pairs() == {"a": ["\ufffd\x00"]}


def test_as_many_parameters_as_allowed_are_read_and_one_more_is_refused() -> None:
    most = "&".join(f"p{n}=1" for n in range(QUERY_PARAMETERS_MAX))
    assert len(asked(most).query_pairs()) == QUERY_PARAMETERS_MAX
    with pytest.raises(RequestInvalid):
        asked(most + "&p=1").query_pairs()
