"""AppotaPay's bill API at our door keeps every promise of an adapter that is asked."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.domain.biller import Channel
from gateway.kit.abilities.inquiries import (
    RESULTS,
    Collection,
    Inquiry,
    Question,
    Result,
    StatusAsked,
)
from gateway.kit.messages import Acknowledgement
from gateway.providers.appotabill import AppotaBill, Config
from gateway.testing.promises_of_inquiries import (
    MOMENT,
    InquiryConformance,
    Sent,
    a_collection,
)
from tests.providers.bank_wires import (
    APPOTA,
    appota_pays,
    asks_status,
    check,
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
