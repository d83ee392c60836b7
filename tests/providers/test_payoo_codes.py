"""Codes that are paid at a shop, and QRs: opened by the business API, here and at the simulator."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import Garbled, NextAction, Opened, Order, SignatureWrong
from gateway.providers.payoo import Payoo
from gateway.testing.promises_of_calls import Stand
from tests.providers.payoo import ORDER, PAYOO, answer, sent
from tests.providers.payoo_xml import IN_XML
from tests.providers.test_payoo_conformance import TestPayooInXml as InXml

CODED = replace(ORDER, option="billing-code")
SCANNED = replace(ORDER, option="qr")
OPENED = {"ResponseCode": 0, "BillingCode": "888515992"}


def test_a_code_is_asked_for_with_what_the_order_is_about() -> None:
    call = IN_XML.create(CODED)
    asked = sent(call)
    text = asked.pop("Description")
    assert call.url.endswith("/BusinessRestAPI.svc/GetBillingCode")
    assert len(text) > 50
    assert "%" not in text
    assert asked == {
        "OrderNo": ORDER.reference,
        "ShopID": "691",
        "FromShipDate": "25/11/2026",
        "ShipNumDay": 1,
        "CyberCash": 150_000,
        "PaymentExpireDate": "20261125004500",
        "NotifyUrl": ORDER.notify_url,
        "InfoEx": "",
    }


@pytest.mark.parametrize(("payoo", "is_json"), [(PAYOO, True), (IN_XML, False)])
def test_a_qr_is_asked_for_with_notifications_as_configured(payoo: Payoo, *, is_json: bool) -> None:
    call = payoo.create(SCANNED)
    asked = sent(call)
    assert call.url.endswith("/GetQRCode")
    assert (asked["UserName"], asked["IsJsonResponse"]) == ("iss_shop_client", is_json)
    assert "InfoEx" not in asked


def test_an_opened_code_is_what_the_payer_says_at_a_counter() -> None:
    opened = IN_XML.read_created(CODED, answer(OPENED))
    assert opened == Opened(
        NextAction(payment_code="888515992"), memory={"billing_code": "888515992"}
    )


def test_an_opened_qr_is_its_text() -> None:
    told = {"ResponseCode": 0, "QRCode": "000201…6304ABCD", "QRCodeLink": "https://x"}
    assert PAYOO.read_created(SCANNED, answer(told)) == Opened(
        NextAction(qr_content="000201…6304ABCD")
    )


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        *((code, Outcome.FAILED) for code in (84, 85, 86, 1001, 1002, 1003)),
        *((code, Outcome.UNKNOWN) for code in (-1, -2, 83, 1000, 987_654)),
    ],
)
@pytest.mark.parametrize("order", [CODED, SCANNED], ids=["code", "qr"])
def test_a_refusal_is_final_only_if_nothing_can_be_open(
    order: Order, code: int, outcome: Outcome
) -> None:
    said = IN_XML.read_created(order, answer({"ResponseCode": code}))
    assert isinstance(said, Finding)
    assert (said.outcome, said.code) == (outcome, str(code))


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        (CODED, {}),
        (CODED, {"BillingCode": ""}),
        (CODED, {"BillingCode": "12 34"}),
        (CODED, {"BillingCode": "<b>"}),
        (SCANNED, {"QRCode": ""}),
        (SCANNED, {"QRCode": "x" * 1025}),
        (SCANNED, {"QRCode": "a\nb"}),
    ],
)
def test_an_opened_order_without_what_the_payer_needs_is_in_doubt(
    order: Order, fields: dict[str, Any]
) -> None:
    said = IN_XML.read_created(order, answer({"ResponseCode": 0, **fields}))
    assert isinstance(said, Finding)
    assert said.outcome is Outcome.UNKNOWN


def test_an_unsigned_or_forged_answer_opens_nothing() -> None:
    for signature in ("", "0" * 128):
        with pytest.raises(SignatureWrong):
            IN_XML.read_created(CODED, answer(OPENED, signature))


def test_a_code_is_offered_only_where_its_notifications_can_be_read() -> None:
    assert not PAYOO.allows("billing-code")
    assert PAYOO.allows("qr")
    assert IN_XML.allows("billing-code")


# ── at the simulator ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with InXml().stand() as found:
        yield found


def an_order(stand: Stand, option: str) -> Order:
    now = datetime.now(UTC).replace(microsecond=0)
    url = f"{stand.door_url}/v1/notifications/payoo"
    return replace(
        ORDER,
        option=option,
        created_at=now,
        expires_at=now + timedelta(minutes=15),
        notify_url=url,
    )


async def opened(stand: Stand, order: Order) -> NextAction:
    exchange = await stand.wire.send(stand.provider.create(order))
    assert exchange.reply is not None
    said = stand.provider.read_created(order, exchange.reply)
    assert isinstance(said, Opened), said
    return said.action


async def test_a_code_that_is_paid_at_a_shop_is_told_in_xml_and_charged_once(
    stand: Stand,
) -> None:
    order = an_order(stand, "billing-code")
    code = (await opened(stand, order)).payment_code
    assert (await stand.ask(order)).outcome is Outcome.WAITING
    await stand.control("counter", code=code)
    told = stand.provider.read_notification(await stand.heard()).finding
    assert told.outcome is Outcome.SUCCEEDED
    assert stand.refusal(order, told) is None
    assert told.merchant == "691"
    assert (await stand.ask(order)).outcome is Outcome.SUCCEEDED
    with pytest.raises(AssertionError):  # a shop takes no money for it twice
        await stand.control("counter", code=code)
    assert len((await stand.control("charges"))["charges"]) == 1


@pytest.mark.parametrize("fault", ["forged", "bad_signature"])
async def test_a_forged_notification_of_a_code_is_refused(stand: Stand, fault: str) -> None:
    order = an_order(stand, "billing-code")
    code = (await opened(stand, order)).payment_code
    await stand.control("faults", operation="notify", fault=fault)
    await stand.control("counter", code=code)
    with pytest.raises(Garbled):
        stand.provider.read_notification(await stand.heard())


async def test_a_qr_is_paid_and_told_in_the_configured_form(stand: Stand) -> None:
    config = stand.provider.config.model_copy(update={"notifications": "json"})
    for number, provider in enumerate((stand.provider, Payoo(config))):
        reference = f"att_{number:032x}"
        order = replace(an_order(stand, "qr"), reference=reference)
        exchange = await stand.wire.send(provider.create(order))
        assert exchange.reply is not None
        assert isinstance(provider.read_created(order, exchange.reply), Opened)
        await stand.control("payer", reference=reference, act="approve")
        told = provider.read_notification(await stand.heard()).finding
        assert (told.outcome, told.reference) == (Outcome.SUCCEEDED, reference)


async def test_an_order_that_exists_and_what_breaks_a_rule_have_codes_of_their_own(
    stand: Stand,
) -> None:
    order = an_order(stand, "billing-code")
    await opened(stand, order)
    past = replace(order, reference="att_2", expires_at=order.created_at - timedelta(minutes=1))
    for asked, code in ((order, "83"), (past, "86")):
        exchange = await stand.wire.send(stand.provider.create(asked))
        assert exchange.reply is not None
        said = stand.provider.read_created(asked, exchange.reply)
        assert said.code == code
