from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import sms_texts
from gateway.domain.payment import Line
from gateway.domain.sms_texts import Offer, fold

NAME, ACCOUNT, CODE = "Nguyễn Văn Đặng", "1900100200300", "PB14010000123"


def an_offer(amount_dong: int, *, bank: str = "VBA", name: str = NAME) -> Offer:
    return Offer(bank, CODE, name, ACCOUNT, amount_dong, date(2026, 10, 1))


@given(st.text(max_size=400))
def test_whatever_is_said_fits_one_message_of_plain_letters(text: str) -> None:
    folded = fold(text)
    assert len(folded) <= 160
    assert folded.isascii()
    assert not set(folded) & set("[]{}\\^~|`\n")


@pytest.mark.parametrize("amount", [1_000, 1_999_999, 2_000_000])
def test_no_sentence_about_money_is_ever_cut(amount: int) -> None:
    long_name = "Nguyễn Trần Thị Thanh Phương Thảo"
    said = [
        sms_texts.quoted(an_offer(amount, bank="AGRIBANK", name=long_name), "123456"),
        sms_texts.quoted_again(an_offer(amount, bank="AGRIBANK"), "123456"),
        sms_texts.paid(
            customer_code=CODE, amount_dong=amount, account_no=ACCOUNT, reference="pay_" + "0" * 32
        ),
        sms_texts.in_doubt(customer_code=CODE, amount_dong=amount),
        sms_texts.not_paid(customer_code=CODE, amount_dong=amount),
        sms_texts.usage("AGRIBANK"),
    ]
    assert [len(text) for text in said if len(text) >= 160] == []
    assert all(sms_texts.to_dong(amount) in text for text in said[:-1])


def test_account_and_name_are_masked() -> None:
    text = sms_texts.quoted(an_offer(356_400), "012345")
    assert "N*** V*** Dang" in text
    assert "***0300" in text
    assert ACCOUNT not in text
    assert "Nguyen" not in text
    assert sms_texts.mask_account("123") == "***"


def test_debt_names_bills_while_they_fit_and_always_the_sum() -> None:
    lines = [Line(f"HD2026{number:02d}", 100_000) for number in range(1, 6)]
    assert "HD202601 100.000d" in sms_texts.owed(customer_code=CODE, name=NAME, lines=lines[:2])
    many = sms_texts.owed(customer_code=CODE, name=NAME, lines=lines)
    assert many.endswith("no 5 hoa don, tong 500.000d")
    assert sms_texts.owed(customer_code=CODE, name=NAME, lines=[]).endswith(
        "khong con no tien dien"
    )


def test_in_doubt_says_not_to_pay_again() -> None:
    assert "khong tra lai lan nua" in sms_texts.in_doubt(customer_code=CODE, amount_dong=1)
