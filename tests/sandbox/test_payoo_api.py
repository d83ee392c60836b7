"""The simulated Payoo's business API: query, cancel, refund; and how it misbehaves."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.payoo import KEY, Merchant, Stage, is_from, sha, staged

HERE = "127.0.0.1"
CALLS = ["GetOrderInfo", "CancelOrder", "refund"]


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with staged() as shared:
        yield shared


@pytest.fixture
async def shop(stage: Stage) -> AsyncIterator[Merchant]:
    async with stage.merchant() as merchant:
        yield merchant


# ── who asks ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ["APIUsername", "APIPassword", "APISignature"])
async def test_wrong_credentials_are_1001(shop: Merchant, call: str, name: str) -> None:
    said = await shop.api(call, {}, headers={name: "x"})
    assert (said["ResponseCode"], said["is_signed"]) == (1001, True)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", [{"Signature": "0" * 128}, {"RequestData": '{"OrderNo":"x"}'}])
async def test_a_wrong_signature_is_1002(shop: Merchant, call: str, body: dict[str, str]) -> None:
    assert (await shop.api(call, {}, body=body))["ResponseCode"] == 1002


@pytest.mark.parametrize("data", ["", "[1]", "5", "{"])
async def test_what_is_no_request_is_1003(shop: Merchant, data: str) -> None:
    body = {"RequestData": data, "Signature": sha(KEY + data)}
    assert (await shop.api("GetOrderInfo", {}, body=body))["ResponseCode"] == 1003


@pytest.mark.parametrize("call", ["GetOrderInfo", "CancelOrder"])
async def test_another_shop_s_number_is_3(shop: Merchant, call: str) -> None:
    for asked in ({"ShopId": 1}, {"ShopID": 1}, {}):
        assert (await shop.api(call, asked))["ResponseCode"] == 3


# ── query ────────────────────────────────────────────────────────────────────────────────────────


async def test_an_order_is_found_by_either_number(shop: Merchant) -> None:
    elements = shop.order()
    number = (await shop.create(elements))["order"]["order_id"]
    for named in (elements["order_no"], number, str(number)):
        said = await shop.query(named)
        assert (said["OrderNo"], said["OrderCash"]) == (elements["order_no"], 150_000)
        assert said["is_signed"]


async def test_an_order_that_is_not_there_is_8(shop: Merchant) -> None:
    order_no = await shop.open()
    assert (await shop.query("nobody"))["ResponseCode"] == 8
    assert (await shop.query(order_no, PurchaseDate="20200101"))["ResponseCode"] == 8


# ── cancel ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_cancelled_order_cannot_be_paid(shop: Merchant) -> None:
    order_no = await shop.open()
    assert await shop.cancel(order_no) == 0
    assert await shop.status(order_no) == 3
    brought = await shop.pay(order_no)
    assert brought["status"] == "-1"
    assert await shop.charges() == []
    assert await shop.cancel(order_no) == 12


async def test_what_cannot_be_cancelled_is_refused(shop: Merchant) -> None:
    assert await shop.cancel(await shop.paid()) == 11
    assert await shop.cancel("nobody") == 8
    assert await shop.cancel(await shop.open(), NewStatus=1) == 1003
    at_bank = await shop.open()
    await shop.control("payer", reference=at_bank, act="process")
    assert await shop.cancel(at_bank) == 11


async def test_an_expired_order_is_not_cancelled(stage: Stage) -> None:
    async with stage.merchant(window_s=0.0) as shop:
        assert await shop.cancel(await shop.open()) == 11


# ── refund ───────────────────────────────────────────────────────────────────────────────────────


async def test_never_more_is_refunded_than_was_paid(shop: Merchant) -> None:
    order_no = await shop.paid()
    said = await shop.refund(order_no, 100_000)
    assert (said["ResponseCode"], said["AmountRefunded"]) == (0, 100_000)
    assert said["TransferCode"]
    assert (await shop.refund(order_no, 50_001))["ResponseCode"] == 97
    assert (await shop.refund(order_no, "50000.00000000"))["ResponseCode"] == 0
    assert (await shop.refund(order_no, 1))["ResponseCode"] == 97
    assert shop.rail.books.refunded_dong(order_no) == 150_000


@pytest.mark.parametrize("money", [0, -1, "1e5", None, 1.5])
async def test_a_refund_of_no_amount_is_9(shop: Merchant, money: Any) -> None:
    assert (await shop.refund(await shop.paid(), money))["ResponseCode"] == 9


async def test_a_refund_id_counts_once(shop: Merchant) -> None:
    order_no = await shop.paid()
    assert (await shop.refund(order_no, 50_000, RefundId="r1"))["ResponseCode"] == 0
    assert (await shop.refund(order_no, 50_000, RefundId="r1"))["ResponseCode"] == 99
    assert shop.rail.books.refunded_dong(order_no) == 50_000
    assert (await shop.refund(order_no, 50_000, RefundId="r2"))["ResponseCode"] == 0


async def test_what_was_not_paid_is_not_refunded(shop: Merchant) -> None:
    order_no = await shop.open()
    assert (await shop.refund(order_no, 1_000))["ResponseCode"] == 8
    assert await shop.cancel(order_no) == 0
    assert (await shop.refund(order_no, 1_000))["ResponseCode"] == 98
    assert (await shop.refund("nobody", 1_000))["ResponseCode"] == 8


@pytest.mark.parametrize("changed", [{"ActionType": 1}, {"Description": ""}])
async def test_a_refund_without_its_fields_is_1003(
    shop: Merchant, changed: dict[str, object]
) -> None:
    assert (await shop.refund(await shop.paid(), 1_000, **changed))["ResponseCode"] == 1003


@pytest.mark.parametrize("code", [91, 92, 94, 96, 1000])
@pytest.mark.parametrize("is_made", [True, False])
async def test_the_next_refund_is_answered_as_planned(
    shop: Merchant, code: int, *, is_made: bool
) -> None:
    order_no = await shop.paid()
    assert await shop.control("refunds", code=code, is_made=is_made) == 204
    assert (await shop.refund(order_no, 50_000))["ResponseCode"] == code
    assert shop.rail.books.refunded_dong(order_no) == (50_000 if is_made else 0)
    assert (await shop.refund(order_no, 50_000))["ResponseCode"] == 0
    assert await shop.control("refunds", code=1) == 400


# ── faults ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("fault", "opened"), [("error_before", 0), ("error_after", 1)])
async def test_a_create_without_an_answer_may_have_had_its_effect(
    shop: Merchant, fault: str, opened: int
) -> None:
    await shop.control("faults", operation="create", fault=fault)
    with pytest.raises(AssertionError, match="Internal Server Error"):
        await shop.create(shop.order())
    assert len(shop.rail.orders) == opened


async def test_a_dropped_refund_was_made(shop: Merchant) -> None:
    order_no = await shop.paid()
    await shop.control("faults", operation="refund", fault="drop_after")
    with pytest.raises(httpx.RemoteProtocolError):
        await shop.refund(order_no, 50_000, RefundId="r1")
    assert (await shop.refund(order_no, 50_000, RefundId="r1"))["ResponseCode"] == 99


@pytest.mark.parametrize("fault", ["bad_signature", "unsigned"])
async def test_an_answer_that_payoo_did_not_sign(shop: Merchant, fault: str) -> None:
    await shop.control("faults", operation="create", fault=fault)
    elements = shop.order()
    assert not (await shop.create(elements))["is_signed"]
    await shop.control("faults", operation="query", fault=fault)
    assert not (await shop.query(elements["order_no"]))["is_signed"]


@pytest.mark.parametrize(
    ("fault", "order_no", "cash"), [("wrong_amount", "", 151_000), ("other_order", "x", 150_000)]
)
async def test_a_signed_answer_that_is_not_the_order_s(
    shop: Merchant, fault: str, order_no: str, cash: int
) -> None:
    await shop.control("faults", operation="create", fault=fault)
    elements = shop.order()
    order = (await shop.create(elements))["order"]
    told = (elements["order_no"] + order_no, cash)
    assert (order["order_no"], int(order["amount"])) == told
    await shop.control("faults", operation="query", fault=fault)
    said = await shop.query(elements["order_no"])
    assert (said["OrderNo"], said["OrderCash"]) == told
    assert said["is_signed"]


async def test_too_many_requests_have_no_effect(shop: Merchant) -> None:
    order_no = await shop.open()
    for operation in ("create", "query", "cancel", "refund"):
        await shop.control("faults", operation=operation, fault="rate_limited")
    assert (await shop.create(shop.order()))["result"] == "fail"
    assert (await shop.query(order_no))["ResponseCode"] == 1000
    assert await shop.cancel(order_no) == 1000
    assert (await shop.refund(order_no, 1_000))["ResponseCode"] == 1000
    assert await shop.status(order_no) == 0


async def test_a_fault_may_stand_in_the_order_s_text(shop: Merchant) -> None:
    order_no = await shop.open(order_description="x" * 51 + "[query:wrong_amount]")
    assert (await shop.query(order_no))["OrderCash"] == 151_000
    assert (await shop.query(order_no))["OrderCash"] == 150_000


async def test_a_clock_that_is_ahead_refuses_an_order_that_is_about_to_end(
    shop: Merchant,
) -> None:
    await shop.control("faults", operation="create", fault="skewed_clock")
    assert (await shop.create(shop.order()))["result"] == "fail"


@pytest.mark.parametrize("fault", ["bad_signature", "unsigned"])
async def test_a_notification_that_does_not_verify(shop: Merchant, fault: str) -> None:
    await shop.control("faults", operation="notify", fault=fault)
    await shop.pay(await shop.open())
    whole = await shop.notified()
    assert not is_from(whole, HERE)
    assert is_from(whole, "203.0.113.99") is (fault == "bad_signature")


async def test_a_forged_notification_comes_before_the_true_one(shop: Merchant) -> None:
    await shop.control("faults", operation="notify", fault="forged")
    order_no = await shop.open()
    await shop.pay(order_no)
    forged, true = await shop.notified(), await shop.notified()
    assert (forged["said"]["OrderNo"], true["said"]["OrderNo"]) == (order_no, order_no)
    assert forged["said"]["OrderCash"] != true["said"]["OrderCash"]
    assert (is_from(forged, HERE), is_from(true, HERE)) == (False, True)


@pytest.mark.parametrize("fault", ["wrong_amount", "other_order"])
async def test_a_signed_notification_that_is_not_the_order_s(shop: Merchant, fault: str) -> None:
    await shop.control("faults", operation="notify", fault=fault)
    order_no = await shop.open()
    await shop.pay(order_no)
    whole = await shop.notified()
    assert is_from(whole, HERE)
    assert (whole["said"]["OrderNo"], whole["said"]["OrderCash"]) != (order_no, 150_000)


@pytest.mark.parametrize("fault", ["forged", "unsigned", "bad_signature", "reordered"])
async def test_an_xml_notification_misbehaves_too(shop: Merchant, fault: str) -> None:
    await shop.control("faults", operation="notify", fault=fault)
    await shop.pay(await shop.open(JsonResponse=None))
    first, said = await shop.notified_xml()
    assert said.findtext("State") == "PAYMENT_RECEIVED"
    if fault in {"unsigned", "bad_signature"}:
        assert shop.door.arrived.empty()
        return
    second, later = await shop.notified_xml()
    assert first.findtext("Signature") != second.findtext("Signature")
    is_late = fault == "reordered"
    assert later.findtext("State") == ("PAYMENT_PROCESSING" if is_late else "PAYMENT_RECEIVED")


async def test_a_duplicate_comes_three_times_and_a_missing_one_never(shop: Merchant) -> None:
    await shop.control("faults", operation="notify", fault="missing")
    await shop.pay(await shop.open())
    await shop.control("faults", operation="notify", fault="duplicate")
    order_no = await shop.open()
    await shop.pay(order_no)
    told = [(await shop.notified())["said"]["OrderNo"] for _ in range(3)]
    assert told == [order_no] * 3
    assert shop.door.arrived.empty()


async def test_no_fault_ever_charges_twice(stage: Stage) -> None:
    async with stage.merchant(seed=7, repeat_after_s=(0.0,)) as shop:
        orders = [await shop.open() for _ in range(20)]
        shop.rail.faults.rate = 0.5
        for order_no in orders * 2:
            await shop.control("payer", reference=order_no, act="approve")
        charged = [charge["reference"] for charge in await shop.charges()]
        assert sorted(charged) == sorted(orders)
