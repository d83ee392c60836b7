"""When the provider is asked next: by a schedule, never at once, and in the end by a person."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway.flows import resolving
from gateway.kit import metrics
from tests.providing.books import assert_books_hold, states
from tests.providing.stage import Stage
from tests.providing.test_resolving import MINUTE, WAIT, in_doubt


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


@pytest.mark.parametrize(
    "said",
    [
        {"outcome": "succeeded", "reference": "att_of_another", "provider_id": "1"},
        {"outcome": "succeeded", "merchant": "ANOTHER", "provider_id": "1"},
        {"outcome": "unknown", "merchant": "ANOTHER"},
        {"outcome": "unknown"},
        {"outcome": "pending"},
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.Response(503),
    ],
    ids=["other-order", "other-merchant", "doubtful-other", "unlisted", "pending", *"abc"],
)
async def test_no_answer_makes_the_resolver_ask_again_at_once(stage: Stage, said: Any) -> None:
    await in_doubt(stage)
    stage.says["query"] = said
    await stage.resolve()
    [first] = await stage.sql(WAIT)
    assert timedelta(seconds=1) < first["wait"] <= timedelta(seconds=5)
    await stage.resolve()
    [second] = await stage.sql(WAIT)
    assert second["wait"] > first["wait"]


async def test_silence_after_a_first_negative_waits_as_silence_does(stage: Stage) -> None:
    await in_doubt(stage)
    stage.says["query"] = {"outcome": "absent"}
    await stage.pass_expiry()
    await stage.resolve()
    [row] = await stage.sql(WAIT)
    assert timedelta(seconds=50) < row["wait"] <= timedelta(seconds=60)  # the visibility window
    await stage.pass_expiry()
    stage.says["query"] = httpx.ReadTimeout("slow")
    waits = []
    for _ in range(3):  # a fourth would open the breaker
        await stage.resolve()
        [row] = await stage.sql(WAIT)
        waits.append(row["wait"])
    assert waits == sorted(waits)
    assert waits[-1] > timedelta(seconds=30)
    stage.says["query"] = {"outcome": "absent"}
    await stage.resolve()
    [row] = await stage.sql(WAIT)
    assert (row["state"], row["wait"]) == ("absent", None)


async def test_money_that_moves_after_the_end_is_watched_by_the_schedule(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for _ in range(2):
        await stage.pass_expiry()
        await stage.resolve()
    assert await states(stage, payment) == ["expired"]
    await stage.notify(payment, outcome="pending", code="7000")
    stage.says["query"] = {"outcome": "pending"}
    await stage.resolve()
    [row] = await stage.sql(WAIT)
    assert row["wait"] > timedelta(seconds=1)
    raised = await stage.sql("SELECT kind, owner FROM exceptions")
    assert [tuple(one) for one in raised] == [("moving_after_end", "operations")]
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    await stage.resolve()
    assert await assert_books_hold(stage, taken=1) == 0


async def test_an_order_that_may_be_paid_for_a_day_is_no_doubt(stage: Stage) -> None:
    await stage.opened(await stage.world.add_bill(), expires_in_s=86_400)
    for asked in (2, 250):
        await stage.sql("UPDATE attempts SET asked = $1", asked)
        await stage.resolve()
        [row] = await stage.sql(WAIT)
        assert timedelta(seconds=50) < row["wait"] <= MINUTE
    assert await stage.count("exceptions") == 0


async def test_when_all_questions_are_asked_a_person_owns_the_doubt(stage: Stage) -> None:
    payment = await in_doubt(stage)
    stage.says["query"] = {"outcome": "unknown"}
    await stage.sql("UPDATE attempts SET asked = 200")
    await stage.resolve()
    raised = await stage.sql("SELECT kind, owner, next_action FROM exceptions")
    assert [(row["kind"], row["owner"]) for row in raised] == [("unresolved", "operations")]
    assert payment["attempts"][0]["reference"] in raised[0]["next_action"]
    [row] = await stage.sql(WAIT)
    assert timedelta(hours=23) < row["wait"] <= timedelta(days=1)
    assert (await stage.read(payment))["certainty"] == "in_doubt"


async def test_a_provider_that_answers_no_queries_is_waited_for(stage: Stage) -> None:
    payment = await in_doubt(stage, provider="mute")
    await stage.resolve()
    assert "query" not in stage.calls
    assert (await stage.read(payment))["certainty"] == "in_doubt"
    await stage.notify(payment)
    assert (await stage.read(payment))["status"] == "succeeded"


async def test_the_gauges_show_doubts_and_their_age(stage: Stage) -> None:
    await in_doubt(stage)
    await in_doubt(stage, provider="closing")
    await stage.opened(await stage.world.add_bill())
    await stage.sql("UPDATE attempts SET doubt_since = now() - interval '1 hour'")
    # Of a provider that this process does not know any more.
    await stage.sql(
        "INSERT INTO providers (code, receivable_account) SELECT 'gone', receivable_account"
        " FROM providers LIMIT 1"
    )
    await stage.sql("UPDATE attempts SET provider = 'gone' WHERE provider = 'closing'")
    await stage.rt.refresh()
    await resolving.measure_doubts(stage.rt)
    codes = ("scripted", "gone", "mute")
    assert [metrics.DOUBTS.labels(code)._value.get() for code in codes] == [1, 1, 0]
    assert 3590 < metrics.OLDEST_DOUBT_SECONDS.labels("scripted")._value.get() < 3700
    await stage.resolve()
    stage.says["query"] = {"outcome": "failed", "code": "1"}
    await stage.resolve()
    await resolving.measure_doubts(stage.rt)
    assert metrics.DOUBTS.labels("scripted")._value.get() == 0
    assert metrics.OLDEST_DOUBT_SECONDS.labels("scripted")._value.get() == 0
