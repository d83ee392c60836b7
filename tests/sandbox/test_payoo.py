"""The simulated Payoo against the documents: orders, the payer, notifications."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from gateway.sandbox.payoo_wire import Shop
from tests.sandbox.payoo import (
    DOMAIN,
    KEY,
    Merchant,
    Stage,
    answers,
    is_from,
    order_xml,
    sha,
    staged,
    vietnam,
)

HERE = "127.0.0.1"


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with staged() as shared:
        yield shared


@pytest.fixture
async def shop(stage: Stage) -> AsyncIterator[Merchant]:
    async with stage.merchant(repeat_after_s=(0.0, 0.0, 0.0)) as merchant:
        yield merchant


# ── orders ───────────────────────────────────────────────────────────────────────────────────────


async def test_an_opened_order_leads_to_the_payer_s_page(shop: Merchant) -> None:
    elements = shop.order()
    said = await shop.create(elements)
    order = said["order"]
    assert said["is_signed"], "the checksum is over the order exactly as it was sent"
    assert (order["order_no"], order["amount"]) == (elements["order_no"], "150000")
    assert isinstance(order["order_id"], int)
    page = await shop.http.get(order["payment_url"])
    assert "150.000" in page.text


async def test_the_answer_has_the_escaped_slashes_over_which_it_is_signed(shop: Merchant) -> None:
    text = order_xml(shop.order())
    form = {"data": text, "checksum": sha(KEY + text).upper(), "refer": DOMAIN}
    answer = await shop.http.post("/v2/paynow/order/create", data=form)
    assert r"http:\/\/" in answer.text


async def test_json_and_multipart_are_read_as_a_form_is(shop: Merchant) -> None:
    for number in range(2):
        text = order_xml(shop.order())
        form = {"data": text, "checksum": sha(KEY + text), "refer": DOMAIN}
        path = "/v2/paynow/order/create"
        parts = {name: (None, value) for name, value in form.items()}
        answer = await (
            shop.http.post(path, json=form) if number else shop.http.post(path, files=parts)
        )
        assert answer.json()["result"] == "success"


@pytest.mark.parametrize(
    "changed",
    [
        *({name: None} for name in ("session", "order_no", "notify_url", "order_ship_days")),
        {"username": "another"},
        {"shop_id": "1"},
        {"shop_domain": "https://other.example"},
        {"order_cash_amount": "0"},
        {"order_cash_amount": "150.000"},
        {"order_cash_amount": "-1"},
        {"order_description": quote("x" * 50)},
        {"order_ship_date": "01/01/2026"},
        {"order_ship_date": "2026-11-24"},
        {"order_ship_days": "soon"},
        {"validity_time": "20260101000000"},
        {"validity_time": "tomorrow"},
        {"notify_url": "http://127.0.0.1/notify"},
        {"shop_back_url": quote("javascript:x", safe="")},
    ],
    ids=str,
)
async def test_an_order_that_breaks_a_rule_is_not_opened(
    shop: Merchant, changed: dict[str, str | None]
) -> None:
    said = await shop.create(shop.order(**changed))
    assert (said["result"], said["order"]) == ("fail", None)
    assert said["message"]
    assert shop.rail.orders == {}


async def test_a_description_of_51_characters_is_long_enough(shop: Merchant) -> None:
    assert await shop.open(order_description=quote("đ" * 51))


async def test_a_wrong_checksum_opens_nothing(shop: Merchant) -> None:
    for checksum in ("", "0" * 128, "ổ"):
        said = await shop.create(shop.order(), checksum=checksum)
        assert said["result"] == "fail"
    assert (await shop.create(shop.order(), refer="https://other.example"))["result"] == "fail"
    assert shop.rail.orders == {}


@pytest.mark.parametrize(
    "data",
    ["", "<", "<shops/>", "<shops><shop>", "<a><shop/></a>", "<!DOCTYPE a><shops><shop/></shops>"],
)
async def test_what_is_no_order_opens_nothing(shop: Merchant, data: str) -> None:
    assert (await shop.create({}, data))["result"] == "fail"
    assert shop.rail.orders == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"data=%ff", b"[" * 9999])
@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_what_cannot_be_read_is_refused(shop: Merchant, body: bytes, kind: str) -> None:
    headers = {"content-type": kind}
    answer = await shop.http.post("/v2/paynow/order/create", content=body, headers=headers)
    assert answer.json()["result"] == "fail"


async def test_an_order_number_is_used_once(shop: Merchant) -> None:
    order_no = await shop.open()
    assert (await shop.create(shop.order(order_no=order_no)))["result"] == "fail"
    assert len(shop.rail.orders) == 1


# ── the payer ────────────────────────────────────────────────────────────────────────────────────


async def test_a_payment_is_notified_queried_and_brought_back(shop: Merchant) -> None:
    order_no = await shop.open()
    assert await shop.status(order_no) == 0
    brought = await shop.pay(order_no)
    assert await shop.status(order_no) == 1
    whole = await shop.notified()
    assert is_from(whole, HERE)
    said = whole["said"]
    assert (said["OrderNo"], said["ShopId"], said["PaymentStatus"]) == (order_no, 691, 1)
    assert said["PurchaseDate"].startswith(vietnam(form="%Y%m%d"))
    assert '"OrderCash":150000.00000000,' in whole["ResponseData"]
    assert (brought["order_no"], brought["status"], brought["keep"]) == (order_no, "1", "1")
    assert brought["checksum"] == sha(f"{KEY}s1.{order_no}.1")


async def test_a_paid_order_is_never_charged_again(shop: Merchant) -> None:
    order_no = await shop.paid()
    await shop.pay(order_no)
    await shop.control("payer", reference=order_no, act="approve")
    assert [charge["reference"] for charge in await shop.charges()] == [order_no]


async def test_a_declined_order_is_over_and_nobody_is_told(shop: Merchant) -> None:
    order_no = await shop.open()
    brought = await shop.pay(order_no, "decline")
    assert (brought["status"], brought["errorcode"]) == ("0", "501")
    assert brought["checksum"] == sha(f"{KEY}s1.{order_no}.0")
    assert await shop.status(order_no) == 3
    await shop.paid()
    assert shop.door.arrived.empty()
    assert len(await shop.charges()) == 1


async def test_an_order_at_the_bank_comes_back_as_800_and_is_paid_later(shop: Merchant) -> None:
    order_no = await shop.open()
    await shop.control("payer", reference=order_no, act="process")
    assert await shop.status(order_no) == 2
    brought = shop.rail.return_to(shop.rail.orders[order_no])
    assert "errorcode=800" in brought
    await shop.control("payer", reference=order_no, act="approve")
    assert await shop.status(order_no) == 1
    assert (await shop.notified())["said"]["OrderNo"] == order_no


async def test_an_expired_order_cannot_be_paid_and_late_money_is_told(stage: Stage) -> None:
    async with stage.merchant(window_s=0.0) as shop:
        order_no = await shop.open()
        brought = await shop.pay(order_no)
        assert (brought["status"], brought["errorcode"]) == ("-1", "599")
        assert await shop.status(order_no) == 4
        assert await shop.charges() == []
        await shop.control("payer", reference=order_no, act="approve")
        assert (await shop.notified())["said"]["OrderNo"] == order_no
        assert await shop.status(order_no) == 1


# ── notifications ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("body", [b"", b"OK", b"NOTIFY_RECEIVED\n", b"notify_received"])
async def test_a_notification_is_repeated_until_it_is_answered_exactly(
    shop: Merchant, body: bytes
) -> None:
    shop.door.answer = answers(body, body, b"NOTIFY_RECEIVED")
    await shop.pay(await shop.open())
    first = await shop.notified()
    assert [await shop.notified() for _ in range(2)] == [first] * 2
    await shop.paid()
    assert shop.door.arrived.empty()


async def test_the_sender_s_address_is_signed(stage: Stage) -> None:
    async with stage.merchant(shop=Shop(sender_ip="118.69.56.194")) as shop:
        await shop.pay(await shop.open())
        whole = await shop.notified()
        assert is_from(whole, "118.69.56.194")
        assert not is_from(whole, HERE)


async def test_an_order_without_json_response_is_notified_by_xml(shop: Merchant) -> None:
    order_no = await shop.open(JsonResponse=None)
    await shop.pay(order_no)
    package, data = await shop.notified_xml()
    assert data.findtext("State") == "PAYMENT_RECEIVED"
    assert data.findtext("shops/shop/order_no") == order_no
    names = (package.findtext("KeyFields") or "").split("|")
    assert {"OrderNo", "OrderCashAmount", "State"} <= set(names)
    elements = {
        "Session": "session",
        "BusinessUsername": "username",
        "ShopID": "shop_id",
        "OrderNo": "order_no",
        "OrderCashAmount": "order_cash_amount",
        "NotifyUrl": "notify_url",
        "PaymentExpireDate": "validity_time",
    }
    values = [
        data.findtext("State" if name == "State" else f"shops/shop/{elements[name]}") or ""
        for name in names
    ]
    assert package.findtext("Signature") == sha("|".join([KEY, *values]))


async def test_xml_tells_of_processing_too(shop: Merchant) -> None:
    order_no = await shop.open(JsonResponse=None)
    await shop.control("payer", reference=order_no, act="process")
    _, data = await shop.notified_xml()
    assert data.findtext("State") == "PAYMENT_PROCESSING"
