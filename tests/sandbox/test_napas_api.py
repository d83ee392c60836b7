"""The calls of the simulated NAPAS: tokens, ids, refunds, and how it misbehaves."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.sandbox.napas import Merchant, code_of, merchant_of


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of() as merchant:
        yield merchant


def cause_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["cause"]


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"grant_type": "client_credentials"}, (400, "unsupported_grant_type")),
        ({"client_secret": "wrong"}, (401, "invalid_client")),
        ({"password": "wrong"}, (400, "invalid_grant")),
        ({"username": ""}, (400, "invalid_grant")),
    ],
    ids=str,
)
async def test_a_token_is_given_to_its_owner_only(
    shop: Merchant, changed: dict[str, str], refused: tuple[int, str]
) -> None:
    answer = await shop.authorise(**changed)
    assert (answer.status_code, answer.json()["error"]) == refused


async def test_a_call_without_a_good_token_has_no_effect(shop: Merchant) -> None:
    await shop.control("tokens")
    answer = await shop.call("o-1", "o-1", "PURCHASE_HOSTED", **shop.purchase())
    assert cause_of(answer) == (401, "UNAUTHORIZED")
    assert not shop.rail.orders
    await shop.authorise()
    assert await shop.open()


async def test_a_token_ends_by_itself(shop: Merchant) -> None:
    await shop.control("napas", token_life_s=0)
    await shop.authorise()
    assert cause_of(await shop.call("o-1", "o-1", "QUERY"))[0] == 401


# ── opening ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_purchase_again_is_answered_as_it_stands_and_another_is_a_duplicate(
    shop: Merchant,
) -> None:
    asked = shop.purchase()
    first = await shop.call("o-1", "o-1", "PURCHASE_HOSTED", **asked)
    assert first.json()["hostedPage"]["url"].endswith("/hosted/o-1")
    await shop.pay("o-1")
    again = (await shop.call("o-1", "o-1", "PURCHASE_HOSTED", **asked)).json()
    assert code_of(again) == ("SUCCESS", "SUCCESS", "0")
    assert "hostedPage" not in again
    other = shop.purchase(order={"amount": 1, "currency": "VND"})
    assert cause_of(await shop.call("o-1", "o-1", "PURCHASE_HOSTED", **other)) == (409, "DUPLICATE")


@pytest.mark.parametrize(
    "changed",
    [
        {"order": {"amount": "150000", "currency": "VND"}},
        {"order": {"amount": 0, "currency": "VND"}},
        {"order": {"amount": 1, "currency": "USD"}},
        {"inputParameters": {}},
        {"interaction": {"returnUrl": "x"}},
        {"channel": "POS"},
        {"apiOperation": "PURCHASE_OTP"},
    ],
    ids=str,
)
async def test_a_purchase_that_breaks_the_profile_is_refused(
    shop: Merchant, changed: dict[str, Any]
) -> None:
    body = shop.purchase() | changed
    operation = body.pop("apiOperation", "PURCHASE_HOSTED")
    assert cause_of(await shop.call("o-1", "o-1", operation, **body)) == (400, "INVALID_REQUEST")
    assert not shop.rail.orders


async def test_whose_order_it_is_must_agree(shop: Merchant) -> None:
    asked = shop.purchase()
    other = await shop.call("o-1", "o-1", "PURCHASE_HOSTED", merchant="OTHER", **asked)
    assert cause_of(other) == (403, "MERCHANT_UNKNOWN")
    apart = await shop.call("o-1", "o-2", "PURCHASE_HOSTED", **asked)
    assert cause_of(apart) == (400, "INVALID_REQUEST")
    assert cause_of(await shop.call("o-9", "o-9", "QUERY")) == (404, "NOT_FOUND")


# ── refunds ──────────────────────────────────────────────────────────────────────────────────────


async def test_parts_are_given_back_up_to_what_was_paid(shop: Merchant) -> None:
    reference = await shop.open()
    assert cause_of(await shop.refund(reference, "r-0", 1)) == (409, "NOT_REFUNDABLE")
    await shop.pay(reference)
    said = (await shop.refund(reference, "r-1", 100_000)).json()
    assert (code_of(said), said["transaction"]["type"]) == (("SUCCESS", "SUCCESS", "0"), "REFUND")
    assert (said["transaction"]["id"], said["transaction"]["amount"]) == ("r-1", 100_000)
    assert cause_of(await shop.refund(reference, "r-2", 50_001)) == (409, "NOT_REFUNDABLE")
    assert (await shop.refund(reference, "r-3", 50_000)).status_code == 200
    assert len(shop.rail.refunds) == 2


async def test_the_same_refund_again_gives_back_once(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    for _ in range(2):
        assert (await shop.refund(reference, "r-1", 100_000)).status_code == 200
    assert cause_of(await shop.refund(reference, "r-1", 99_000)) == (409, "DUPLICATE")
    assert [r.amount_dong for r in shop.rail.refunds.values()] == [100_000]


async def test_a_pending_refund_is_done_when_it_is_asked_for_twice(shop: Merchant) -> None:
    await shop.control("napas", refunded="PENDING/")
    reference = await shop.open()
    await shop.pay(reference)
    assert code_of((await shop.refund(reference, "r-1", 1_000)).json())[0] == "PENDING"
    codes = [code_of(await shop.query(reference, "r-1"))[0] for _ in range(2)]
    assert codes == ["PENDING", "SUCCESS"]


async def test_a_refused_refund_gives_nothing_back(shop: Merchant) -> None:
    await shop.control("napas", refunded="REFUND_REFUSED/")
    reference = await shop.open()
    await shop.pay(reference)
    await shop.refund(reference, "r-1", 150_000)
    assert code_of(await shop.query(reference, "r-1"))[:2] == ("FAILURE", "REFUND_REFUSED")
    await shop.control("napas")
    assert (await shop.refund(reference, "r-2", 150_000)).status_code == 200


# ── misbehaviour ─────────────────────────────────────────────────────────────────────────────────


async def test_an_order_is_open_though_its_answer_is_cut_off() -> None:
    async with merchant_of(over_http=True) as shop:
        await shop.control("faults", operation="create", fault="drop_after")
        with pytest.raises(httpx.RemoteProtocolError):
            await shop.call("o-1", "o-1", "PURCHASE_HOSTED", **shop.purchase())
        assert code_of(await shop.query("o-1")) == ("PENDING", "INITIATED", "")


@pytest.mark.parametrize(("fault", "status"), [("error_after", 500), ("html_after", 200)])
async def test_an_order_is_open_though_its_answer_is_useless(
    shop: Merchant, fault: str, status: int
) -> None:
    await shop.control("faults", operation="create", fault=fault)
    answer = await shop.call("o-1", "o-1", "PURCHASE_HOSTED", **shop.purchase())
    assert (answer.status_code, "hostedPage" in answer.text) == (status, False)
    assert code_of(await shop.query("o-1")) == ("PENDING", "INITIATED", "")


@pytest.mark.parametrize(
    ("fault", "order", "amount"),
    [("wrong_amount", "o-1", 151_000), ("other_order", "o-0", 150_000)],
)
async def test_a_query_can_answer_for_something_else(
    shop: Merchant, fault: str, order: str, amount: int
) -> None:
    await shop.call("o-1", "o-1", "PURCHASE_HOSTED", **shop.purchase())
    await shop.control("faults", operation="query", fault=fault)
    said = await shop.query("o-1")
    assert (said["order"]["id"], said["order"]["amount"]) == (order, amount)


async def test_too_many_calls_are_refused(shop: Merchant) -> None:
    await shop.control("faults", operation="query", fault="rate_limited")
    assert cause_of(await shop.call("o-1", "o-1", "QUERY")) == (429, "TOO_MANY_REQUESTS")
