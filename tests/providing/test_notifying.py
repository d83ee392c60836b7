"""Notifications: known once whoever sends them how often, and never lost by our own mistakes."""

import asyncio
import itertools
import json
from collections import Counter

import asyncpg
import pytest

from tests.providing.books import assert_books_hold, states
from tests.providing.odd import Clumsy
from tests.providing.scripted import sign
from tests.providing.stage import Stage
from tests.providing.test_late_money import again


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


@pytest.mark.parametrize("many", [20, 50])
async def test_one_notification_sent_many_times_at_once_to_two_processes_settles_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    payment = await both[0].opened(await both[0].world.add_bill())
    told = await asyncio.gather(*(both[n % 2].notify(payment) for n in range(many)))
    assert Counter((answer.status_code, answer.text) for answer in told) == {
        (200, "recorded"): 1,
        (200, "repeated"): many - 1,
    }
    assert await both[0].count("notifications") == await both[0].count("events") == 1
    assert await assert_books_hold(both[0], taken=1) == 0


@pytest.mark.parametrize("many", [20, 50])
async def test_many_different_notifications_of_one_success_at_once_settle_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    payment = await both[0].opened(await both[0].world.add_bill())
    told = await asyncio.gather(*(both[n % 2].notify(payment, code=f"c{n}") for n in range(many)))
    assert {answer.status_code for answer in told} == {200}
    assert await both[0].count("notifications") == many
    assert await assert_books_hold(both[0], taken=1) == 0


async def test_a_notification_and_a_query_at_once_settle_once(both: tuple[Stage, Stage]) -> None:
    stage, other = both
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "4000000001"}
    payments = [await stage.opened(await stage.world.add_bill()) for _ in range(10)]
    await stage.sql("UPDATE attempts SET due_at = now()")
    told = asyncio.gather(*(stage.notify(payment) for payment in payments))
    await asyncio.gather(other.resolve(), told, stage.resolve())
    assert {answer.status_code for answer in await told} == {200}
    for payment in payments:
        assert (await stage.read(payment))["status"] == "succeeded"
    assert await assert_books_hold(stage, taken=10) == 0


@pytest.mark.parametrize("order", list(itertools.permutations(["waiting", "pending", "succeeded"])))
async def test_notifications_in_any_order_end_in_the_same_state(
    stage: Stage, order: tuple[str, ...]
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for outcome in order:
        await stage.notify(payment, outcome=outcome, code=outcome)
    assert await states(stage, payment) == ["succeeded"]
    assert await assert_books_hold(stage, taken=1) == 0


@pytest.mark.parametrize("order", list(itertools.permutations(["failed", "succeeded"])))
async def test_a_dispute_that_a_query_decides_for_success_is_in_the_books_once(
    stage: Stage, order: tuple[str, ...]
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for outcome in order:
        await stage.notify(payment, outcome=outcome, code=outcome)
    assert await states(stage, payment) == ["conflicted"]
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "4000000001"}
    await stage.resolve()
    paid = await stage.read(payment)
    assert (paid["status"], paid["refund"]) == ("succeeded", None)
    assert await assert_books_hold(stage, taken=1) == 0


async def test_a_disputed_suspense_is_in_the_books_once(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    await stage.notify(payment)
    await stage.notify(payment, outcome="failed", code="1006")
    assert await states(stage, payment) == ["conflicted"]
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "4000000001"}
    await stage.resolve()
    assert await states(stage, payment) == ["succeeded"]
    assert await assert_books_hold(stage, taken=1) == 1


async def test_an_older_attempt_may_be_disputed_while_a_newer_one_is_live(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    assert (await again(stage, payment)).status_code == 201
    answer = await stage.notify(payment)
    assert (answer.status_code, answer.text) == (200, "recorded")
    assert await states(stage, payment) == ["conflicted", "waiting"]
    shown = await stage.read(payment)
    assert (shown["certainty"], shown["may_payer_pay_again"]) == ("disputed", "no")


async def test_a_disputed_payment_is_not_tried_again(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    second = (await again(stage, payment)).json()
    await stage.notify(payment)
    await stage.notify(second, outcome="failed", code="1006")
    assert (await stage.read(payment))["status"] == "failed"
    refused = await again(stage, payment)
    assert (refused.status_code, refused.json()["code"]) == (409, "attempt_still_open")
    assert len(await states(stage, payment)) == 2


async def test_an_adapters_mistake_has_the_notification_sent_again(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill(), provider="clumsy")
    Clumsy.fails_at.add("read_notification")
    answer = await stage.notify(payment)
    assert (answer.status_code, answer.text) == (500, "try_later")
    assert await stage.count("notifications") == await stage.count("quarantine") == 0
    Clumsy.fails_at.clear()
    assert (await stage.notify(payment)).text == "recorded"
    assert (await stage.read(payment))["status"] == "succeeded"


async def test_what_cannot_be_written_down_has_to_be_sent_again(
    stage: Stage, database: str
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    owner = await asyncpg.connect(database)
    try:
        await owner.execute("REVOKE INSERT ON evidence FROM gateway_service")
        answer = await stage.notify(payment)
        assert (answer.status_code, answer.text) == (500, "try_later")
    finally:
        await owner.execute("GRANT INSERT ON evidence TO gateway_service")
        await owner.close()
    assert await stage.count("notifications") == await stage.count("transfers") == 0
    assert (await stage.notify(payment)).text == "recorded"
    assert await assert_books_hold(stage, taken=1) == 0


async def test_a_forged_message_first_does_not_shut_the_authentic_one_out(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    said = {"outcome": "failed", "reference": payment["attempts"][0]["reference"], "code": "0"}
    forged = await stage.api.post(
        "/v1/notifications/scripted", content=json.dumps(said), headers={"signature": "00"}
    )
    assert forged.text == "refused"
    assert (await stage.notify(payment)).text == "recorded"


@pytest.mark.parametrize("wrong", [{"merchant": "ANOTHER"}, {"amount_dong": 1}], ids=str)
async def test_what_is_not_ours_is_answered_so_however_often_it_comes(
    stage: Stage, wrong: dict[str, object]
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    first, second = [(await stage.notify(payment, **wrong)).text for _ in range(2)]
    assert first == second != "recorded"
    assert await stage.count("transfers") == 0


async def test_what_postgres_keeps_in_no_text_is_recorded_escaped(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    answer = await stage.notify(payment, code="0\x00\ud800", provider_id="7\x00")
    assert (answer.status_code, answer.text) == (200, "recorded")
    rows = await stage.sql("SELECT code, provider_id FROM attempts")
    assert tuple(rows[0]) == ("0\\x00\\ud800", "7\\x00")
    assert (await stage.read(payment))["status"] == "succeeded"


async def test_an_authentic_message_of_an_unknown_order_is_kept_for_review(stage: Stage) -> None:
    raw = json.dumps({"outcome": "succeeded", "reference": "att_of_nobody"}).encode()
    answer = await stage.api.post(
        "/v1/notifications/scripted", content=raw, headers={"signature": sign(raw)}
    )
    assert (answer.status_code, answer.text) == (200, "unknown_reference")
    rows = await stage.sql("SELECT reason, body FROM quarantine")
    assert [tuple(row) for row in rows] == [("authentic, of an order unknown here", raw)]


@pytest.mark.parametrize("path", ["notifications/nobody", "notifications/x" * 20, "returns/nobody"])
async def test_nobody_notifies_for_a_provider_that_is_not_here(stage: Stage, path: str) -> None:
    answer = await stage.api.get(f"/v1/{path}")
    assert answer.status_code in {404, 422}
    assert await stage.count("quarantine") == 0


@pytest.mark.parametrize("query", ["", "outcome=succeeded", "outcome=succeeded&reference=att_no"])
async def test_a_browser_that_brings_nothing_of_ours_goes_nowhere(stage: Stage, query: str) -> None:
    answer = await stage.api.get(f"/v1/returns/clumsy?{query}")
    assert answer.status_code in {404, 422}
    assert await stage.count("evidence") == 0


async def test_a_browser_that_comes_back_after_the_end_adds_nothing(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment)
    before = await stage.count("evidence")
    reference = payment["attempts"][0]["reference"]
    answer = await stage.api.get(f"/v1/returns/scripted?outcome=failed&reference={reference}")
    assert answer.status_code == 303
    assert await stage.count("evidence") == before
    assert (await stage.read(payment))["status"] == "succeeded"


@pytest.mark.parametrize("many", [20, 50])
async def test_a_browser_that_comes_back_many_times_at_once_is_evidence_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    payment = await both[0].opened(await both[0].world.add_bill())
    path = f"/v1/returns/scripted?outcome=succeeded&reference={payment['attempts'][0]['reference']}"
    told = await asyncio.gather(*(both[n % 2].api.get(path) for n in range(many)))
    assert {answer.status_code for answer in told} == {303}
    rows = await both[0].sql("SELECT rank FROM evidence WHERE source = 'return'")
    assert [row["rank"] for row in rows] == [1]
    assert (await both[0].read(payment))["status"] == "requires_action"
