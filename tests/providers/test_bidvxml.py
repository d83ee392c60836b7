"""BIDV in ISO 8583-like XML: its samples, forgeries, and the exact answer to each outcome."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from gateway.domain.biller import Channel
from gateway.kit.abilities.inquiries import Result
from gateway.kit.messages import Garbled, Unreadable
from gateway.kit.registry import ProviderUnusable, configure
from gateway.providers.bidvxml import SIGNED, BidvXml, Config
from gateway.testing.promises_of_inquiries import a_settlement
from tests.providers.bank_wires import (
    ORDER,
    message,
    pays,
    signed_fields,
    written,
    xml_config,
    xml_fields,
)
from tests.providers.test_bidvxml_conformance import UNDOING, one_provider, read


@pytest.fixture
def provider() -> BidvXml:
    return one_provider()


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
    settled = a_settlement(Result.BILLS)
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
