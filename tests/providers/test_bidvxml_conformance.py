"""BIDV in XML keeps every promise of an adapter that is asked."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from gateway.kit.abilities.inquiries import Collection, Inquiry, Result, Undo
from gateway.kit.messages import Acknowledgement
from gateway.providers.bidvxml import BidvXml, Config
from gateway.testing.promises_of_inquiries import (
    MOMENT,
    InquiryConformance,
    Sent,
    a_collection,
)
from tests.providers import test_bidvrest_conformance as rest
from tests.providers.bank_wires import (
    ORDER,
    message,
    pays,
    signed_fields,
    written,
    xml_config,
    xml_fields,
)

UNDONE = {
    Result.UNDONE: "000",
    Result.TOO_LATE: "016",
    Result.NOT_FOUND: "018",
    Result.IN_PROGRESS: "050",
    Result.DOUBT: "100",
}
REFERENCE = "20261124-000001"
UNDOING = {"f56": "20261124100000000001", "f11": "000009"}


@cache
def one_provider() -> BidvXml:
    """Reading a private key takes a tenth of a second: once is enough."""
    return BidvXml(Config.model_validate(xml_config()))


def read(provider: BidvXml, sent: Sent) -> Any:
    return provider.read_question(sent.operation, sent.incoming, MOMENT)


class TestBidvXml(InquiryConformance):
    provider_class = BidvXml
    questions = (Inquiry("PB14010012345"), a_collection(reference=REFERENCE), Undo(REFERENCE))
    codes = {  # noqa: RUF012
        Inquiry: rest.ASKED,
        Collection: rest.PAID,
        Undo: UNDONE,
    }
    undecided = rest.UNDECIDED
    refusals = (frozenset({"007"}), "101")

    def provider(self) -> BidvXml:
        return one_provider()

    def config(self) -> Config:
        return one_provider().config

    def sent(self, question: Any) -> Sent:
        if isinstance(question, Inquiry):
            return message("1100")
        return pays() if isinstance(question, Collection) else message("1200", **UNDOING)

    def read(self, sent: Sent) -> Any:
        asked = super().read(sent)
        return replace(asked, at=None) if isinstance(asked, Collection) else asked

    def forged(self, sent: Sent) -> Iterable[tuple[str, Sent]]:
        fields = xml_fields(sent.incoming.body)
        for number in ORDER.split():
            name = f"f{number}"
            yield name, written({**fields, name: f"{fields.get(name, '')}1"})
        yield "f63", written({**fields, "f63": fields["f63"][::-1]})
        yield "no f63", written({n: v for n, v in fields.items() if n != "f63"})
        yield "another's key", message(fields["mti"], "stranger")

    def code_of(self, said: Acknowledgement) -> str:
        return signed_fields(said)["f39"]
