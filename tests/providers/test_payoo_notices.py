import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import (
    Acknowledgement,
    Garbled,
    Incoming,
    SignatureWrong,
    Unreadable,
    Verdict,
)
from gateway.providers.payoo import Config, Payoo
from tests.providers.payoo import (
    ORDER,
    PAID,
    PAYOO,
    PEER,
    SETTINGS,
    a_notice,
    digest,
    packed,
)


def test_a_notification_is_read() -> None:
    found = PAYOO.read_notification(a_notice(PAID))
    assert found.key == f"{ORDER.reference}:1"
    assert found.finding == Finding(
        Outcome.SUCCEEDED,
        code="1",
        reference=ORDER.reference,
        amount_dong=150_000,
        merchant="691",
        paid_at=datetime(2026, 11, 24, 17, 35, tzinfo=UTC),
        memory={"purchased_on": "20261125"},
    )


def test_an_address_that_did_not_send_it_is_refused() -> None:
    with pytest.raises(SignatureWrong):
        PAYOO.read_notification(a_notice(PAID, peer="203.0.113.9"))
    with pytest.raises(SignatureWrong):
        PAYOO.read_notification(a_notice(PAID, at="203.0.113.9"))
    with pytest.raises(SignatureWrong):
        PAYOO.read_notification(a_notice(PAID, at="", peer="10.0.0.1"))


def test_listed_addresses_are_tried_beside_the_true_one() -> None:
    assert PAYOO.read_notification(a_notice(PAID, at="118.69.56.194", peer="10.0.0.1"))
    settings = SETTINGS | {"notify_addresses": "118.69.206.8,2001:db8::7"}
    listing = Payoo(Config.model_validate_strings(settings))
    assert listing.read_notification(a_notice(PAID, at="2001:db8::7", peer="10.0.0.1"))
    with pytest.raises(SignatureWrong):
        listing.read_notification(a_notice(PAID, at="118.69.56.194", peer="10.0.0.1"))


def test_no_address_is_ever_tried_as_none() -> None:
    for listed in ("", "118.69.206.8,"):
        payoo = Payoo(Config.model_validate_strings(SETTINGS | {"notify_addresses": listed}))
        with pytest.raises(SignatureWrong):
            payoo.read_notification(a_notice(PAID, at="", peer=""))


@pytest.mark.parametrize("signature", ["", None, 1, "0" * 128, "đ"])
@pytest.mark.parametrize("listed", ["", "118.69.206.8"])
def test_no_signature_is_no_signature(signature: object, listed: str) -> None:
    payoo = Payoo(Config.model_validate_strings(SETTINGS | {"notify_addresses": listed}))
    envelope = {"ResponseData": json.dumps(PAID), "Signature": signature}
    for peer in ("", PEER):
        with pytest.raises(Garbled):
            payoo.read_notification(packed(envelope, peer))
    with pytest.raises(SignatureWrong):
        payoo.read_notification(packed({"ResponseData": json.dumps(PAID)}))


def test_an_address_mapped_into_the_other_family_is_the_same() -> None:
    assert PAYOO.read_notification(a_notice(PAID, peer=f"::ffff:{PEER}"))


@pytest.mark.parametrize("name", PAID)
def test_a_changed_field_is_refused(name: str) -> None:
    true = json.dumps(PAID)
    forged = json.dumps(PAID | {name: "7"})
    with pytest.raises(SignatureWrong):
        PAYOO.read_notification(packed({"ResponseData": forged, "Signature": digest(true + PEER)}))


def test_what_stands_behind_the_json_is_refused_though_it_be_signed() -> None:
    # A plain hash can be extended by whoever knows one: `key + data + address + padding + more`.
    with pytest.raises(Unreadable):
        PAYOO.read_notification(a_notice(f'{json.dumps(PAID)}{PEER}\x80 {{"PaymentStatus":1}}'))


@pytest.mark.parametrize(
    ("cash", "dong"),
    [('"356400.00000000"', 356_400), ("356400.00000000", 356_400), ("356400", 356_400)],
)
def test_an_amount_keeps_its_dong_however_it_is_written(cash: str, dong: int) -> None:
    text = json.dumps(PAID).replace('"150000.00000000"', cash)
    assert PAYOO.read_notification(a_notice(text)).finding.amount_dong == dong


@pytest.mark.parametrize("cash", ["356400.5", "-1", "1e6", "1,000", "9" * 16, "356400.", True, [1]])
def test_an_amount_that_is_no_whole_dong_is_unreadable(cash: object) -> None:
    with pytest.raises(Unreadable, match="OrderCash"):
        PAYOO.read_notification(a_notice(PAID | {"OrderCash": cash}))


@pytest.mark.parametrize("status", [0, 2, 3, -1, "01x", 10, None])
def test_any_other_status_proves_nothing(status: object) -> None:
    with suppress(Unreadable):
        found = PAYOO.read_notification(a_notice(PAID | {"PaymentStatus": status})).finding
        assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [True, 1.5, "1x", {}])
def test_a_status_that_is_no_number_is_unreadable(status: object) -> None:
    with pytest.raises(Unreadable):
        PAYOO.read_notification(a_notice(PAID | {"PaymentStatus": status}))


@pytest.mark.parametrize("lacking", ["OrderNo", "PurchaseDate", "OrderCash"])
def test_a_notification_that_lacks_a_field_says_less(lacking: str) -> None:
    some = {name: value for name, value in PAID.items() if name != lacking}
    if lacking == "OrderNo":
        with pytest.raises(Unreadable):
            PAYOO.read_notification(a_notice(some))
        return
    found = PAYOO.read_notification(a_notice(some)).finding
    assert (found.paid_at is None) is (lacking == "PurchaseDate")
    assert (found.amount_dong is None) is (lacking == "OrderCash")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"NotifyData=",
        b"Other=e30=",
        b"NotifyData=%FF",
        b"NotifyData=<PayooConnectionPackage/>",
        a_notice(PAID).body * 2,
        a_notice(PAID).body + b"&" + a_notice(PAID).body,
        b"&".join([b"x=1"] * 200),
    ],
)
def test_what_is_no_notification_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        PAYOO.read_notification(Incoming("POST", body=body, peer=PEER))


def test_a_plus_that_was_sent_as_it_is_does_no_harm() -> None:
    true = a_notice(PAID | {"BankName": "ÿþý>>>???"})
    assert b"%2B" in true.body
    assert PAYOO.read_notification(replace(true, body=true.body.replace(b"%2B", b"+")))


@given(st.binary())
def test_no_bytes_raise_anything_but_garbled(body: bytes) -> None:
    for incoming in (Incoming("POST", body=body), packed(body)):
        with pytest.raises(Garbled):
            PAYOO.read_notification(incoming)


@pytest.mark.parametrize("verdict", [Verdict.RECORDED, Verdict.REPEATED, Verdict.AMOUNT_DIFFERS])
def test_what_is_written_down_is_thanked_for_in_payoos_own_words(verdict: Verdict) -> None:
    due = Acknowledgement(200, b"NOTIFY_RECEIVED", "text/plain")
    assert PAYOO.acknowledge(verdict) == due


@pytest.mark.parametrize("verdict", [Verdict.REFUSED, Verdict.UNKNOWN_REFERENCE, Verdict.TRY_LATER])
def test_what_is_not_written_down_is_to_come_again(verdict: Verdict) -> None:
    said = PAYOO.acknowledge(verdict)
    assert said.status >= 400
    assert said.body != b"NOTIFY_RECEIVED"
