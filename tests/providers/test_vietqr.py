"""VietQR: what the payer's bank reads, and that the money finds its attempt by it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from gateway.domain import order_code
from gateway.domain.emvqr import TransferQr, decode
from gateway.kit import banks
from gateway.kit.messages import Order, Reply, Unreadable
from gateway.providers.vietqr import Config, VietQr

ACCOUNT: dict[str, Any] = {
    "bank_bin": "970436",
    "account": "0011012345678",
    "account_name": "CONG TY DIEN LUC CA MAU",
}
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CODE = order_code.of_attempt(UUID(int=7))
ORDER = Order(
    reference=CODE,
    amount_dong=512_345,
    text="Thanh toán hóa đơn điện PB14010012345",
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    request_id="a" * 32,
    return_url="https://pay.example/return",
    notify_url="https://pay.example/v1/notifications/vietqr",
)


def a_provider(**changes: object) -> VietQr:
    return VietQr(Config.model_validate(ACCOUNT | changes))


def drawn(order: Order = ORDER, **changes: object) -> TransferQr:
    opened = a_provider(**changes).create(order)
    assert opened.action.redirect_url is None
    assert opened.action.qr_content is not None
    return decode(opened.action.qr_content)


def test_the_qr_pays_our_account_the_amount_once() -> None:
    qr = drawn()
    assert (qr.bank_bin, qr.account, qr.amount_dong) == ("970436", "0011012345678", 512_345)
    assert qr.is_dynamic
    assert banks.name_of(qr.bank_bin) == "Vietcombank"


def test_the_reference_is_the_code_that_stands_first_in_the_purpose() -> None:
    assert a_provider().reference_of(UUID(int=7), NOW) == CODE
    assert drawn().purpose == f"{CODE} PB14010012345"
    assert len(drawn().purpose) <= 25


def test_the_purpose_survives_a_bank_that_cuts_and_glues() -> None:
    mangled = f"MBVCB123{drawn().purpose.replace(' ', '')}"[:22].lower()
    assert order_code.candidates(mangled) == [CODE]


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("Tiền điện tháng 11/2026", CODE),
        ("Tiền điện PB140100123456789", CODE),
        ("pb14010012345", f"{CODE} PB14010012345"),
        ("", CODE),
    ],
    ids=["none", "too long", "lower case", "empty"],
)
def test_a_customer_code_goes_along_only_if_there_is_one_and_it_fits(
    text: str, purpose: str
) -> None:
    assert drawn(replace(ORDER, text=text)).purpose == purpose


def test_a_longer_purpose_is_a_setting() -> None:
    order = replace(ORDER, text="Tiền điện PB140100123456789")
    assert drawn(order, purpose_max=40).purpose == f"{CODE} PB140100123456789"


def test_each_attempt_has_a_virtual_account_if_the_bank_gives_us_some() -> None:
    account = drawn(virtual_account_prefix="EVNCM").account
    assert account == f"EVNCM{CODE}"
    assert order_code.at_the_end(account) == CODE


def test_the_longest_prefix_still_makes_an_account() -> None:
    assert len(drawn(virtual_account_prefix="EVNCAMAU").account) == 19


def test_a_page_may_say_whose_account_it_is() -> None:
    assert a_provider().create(ORDER).memory == {"account_name": "CONG TY DIEN LUC CA MAU"}


def test_there_is_no_answer_to_a_call_that_is_not_made() -> None:
    with pytest.raises(Unreadable):
        a_provider().read_created(ORDER, Reply(200, b"{}"))


@pytest.mark.parametrize(
    "change",
    [
        {"bank_bin": "97043"},
        {"account": ""},
        {"account": "0011 012"},
        {"virtual_account_prefix": "EVNCAMAU1"},
        {"virtual_account_prefix": "evn"},
        {"purpose_max": 24},
        {"purpose_max": 91},
        {"account_name": ""},
    ],
    ids=str,
)
def test_a_configuration_that_could_not_be_drawn_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(ACCOUNT | change)
