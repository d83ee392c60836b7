"""What all ways to pay share over HTTP: the bills, the payment's id, the payment as it is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.api.payment_models import BillToPay, Payment, lines_of, payment_id_of
from gateway.api.reading import AMOUNT_MAX_DONG
from gateway.domain import provider_receipt, receipt
from gateway.domain.errors import RequestInvalid
from gateway.domain.ids import to_public
from gateway.domain.refusals import PaymentNotFound
from tests.contract import document, faults_of
from tests.domain.test_provider_receipt import GOING, PAID
from tests.domain.test_receipt import PAYMENT

IDS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,10}\Z")
BILLS = st.lists(
    st.builds(BillToPay, id=IDS, amount_dong=st.integers(1, AMOUNT_MAX_DONG)),
    max_size=50,
    unique_by=lambda bill: bill.id,
)


@given(BILLS)
def test_bills_stand_in_the_order_of_their_ids_and_none_is_lost(bills: list[BillToPay]) -> None:
    lines = lines_of(bills)
    assert {(line.bill_id, line.amount_dong) for line in lines} == {
        (bill.id, bill.amount_dong) for bill in bills
    }
    assert len(lines) == len(bills)
    assert [line.bill_id for line in lines] == sorted(bill.id for bill in bills)
    assert lines_of(bills[::-1]) == lines


@given(BILLS.filter(bool), st.data())
def test_a_bill_twice_is_refused_by_its_name_wherever_it_stands(
    bills: list[BillToPay], data: st.DataObject
) -> None:
    twice = data.draw(st.sampled_from(bills))
    place = data.draw(st.integers(0, len(bills)))
    again = BillToPay(id=twice.id, amount_dong=1)
    with pytest.raises(RequestInvalid) as refused:
        lines_of([*bills[:place], again, *bills[place:]])
    assert [(f.field, f"'{twice.id}'" in f.message) for f in refused.value.faults] == [
        ("bills", True)
    ]


@pytest.mark.parametrize(
    "bill",
    [
        {"id": "HD-1"},
        {"amount_dong": 1},
        {"id": "HD-1", "amount_dong": 0},
        {"id": "HD-1", "amount_dong": AMOUNT_MAX_DONG + 1},
        {"id": "HD-1", "amount_dong": 1.0},
        {"id": "HD-1", "amount_dong": "1"},
        {"id": "HD-1", "amount_dong": True},
        {"id": 1, "amount_dong": 1},
        {"id": "HD 1", "amount_dong": 1},
        {"id": "HD-1", "amount_dong": 1, "fee_dong": 0},
    ],
)
def test_a_bill_that_is_not_written_as_documented_is_refused(bill: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BillToPay.model_validate(bill)


def test_a_payments_id_is_read_as_it_was_written() -> None:
    assert payment_id_of(to_public("pay", PAYMENT.id)) == PAYMENT.id


@pytest.mark.parametrize(
    "text", ["", "pay_", "\x00", "PAY_" + "0" * 32, "att_" + "0" * 32, "pay_" + "0" * 33, "0" * 32]
)
def test_what_is_no_payments_id_names_no_payment(text: str) -> None:
    with pytest.raises(PaymentNotFound):
        payment_id_of(text)


def test_a_name_that_is_far_too_long_is_not_repeated_whole() -> None:
    with pytest.raises(PaymentNotFound) as refused:
        payment_id_of("x" * 100_000)
    assert len(refused.value.detail) < 300


def test_every_member_of_a_payment_is_written_and_no_other() -> None:
    written = json.loads(receipt.body(PAYMENT))
    assert set(written) == set(Payment.model_fields) - {"provider", "posting"}
    assert faults_of("Payment", written) == []


def test_a_payment_through_a_provider_is_a_payment_and_more() -> None:
    properties = document()["components"]["schemas"]
    base, more = (set(properties[n]["properties"]) for n in ("Payment", "ProviderPayment"))
    assert base < more
    written = json.loads(provider_receipt.body(PAID, GOING))
    assert set(written) == more - {"posting"}
    assert faults_of("ProviderPayment", written) == []
