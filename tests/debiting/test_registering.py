"""Mandates at their bank."""

from tests.debiting.stage import Stage
from tests.debiting.test_mandates import BODY, otp_of, post


async def test_a_wrong_password_confirms_nothing(stage: Stage) -> None:
    made = (await post(stage, "/mandates", BODY)).json()
    wrong = f"{(int(await otp_of(stage, made['id'])) + 1) % 10**6:06d}"
    answer = await post(stage, f"/mandates/{made['id']}/confirm", {"otp": wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "otp_refused")
    assert (await stage.world.rows("SELECT state FROM mandates"))[0]["state"] == "pending_customer"
