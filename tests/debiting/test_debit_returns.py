"""Late returns, told by the bank itself."""

from tests.debiting.stage import Stage


async def test_the_bank_tells_of_a_debit_and_of_its_late_return_by_notification(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, "01")
    await stage.send()
    assert (await stage.debit())["state"] == "drawn"
    await stage.finish("00")
    await stage.conclude()
    assert (await stage.debit())["state"] == "settled"
    await stage.finish("38")
    assert (await stage.debit())["state"] == "returned"
    (bill,) = await stage.world.rows("SELECT status, due_on, claimed_by FROM bills")
    assert (bill["status"], bill["claimed_by"]) == ("open", None)
    assert (await stage.read(row)).state == "suspended"
    assert set((await stage.world.balances()).values()) == {0}
