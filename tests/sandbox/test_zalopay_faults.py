"""The simulated ZaloPay's refunds, and how it misbehaves."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.zalopay import (
    APP_ID,
    KEY2,
    Merchant,
    Stage,
    day,
    detail,
    mac,
    mac_of,
    now_ms,
    staged,
)


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with staged() as shared:
        yield shared


@pytest.fixture
async def shop(stage: Stage) -> AsyncIterator[Merchant]:
    async with stage.merchant(refund_takes_s=3600) as merchant:
        yield merchant


# ── refunds ──────────────────────────────────────────────────────────────────────────────────────


async def refund(shop: Merchant, reference: str, amount: int, **changed: Any) -> dict[str, Any]:
    return await shop.call("refund", shop.refund_of(reference, amount, **changed))


async def test_a_refund_is_in_work_until_it_is_done(shop: Merchant) -> None:
    fields = shop.refund_of(await shop.paid(), 50_000)
    said = await shop.call("refund", fields)
    assert said["return_code"] == 3
    assert said["refund_id"]
    assert (await shop.query_refund(fields["m_refund_id"]))["return_code"] == 3
    await shop.control("refunds", reference=fields["m_refund_id"], outcome="done")
    assert detail(await shop.query_refund(fields["m_refund_id"])) == (1, 1)


async def test_a_refund_is_done_by_itself_in_its_time(stage: Stage) -> None:
    async with stage.merchant(refund_takes_s=0.0) as shop:
        fields = shop.refund_of(await shop.paid(), 50_000)
        assert (await shop.call("refund", fields))["return_code"] == 3
        assert detail(await shop.query_refund(fields["m_refund_id"])) == (1, 1)


async def test_never_more_is_refunded_than_was_paid(shop: Merchant) -> None:
    reference = await shop.paid(150_000)
    first = shop.refund_of(reference, 100_000)
    assert (await shop.call("refund", first))["return_code"] == 3
    assert detail(await refund(shop, reference, 50_001)) == (2, -14)
    assert (await refund(shop, reference, 50_000))["return_code"] == 3
    assert detail(await refund(shop, reference, 1)) == (2, -14)
    assert await shop.control("refunds", reference=first["m_refund_id"], outcome="failed") == 204
    assert detail(await shop.query_refund(first["m_refund_id"])) == (2, -32)
    assert (await refund(shop, reference, 100_000))["return_code"] == 3


@pytest.mark.parametrize("amount", [0, -1])
async def test_a_refund_of_nothing_is_refused(shop: Merchant, amount: int) -> None:
    assert detail(await refund(shop, await shop.paid(), amount)) == (2, -14)


async def test_a_refund_id_is_used_once(shop: Merchant) -> None:
    reference = await shop.paid()
    fields = shop.refund_of(reference, 50_000)
    await shop.call("refund", fields)
    assert detail(await shop.call("refund", fields)) == (2, -23)
    assert shop.rail.refunds.refunded_dong(shop.rail.orders[reference], shop.rail.now()) == 50_000


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"m_refund_id": "x"}, -24),
        ({"m_refund_id": f"{day()}_{APP_ID}_{'x' * 40}"}, -24),
        ({"m_refund_id": f"200101_{APP_ID}_0000000001"}, -25),
        ({"m_refund_id": f"{day()}_2554_0000000001"}, -26),
        ({"timestamp": 1_600_000_000_000}, -13),
        ({"zp_trans_id": "1"}, -101),
        ({"description": "d" * 101}, -401),
    ],
    ids=str,
)
async def test_a_refund_that_breaks_a_rule_is_refused(
    shop: Merchant, changed: dict[str, Any], code: int
) -> None:
    assert detail(await refund(shop, await shop.paid(), 50_000, **changed)) == (2, code)


async def test_a_refund_with_a_wrong_mac_is_refused_with_its_own_code(shop: Merchant) -> None:
    fields = shop.refund_of(await shop.paid(), 50_000)
    assert detail(await shop.call("refund", fields, mac="0" * 64)) == (2, -3)
    assert detail(await shop.call("refund", fields, amount=50_001)) == (2, -3)


async def test_a_refund_with_a_fee_signs_the_fee(shop: Merchant) -> None:
    fields = {**shop.refund_of(await shop.paid(), 50_000), "refund_fee_amount": 1_000}
    assert detail(await shop.call("refund", fields)) == (2, -3)
    names = "app_id zp_trans_id amount refund_fee_amount description timestamp"
    signature = mac_of("refund", fields, names)
    assert (await shop.call("refund", fields, mac=signature))["return_code"] == 3


async def test_a_refund_that_nobody_asked_for_is_not_found(shop: Merchant) -> None:
    assert detail(await shop.query_refund(f"{day()}_{APP_ID}_0000000001")) == (2, -101)
    fields = {"app_id": APP_ID, "m_refund_id": "x", "timestamp": 1_600_000_000_000}
    assert detail(await shop.call("query_refund", fields)) == (2, -401)
    assert await shop.control("refunds", reference="x", outcome="done") == 404
    assert await shop.control("refunds", reference="x", outcome="stolen") == 400


# ── faults ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", ["drop_before", "error_before", "html_before"])
async def test_a_fault_before_the_effect_leaves_no_order(shop: Merchant, fault: str) -> None:
    fields = shop.order(description=f"x [create:{fault}]")
    await broken(shop, fields)
    assert shop.rail.orders == {}
    assert (await shop.call("create", fields))["return_code"] == 1


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "html_after"])
async def test_a_fault_after_the_effect_leaves_the_order(shop: Merchant, fault: str) -> None:
    fields = shop.order(description=f"x [create:{fault}]")
    await broken(shop, fields)
    assert detail(await shop.call("create", fields)) == (2, -68)
    assert (await shop.query(fields["app_trans_id"]))["return_code"] == 3


async def broken(shop: Merchant, fields: dict[str, Any]) -> None:
    signed = {**fields, "mac": mac_of("create", fields)}
    try:
        answer = await shop.http.post("/v2/create", json=signed)
    except httpx.RemoteProtocolError:
        return
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


async def test_a_hanging_call_has_had_its_effect(shop: Merchant) -> None:
    fields = shop.order(description="[create:hang_after]")
    hanging = asyncio.create_task(shop.call("create", fields))
    async with asyncio.timeout(30):
        while (await shop.query(fields["app_trans_id"]))["return_code"] != 3:
            pass
    assert not hanging.done()
    hanging.cancel()


@pytest.mark.parametrize("operation", ["create", "query", "cancel", "refund"])
async def test_too_many_requests_have_no_effect(shop: Merchant, operation: str) -> None:
    reference = await shop.paid()
    await shop.control("faults", operation=operation, fault="rate_limited")
    fields = {**shop.order(), **shop.refund_of(reference, 50_000)}
    before = set(shop.rail.orders)
    assert detail(await shop.call(operation, fields)) == (2, -429)
    assert set(shop.rail.orders) == before
    assert shop.rail.refunds.known == {}


async def test_a_refund_s_lost_answer_is_found_by_its_query(shop: Merchant) -> None:
    reference = await shop.paid(description="[refund:error_after]")
    fields = shop.refund_of(reference, 50_000)
    signed = {**fields, "mac": mac_of("refund", fields)}
    assert (await shop.http.post("/v2/refund", json=signed)).status_code == 500
    assert (await shop.query_refund(fields["m_refund_id"]))["return_code"] == 3


@pytest.mark.parametrize("fault", ["wrong_amount", "other_order"])
async def test_another_amount_or_order_shows_by_the_amount(shop: Merchant, fault: str) -> None:
    reference = await shop.open()
    await shop.control("faults", operation="query", fault=fault, reference=reference)
    assert (await shop.query(reference))["amount"] != 150_000
    said = await shop.query(reference)
    assert (said["return_code"], said["amount"]) == (3, 150_000)


async def test_a_wrong_clock_refuses_a_create(shop: Merchant) -> None:
    await shop.control("faults", operation="create", fault="skewed_clock")
    assert detail(await shop.call("create", shop.order())) == (2, -401)
    await shop.control("faults", operation="query", fault="skewed_clock")
    said = await shop.query(await shop.open())
    assert said["server_time"] > now_ms() + 19 * 60 * 1000


@pytest.mark.parametrize("fault", ["bad_signature", "unsigned", "forged"])
async def test_a_callback_that_zalopay_did_not_sign(shop: Merchant, fault: str) -> None:
    reference = await shop.open(description=f"[notify:{fault}]")
    await shop.pay(reference)
    back = await shop.callback()
    assert back.get("mac") != mac(KEY2, back["data"])
    if fault == "forged":
        true = await shop.callback()
        assert true["mac"] == mac(KEY2, true["data"])
        assert true["data"] == back["data"]


@pytest.mark.parametrize(
    ("fault", "name"), [("wrong_amount", "amount"), ("other_order", "app_trans_id")]
)
async def test_a_signed_callback_that_is_not_the_order_s(
    shop: Merchant, fault: str, name: str
) -> None:
    fields = shop.order(description=f"[notify:{fault}]")
    await shop.call("create", fields)
    await shop.pay(fields["app_trans_id"])
    back = await shop.callback()
    assert back["mac"] == mac(KEY2, back["data"])
    assert json.loads(back["data"])[name] != fields[name]


async def test_a_duplicate_comes_three_times_and_a_missing_one_never(shop: Merchant) -> None:
    lost = await shop.open(description="[notify:missing]")
    await shop.pay(lost)
    thrice = await shop.open(description="[notify:duplicate]")
    await shop.pay(thrice)
    for _ in range(3):
        assert json.loads((await shop.callback())["data"])["app_trans_id"] == thrice
    assert shop.door.arrived.empty()


async def test_a_late_callback_comes_when_it_is_flushed(shop: Merchant) -> None:
    reference = await shop.open(description="[notify:late]")
    await shop.pay(reference)
    await shop.paid()
    assert shop.door.arrived.empty()
    await shop.control("flush")
    assert json.loads((await shop.callback())["data"])["app_trans_id"] == reference


async def test_no_fault_ever_charges_twice(stage: Stage) -> None:
    async with stage.merchant(seed=7, rate=0.5, repeat_after_s=(0.0,)) as shop:
        shop.rail.faults.rate = 0.0
        references = [await shop.open() for _ in range(20)]
        shop.rail.faults.rate = 0.5
        for reference in references * 2:
            await shop.control("payer", reference=reference, act="approve")
        charged = [charge["reference"] for charge in await shop.charges()]
        assert sorted(charged) == sorted(references)
