"""The simulated ZaloPay against the documents: orders, the payer, callbacks."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.zalopay import (
    APP_ID,
    KEY2,
    Merchant,
    Stage,
    answers,
    day,
    detail,
    mac,
    mac_of,
    now_ms,
    staged,
)

ANOTHER_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with staged() as shared:
        yield shared


@pytest.fixture
async def shop(stage: Stage) -> AsyncIterator[Merchant]:
    async with stage.merchant(repeat_after_s=(0.0, 0.0, 0.0, 0.0, 0.0)) as merchant:
        yield merchant


async def test_an_opened_order_leads_to_the_payer_s_page(shop: Merchant) -> None:
    fields = shop.order()
    said = await shop.call("create", fields)
    assert detail(said) == (1, 1)
    assert said["order_url"] == str(shop.http.base_url) + f"/payer/{fields['app_trans_id']}"
    assert said["zp_trans_token"]
    page = await shop.http.get(said["order_url"])
    assert "150.000" in page.text


async def test_a_payment_is_queried_called_back_and_brought_back(shop: Merchant) -> None:
    reference = await shop.open()
    assert detail(await shop.query(reference)) == (3, 3)
    brought = await shop.pay(reference)
    said = await shop.query(reference)
    assert (said["return_code"], said["amount"]) == (1, 150_000)
    assert not said["is_processing"]
    back = await shop.callback()
    assert back["mac"] == mac(KEY2, back["data"])
    data = json.loads(back["data"])
    assert (data["app_id"], data["app_trans_id"]) == (APP_ID, reference)
    assert (data["amount"], data["zp_trans_id"]) == (150_000, said["zp_trans_id"])
    assert (brought["apptransid"], brought["status"], brought["keep"]) == (reference, "1", "1")
    names = ["appid", "apptransid", "pmcid", "bankcode", "amount", "discountamount", "status"]
    assert brought["checksum"] == mac(KEY2, *(brought[name] for name in names))


async def test_a_paid_order_is_never_charged_again(shop: Merchant) -> None:
    reference = await shop.paid()
    await shop.pay(reference)
    await shop.control("payer", reference=reference, act="approve")
    assert [charge["reference"] for charge in await shop.charges()] == [reference]


async def test_a_declined_order_is_not_called_back(shop: Merchant) -> None:
    reference = await shop.open()
    brought = await shop.pay(reference, "decline")
    assert brought["status"] == "-329"
    assert detail(await shop.query(reference)) == (2, -329)
    other = await shop.paid()
    assert shop.door.arrived.empty()
    assert other != reference


async def test_an_order_in_work_is_pending_and_then_paid(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.control("payer", reference=reference, act="process")
    said = await shop.query(reference)
    assert (said["return_code"], said["is_processing"]) == (3, True)
    await shop.control("payer", reference=reference, act="approve")
    assert (await shop.query(reference))["return_code"] == 1


async def test_an_expired_order_fails_and_a_late_success_is_called_back(stage: Stage) -> None:
    async with stage.merchant(window_s=0.0) as shop:
        reference = await shop.open()
        assert detail(await shop.query(reference)) == (2, -54)
        answer = await shop.http.post(f"/payer/{reference}", content="act=approve")
        assert answer.status_code == 303
        assert await shop.charges() == []
        await shop.control("payer", reference=reference, act="approve")
        assert json.loads((await shop.callback())["data"])["app_trans_id"] == reference
        assert (await shop.query(reference))["return_code"] == 1


async def test_an_order_lives_as_long_as_it_asks(shop: Merchant) -> None:
    reference = await shop.open(expire_duration_seconds=2_000)
    order = shop.rail.orders[reference]
    assert order.expires_at - order.created_at == timedelta(seconds=2_000)
    assert (await shop.open(expire_duration_seconds=None)) in shop.rail.orders


async def test_a_cancelled_order_cannot_be_paid(shop: Merchant) -> None:
    reference = await shop.open()
    assert detail(await shop.cancel(reference)) == (1, 1)
    assert detail(await shop.cancel(reference)) == (1, 1)
    await shop.control("payer", reference=reference, act="approve")
    assert await shop.charges() == []
    assert (await shop.query(reference))["return_code"] == 2


async def test_what_is_paid_or_unknown_cannot_be_cancelled(shop: Merchant) -> None:
    assert detail(await shop.cancel(await shop.paid())) == (2, -405)
    assert detail(await shop.cancel(f"{day()}_unknown")) == (2, -101)


async def test_an_order_that_nobody_made_is_not_found(shop: Merchant) -> None:
    assert detail(await shop.query(f"{day()}_unknown")) == (2, -101)
    assert detail(await shop.query("unknown")) == (2, -92)


# ── refused requests ─────────────────────────────────────────────────────────────────────────────


async def test_an_id_is_used_once_also_with_other_content(shop: Merchant) -> None:
    reference = await shop.open()
    again = shop.order(app_trans_id=reference, amount=1_000)
    assert detail(await shop.call("create", again)) == (2, -68)
    assert shop.rail.orders[reference].amount_dong == 150_000


@pytest.mark.parametrize(
    "changed",
    [
        {"app_trans_id": f"{day(-ANOTHER_DAY)}_att"},
        {"app_trans_id": f"{day()}att"},
        {"app_trans_id": f"{day()}_" + "a" * 34},
        {"app_time": now_ms(-timedelta(minutes=16))},
        {"app_time": now_ms(ANOTHER_DAY)},
        {"amount": 0},
        {"amount": -1},
        {"amount": "1e5"},
        {"amount": True},
        {"amount": 1.5},
        {"app_user": ""},
        {"app_user": "u" * 51},
        {"description": "d" * 257},
        {"item": "{}"},
        {"item": "no JSON"},
        {"embed_data": "[]"},
        {"embed_data": '"x"'},
        {"expire_duration_seconds": 299},
        {"expire_duration_seconds": 2_592_001},
        {"description": None},
    ],
    ids="-".join,
)
async def test_a_request_outside_the_limits_opens_nothing(
    shop: Merchant, changed: dict[str, Any]
) -> None:
    assert detail(await shop.call("create", shop.order(**changed))) == (2, -401)
    assert shop.rail.orders == {}


@pytest.mark.parametrize("operation", ["create", "query", "cancel", "query_refund"])
async def test_a_wrong_mac_is_refused(shop: Merchant, operation: str) -> None:
    fields = {**shop.order(), "m_refund_id": "x", "timestamp": now_ms()}
    for signature in ("0" * 64, "", mac_of(operation, fields).upper(), "ổ"):
        assert detail(await shop.call(operation, fields, mac=signature)) == (2, -402)
    assert detail(await shop.call(operation, fields, app_id=2554)) == (2, -2)
    assert shop.rail.orders == {}


@pytest.mark.parametrize("name", ["app_user", "amount", "app_time", "embed_data", "item"])
async def test_each_signed_field_is_under_the_mac(shop: Merchant, name: str) -> None:
    changed = {name: shop.order()[name]}
    changed[name] = changed[name] + 1 if isinstance(changed[name], int) else changed[name] + " "
    assert detail(await shop.call("create", shop.order(), **changed)) == (2, -402)


async def test_what_the_documents_leave_unsigned_may_differ(shop: Merchant) -> None:
    said = await shop.call("create", shop.order(), description="x", callback_url="")
    assert said["return_code"] == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b'{"app_id":2553}', b"\xff", b'{"mac":"\\ud800"}', b"[" * 9999]
)
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
async def test_what_cannot_be_read_is_bad_data(shop: Merchant, body: bytes, kind: str) -> None:
    answer = await shop.http.post("/v2/create", content=body, headers={"content-type": kind})
    assert detail(answer.json()) == (2, -401)


async def test_a_form_and_a_query_are_read_as_json_is(shop: Merchant) -> None:
    for way in ("data", "params"):
        fields = shop.order()
        signed = {**fields, "mac": mac_of("create", fields)}
        if way == "params":
            answer = await shop.http.post(f"/v2/create?{urlencode(signed)}")
        else:
            answer = await shop.http.post("/v2/create", data=signed)
        assert answer.json()["return_code"] == 1


async def test_the_newer_text_puts_some_codes_into_return_code_itself(stage: Stage) -> None:
    async with stage.merchant(flat_codes=True) as shop:
        said = await shop.call("create", shop.order(), mac="0" * 64)
        assert said["return_code"] == -402
        assert (await shop.query(f"{day()}_unknown"))["return_code"] == 2


# ── callbacks ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("code", "calls"), [(1, 1), (2, 1), (-1, 1), (0, 4)])
async def test_only_0_is_called_again_and_three_times_at_most(
    shop: Merchant, code: int, calls: int
) -> None:
    shop.door.answer = answers(code)
    reference = await shop.open()
    await shop.pay(reference)
    first = await shop.callback()
    assert [await shop.callback() for _ in range(calls - 1)] == [first] * (calls - 1)
    shop.door.answer = answers(1)
    other = await shop.open()
    await shop.pay(other)
    assert json.loads((await shop.callback())["data"])["app_trans_id"] == other


async def test_an_order_without_an_address_is_called_back_where_the_app_is_registered(
    stage: Stage,
) -> None:
    async with stage.merchant() as shop:
        shop.rail.app = type(shop.rail.app)(callback_url=shop.notify_url)
        reference = await shop.open(callback_url=None)
        await shop.pay(reference)
        assert json.loads((await shop.callback())["data"])["app_trans_id"] == reference
