"""The one door: evidence and what follows from it are written together, or not at all."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from prometheus_client import REGISTRY

from gateway.domain.attempt import AttemptState
from gateway.domain.evidence import Rank
from gateway.flows import settling
from gateway.store import attempts, database
from tests.providing.books import assert_books_hold, claim_of, states
from tests.providing.stage import Stage

TOLD = "SELECT source, rank, outcome, state_before, state_after, rule FROM evidence ORDER BY id"


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


async def test_every_fact_is_evidence_with_what_it_made(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="pending", code="7000")
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1", "code": "0"}
    await stage.resolve()
    rows = [tuple(row)[:5] for row in await stage.sql(TOLD)]
    assert rows == [
        ("create", 3, "waiting", "sent", "waiting"),
        ("notification", 2, "pending", "waiting", "pending"),
        ("query", 3, "succeeded", "pending", "succeeded"),
    ]
    assert "" not in {row["rule"] for row in await stage.sql(TOLD)}


async def test_evidence_names_the_exchange_or_notification_that_carried_it(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment)
    rows = await stage.sql("SELECT source, exchange_id, notification_id FROM evidence ORDER BY id")
    exchanges = await stage.sql("SELECT id FROM exchanges")
    notifications = await stage.sql("SELECT id FROM notifications")
    assert [tuple(row) for row in rows] == [
        ("create", exchanges[0]["id"], None),
        ("notification", None, notifications[0]["id"]),
    ]


@pytest.mark.parametrize("table", ["evidence", "transfers", "events", "notifications"])
async def test_what_cannot_be_written_whole_is_not_written_at_all(
    stage: Stage, database: str, table: str
) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    before = await stage.count("evidence")
    owner = await asyncpg.connect(database)
    try:
        await owner.execute(f"REVOKE INSERT ON {table} FROM gateway_service")
        assert (await stage.notify(payment)).text == "try_later"
    finally:
        await owner.execute(f"GRANT INSERT ON {table} TO gateway_service")
        await owner.close()
    assert await states(stage, payment) == ["waiting"]
    assert await stage.count("evidence") == before
    assert await stage.count("notifications") == await stage.count("transfers") == 0
    assert (await claim_of(stage, bill))[0] == "soft"
    assert (await stage.notify(payment)).text == "recorded"
    assert await assert_books_hold(stage, taken=1) == 0


@pytest.mark.parametrize(
    ("outcome", "claim"),
    [("waiting", "soft"), ("pending", "hard"), ("failed", None), ("held", "hard")],
)
async def test_the_hold_on_the_bills_follows_the_attempt(
    stage: Stage, outcome: str, claim: str | None
) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    await stage.notify(payment, outcome=outcome, code="x")
    assert (await claim_of(stage, bill))[0] == claim


async def test_money_that_the_provider_holds_needs_a_person(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="held", code="9000")
    rows = await stage.sql("SELECT kind, owner, due_on FROM exceptions")
    assert [(row["kind"], row["owner"]) for row in rows] == [("held_by_provider", "operations")]
    assert (await stage.read(payment))["may_payer_pay_again"] == "no"


async def test_another_movement_for_one_order_is_an_owned_dispute(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, provider_id="1", code="a")
    await stage.notify(payment, provider_id="2", code="b")
    rows = await stage.sql("SELECT kind, owner FROM exceptions")
    assert [tuple(row) for row in rows] == [("second_movement", "accounting")]
    shown = await stage.read(payment)
    assert (shown["status"], shown["certainty"]) == ("succeeded", "disputed")
    assert await assert_books_hold(stage, taken=1) == 0


async def test_a_query_of_another_amount_settles_nothing_and_is_disputed(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1", "amount_dong": 149_999}
    await stage.resolve()
    assert await states(stage, payment) == ["conflicted"]
    assert (await claim_of(stage, bill))[0] == "hard"
    rows = await stage.sql("SELECT kind, owner FROM exceptions")
    assert [tuple(row) for row in rows] == [("amount_differs", "operations")]
    assert await stage.count("transfers") == 0


async def test_memory_of_an_adapter_is_kept_and_added_to(stage: Stage) -> None:
    await stage.opened(await stage.world.add_bill(), provider="hasty")
    await stage.sql("""UPDATE attempts SET memory = '{"token":"t","asked":"c0"}'""")
    for said, kept in (("c1", "c1"), ("", "c1"), ("c2", "c2")):
        stage.says["query"] = {"outcome": "waiting", "code": said}
        await stage.resolve()
        memory = json.loads((await stage.sql("SELECT memory FROM attempts"))[0]["memory"])
        assert memory == {"token": "t", "asked": kept}


async def test_the_time_to_certainty_is_measured_from_the_doubt(stage: Stage) -> None:
    def observed() -> tuple[float, float]:
        labels = {"provider": "scripted"}
        name = "gateway_certainty_seconds"
        found = [
            REGISTRY.get_sample_value(f"{name}_{part}", labels) or 0.0 for part in ("count", "sum")
        ]
        return found[0], found[1]

    stage.says["create"] = httpx.ReadTimeout("slow")
    await stage.begin(await stage.world.add_bill())
    await stage.sql("UPDATE attempts SET doubt_since = now() - interval '90 seconds'")
    count, total = observed()
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    await stage.resolve()
    after, seconds = observed()
    assert after == count + 1
    assert 89 < seconds - total < 120


async def test_a_doubt_keeps_the_day_on_which_it_began(stage: Stage) -> None:
    stage.says["create"] = httpx.ReadTimeout("slow")
    await stage.begin(await stage.world.add_bill())
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    await stage.sql("UPDATE attempts SET doubt_since = $1", long_ago)
    stage.says["query"] = {"outcome": "unknown"}
    await stage.resolve()
    stage.says["query"] = {"outcome": "pending"}
    await stage.resolve()
    rows = await stage.sql("SELECT state, doubt_since FROM attempts")
    assert tuple(rows[0]) == ("pending", long_ago)


@pytest.mark.parametrize("state", list(AttemptState))
async def test_where_an_attempt_stands_is_read_as_it_was_written(
    stage: Stage, state: AttemptState
) -> None:
    await stage.opened(await stage.world.add_bill())
    await stage.sql("UPDATE attempts SET state = $1, rank = 2, negatives = 1", state)
    reference = (await stage.sql("SELECT reference FROM attempts"))[0]["reference"]
    async with database.borrow(stage.rt.pool) as connection:
        row: Any = await attempts.by_reference(connection, "scripted", reference)
    stands = settling.standing_of(row)
    assert (stands.state, stands.rank, stands.negatives) == (state, Rank.NOTIFICATION, 1)
    assert stands.visibility == timedelta(seconds=60)
