"""What is told of debits and mandates, held against the documents, and how a run completes."""

import json

from gateway.api.mandate_events import MANDATE_WEBHOOKS
from tests.debiting.stage import MONDAY, TUESDAY, Stage


async def test_every_event_is_as_the_documents_say_and_a_run_completes_once(stage: Stage) -> None:
    row = await stage.mandate(retry_days=1)
    await stage.world.add_bill()
    await stage.prepare()
    await stage.script(row, "51", "51")
    await stage.send(MONDAY)
    assert "debit_run.completed" not in await stage.events()
    await stage.send(TUESDAY)
    await stage.conclude()
    told = await stage.world.rows("SELECT type, body FROM events")
    for event in told:
        model, _ = MANDATE_WEBHOOKS[event["type"]]
        model.model_validate(json.loads(event["body"]))
    kinds = [event["type"] for event in told]
    assert kinds.count("debit_run.completed") == 1
    assert {"mandate.activated", "debit.announced", "debit.failed"} <= set(kinds)
