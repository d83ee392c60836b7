import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.masking import mask_address, mask_name


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Nguyễn Văn An", "N*** V*** An"),
        ("Lê An", "L*** A***"),
        ("An", "A***"),
        ("", "***"),
        ("   ", "***"),
        ("Tạp hóa Nguyễn Thị Hoa", "T*** h*** N*** T*** Hoa"),
    ],
)
def test_a_name_keeps_first_letters_and_of_a_long_name_the_last_word(
    name: str, masked: str
) -> None:
    assert mask_name(name) == masked


@given(st.text(st.characters(categories=["Lu", "Ll", "Zs"]), min_size=1, max_size=60))
def test_no_name_is_ever_shown_whole(name: str) -> None:
    assert mask_name(unicodedata.normalize("NFC", name)) != name


def test_an_address_keeps_what_follows_the_street() -> None:
    assert mask_address("12 Nguyễn Trãi, Phường 5, Cà Mau") == "***, Phường 5, Cà Mau"


def test_an_address_of_one_part_is_not_shown_at_all() -> None:
    assert mask_address("12 Nguyễn Trãi") == "***"
