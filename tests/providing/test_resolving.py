"""The resolver: fenced by leases, bounded by quotas, stopped by nobody's mistakes, never hot."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway.flows import resolving
from gateway.store import attempts, database
from gateway.store.attempts import AttemptRow
from tests.providing.books import assert_books_hold, claim_of
from tests.providing.odd import SPACING_S, Clumsy
from tests.providing.stage import Stage

MINUTE = timedelta(minutes=1)
NOW_DUE = "UPDATE attempts SET due_at = now() WHERE due_at IS NOT NULL"
WAIT = "SELECT reference, state, asked, due_at - now() AS wait FROM attempts ORDER BY id"


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


async def lease(stage: Stage, provider: str = "scripted") -> Sequence[AttemptRow]:
    """Lease what a provider is to be asked about, as a worker does."""
    await stage.sql(NOW_DUE)
    async with database.borrow(stage.rt.pool) as connection:
        return await attempts.claim_due(
            connection, provider, spacing=timedelta(), lease=MINUTE, most=16
        )


async def left_by(stage: Stage) -> list[tuple[object, ...]]:
    """Give all that a resolver may write."""
    rows = await stage.sql(
        "SELECT a.state, a.asked, a.due_at, p.status, p.cancel_asked_at,"
        " (SELECT count(*) FROM evidence) AS evidence, (SELECT count(*) FROM exchanges) AS calls,"
        " (SELECT array_agg(claim ORDER BY id) FROM bills) AS claims"
        " FROM attempts a JOIN payments p ON p.id = a.payment_id ORDER BY a.id"
    )
    return [tuple(row) for row in rows]


async def in_doubt(stage: Stage, **changes: Any) -> dict[str, Any]:
    """Begin a payment whose answer is lost."""
    before = stage.says["create"]
    stage.says["create"] = httpx.ReadTimeout("slow")
    payment: dict[str, Any] = (await stage.begin(await stage.world.add_bill(), **changes)).json()
    stage.says["create"] = before
    assert payment["certainty"] == "in_doubt"
    return payment


@pytest.mark.parametrize("said", ["succeeded", "failed", "pending", "waiting"])
async def test_a_resolver_that_lost_its_lease_writes_nothing(
    both: tuple[Stage, Stage], said: str
) -> None:
    stage, other = both
    await stage.opened(await stage.world.add_bill())
    [slow] = await lease(stage)
    [quick] = await lease(other)
    assert quick.lease_no == slow.lease_no + 1
    before = await left_by(stage)
    stage.says["query"] = {"outcome": said, "provider_id": "1"}
    await resolving.resolve(stage.rt, slow)
    assert await left_by(stage) == before
    await resolving.resolve(other.rt, quick)
    assert await left_by(stage) != before


async def test_a_resolver_that_lost_its_lease_closes_no_order(both: tuple[Stage, Stage]) -> None:
    stage, other = both
    bill = await stage.world.add_bill()
    await stage.opened(bill, provider="closing")
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    [slow] = await lease(stage, "closing")
    await lease(other, "closing")
    before = await left_by(stage)
    stage.says["cancel"] = {"outcome": "failed"}
    await resolving.resolve(stage.rt, slow)
    assert await left_by(stage) == before
    assert "cancel" not in stage.calls


async def test_what_is_told_while_a_question_is_prepared_keeps_its_bills_held(
    stage: Stage,
) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    [leased] = await lease(stage)
    await stage.notify(payment, outcome="pending", code="7000")
    assert (await claim_of(stage, bill))[0] == "hard"
    assert not await resolving._is_to_be_closed(stage.rt, leased)
    assert (await claim_of(stage, bill))[0] == "hard"


async def test_many_turns_at_once_in_two_processes_ask_about_each_attempt_once(
    both: tuple[Stage, Stage],
) -> None:
    stage = both[0]
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    for _ in range(12):
        await stage.opened(await stage.world.add_bill())
    await stage.sql(NOW_DUE)
    asked = await asyncio.gather(*(resolving.resolve_due(both[n % 2].rt) for n in range(20)))
    assert sum(asked) == stage.calls.count("query") == 12
    assert await assert_books_hold(stage, taken=12) == 0


async def test_a_spaced_provider_is_asked_one_question_in_a_spacing_by_all_processes(
    both: tuple[Stage, Stage],
) -> None:
    stage = both[0]
    for _ in range(4):
        await in_doubt(stage, provider="spaced")
    await stage.sql(NOW_DUE)
    asked = await asyncio.gather(*(resolving.resolve_due(both[n % 2].rt) for n in range(20)))
    assert sum(asked) == stage.calls.count("query") == 1
    rows = await stage.sql("SELECT next_query_at - now() AS w FROM providers WHERE code = 'spaced'")
    assert timedelta(seconds=SPACING_S) - MINUTE < rows[0]["w"] <= timedelta(seconds=SPACING_S)
    await stage.sql("UPDATE providers SET next_query_at = now()")
    await asyncio.gather(*(resolving.resolve_due(both[n % 2].rt) for n in range(20)))
    assert stage.calls.count("query") == 2


async def test_who_cancels_many_payments_keeps_the_providers_quota(
    both: tuple[Stage, Stage],
) -> None:
    stage = both[0]
    payments = [
        await stage.opened(await stage.world.add_bill(), provider="spaced") for _ in range(5)
    ]
    told = await asyncio.gather(
        *(
            both[n % 2].api.post(
                f"/v1/payments/{payment['id']}/cancel", headers=stage.world.headers("wallet")
            )
            for n, payment in enumerate(payments)
        )
    )
    assert {answer.status_code for answer in told} == {200}
    assert stage.calls.count("query") == 1
    # The others are due, and wait for the provider's turn.
    rows = await stage.sql("SELECT 1 FROM attempts WHERE due_at <= now()")
    assert len(rows) == 4


async def test_a_provider_that_asks_for_a_pause_is_left_alone_by_all_processes(
    both: tuple[Stage, Stage],
) -> None:
    stage, other = both
    stage.says["query"] = {"outcome": "unknown", "code": "94"}
    for _ in range(3):
        await in_doubt(stage, provider="hasty")
    assert await stage.resolve() == 3
    asked = stage.calls.count("query")
    assert await stage.resolve() == await other.resolve() == 0
    assert stage.calls.count("query") == asked
    await stage.sql("UPDATE providers SET next_query_at = now() WHERE code = 'hasty'")
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    assert await other.resolve() == 3
    assert await assert_books_hold(stage, taken=3) == 0


async def test_a_pause_that_was_asked_for_is_not_cut_short_by_a_shorter_one(stage: Stage) -> None:
    async with database.borrow(stage.rt.pool) as connection:
        await attempts.postpone(connection, "hasty", timedelta(hours=1))
        await attempts.postpone(connection, "hasty", MINUTE)
    rows = await stage.sql("SELECT next_query_at - now() AS w FROM providers WHERE code = 'hasty'")
    assert rows[0]["w"] > timedelta(minutes=59)


@pytest.mark.parametrize("mistake", ["query", "read_queried"])
async def test_an_adapters_mistake_stops_nobody_elses_question(stage: Stage, mistake: str) -> None:
    poisoned = await in_doubt(stage, provider="clumsy")
    sound = await in_doubt(stage)
    Clumsy.fails_at.add(mistake)
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    assert await stage.resolve() == 2
    assert (await stage.read(sound))["status"] == "succeeded"
    doubted = await stage.read(poisoned)
    assert doubted["certainty"] == "in_doubt"
    # It is evidence that proves nothing, and the next question comes by the schedule.
    rows = await stage.sql(f"SELECT * FROM ({WAIT}) w WHERE state = 'unknown'")
    assert rows[0]["asked"] == 1
    assert timedelta(seconds=1) < rows[0]["wait"] <= timedelta(seconds=5)
    Clumsy.fails_at.clear()
    await stage.resolve()
    assert (await stage.read(poisoned))["status"] == "succeeded"


@pytest.mark.parametrize("mistake", ["cancel", "read_cancelled"])
async def test_an_order_that_cannot_be_closed_by_mistake_is_asked_about(
    stage: Stage, mistake: str
) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill, provider="clumsy")
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    Clumsy.fails_at.add(mistake)
    stage.says["cancel"] = {"outcome": "failed"}
    await stage.resolve()
    assert stage.calls[-1] == "query"
    assert (await stage.read(payment))["status"] == "processing"
    Clumsy.fails_at.clear()
    await stage.resolve()
    assert (await stage.read(payment))["status"] == "cancelled"


async def test_a_lease_is_longer_than_closing_and_asking_together(stage: Stage) -> None:
    for code, calls in {"scripted": 1, "closing": 2}.items():
        config = stage.rt.providers[code].provider.config
        assert resolving._lease(stage.rt, code).total_seconds() > calls * config.deadline_s


async def test_a_lease_that_runs_out_is_asked_about_by_the_next(both: tuple[Stage, Stage]) -> None:
    stage, other = both
    payment = await in_doubt(stage)
    await lease(stage)
    assert await resolving.resolve_due(other.rt) == 0
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    assert await other.resolve() == 1
    assert (await stage.read(payment))["status"] == "succeeded"


async def test_the_resolver_of_an_attempt_that_is_gone_writes_nothing(stage: Stage) -> None:
    await stage.opened(await stage.world.add_bill())
    [leased] = await lease(stage)
    before = await left_by(stage)
    await resolving.resolve(stage.rt, replace(leased, id=leased.payment_id))
    assert await left_by(stage) == before


async def test_each_provider_can_be_asked_apart_so_that_one_that_hangs_delays_no_other(
    stage: Stage,
) -> None:
    await stage.opened(await stage.world.add_bill())
    await stage.opened(await stage.world.add_bill(), provider="closing")
    await stage.sql("UPDATE attempts SET due_at = now()")
    assert await resolving.resolve_due(stage.rt, "scripted") == 1
    left = await stage.sql("SELECT provider FROM attempts WHERE due_at <= now()")
    assert [row["provider"] for row in left] == ["closing"]
