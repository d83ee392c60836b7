"""Our mandates follow what became of their debits, whoever began them."""

import pytest

from tests.debiting.stage import Stage
from tests.debiting.test_mandate_payments import pay


@pytest.mark.parametrize(
    ("code", "becomes"),
    [("14", "cancelled"), ("57", "cancelled"), ("62", "suspended"), ("51", "active")],
)
async def test_a_refusal_outside_any_run_does_to_the_mandate_what_the_table_says(
    code: str, becomes: str, stage: Stage
) -> None:
    row, bill = await stage.mandate(), await stage.world.add_bill("HD-A")
    await stage.script(row, code)
    paid = await pay(stage, row, bill)
    assert (paid.status_code, paid.json()["status"]) == (201, "failed")
    assert (await stage.read(row)).state == becomes


async def test_what_the_bank_tells_later_of_a_failure_is_followed_as_well(stage: Stage) -> None:
    row, bill = await stage.mandate(), await stage.world.add_bill("HD-A")
    await stage.script(row, "01")
    assert (await pay(stage, row, bill)).json()["status"] == "processing"
    await stage.finish("62")
    found = await stage.read(row)
    assert (found.state, found.suspended_by, found.reason) == ("suspended", "bank", "code 62")


async def test_a_late_return_outside_any_run_suspends_the_mandate(stage: Stage) -> None:
    row, bill = await stage.mandate(), await stage.world.add_bill("HD-A")
    await pay(stage, row, bill)
    await stage.finish("38")
    found = await stage.read(row)
    assert (found.state, found.suspended_by) == ("suspended", "payer")
    (bill_row,) = await stage.world.rows("SELECT status FROM bills")
    assert bill_row["status"] == "open"
