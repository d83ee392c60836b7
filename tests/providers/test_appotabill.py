"""AppotaPay's bill API at our door: its samples, forgeries, and the answer to each outcome."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.biller import Channel
from gateway.kit.abilities.inquiries import (
    RESULTS,
    Collection,
    Inquiry,
    Question,
    Result,
    Settled,
    StatusAsked,
)
from gateway.kit.messages import Acknowledgement, SignatureWrong, Unreadable
from gateway.providers.appotabill import AppotaBill, Config
from gateway.testing.promises_of_inquiries import (
    MOMENT,
    InquiryConformance,
    Sent,
    a_collection,
)
from tests.providers.bank_wires import (
    APPOTA,
    APPOTA_SECRET,
    DETAIL,
    appota_pays,
    asks_status,
    check,
    part,
    token,
)

PROVIDER = AppotaBill(Config.model_validate(APPOTA))
CODES = {
    Result.BILLS: "0",
    Result.PAID: "0",
    Result.IN_PROGRESS: "35",
    Result.NOT_FOUND: "36",
    Result.DOUBT: "99",
    Result.CUSTOMER_UNKNOWN: "201",
    Result.NO_DEBT: "202",
    Result.PAID_BEFORE: "203",
    Result.AMOUNT_DIFFERS: "204",
    Result.LOCKED: "205",
    Result.OLDER_FIRST: "206",
    Result.NOT_ALLOWED: "207",
    Result.CANCELLED: "208",
    Result.CHANGED: "209",
}
TABLES: dict[type[Question], dict[Result, str]] = {
    kind: {result: CODES[result] for result in RESULTS[kind]}
    for kind in (Inquiry, Collection, StatusAsked)
}
TABLES[Inquiry][Result.DOUBT] = "91"


def read(sent: Sent) -> Any:
    return PROVIDER.read_question(sent.operation, sent.incoming, MOMENT)


def with_body(sent: Sent, **changes: Any) -> Sent:
    body = json.dumps(json.loads(sent.incoming.body) | changes).encode()
    return replace(sent, incoming=replace(sent.incoming, body=body))


def with_token(sent: Sent, bearer: str) -> Sent:
    headers = {"x-appotapay-auth": bearer}
    return replace(sent, incoming=replace(sent.incoming, headers=headers))


class TestAppotaBill(InquiryConformance):
    provider_class = AppotaBill
    questions = (
        Inquiry("PB14010012345"),
        a_collection(channel=Channel.E_WALLET),
        StatusAsked("BK20261124000001"),
    )
    codes = TABLES
    undecided = frozenset({"35", "91", "94", "99", "500"})
    refusals = (frozenset({"2", "401"}), "1")

    def config(self) -> Config:
        return Config.model_validate(APPOTA)

    def sent(self, question: Any) -> Sent:
        if isinstance(question, Inquiry):
            return check()
        return appota_pays() if isinstance(question, Collection) else asks_status()

    def forged(self, sent: Sent) -> Iterable[tuple[str, Sent]]:
        yield "no token", with_token(sent, "")
        yield "another secret", with_token(sent, f"Bearer {token('another-secret-0001')}")
        yield "token cut", with_token(sent, f"Bearer {token()[:-2]}")
        if isinstance(read(sent), StatusAsked):
            return
        for name, value in json.loads(sent.incoming.body).items():
            yield name, with_body(sent, **{name: value + 1 if name == "amount" else f"{value}1"})
        yield "no signature", with_body(sent, signature=None)

    def code_of(self, said: Acknowledgement) -> str:
        return str(json.loads(said.body)["errorCode"])


@pytest.mark.parametrize(
    "bearer",
    [
        token(exp=1_700_000_000),
        token(exp="1900000000"),
        token(exp=True),
        token(exp=None),
        token(iss="OTHER"),
        token(api_key="key-0002"),
        token(alg="none"),
        token(alg="HS512"),
        f"{part({'alg': 'none'})}.{part({'iss': 'EVNTEST'})}.",
        "a.b",
        "....",
        "\u0111.\u0111.\u0111",
        "",
    ],
)
def test_a_token_that_is_not_theirs_now_is_unauthorised(bearer: str) -> None:
    sent = with_token(check(), f"Bearer {bearer}")
    with pytest.raises(SignatureWrong) as caught:
        read(sent)
    said = PROVIDER.write_refusal(sent.operation, sent.incoming, caught.value)
    assert (said.status, json.loads(said.body)["errorCode"]) == (401, 401)


def test_a_token_ends_at_its_second() -> None:
    ends = int(MOMENT.now.timestamp())
    read(with_token(check(), f"bearer {token(exp=ends + 1)}"))
    with pytest.raises(SignatureWrong):
        read(with_token(check(), f"Bearer {token(exp=ends)}"))


def test_the_bill_detail_is_signed_as_the_very_text_that_was_received() -> None:
    assert read(appota_pays()).bill_ids == ("HD-10",)
    other = json.dumps(json.loads(DETAIL))
    assert other != DETAIL
    with pytest.raises(SignatureWrong):
        read(with_body(appota_pays(), billDetail=other))


@pytest.mark.parametrize(
    "detail",
    [
        "",
        "[]",
        "{}",
        "[1]",
        '[{"billNumber":"HD-10","amount":98000}]',
        '[{"billNumber":"HD-10","amount":-1},{"billNumber":"HD-11","amount":99001}]',
        '[{"billNumber":"HD-10","amount":1},{"billNumber":"HD-10","amount":98999}]',
        '[{"billNumber":"HD-10","amount":99000}],"x":[1]',
        '[{"billNumber":"HD-10","amount":99000,"extraInfo":"\\ud800"}]',
        '[{"billNumber":"HD 10","amount":99000}]',
    ],
)
def test_a_bill_detail_that_says_something_else_is_unreadable(detail: str) -> None:
    with pytest.raises(Unreadable):
        read(appota_pays(billDetail=detail))


def test_another_service_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read(check(serviceCode="WATER"))


def test_a_payment_is_answered_with_its_transaction_and_the_detail() -> None:
    at = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
    settled = Settled(Result.PAID, payment_id="pay_1", amount_dong=99_000, paid_at=at)
    said = json.loads(PROVIDER.write_answer(read(appota_pays()), settled).body)
    assert said == {
        "errorCode": 0,
        "message": "Success",
        "partnerRefId": "BK20261124000001",
        "billDetail": json.loads(DETAIL),
        "transaction": {
            "appotapayTransId": "pay_1",
            "amount": 99_000,
            "billAmount": 99_000,
            "time": "2026-11-25 00:30:00",
        },
    }


def test_what_the_check_gives_is_taken_back_as_it_is() -> None:
    settled = TestAppotaBill()._settled(Result.BILLS)
    body = PROVIDER.write_answer(read(check()), settled).body.decode()
    start = body.index('"billDetail":') + len('"billDetail":')
    detail = body[start : body.index("]", start) + 1]
    assert read(appota_pays(billDetail=detail, amount=311_000)).bill_ids == ("HD-10", "HD-11")


def test_the_secret_is_not_in_the_token_error() -> None:
    with pytest.raises(SignatureWrong) as caught:
        read(with_token(check(), "Bearer x"))
    assert APPOTA_SECRET not in str(caught.value)
