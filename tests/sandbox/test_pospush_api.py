"""The calls of the simulated terminal cloud: who may make them, and how it misbehaves."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.pospush import SERIAL, Merchant, merchant_of


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of() as merchant:
        yield merchant


@pytest.mark.parametrize(
    "wrong", [{"signature": "0" * 64}, {"stamp": "1700000000"}, {"merchant": "OTHER"}], ids=str
)
async def test_a_call_that_is_not_the_merchant_s_own_has_no_effect(
    shop: Merchant, wrong: dict[str, str]
) -> None:
    answer = await shop.call("POST", f"/terminals/{SERIAL}/sales", shop.sale(), **wrong)
    assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")
    assert "x-signature" not in answer.headers
    assert not shop.rail.orders


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 0},
        {"amount": "150000"},
        {"timeout_s": 5},
        {"bill_id": "x" * 41},
        {"sale_id": "a b"},
        {"notify_url": "ftp://x"},
    ],
    ids=str,
)
async def test_a_sale_that_breaks_the_profile_is_refused(
    shop: Merchant, changed: dict[str, Any]
) -> None:
    answer = await shop.call("POST", f"/terminals/{SERIAL}/sales", shop.sale(**changed))
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/sales/none", "SALE_UNKNOWN"),
        ("POST", "/sales/none/cancel", "SALE_UNKNOWN"),
        ("GET", "/refunds/none", "REFUND_UNKNOWN"),
    ],
)
async def test_what_is_not_there_is_said_so_under_signature(
    shop: Merchant, method: str, path: str, code: str
) -> None:
    answer = await shop.call(method, path, {} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert answer.extensions["signed"]


@pytest.mark.parametrize(
    ("fault", "signed", "amount"),
    [
        ("bad_signature", False, 150_000),
        ("unsigned", False, 150_000),
        ("wrong_amount", True, 151_000),
        ("skewed_clock", True, 150_000),
    ],
)
async def test_an_answer_can_be_wrong(
    shop: Merchant, fault: str, amount: int, *, signed: bool
) -> None:
    sale = await shop.push()
    await shop.control("faults", operation="query", fault=fault)
    answer = await shop.call("GET", f"/sales/{sale}")
    assert (answer.extensions["signed"], answer.json()["amount"]) == (signed, amount)


async def test_an_answer_can_be_of_another_sale(shop: Merchant) -> None:
    sale = await shop.push()
    await shop.control("faults", operation="query", fault="other_order")
    assert (await shop.tell(sale))["sale_id"] != sale


async def test_too_many_calls_are_refused(shop: Merchant) -> None:
    await shop.control("faults", operation="create", fault="rate_limited")
    answer = await shop.call("POST", f"/terminals/{SERIAL}/sales", shop.sale())
    assert (answer.status_code, answer.json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert not shop.rail.orders


async def test_a_sale_is_on_the_terminal_though_its_answer_is_cut_off() -> None:
    async with merchant_of(over_http=True) as shop:
        await shop.control("faults", operation="create", fault="drop_after")
        sale = shop.sale()
        with pytest.raises(httpx.RemoteProtocolError):
            await shop.call("POST", f"/terminals/{SERIAL}/sales", sale)
        assert (await shop.tell(sale["sale_id"]))["status"] == "PUSHED"
