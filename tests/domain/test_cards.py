"""Card numbers are taken out of whatever is kept; other long numbers stay."""

from base64 import b64encode
from urllib.parse import quote

import pytest

from gateway.domain.cards import (
    holds_card_number,
    mask_cards,
    where_a_card_is,
    without_card_numbers,
)

# Test numbers that the schemes and their acquirers publish.
ISSUED = [
    "9704000000000018",
    "4111111111111111",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "30569309025904",
    "3530111333300000",
    "6200000000000005",
    "6011111111111117",
]


@pytest.mark.parametrize(
    "number",
    ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "9704000000000018"],
)
def test_a_card_number_is_taken_out_however_it_is_written(number: str) -> None:
    assert without_card_numbers(f'{{"card":"{number}","x":1}}') == '{"card":"[card]","x":1}'


@pytest.mark.parametrize("number", ["4111111111111112", "411111111111", "12345678901234567890"])
def test_a_number_that_is_none_stays(number: str) -> None:
    assert without_card_numbers(f"a={number}&b=1") == f"a={number}&b=1"


@pytest.mark.parametrize("number", ISSUED, ids=lambda number: number[:4])
def test_the_number_of_an_issued_card_is_known_and_its_neighbour_is_not(number: str) -> None:
    assert holds_card_number(f"a {number}")
    assert mask_cards(f"a={number}&b=1") == "a=[card]&b=1"
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not holds_card_number(other)
    assert mask_cards(other) == other


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111 12/28 123",
        "0912345678 4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111+1111+1111+1111",
        "4111%201111%201111%201111",
        "4111\u00a01111\u00a01111\u00a01111",
        "PAN4111111111111111",
        "\u20ab4111111111111111\u20ab",
    ],
)
def test_a_card_number_is_seen_beside_other_digits_and_in_groups(text: str) -> None:
    assert holds_card_number(text)
    assert "1111" not in mask_cards(text)


@pytest.mark.parametrize(
    "text",
    [
        "20261124101502",
        "2026-11-24T10:15:02.123456",
        "PB14010000123",
        "01936b2e-4111-7111-9111-111111111111",
        "att_01936b2e4111111111111111abcdef01",
        "4111111111111111111111",
        "150.000.000 2026",
        "1764000000000",
        "",
    ],
)
def test_times_ids_and_amounts_are_no_card(text: str) -> None:
    assert not holds_card_number(text)
    assert mask_cards(text) == text


def test_a_card_in_base64_is_masked_with_all_that_wraps_it() -> None:
    wrapped = b64encode(b'{"card":{"number":"9704000000000018"}}').decode()
    for sent in (wrapped, quote(wrapped, safe=""), wrapped.rstrip("=")):
        for mask in (mask_cards, without_card_numbers):
            assert mask(f"data={sent}&checksum=ab") == "data=[card]&checksum=ab"
    harmless = b64encode(b'{"card":{"number":"970400xxxxxx0018"}}').decode()
    assert mask_cards(f"data={harmless}") == f"data={harmless}"


def test_the_field_of_a_card_number_is_named_wherever_it_is_hidden() -> None:
    card = "4111111111111111"
    assert where_a_card_is({"bills": [{"id": "1"}, {"id": card}]}) == "bills.1.id"
    assert where_a_card_is({"amount_dong": int(card)}) == "amount_dong"
    assert where_a_card_is({"x": {card: 1}}) == "x"
    assert where_a_card_is(card) == "body"
    assert where_a_card_is({"a": [None, True, 1.5, "x"], "b": {}}) is None
