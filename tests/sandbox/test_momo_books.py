"""The simulated MoMo's two-step payments and refunds."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.momo import Merchant, a_merchant


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    async with a_merchant() as merchant:
        yield merchant


async def paid(merchant: Merchant, order_id: str = "ORDER-1") -> int:
    await merchant.create(order_id)
    await merchant.act("approve", order_id)
    number = (await merchant.query(order_id))["transId"]
    assert isinstance(number, int)
    return number


async def authorised(merchant: Merchant) -> None:
    await merchant.create(autoCapture=False)
    assert (await merchant.pay())["resultCode"] == "9000"
    assert (await merchant.query())["resultCode"] == 9000
    assert await merchant.charges() == []


async def test_an_authorised_order_is_charged_by_its_capture_and_once(merchant: Merchant) -> None:
    await authorised(merchant)
    captured = await merchant.confirm("capture")
    assert (captured["resultCode"], captured["requestType"]) == (0, "capture")
    assert (await merchant.confirm("capture"))["resultCode"] == 47
    assert await merchant.charges() == [("ORDER-1", 150_000)]
    assert (await merchant.query())["resultCode"] == 0
    assert (await merchant.confirm("cancel"))["resultCode"] == 47


async def test_a_repeated_capture_is_given_its_first_result(merchant: Merchant) -> None:
    await authorised(merchant)
    first = await merchant.confirm("capture", requestId="one")
    assert await merchant.confirm("capture", requestId="one") == first
    assert len(await merchant.charges()) == 1


async def test_another_amount_is_not_captured(merchant: Merchant) -> None:
    await authorised(merchant)
    assert (await merchant.confirm("capture", 149_000))["resultCode"] == 22
    assert await merchant.charges() == []


async def test_a_cancel_that_worked_says_0_and_takes_nothing(merchant: Merchant) -> None:
    await authorised(merchant)
    cancelled = await merchant.confirm("cancel")
    assert (cancelled["resultCode"], cancelled["requestType"]) == (0, "cancel")
    assert (await merchant.query())["resultCode"] == 1003
    assert not await merchant.act("approve")
    assert (await merchant.confirm("capture"))["resultCode"] == 47
    assert await merchant.charges() == []


async def test_an_authorised_order_is_not_authorised_twice_nor_declined(
    merchant: Merchant,
) -> None:
    await authorised(merchant)
    assert not await merchant.act("approve")
    assert not await merchant.act("decline")
    assert (await merchant.query())["resultCode"] == 9000


async def test_an_unpaid_or_one_step_order_cannot_be_confirmed(merchant: Merchant) -> None:
    await merchant.create()
    assert (await merchant.confirm("capture"))["resultCode"] == 47
    await merchant.act("approve")
    assert (await merchant.confirm("cancel"))["resultCode"] == 47
    assert (await merchant.query())["resultCode"] == 0


async def test_an_expired_two_step_order_is_authorised_only_late() -> None:
    async with a_merchant(window_s=0) as merchant:
        await merchant.create(autoCapture=False)
        await merchant.pay()
        assert (await merchant.query())["resultCode"] == 1005
        assert await merchant.act("approve")
        assert (await merchant.query())["resultCode"] == 9000


# ── refunds ──────────────────────────────────────────────────────────────────────────────────────


async def test_parts_are_refunded_until_nothing_is_left(merchant: Merchant) -> None:
    number = await paid(merchant)
    assert (await merchant.refund("R-1", 100_000, number))["resultCode"] == 0
    assert (await merchant.refund("R-2", 50_001, number))["resultCode"] == 22
    assert (await merchant.refund("R-3", 999, number))["resultCode"] == 22
    assert (await merchant.refund("R-4", 50_000, number))["resultCode"] == 0
    assert (await merchant.refund("R-5", 1_000, number))["resultCode"] == 1081
    listed = (await merchant.query())["refundTrans"]
    assert [(r["orderId"], r["amount"], r["resultCode"]) for r in listed] == [
        ("R-1", 100_000, 0),
        ("R-4", 50_000, 0),
    ]
    order = merchant.momo.orders["ORDER-1"]
    assert merchant.momo.refunded_dong(order) == 150_000


async def test_a_repeated_refund_gives_money_back_once(merchant: Merchant) -> None:
    number = await paid(merchant)
    first = await merchant.refund("R-1", 50_000, number, requestId="one")
    assert await merchant.refund("R-1", 50_000, number, requestId="one") == first
    assert (await merchant.refund("R-1", 50_000, number))["resultCode"] == 41
    assert (await merchant.refund("ORDER-1", 50_000, number))["resultCode"] == 41
    assert (await merchant.refund("R-2", 50_000, number, requestId="one"))["resultCode"] == 40
    assert len((await merchant.query())["refundTrans"]) == 1


async def test_what_was_not_paid_is_not_refunded(merchant: Merchant) -> None:
    await authorised(merchant)
    number = (await merchant.query())["transId"]
    assert (await merchant.refund("R-1", 50_000, number))["resultCode"] == 1088
    assert (await merchant.refund("R-2", 50_000, 7))["resultCode"] == 1088


async def test_a_slow_refund_is_done_when_it_is_asked_about() -> None:
    async with a_merchant(slow_refunds=True) as merchant:
        number = await paid(merchant)
        asked = await merchant.refund("R-1", 50_000, number, requestId="one")
        assert asked["resultCode"] == 7002
        again = await merchant.refund("R-1", 50_000, number, requestId="one")
        assert (again["resultCode"], again["transId"]) == (0, asked["transId"])
        assert (await merchant.refund("R-2", 50_000, number))["resultCode"] == 7002
        assert (await merchant.query_refund("R-2"))["resultCode"] == 0


async def test_an_order_cannot_take_a_refunds_id(merchant: Merchant) -> None:
    await merchant.refund("R-1", 50_000, await paid(merchant))
    assert (await merchant.create("R-1"))["resultCode"] == 41


async def test_a_refund_may_have_had_its_effect_though_the_answer_is_lost(
    merchant: Merchant,
) -> None:
    number = await paid(merchant)
    await merchant.plan("refund", "error_after", reference="ORDER-1")
    with pytest.raises(AssertionError, match="Internal Server Error"):
        await merchant.refund("R-1", 50_000, number, requestId="one")
    assert len((await merchant.query())["refundTrans"]) == 1
    assert (await merchant.refund("R-1", 50_000, number, requestId="one"))["resultCode"] == 0
    assert len((await merchant.query())["refundTrans"]) == 1
