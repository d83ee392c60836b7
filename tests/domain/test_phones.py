import pytest

from gateway.domain.phones import normalise_phone


@pytest.mark.parametrize("number", ["0912345678", "84912345678", "+84912345678", "+84 912.345-678"])
def test_a_number_has_one_form(number: str) -> None:
    assert normalise_phone(number) == "84912345678"


@pytest.mark.parametrize("number", ["", "8149", "VIETTEL", "840912345678", "0012345678"])
def test_what_is_no_mobile_number_has_no_form(number: str) -> None:
    assert normalise_phone(number) is None
