import pytest

from gateway.domain.customer_code import ANY_EVN, CA_MAU, CustomerCode, normalise, read_code


@pytest.mark.parametrize(
    "typed",
    [
        "PB14010000123",
        "pb14010000123",
        " PB14010000123\n",
        "PB 1401 0000123",
        "PB\u00a014010000123",
    ],
)
def test_a_code_is_read_however_it_is_spaced_and_cased(typed: str) -> None:
    assert read_code(typed) == CustomerCode("PB14010000123")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "PB1401000012",
        "PB1401000012345",
        "PB140100001234",
        "PB15010000123",
        "PE14010000123",
        "PB1401OO00123",
        "PB1401000012\u0663",
        "PB1401000012\u0969",
        "PB14010000123\u0660\u0660\u0661",
        "PB14010000123-001",
    ],
)
def test_what_has_not_the_shape_of_a_code_is_none(typed: str) -> None:
    assert read_code(typed) is None


def test_bac_lieu_belongs_to_the_province_since_2025() -> None:
    assert read_code("PB19010000123") is not None


def test_a_meter_points_digits_are_told_apart_from_the_customer() -> None:
    assert read_code("PB14010000123002") == CustomerCode("PB14010000123", "002")


def test_the_first_six_characters_name_the_unit() -> None:
    assert CustomerCode("PB14070000123").unit == "PB1407"


@pytest.mark.parametrize("code", ["PE01000123456", "PD12345678901", "PC02AA0123456"])
def test_another_corporations_code_is_no_code_of_ca_mau(code: str) -> None:
    assert not CA_MAU.fullmatch(code)


def test_the_lenient_shape_takes_every_corporation_but_no_word() -> None:
    assert read_code("pd01000123456", ANY_EVN) == CustomerCode("PD01000123456")
    assert read_code("PDO1000123456", ANY_EVN) is None


def test_normalising_twice_is_normalising_once() -> None:
    once = normalise(" pb1401 0000123")
    assert normalise(once) == once == "PB14010000123"
