"""The simulated MoMo's calls, against MoMo's published rules."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.momo import (
    CREATE,
    CREATED,
    NOTICE,
    QUERY,
    Merchant,
    a_merchant,
    an_order,
    signature,
    told,
)


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    async with a_merchant() as merchant:
        yield merchant


async def test_a_payer_pays_an_order(merchant: Merchant) -> None:
    opened = await merchant.create()
    assert (opened["resultCode"], opened["amount"]) == (0, 150_000)
    assert opened["signature"] == signature(CREATED, opened)
    assert (await merchant.query())["resultCode"] == 1000
    page = await merchant.http.get(opened["payUrl"], follow_redirects=True)
    assert "150.000" in page.text
    returned = await merchant.pay()
    assert returned["signature"] == signature(NOTICE, returned)
    assert (returned["resultCode"], returned["extraData"]) == ("0", "eyJhIjoxfQ==")
    paid = await merchant.query()
    assert (paid["resultCode"], paid["amount"], paid["refundTrans"]) == (0, 150_000, [])
    assert str(paid["transId"]) == returned["transId"] != "0"
    assert await merchant.charges() == [("ORDER-1", 150_000)]


async def test_an_order_is_charged_once_however_often_it_is_approved(merchant: Merchant) -> None:
    await merchant.create()
    await asyncio.gather(*(merchant.act("approve") for _ in range(20)))
    await merchant.act("decline")
    assert (await merchant.query())["resultCode"] == 0
    assert await merchant.charges() == [("ORDER-1", 150_000)]


@pytest.mark.parametrize(
    ("act", "code"), [("decline", 1006), ("process", 7002)], ids=["declined", "slow"]
)
async def test_what_a_payer_does_shows_in_the_query(
    merchant: Merchant, act: str, code: int
) -> None:
    await merchant.create()
    assert await merchant.act(act)
    assert (await merchant.query())["resultCode"] == code
    assert await merchant.charges() == []
    assert await merchant.act("approve")
    assert (await merchant.query())["resultCode"] == 0


async def test_an_expired_order_is_not_paid_by_its_page_but_may_still_be_paid_late() -> None:
    async with a_merchant(window_s=0) as merchant:
        await merchant.create()
        assert (await merchant.query())["resultCode"] == 1005
        await merchant.pay()
        assert await merchant.charges() == []
        assert await merchant.act("approve")
        assert (await merchant.query())["resultCode"] == 0


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", CREATE.split())
async def test_a_request_changed_after_signing_is_refused(merchant: Merchant, name: str) -> None:
    order = an_order()
    changed = {
        "amount": 150_001,
        "ipnUrl": "http://127.0.0.1:9/other",
        "redirectUrl": "https://other.example/",
        "requestType": "payWithMethod",
        "partnerCode": "MOMO",
    }
    sent = {**order, "signature": signature(CREATE, order), name: changed.get(name, "other")}
    if name == "partnerCode":
        sent["signature"] = signature(CREATE, order, secret="another")
    answer = await merchant.http.post("/v2/gateway/api/create", json=sent)
    assert (answer.status_code, answer.json()["resultCode"]) == (400, 20)
    wrong = answer.json()["subErrors"][0]
    assert wrong["field"] == "signature"
    assert "accessKey=*****&amount=" in wrong["message"]
    assert merchant.momo.orders == {}


@pytest.mark.parametrize(
    "changed",
    [
        *({"orderId": wrong} for wrong in ("", "-a", "a--b", "a b", "a_", "x" * 201)),
        *({"requestId": wrong} for wrong in ("", "x" * 51)),
        *({"amount": wrong} for wrong in (-1, "1e5", 1.5, True)),
        *({"ipnUrl": wrong} for wrong in ("", "http://a/ b", "http://a/điện", "ftp://a")),
        *({"orderInfo": "x" * 256}, {"orderInfo": ""}, {"extraData": "x" * 1001}, {"lang": "fr"}),
        {"requestType": "linkEverything"},
    ],
    ids=lambda changed: str(changed)[:40],
)
async def test_a_badly_formed_field_is_named(merchant: Merchant, changed: dict[str, Any]) -> None:
    answer = await merchant.post("create", CREATE, an_order() | changed)
    assert (answer.status_code, answer.json()["resultCode"]) == (400, 20)
    assert [wrong["field"] for wrong in answer.json()["subErrors"]] == list(changed)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"1", b"[" * 10_000, b"{}"])
async def test_what_is_no_request_is_refused(merchant: Merchant, body: bytes) -> None:
    for path in ("create", "query", "refund", "refund/query", "confirm"):
        answer = await merchant.http.post(f"/v2/gateway/api/{path}", content=body)
        assert (answer.status_code, answer.json()["resultCode"]) == (400, 20)


@pytest.mark.parametrize(
    ("request_type", "amount", "code"),
    [
        *(("captureWallet", 999, 22), ("captureWallet", 1_000, 0)),
        *(("captureWallet", 50_000_000, 0), ("captureWallet", 50_000_001, 22)),
        *(("payWithATM", 9_999, 22), ("payWithATM", 10_000, 0)),
        *(("payWithCC", 10_000_000, 0), ("payWithCC", 10_000_001, 22)),
    ],
)
async def test_each_request_type_has_its_limits(
    merchant: Merchant, request_type: str, amount: int, code: int
) -> None:
    opened = await merchant.create(requestType=request_type, amount=amount)
    assert opened["resultCode"] == code


async def test_an_amount_may_come_as_text(merchant: Merchant) -> None:
    assert (await merchant.create(amount="150000"))["amount"] == 150_000


async def test_another_merchant_is_not_known(merchant: Merchant) -> None:
    assert (await merchant.create(partnerCode="OTHER"))["resultCode"] == 13


async def test_an_unknown_order_is_not_found(merchant: Merchant) -> None:
    assert (await merchant.query("NOBODY"))["resultCode"] == 42
    assert (await merchant.query_refund("NOBODY"))["resultCode"] == 42
    assert (await merchant.confirm("capture", order_id="NOBODY"))["resultCode"] == 42
    assert (await merchant.http.get("/v2/gateway/pay?t=nonsense")).status_code == 404


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_repeated_request_is_given_its_first_result(merchant: Merchant) -> None:
    first = await merchant.create()
    assert await merchant.create() == first
    assert (await merchant.create(amount=151_000))["resultCode"] == 40
    assert (await merchant.create(requestId="another"))["resultCode"] == 41
    assert list(merchant.momo.orders) == ["ORDER-1"]


async def test_a_request_id_of_a_pending_answer_cannot_be_used_again(merchant: Merchant) -> None:
    await merchant.create()
    assert (await merchant.query(requestId="same"))["resultCode"] == 1000
    assert (await merchant.query(requestId="same"))["resultCode"] == 40


async def test_a_request_id_in_flight_is_answered_422(merchant: Merchant) -> None:
    await merchant.plan("create", "hang_after")
    hanging = asyncio.create_task(merchant.create())
    for _ in range(100):
        await asyncio.sleep(0)
    assert "ORDER-1" in merchant.momo.orders
    answer = await merchant.post("create", CREATE, an_order())
    assert (answer.status_code, answer.json()["resultCode"]) == (422, 7000)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    assert (await merchant.create())["resultCode"] == 0


# ── misbehaviour ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "status", "has_effect"),
    [
        ("error_before", 500, False),
        ("error_after", 500, True),
        ("html_before", 200, False),
        ("html_after", 200, True),
    ],
)
async def test_a_broken_answer_says_nothing_of_the_effect(
    merchant: Merchant, fault: str, status: int, *, has_effect: bool
) -> None:
    await merchant.plan("create", fault)
    answer = await merchant.post("create", CREATE, an_order())
    assert answer.status_code == status
    assert "resultCode" not in answer.text
    assert ("ORDER-1" in merchant.momo.orders) is has_effect
    assert (await merchant.create())["resultCode"] == 0


@pytest.mark.parametrize(
    ("fault", "name", "value"),
    [("wrong_amount", "amount", 151_000), ("other_order", "orderId", "ORDER-1x")],
)
async def test_an_answer_may_be_of_another_order_or_amount(
    merchant: Merchant, fault: str, name: str, value: object
) -> None:
    await merchant.plan("create", fault)
    opened = await merchant.create()
    assert opened[name] == value
    assert opened["signature"] == signature(CREATED, opened)
    await merchant.plan("query", fault)
    assert (await merchant.query())[name] == value
    assert (await merchant.query())[name] != value


async def test_an_answer_may_be_unsigned_or_signed_by_a_stranger(merchant: Merchant) -> None:
    await merchant.plan("create", "unsigned", reference="ORDER-1")
    await merchant.plan("create", "bad_signature", reference="ORDER-2")
    assert "signature" not in await merchant.create()
    wrong = await merchant.create("ORDER-2")
    assert wrong["signature"] != signature(CREATED, wrong)


async def test_a_clock_may_be_twenty_minutes_ahead(merchant: Merchant) -> None:
    usual = (await merchant.create())["responseTime"]
    await merchant.plan("query", "skewed_clock")
    assert (await merchant.query())["responseTime"] >= usual + 20 * 60 * 1000


async def test_the_text_of_an_order_may_ask_for_one_fault_and_is_otherwise_text(
    merchant: Merchant,
) -> None:
    text = "Tiền điện [query:error_before] [query:no_such_fault]"
    await merchant.create(orderInfo=text)
    first = await merchant.post("query", QUERY, merchant.a_question("ORDER-1"))
    assert first.status_code == 500
    assert told(await merchant.post("query", QUERY, merchant.a_question("ORDER-1")))
