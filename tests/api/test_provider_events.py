"""The events of payments through providers are as the document says their webhooks are."""

import json
from typing import Any

from tests.api.test_events import model
from tests.contract import faults_of
from tests.providing.conftest import rt, stage
from tests.providing.stage import Stage

__all__ = ["rt", "stage"]  # fixtures


async def told(stage: Stage) -> dict[str, dict[str, Any]]:
    """Give the bodies of all events by type; of each there is one."""
    rows = await stage.sql("SELECT type, body FROM events")
    bodies = {row["type"]: json.loads(row["body"]) for row in rows}
    assert len(bodies) == len(rows)
    for event_type, body in bodies.items():
        assert body["type"] == event_type
        assert faults_of(model(event_type), body) == []
    return bodies


async def test_a_success_at_a_provider_is_told_as_any_other_payment_is(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment)
    [body] = (await told(stage)).values()
    paid = await stage.read(payment)
    assert body["type"] == "payment.succeeded"
    assert body["data"]["id"] == payment["id"]
    assert body["data"]["bills"] == paid["bills"]
    assert (body["data"]["method"], body["data"]["status"]) == ("provider", "succeeded")


async def test_money_that_came_too_late_is_told_as_its_webhook_says(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    await stage.notify(payment)
    body = (await told(stage))["payment.late_money"]
    assert body["data"]["id"] == payment["id"]
    assert body["data"]["amount_dong"] == payment["amount_dong"]


async def test_a_dispute_is_told_once_as_its_webhook_says(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for outcome in ("failed", "succeeded", "failed", "succeeded"):
        await stage.notify(payment, outcome=outcome, code=outcome)
    body = (await told(stage))["payment.conflicted"]
    assert body["data"] == {"id": payment["id"], "provider": "scripted"}


async def test_what_settles_nothing_tells_nobody(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    await stage.notify(await stage.opened(await stage.world.add_bill()), amount_dong=1)
    assert await told(stage) == {}
