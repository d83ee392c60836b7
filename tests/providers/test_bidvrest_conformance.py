"""BIDV over JSON keeps every promise of an adapter that is asked."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.kit.abilities.inquiries import Collection, Inquiry, Result
from gateway.kit.messages import Acknowledgement
from gateway.providers.bidvrest import BidvRest, Config
from gateway.testing.promises_of_inquiries import (
    MOMENT,
    InquiryConformance,
    Sent,
    a_collection,
)
from tests.providers.bank_wires import REST, getbill, paybill

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
