"""Mandates at their bank."""

import pytest

from gateway.flows.registering import ASK_AGAIN_S, ask_pending
from gateway.store.mandates import MandateRow
from tests.debiting.stage import Stage
from tests.debiting.test_mandates import BODY, otp_of, post


async def test_a_wrong_password_confirms_nothing(stage: Stage) -> None:
    made = (await post(stage, "/mandates", BODY)).json()
    wrong = f"{(int(await otp_of(stage, made['id'])) + 1) % 10**6:06d}"
    answer = await post(stage, f"/mandates/{made['id']}/confirm", {"otp": wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "otp_refused")
    assert (await stage.world.rows("SELECT state FROM mandates"))[0]["state"] == "pending_customer"


async def a_waiting_mandate(stage: Stage) -> MandateRow:
    """Give a mandate whose payer has agreed and whose bank takes its time and tells nothing."""
    stage.bank.slow_bank, stage.bank.notify_url = True, ""
    row = await stage.mandate()
    assert row.state == "pending_bank"
    return row


async def is_due(stage: Stage) -> None:
    await stage.world.rows("UPDATE mandates SET ask_at = now() - interval '1 second'")


@pytest.mark.parametrize(("act", "becomes"), [("accept", "active"), ("reject", "rejected")])
async def test_a_bank_that_tells_nothing_is_asked_until_it_has_accepted_or_refused(
    act: str, becomes: str, stage: Stage
) -> None:
    row = await a_waiting_mandate(stage)
    assert await ask_pending(stage.rt, "autodebit") == 1
    assert await ask_pending(stage.rt, "autodebit") == 0  # not before its time
    assert (await stage.read(row)).state == "pending_bank"
    said = {"mandate_id": row.reference, "act": act}
    assert (await stage.control.post("/control/mandates", json=said)).json() == {"done": True}
    await is_due(stage)
    assert await ask_pending(stage.rt, "autodebit") == 1
    assert (await stage.read(row)).state == becomes
    await is_due(stage)
    assert await ask_pending(stage.rt, "autodebit") == 0


async def test_questions_about_a_mandate_come_to_an_end(stage: Stage) -> None:
    await a_waiting_mandate(stage)
    assert min(ASK_AGAIN_S) > stage.rt.providers["autodebit"].provider.config.deadline_s
    await stage.world.rows("UPDATE mandates SET asked = $1", len(ASK_AGAIN_S))
    await is_due(stage)
    assert await ask_pending(stage.rt, "autodebit") == 1
    (row,) = await stage.world.rows("SELECT ask_at, state FROM mandates")
    assert (row["ask_at"], row["state"]) == (None, "pending_bank")
    assert await ask_pending(stage.rt, "autodebit") == 0
