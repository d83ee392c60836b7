"""BIDV over JSON: its samples, forgeries, and the exact answer to each outcome."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.biller import Channel
from gateway.kit.abilities.inquiries import Collection, Inquiry, Result, Settled
from gateway.kit.messages import Acknowledgement, SignatureWrong, Unreadable
from gateway.providers.bidvrest import BidvRest, Config, checksum
from gateway.testing.promises_of_inquiries import (
    MOMENT,
    InquiryConformance,
    Sent,
    a_collection,
)
from tests.providers.bank_wires import REST, SECRET, getbill, md5, paybill

PROVIDER = BidvRest(Config.model_validate(REST))
ASKED = {
    Result.BILLS: "000",
    Result.NO_DEBT: "025",
    Result.CUSTOMER_UNKNOWN: "003",
    Result.LOCKED: "096",
    Result.DOUBT: "096",
}
PAID = {
    Result.PAID: "000",
    Result.PAID_BEFORE: "001",
    Result.CUSTOMER_UNKNOWN: "003",
    Result.NOT_ALLOWED: "008",
    Result.NO_DEBT: "025",
    Result.AMOUNT_DIFFERS: "026",
    Result.IN_PROGRESS: "050",
    Result.LOCKED: "056",
    Result.OLDER_FIRST: "056",
    Result.CHANGED: "099",
    Result.DOUBT: "100",
    Result.CANCELLED: "105",
}
UNDECIDED = frozenset({"050", "063", "064", "096", "097", "100", "103", "104", "114"})


def body_of(sent: Sent) -> dict[str, Any]:
    return dict(json.loads(sent.incoming.body))


def with_body(sent: Sent, **changes: Any) -> Sent:
    body = json.dumps(body_of(sent) | changes).encode()
    return replace(sent, incoming=replace(sent.incoming, body=body))


def read(sent: Sent) -> Any:
    return PROVIDER.read_question(sent.operation, sent.incoming, MOMENT)


class TestBidvRest(InquiryConformance):
    provider_class = BidvRest
    questions = (Inquiry("PB14010012345"), a_collection())
    codes = {Inquiry: ASKED, Collection: PAID}  # noqa: RUF012
    undecided = UNDECIDED
    refusals = (frozenset({"007"}), "101")

    def config(self) -> Config:
        return Config.model_validate(REST)

    def sent(self, question: Any) -> Sent:
        return getbill() if isinstance(question, Inquiry) else with_body(paybill(), at=None)

    def read(self, sent: Sent) -> Any:
        asked = super().read(sent)
        return replace(asked, at=None) if isinstance(asked, Collection) else asked

    def forged(self, sent: Sent) -> Iterable[tuple[str, Sent]]:
        signed = {"getbill": ("service_id", "customer_id"), "paybill": ("trans_id", "bill_id")}
        for name in (*signed[sent.operation], "checksum"):
            yield name, with_body(sent, **{name: f"{body_of(sent)[name]}1"})
        yield "no checksum", with_body(sent, checksum=None)
        if sent.operation == "paybill":
            yield "amount", with_body(sent, amount=1_000)

    def code_of(self, said: Acknowledgement) -> str:
        return str(json.loads(said.body)["result_code"])


def test_the_checksum_is_that_of_the_profile() -> None:
    assert checksum(SECRET, "T1", "HD-10", "99000") == md5("T1", "HD-10", "99000")


def test_a_checksum_in_capitals_is_the_same() -> None:
    sent = paybill()
    assert read(with_body(sent, checksum=body_of(sent)["checksum"].upper())).amount_dong == 99_000


def test_bills_are_written_whole() -> None:
    answer = PROVIDER.write_answer(read(getbill()), TestBidvRest()._settled(Result.BILLS))
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
