"""Customer codes as people type them."""

import re

import pytest

from gateway.domain.customer_code import read_typed

CODES = re.compile("PB(14|19)[0-9]{9}")
MEANT = "PB14010000040"


@pytest.mark.parametrize(
    "typed",
    [
        "PB14010000040",
        " pb14 0100 00040 ",
        "PB14.0100-00040",
        "pb14o1OOOOO4O",
        "PBl40I0000040",
        "https://example.vn/bill?kh=PB14010000040&ky=10",
        "EVN|PB14010000040|351000",
    ],
)
def test_a_code_is_understood(typed: str) -> None:
    assert read_typed(typed, CODES) == MEANT


@pytest.mark.parametrize("typed", ["", "PB1401000004", "PB15010000040", "x" * 500, "<script>"])
def test_what_holds_no_code_is_given_back_to_be_refused(typed: str) -> None:
    assert not CODES.fullmatch(read_typed(typed, CODES))
    assert len(read_typed(typed, CODES)) <= 20
