"""Cancelling: whoever is faster, it ends in one proved state, and nobody's order by mistake."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from tests.providing.books import assert_books_hold, claim_of, states
from tests.providing.stage import Stage


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


def cancel(
    stage: Stage, payment: dict[str, Any], partner: str = "wallet"
) -> Awaitable[httpx.Response]:
    """Ask that a payment be given up."""
    path = f"/v1/payments/{payment['id']}/cancel"
    return stage.api.post(path, headers=stage.world.headers(partner))


@pytest.mark.parametrize("provider", ["scripted", "closing"])
@pytest.mark.parametrize("many", [20, 50])
async def test_cancelling_against_a_success_ends_in_one_settlement(
    both: tuple[Stage, Stage], many: int, provider: str
) -> None:
    stage = both[0]
    paid: dict[str, object] = {"outcome": "succeeded", "provider_id": "4000000001"}
    stage.says |= {"cancel": paid, "query": paid}
    payment = await stage.opened(await stage.world.add_bill(), provider=provider)
    told = await asyncio.gather(
        *(cancel(both[n % 2], payment) for n in range(many - 1)), both[1].notify(payment)
    )
    # Refused once it has succeeded, and shown as it stands before.
    assert {answer.status_code for answer in told} <= {200, 409}
    assert {a.json()["code"] for a in told if a.status_code == 409} <= {"not_cancellable"}
    await stage.resolve()
    assert (await stage.read(payment))["status"] == "succeeded"
    assert await assert_books_hold(stage, taken=1) == 0


@pytest.mark.parametrize("many", [1, 20, 50])
async def test_a_rail_that_can_close_orders_ends_it_at_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    stage = both[0]
    stage.says["cancel"] = {"outcome": "failed"}
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill, provider="closing")
    told = await asyncio.gather(*(cancel(both[n % 2], payment) for n in range(many)))
    assert {answer.status_code for answer in told} == {200}
    await stage.resolve()
    ended = await stage.read(payment)
    assert (ended["status"], ended["certainty"]) == ("cancelled", "proved")
    assert await claim_of(stage, bill) == (None, None)


async def test_money_that_comes_after_a_cancelled_end_is_not_lost(stage: Stage) -> None:
    stage.says["cancel"] = {"outcome": "failed", "code": "closed"}
    stage.says["query"] = {"outcome": "failed", "code": "closed"}
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill, provider="closing")
    assert (await cancel(stage, payment)).json()["status"] == "cancelled"
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    # The rail's answer to our own question outranks its notification: a person has to look.
    assert (await stage.notify(payment)).text == "recorded"
    disputed = await stage.read(payment)
    assert (disputed["status"], disputed["certainty"]) == ("cancelled", "disputed")
    assert disputed["may_payer_pay_again"] == "no"
    raised = await stage.sql("SELECT kind, owner FROM exceptions")
    assert [tuple(row) for row in raised] == [("conflicted", "operations")]


@pytest.mark.parametrize("partner", ["bank", "utility"])
async def test_nobody_cancels_what_another_has_begun(stage: Stage, partner: str) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    answer = await cancel(stage, payment, partner)
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")
    assert (await stage.read(payment))["status"] == "requires_action"


async def test_a_collected_payment_is_not_cancelled(stage: Stage) -> None:
    paid = (await stage.world.pay(stage.api, await stage.world.add_bill())).json()
    answer = await cancel(stage, paid, "bank")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")


@pytest.mark.parametrize("outcome", ["failed", "succeeded"])
async def test_what_has_ended_is_not_cancelled(stage: Stage, outcome: str) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome=outcome)
    answer = await cancel(stage, payment)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")
    assert (await stage.read(payment))["status"] == outcome


async def test_a_doubt_that_is_cancelled_stays_a_doubt_until_it_is_proved(stage: Stage) -> None:
    stage.says["create"] = httpx.ReadTimeout("slow")
    bill = await stage.world.add_bill()
    payment = (await stage.begin(bill)).json()
    stage.says["query"] = httpx.ReadTimeout("slow")
    asked = await cancel(stage, payment)
    assert (asked.status_code, asked.json()["certainty"]) == (200, "in_doubt")
    assert (await claim_of(stage, bill))[0] == "hard"
    stage.says["query"] = {"outcome": "waiting"}
    await stage.resolve()
    assert (await stage.read(payment))["status"] == "processing"
    for _ in range(2):
        await stage.pass_expiry()
        await stage.resolve()
    assert (await stage.read(payment))["status"] == "cancelled"


async def test_a_payer_who_was_faster_than_the_cancelling_has_paid(stage: Stage) -> None:
    stage.says["cancel"] = {"outcome": "succeeded", "provider_id": "1"}
    payment = await stage.opened(await stage.world.add_bill(), provider="closing")
    assert (await cancel(stage, payment)).json()["status"] == "succeeded"
    assert await assert_books_hold(stage, taken=1) == 0


async def test_a_closing_that_is_not_heard_is_asked_about(stage: Stage) -> None:
    stage.says["cancel"] = httpx.ReadTimeout("slow")
    payment = await stage.opened(await stage.world.add_bill(), provider="closing")
    assert (await cancel(stage, payment)).json()["status"] == "processing"
    assert stage.calls == ["create", "cancel", "query"]
    stage.says["cancel"] = {"outcome": "failed"}
    await stage.resolve()
    assert (await stage.read(payment))["status"] == "cancelled"


async def test_a_repetition_of_the_same_request_closes_not_its_own_order(stage: Stage) -> None:
    stage.says["cancel"] = {"outcome": "failed"}
    bill = await stage.world.add_bill()
    same: dict[str, Any] = {"key": "the-key-of-one-payment", "partner_reference": "R-1"}
    first = await stage.begin(bill, provider="closing", **same)
    again = await stage.begin(bill, provider="closing", **same)
    assert again.content == first.content
    assert stage.calls == ["create"]
    assert await states(stage, first.json()) == ["waiting"]


@pytest.mark.parametrize("wrong", ["reference", "amount", "second-bill", "key"])
async def test_what_is_refused_closes_nobodys_order(stage: Stage, wrong: str) -> None:
    stage.says["cancel"] = {"outcome": "failed"}
    bill, paid = await stage.world.add_bill(), await stage.world.add_bill()
    await stage.world.pay(stage.api, paid)
    older = await stage.opened(
        bill, provider="closing", key="the-key-of-one-payment", partner_reference="R-1"
    )
    refused = {
        "reference": lambda: stage.begin(bill, partner_reference="R-1"),
        "amount": lambda: stage.begin(bill, bills=[{"id": bill, "amount_dong": 1_000}]),
        "second-bill": lambda: stage.begin(bill, paid),
        "key": lambda: stage.begin(bill, key="the-key-of-one-payment"),
    }
    assert (await refused[wrong]()).status_code in {409, 422}
    assert stage.calls == ["create"]
    assert await states(stage, older) == ["waiting"]
    assert (await stage.read(older))["status"] == "requires_action"
