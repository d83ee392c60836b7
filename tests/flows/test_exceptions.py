"""The exceptions queue: opened once with the evidence, told, listed by urgency, closed once."""

import json
from typing import Any
from uuid import UUID

import pytest

from gateway.domain.clock import business_date
from gateway.flows import exceptions
from tests.providing.conftest import rt, stage
from tests.providing.stage import Stage

__all__ = ["rt", "stage"]  # fixtures


async def paid_and_disputed(stage: Stage) -> dict[str, Any]:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment)
    await stage.notify(payment, outcome="failed", code="1006")
    return payment


async def kinds(stage: Stage) -> list[str]:
    return [row.kind for row in await exceptions.list_open(stage.rt, 100)]


async def events(stage: Stage) -> list[dict[str, Any]]:
    rows = await stage.sql("SELECT body FROM events ORDER BY id")
    return [json.loads(row["body"]) for row in rows]


async def test_an_ordinary_payment_opens_none(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.api.get(
        f"/v1/returns/scripted?outcome=succeeded&reference={payment['attempts'][0]['reference']}"
    )
    await stage.notify(payment, outcome="pending", code="7000")
    await stage.notify(payment)
    await stage.notify(payment)
    assert await kinds(stage) == []


async def test_an_exception_says_who_does_what_by_when(stage: Stage) -> None:
    payment = await paid_and_disputed(stage)
    (opened,) = await exceptions.list_open(stage.rt, 100)
    assert (opened.kind, opened.owner, opened.amount_dong) == ("conflicted", "operations", 150_000)
    assert f"pay_{opened.payment_id.hex}" == payment["id"]
    assert payment["attempts"][0]["reference"] in opened.next_action
    assert opened.due_on == business_date(stage.rt.clock.now())
    assert opened.closed_at is None


async def test_the_biller_is_told_of_a_dispute_once(stage: Stage) -> None:
    payment = await paid_and_disputed(stage)
    await stage.notify(payment, outcome="failed", code="1007")
    stage.says["query"] = {"outcome": "failed", "code": "1006"}
    await stage.resolve()
    told = [event for event in await events(stage) if event["type"] == "payment.conflicted"]
    assert [event["data"] for event in told] == [{"id": payment["id"], "provider": "scripted"}]
    assert await kinds(stage) == ["conflicted"]


async def test_trouble_that_is_no_dispute_is_not_told_to_the_biller(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="held", code="99")
    assert await kinds(stage) == ["held_by_provider"]
    assert await events(stage) == []


async def test_the_same_trouble_again_opens_nothing_more(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for amount in (1_000, 2_000, 3_000):
        await stage.notify(payment, amount_dong=amount, code=str(amount))
    assert await kinds(stage) == ["amount_differs"]


async def test_another_trouble_of_the_same_attempt_is_one_more(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, amount_dong=1_000, code="1")
    await stage.notify(payment, outcome="held", code="2")
    assert sorted(await kinds(stage)) == ["amount_differs", "held_by_provider"]


async def test_the_most_urgent_come_first_and_no_more_than_asked_for(stage: Stage) -> None:
    held = await stage.opened(await stage.world.add_bill())
    await stage.notify(held, outcome="held", code="99")
    await paid_and_disputed(stage)
    assert await kinds(stage) == ["conflicted", "held_by_provider"]
    assert [row.kind for row in await exceptions.list_open(stage.rt, 1)] == ["conflicted"]


async def test_closing_keeps_who_closed_it_and_what_was_found(stage: Stage) -> None:
    await paid_and_disputed(stage)
    (opened,) = await exceptions.list_open(stage.rt, 100)
    before = {table: await stage.count(table) for table in ("transfers", "events", "evidence")}
    assert await exceptions.close(stage.rt, opened.id, closed_by="an", resolution="đã trả lời")
    assert await kinds(stage) == []
    (row,) = await stage.sql("SELECT closed_by, resolution FROM exceptions")
    assert tuple(row) == ("an", "đã trả lời")
    assert before == {table: await stage.count(table) for table in before}


@pytest.mark.parametrize("is_there", [True, False], ids=["closed", "unknown"])
async def test_what_is_not_open_cannot_be_closed(
    stage: Stage,
    is_there: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    await paid_and_disputed(stage)
    (opened,) = await exceptions.list_open(stage.rt, 100)
    await exceptions.close(stage.rt, opened.id, closed_by="an", resolution="1")
    wanted = opened.id if is_there else UUID(int=7)
    assert not await exceptions.close(stage.rt, wanted, closed_by="bình", resolution="2")
    (row,) = await stage.sql("SELECT closed_by FROM exceptions")
    assert row["closed_by"] == "an"
