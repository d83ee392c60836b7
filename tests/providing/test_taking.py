"""Money that was taken: it pays all of its bills, or waits in suspense, whole, with an owner."""

import json

import pytest
from prometheus_client import REGISTRY

from gateway.domain.clock import business_date
from tests.providing.books import assert_books_hold, claim_of, states
from tests.providing.stage import Stage
from tests.providing.test_late_money import again


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


def late(ended: str) -> float:
    """Give how many successes came late."""
    labels = {"provider": "scripted", "ended": ended}
    return REGISTRY.get_sample_value("gateway_late_successes_total", labels) or 0.0


async def test_money_for_several_bills_pays_them_all_and_tells_once(stage: Stage) -> None:
    bills = [await stage.world.add_bill() for _ in range(5)]
    payment = await stage.opened(*bills)
    await stage.notify(payment)
    paid = await stage.read(payment)
    assert {bill["id"] for bill in paid["bills"]} == set(bills)
    assert [bill["sequence"] for bill in paid["bills"]] == [1] * 5
    assert await assert_books_hold(stage, taken=5) == 0


async def test_money_is_in_suspense_whole_if_one_of_its_bills_was_paid_otherwise(
    stage: Stage,
) -> None:
    bills = [await stage.world.add_bill() for _ in range(3)]
    payment = await stage.opened(*bills)
    assert (await stage.world.pay(stage.api, bills[1])).status_code == 201
    assert (await stage.notify(payment)).text == "recorded"
    shown = await stage.read(payment)
    assert (shown["status"], shown["failure"], shown["refund"]) == ("failed", "late_money", "due")
    assert await assert_books_hold(stage, taken=3) == 1
    # The other bills are free again, and may be paid.
    for bill in (bills[0], bills[2]):
        assert await claim_of(stage, bill) == (None, None)
        assert (await stage.world.pay(stage.api, bill)).status_code == 201


async def test_the_event_of_a_success_is_the_payment_as_it_is_read(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment)
    paid = await stage.read(payment)
    event = json.loads((await stage.sql("SELECT body FROM events"))[0]["body"])
    assert event["type"] == "payment.succeeded"
    assert event["data"] == {name: paid[name] for name in event["data"]}
    assert event["data"]["status"] == "succeeded"
    assert paid["business_date"] == business_date(stage.rt.clock.now()).isoformat()


async def test_two_attempts_whose_money_comes_late_are_both_refunded(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    for _ in range(2):
        await stage.pass_expiry()
        await stage.resolve()
    second = (await again(stage, payment)).json()
    assert second["status"] == "requires_action"
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    await stage.notify(payment, provider_id="1", code="a")  # the newest is not the first any more
    await stage.notify(second, provider_id="2", code="b")
    assert await states(stage, payment) == ["succeeded", "succeeded"]
    assert await assert_books_hold(stage, taken=2) == 2
    shown = await stage.read(payment)
    assert (shown["refund"], shown["may_payer_pay_again"]) == ("due", "no")


async def test_money_after_a_success_of_another_attempt_is_refunded(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for _ in range(2):
        await stage.pass_expiry()
        await stage.resolve()
    second = (await again(stage, payment)).json()
    await stage.notify(payment, provider_id="1", code="a")
    await stage.notify(second, provider_id="2", code="b")
    shown = await stage.read(payment)
    assert (shown["status"], shown["refund"]) == ("succeeded", "due")
    assert await assert_books_hold(stage, taken=2) == 1


async def test_late_money_is_counted_by_what_became_of_it(stage: Stage) -> None:
    settled, suspended = late("settled"), late("suspended")
    payment = await stage.opened(await stage.world.add_bill())
    for _ in range(2):
        await stage.pass_expiry()
        await stage.resolve()
    await stage.notify(payment)
    assert (late("settled"), late("suspended")) == (settled + 1, suspended)
    bill = await stage.world.add_bill()
    other = await stage.opened(bill)
    await stage.world.pay(stage.api, bill)
    await stage.notify(other)
    assert (late("settled"), late("suspended")) == (settled + 1, suspended + 1)


async def test_money_that_takes_a_bill_from_another_payer_wakes_that_order(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    first = await stage.opened(bill)
    second = await stage.opened(bill, provider="closing")
    await stage.sql("UPDATE attempts SET due_at = now() + interval '1 hour'")
    await stage.notify(first)
    due = await stage.sql("SELECT reference FROM attempts WHERE due_at <= now()")
    assert [row["reference"] for row in due] == [second["attempts"][0]["reference"]]
    stage.says["cancel"] = {"outcome": "failed"}
    await stage.resolve()
    assert (await stage.read(second))["status"] == "cancelled"
