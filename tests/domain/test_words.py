"""Amounts in words, as receipts of the South write them."""

import pytest

from gateway.domain.errors import InvariantBroken
from gateway.domain.words import MOST, in_english, in_vietnamese

VIETNAMESE = {
    0: "Không",
    1: "Một",
    10: "Mười",
    11: "Mười một",
    14: "Mười bốn",
    15: "Mười lăm",
    20: "Hai mươi",
    21: "Hai mươi mốt",
    24: "Hai mươi tư",
    25: "Hai mươi lăm",
    100: "Một trăm",
    101: "Một trăm lẻ một",
    104: "Một trăm lẻ bốn",
    105: "Một trăm lẻ năm",
    115: "Một trăm mười lăm",
    121: "Một trăm hai mươi mốt",
    1_000: "Một nghìn",
    1_001: "Một nghìn không trăm lẻ một",
    10_010: "Mười nghìn không trăm mười",
    351_000: "Ba trăm năm mươi mốt nghìn",
    1_000_005: "Một triệu không trăm lẻ năm",
    1_234_567: "Một triệu hai trăm ba mươi tư nghìn năm trăm sáu mươi bảy",
    2_000_000_000: "Hai tỷ",
    1_000_000_000_000: "Một nghìn tỷ",
    5_021_000_000_000: "Năm nghìn không trăm hai mươi mốt tỷ",
}
ENGLISH = {
    0: "Zero",
    15: "Fifteen",
    21: "Twenty-one",
    40: "Forty",
    101: "One hundred and one",
    351_000: "Three hundred and fifty-one thousand",
    1_000_005: "One million five",
    2_000_000_000: "Two billion",
}


@pytest.mark.parametrize("amount", VIETNAMESE)
def test_an_amount_is_read_in_vietnamese_as_people_say_it(amount: int) -> None:
    assert in_vietnamese(amount) == f"{VIETNAMESE[amount]} đồng"


@pytest.mark.parametrize("amount", ENGLISH)
def test_an_amount_is_read_in_english(amount: int) -> None:
    assert in_english(amount) == f"{ENGLISH[amount]} dong"


def test_two_amounts_are_never_read_alike() -> None:
    amounts = [*range(3_000), *range(0, 3_000_000, 997), *(10**n + 1 for n in range(4, 15))]
    for spelt in (in_vietnamese, in_english):
        assert len({spelt(amount) for amount in set(amounts)}) == len(set(amounts))


@pytest.mark.parametrize("amount", [-1, MOST])
def test_what_is_no_amount_of_a_receipt_is_never_spelt(amount: int) -> None:
    for spelt in (in_vietnamese, in_english):
        with pytest.raises(InvariantBroken):
            spelt(amount)
