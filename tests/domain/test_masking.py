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


@given(st.text(st.characters(categories=["Lu", "Ll", "Mn", "Zs"]), min_size=1, max_size=60))
def test_a_masked_name_stays_in_nfc(name: str) -> None:
    assert unicodedata.is_normalized("NFC", mask_name(unicodedata.normalize("NFC", name)))


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("12 Nguyễn Trãi, Phường 5, Cà Mau", "***, Phường 5, Cà Mau"),
        ("12 Nguyễn Trãi, Phường 5", "***, Phường 5"),
        ("12 NGUYỄN TRÃI, PHƯỜNG 5, CÀ MAU", "***, PHƯỜNG 5, CÀ MAU"),
        ("Số 12, hẻm 3, Nguyễn Trãi, P.5, Cà Mau", "***, P.5, Cà Mau"),
        ("12 Lý Bôn,P2,TP Cà Mau", "***,P2,TP Cà Mau"),
        ("Ấp 4, Xã Tắc Vân, Cà Mau", "***, Xã Tắc Vân, Cà Mau"),
        ("9, Xã Đàn, Phường 5, Cà Mau", "***, Phường 5, Cà Mau"),
        ("12, Phan Ngọc Hiển, Cà Mau", "***, Cà Mau"),
        ("12, Nguyễn Trãi", "***"),
        ("12 Nguyễn Trãi", "***"),
        ("", "***"),
    ],
)
def test_an_address_keeps_only_its_ward_and_city(address: str, masked: str) -> None:
    assert mask_address(address) == masked
