"""Runs as they are read."""

from tests.debiting.stage import Stage


async def test_the_biller_reads_its_runs_and_nobody_else_does(stage: Stage) -> None:
    await stage.mandate()
    await stage.world.add_bill()
    await stage.prepare()
    await stage.send()
    (run,) = (await stage.world.read(stage.api, "/debit-runs", "utility")).json()["data"]
    assert run["debits"] == {"settled": {"count": 1, "amount_dong": 150_000}}
    shown = (await stage.world.read(stage.api, f"/debit-runs/{run['id']}", "utility")).json()
    assert shown["lines"][0]["state"] == "settled"
    payment = shown["lines"][0]["payment"]
    paid = (await stage.world.read(stage.api, f"/payments/{payment}", "utility")).json()
    assert (paid["method"], paid["status"]) == ("mandate", "succeeded")
    assert (await stage.world.read(stage.api, "/debit-runs", "bank")).json()["data"] == []
    assert (await stage.world.read(stage.api, f"/debit-runs/{run['id']}")).status_code == 404
