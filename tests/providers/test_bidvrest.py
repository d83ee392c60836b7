"""BIDV over JSON: its samples, forgeries, and the exact answer to each outcome."""

import json
from typing import Any

import pytest

from gateway.domain.biller import Channel
from gateway.kit.abilities.inquiries import Result, Settled
from gateway.kit.messages import SignatureWrong, Unreadable
from gateway.providers.bidvrest import checksum
from gateway.testing.promises_of_inquiries import a_settlement
from tests.providers.bank_wires import SECRET, getbill, md5, paybill
from tests.providers.test_bidvrest_conformance import PROVIDER, body_of, read, with_body


def test_the_checksum_is_that_of_the_profile() -> None:
    assert checksum(SECRET, "T1", "HD-10", "99000") == md5("T1", "HD-10", "99000")


def test_a_checksum_in_capitals_is_the_same() -> None:
    sent = paybill()
    assert read(with_body(sent, checksum=body_of(sent)["checksum"].upper())).amount_dong == 99_000


def test_bills_are_written_whole() -> None:
    answer = PROVIDER.write_answer(read(getbill()), a_settlement(Result.BILLS))
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert json.loads(answer.body) == {
        "result_code": "000",
        "result_desc": "Thanh cong",
        "data": {
            "customer_id": "PB14010012345",
            "customer_name": "N*** V*** Án & <Con>|[x]",
            "customer_addr": "***, Phường 5",
            "amount": 311_000,
            "bills": [
                {
                    "bill_id": "HD-10",
                    "period": "10/2026",
                    "amount": 99_000,
                    "due_date": "20261109",
                },
                {
                    "bill_id": "HD-11",
                    "period": "11/2026",
                    "amount": 212_000,
                    "due_date": "20261209",
                },
            ],
        },
    }


def test_a_payment_is_answered_with_both_numbers() -> None:
    settled = Settled(Result.PAID, payment_id="pay_1", amount_dong=99_000)
    assert PROVIDER.write_answer(read(paybill()), settled).body == (
        b'{"result_code":"000","result_desc":"Thanh cong","data":{"trans_id":"BK20261124000001",'
        b'"trans_bidv":"990001","amount":99000,"biller_trans_id":"pay_1"}}'
    )


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("MB", Channel.MOBILE_BANKING),
        ("IB", Channel.INTERNET_BANKING),
        ("SMS", Channel.SMS_BANKING),
        ("QUAY", Channel.COUNTER_CASH),
        ("", Channel.MOBILE_BANKING),
    ],
)
def test_the_banks_channels_are_told_apart(name: str, channel: Channel) -> None:
    assert read(paybill(channel=name)).channel is channel


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "FAX"},
        {"amount": 0},
        {"amount": -99_000},
        {"amount": 99_000.0},
        {"amount": "099000"},
        {"bill_id": "HD|10"},
        {"trans_date": "20261332000000"},
        {"trans_id": "\x00"},
    ],
    ids=repr,
)
def test_what_is_signed_but_no_payment_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises((Unreadable, SignatureWrong)):
        read(paybill(**change))


def test_an_amount_in_digits_is_an_amount() -> None:
    assert read(paybill(amount="99000")).amount_dong == 99_000


def test_another_service_is_refused_by_its_own_code() -> None:
    sent = paybill(service_id="999")
    with pytest.raises(Unreadable) as caught:
        read(sent)
    said = PROVIDER.write_refusal(sent.operation, sent.incoming, caught.value)
    assert json.loads(said.body)["result_code"] == "006"
