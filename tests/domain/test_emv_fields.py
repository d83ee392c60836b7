from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.emv_fields import QrRefused, checksum, read_row, seal, unseal, write_row

ROWS = st.dictionaries(
    st.integers(0, 99).map("{:02d}".format),
    st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=99),
    max_size=6,
)


def test_the_checksum_is_ccitt_false() -> None:
    assert checksum("123456789") == "29B1"  # the check value of CRC-16/CCITT-FALSE


def test_a_checksum_keeps_its_leading_zeros() -> None:
    sealed = [seal(f"0002{number:02d}") for number in range(100)]
    assert all(len(text) == len("000201") + 8 for text in sealed)


@given(ROWS)
def test_what_is_written_is_read(fields: dict[str, str]) -> None:
    assert read_row(write_row(fields)) == fields


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(QrRefused):
        assert write_row(read_row(text)) or not text


@given(st.text())
def test_no_text_breaks_the_seal(text: str) -> None:
    with suppress(QrRefused):
        assert seal(unseal(text)).upper() == text.upper()


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("00020101021", "9.01"),
        ("000201010", "9.01"),
        ("0003", "9.00"),
        ("0005abc", "9.00"),
        ("0000", "9.00"),
        ("0002010002", "9.00"),
        ("00x2ab", "9.00"),
        ("0\u06602ab", "9.0\u0660"),
    ],
    ids=["cut", "no room", "no value", "short", "no length", "twice", "letter", "arabic digit"],
)
def test_a_broken_row_is_refused_by_the_tag_that_breaks_it(text: str, tag: str) -> None:
    text = text if tag != "9.01" else text[:9]
    with pytest.raises(QrRefused) as refused:
        read_row(text, within="9.")
    assert refused.value.tag == tag


def test_a_value_of_a_hundred_characters_is_not_written() -> None:
    assert len(write_row({"62": "x" * 99})) == 103
    with pytest.raises(QrRefused, match=r"'62\.08'"):
        write_row({"08": "x" * 100}, within="62.")


def test_an_identifier_of_three_digits_is_not_written() -> None:
    with pytest.raises(QrRefused):
        write_row({"100": "x"})


def test_a_lower_case_checksum_is_read_and_a_wrong_one_is_not() -> None:
    sealed = seal("000201010211")
    assert unseal(sealed[:-4] + sealed[-4:].lower()) == "000201010211"
    with pytest.raises(QrRefused, match="wrong"):
        unseal(sealed[:-1] + ("0" if sealed[-1] != "0" else "1"))


@pytest.mark.parametrize("text", ["", "6304", "0002016305AAAA1", "000201", "x" * 5000])
def test_what_has_no_checksum_is_refused(text: str) -> None:
    with pytest.raises(QrRefused, match="missing"):
        unseal(text)
