from importlib.resources import files

from gateway.kit.banks import banks, name_of


def test_every_bank_has_a_number_of_six_digits_and_a_name() -> None:
    assert len(banks()) == 48
    assert all(len(number) == 6 and number.isdecimal() and b.name for number, b in banks().items())


def test_no_bank_is_listed_twice() -> None:
    lines = (files("gateway.kit") / "banks.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert len({line.split(",")[0] for line in lines}) == len(lines) == len(banks())


def test_banks_whose_app_cannot_pay_are_marked() -> None:
    cannot = {bank.name for bank in banks().values() if bank.is_receive_only}
    assert cannot >= {"GPBank", "CB", "HSBC", "CIMB"}
    assert not cannot & {"Vietcombank", "Agribank", "BVBank", "Timo"}


def test_a_bank_that_is_not_listed_goes_by_its_number() -> None:
    assert name_of("970454") == "BVBank"
    assert name_of("999999") == "999999"
