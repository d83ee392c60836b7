"""What debits came to: tried again, failed for good, and what follows for the mandate."""

from datetime import date

import pytest

from tests.debiting.stage import MONDAY, TUESDAY, Stage
from tests.world import CUSTOMER


async def test_no_funds_are_tried_again_on_the_next_business_day_as_a_new_attempt(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, "51")
    await stage.send()
    debit = await stage.debit()
    assert (debit["state"], debit["reason"], debit["due_on"]) == ("planned", "51", TUESDAY)
    assert (await stage.send()).sent == 0
    assert (await stage.send(TUESDAY)).sent == 1
    assert (await stage.debit())["state"] == "settled"
    tried = await stage.world.rows("SELECT number, state FROM attempts ORDER BY number")
    assert [tuple(row) for row in tried] == [(1, "failed"), (2, "succeeded")]
    assert await stage.world.count("payments") == 1


@pytest.mark.parametrize(
    ("code", "becomes"),
    [("14", "cancelled"), ("57", "cancelled"), ("62", "suspended"), ("61", "active")],
)
async def test_a_refusal_for_good_ends_the_debit_and_does_to_the_mandate_what_the_table_says(
    code: str, becomes: str, stage: Stage
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, code)
    await stage.send()
    assert await stage.debits() == {CUSTOMER: f"failed {code}"}
    assert (await stage.read(row)).state == becomes
    assert "debit.failed" in await stage.events()
    (bill,) = await stage.world.rows("SELECT status, claim FROM bills")
    assert tuple(bill) == ("open", None)


async def test_no_funds_after_all_days_of_trying_fail_for_this_month(stage: Stage) -> None:
    row = await stage.mandate(retry_days=1)
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, "51", "51")
    await stage.send()
    await stage.send(TUESDAY)
    assert await stage.debits() == {CUSTOMER: "failed 51"}
    assert (await stage.prepare(TUESDAY)).debits == 1  # another month: December
    assert (await stage.prepare(TUESDAY)).debits == 0


async def test_three_failed_months_suspend_a_mandate_and_a_success_counts_anew(
    stage: Stage,
) -> None:
    row = await stage.mandate(retry_days=0)
    await stage.world.add_bill("HD-A")
    for day, months in ((MONDAY, 1), (TUESDAY, 2), (date(2027, 1, 4), 3)):
        await stage.prepare(day)
        await stage.script(row, "51")
        await stage.send(day)
        (found,) = await stage.world.rows("SELECT failed_months FROM mandates")
        assert found["failed_months"] == months
    assert (await stage.read(row)).state == "suspended"
    assert "mandate.suspended" in await stage.events()
