"""Codes of receipts: of one payment, typed as people type, and of nothing else."""

from uuid import UUID

import pytest

from gateway.domain.verification import code_of, mask_code, read_code

KEY = b"k" * 32
MS = 0x019A3C84F400
ID = UUID(int=MS << 80 | 0x7000_8000_0000_0000_0001)
NEIGHBOUR = UUID(int=MS << 80 | 0x7000_8000_0000_0000_0002)


@pytest.mark.parametrize("change", [str, str.lower, lambda c: c.replace("-", " "), "  {}. ".format])
def test_a_code_is_read_as_it_is_typed(change) -> None:  # type: ignore[no-untyped-def]
    claim = read_code(change(code_of(KEY, ID)))
    assert claim is not None
    assert claim.is_of(KEY, ID)
    low, high = claim.between
    assert low <= ID < high


def test_a_code_is_of_no_other_payment_and_no_other_gateway() -> None:
    claim = read_code(code_of(KEY, ID))
    assert claim is not None
    assert not claim.is_of(KEY, NEIGHBOUR)
    assert not claim.is_of(b"x" * 32, ID)
    assert code_of(KEY, ID) != code_of(KEY, NEIGHBOUR)


def test_one_wrong_sign_makes_it_false() -> None:
    code = code_of(KEY, ID)
    for at, sign in enumerate(code):
        if sign == "-":
            continue
        claim = read_code(code[:at] + ("2" if sign != "2" else "3") + code[at + 1 :])
        assert claim is None or not claim.is_of(KEY, ID)


@pytest.mark.parametrize("typed", ["", "2" * 17, "2" * 19, "O" * 18, "Z" * 18, "đ" * 18, "\0" * 18])
def test_what_is_no_code_is_of_nothing(typed: str) -> None:
    assert read_code(typed) is None


def test_a_short_customer_code_is_hidden_whole() -> None:
    assert (mask_code("PB14010000040"), mask_code("1234567")) == ("PB14******040", "*******")
