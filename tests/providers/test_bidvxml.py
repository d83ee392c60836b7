"""BIDV in ISO 8583-like XML: its samples, forgeries, and the exact answer to each outcome."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.domain.biller import Channel
from gateway.kit.abilities.inquiries import Collection, Inquiry, Result, Undo
from gateway.kit.messages import Acknowledgement, Garbled, Unreadable
from gateway.kit.registry import ProviderUnusable, configure
from gateway.providers.bidvxml import SIGNED, BidvXml, Config
from gateway.testing.promises_of_inquiries import (
    MOMENT,
    InquiryConformance,
    Sent,
    a_collection,
)
from tests.providers import test_bidvrest
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


@pytest.fixture
def provider() -> BidvXml:
    return one_provider()


def read(provider: BidvXml, sent: Sent) -> Any:
    return provider.read_question(sent.operation, sent.incoming, MOMENT)


class TestBidvXml(InquiryConformance):
    provider_class = BidvXml
    questions = (Inquiry("PB14010012345"), a_collection(reference=REFERENCE), Undo(REFERENCE))
    codes = {  # noqa: RUF012
        Inquiry: test_bidvrest.ASKED,
        Collection: test_bidvrest.PAID,
        Undo: UNDONE,
    }
    undecided = test_bidvrest.UNDECIDED
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


def test_the_signed_fields_stand_in_the_banks_order() -> None:
    assert [f"f{number}" for number in ORDER.split()] == list(SIGNED)


def test_the_mti_is_not_signed_and_cannot_turn_a_question_into_a_payment(
    provider: BidvXml,
) -> None:
    for sent, mti in ((message("1100"), "1200"), (pays(), "1100")):
        fields = xml_fields(sent.incoming.body)
        with pytest.raises(Unreadable):
            read(provider, written({**fields, "mti": mti}))
    undoing = xml_fields(message("1200", **UNDOING).incoming.body)
    with pytest.raises(Unreadable):
        read(provider, written({**undoing, "mti": "1100"}))


@pytest.mark.parametrize(
    ("code", "channel"),
    [
        ("211701", Channel.MOBILE_BANKING),
        ("211601", Channel.INTERNET_BANKING),
        ("211901", Channel.SMS_BANKING),
        ("211101", Channel.COUNTER_CASH),
    ],
)
def test_the_banks_channels_are_told_apart(provider: BidvXml, code: str, channel: Channel) -> None:
    assert read(provider, pays(f22=code)).channel is channel


def test_the_amount_is_in_hundredths_and_several_bills_add_up(provider: BidvXml) -> None:
    two = "[HD-10||99000|Ky 10][HD-11||212000|]"
    asked = read(provider, pays(f4="31100000", f62=two))
    assert (asked.amount_dong, asked.bill_ids) == (311_000, ("HD-10", "HD-11"))
    with pytest.raises(Unreadable):
        read(provider, pays(f4="31100100", f62=two))


@pytest.mark.parametrize(
    "changes",
    [
        {"f4": "9900050"},
        {"f4": "0"},
        {"f4": "99e5"},
        {"f12": "20261332000000"},
        {"f12": "absent"},
        {"f11": "absent"},
        {"f11": "1|2"},
        {"f22": "211801"},
        {"f32": "ACB"},
        {"f48": "a|b|c"},
        {"f62": "[HD-10||99000|a][HD-10||99000|a]"},
        {"f62": "HD-10"},
        {"f2": "PB 14"},
    ],
    ids=repr,
)
def test_what_is_signed_but_no_payment_is_unreadable(
    provider: BidvXml, changes: dict[str, str]
) -> None:
    with pytest.raises(Unreadable):
        read(provider, pays(**changes))


@pytest.mark.parametrize(
    ("changes", "code"), [({"f49": "USD"}, "102"), ({"f3": "9"}, "006"), ({"f22": "1"}, "101")]
)
def test_a_wrong_field_has_the_banks_own_code(
    provider: BidvXml, changes: dict[str, str], code: str
) -> None:
    sent = pays(**changes)
    with pytest.raises(Garbled) as caught:
        read(provider, sent)
    said = signed_fields(provider.write_refusal("message", sent.incoming, caught.value))
    assert (said["mti"], said["f39"], said["f11"]) == ("1210", code, "000001")


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE m [<!ENTITY a "b">]><message><mti>1100</mti></message>',
        b"<message><mti>1100</mti><mti>1200</mti></message>",
        b"<message><mti>1100</mti><f2><f3>1</f3></f2></message>",
        b"<message><mti>1100</mti><f99>1</f99></message>",
        b'<message><mti>1100</mti><f2 a="b">1</f2></message>',
        b"<message><mti>1300</mti></message>",
        b"<a/>",
        b"<message>" + b"<a>" * 20_000,
    ],
    ids=["entity", "twice", "nested", "unknown", "attribute", "mti", "root", "deep"],
)
def test_xml_that_is_no_message_is_unreadable(provider: BidvXml, body: bytes) -> None:
    sent = message("1100")
    with pytest.raises(Unreadable):
        read(provider, replace(sent, incoming=replace(sent.incoming, body=body)))


def test_bills_are_written_as_the_bank_lists_them(provider: BidvXml) -> None:
    settled = TestBidvXml()._settled(Result.BILLS)
    said = signed_fields(provider.write_answer(read(provider, message("1100")), settled))
    assert (said["mti"], said["f39"], said["f4"]) == ("1110", "000", "31100000")
    assert said["f48"] == "N*** V*** Án & <Con>  x |***, Phường 5"
    assert said["f62"] == "[HD-10||99000|Ky 10/2026][HD-11||212000|Ky 11/2026]"


def test_a_refusal_signs_nothing_that_could_be_read_as_another_answer(
    provider: BidvXml,
) -> None:
    # Unescaped, f34 would move f39 to "000" within what we sign.
    sent = written({"mti": "1200", "f11": "1", "f34": "x|000", "f41": "a|b", "f63": "AAAA"})
    with pytest.raises(Garbled) as caught:
        read(provider, sent)
    said = signed_fields(provider.write_refusal("message", sent.incoming, caught.value))
    assert said["f39"] == "007"
    assert not {"f34", "f41"} & said.keys()


@pytest.mark.parametrize("name", ["bank_public_key", "private_key"])
def test_a_key_that_is_none_is_named_and_not_shown(name: str) -> None:
    with pytest.raises(ProviderUnusable) as caught:
        configure(BidvXml, {**xml_config(), name: "hush-hush"})
    assert "hush-hush" not in str(caught.value)
    with pytest.raises(ValidationError):
        Config.model_validate({**xml_config(), name: "none"})
