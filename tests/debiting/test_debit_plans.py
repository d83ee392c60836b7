"""Planning: nothing twice, the oldest first, on the right day."""

from datetime import date

from tests.debiting.stage import MONDAY, Stage


async def test_a_run_planned_again_plans_only_what_has_come_since(stage: Stage) -> None:
    await stage.customers(3)
    assert (await stage.prepare()).debits == 3
    assert (await stage.prepare()).debits == 0
    await stage.world.add_customer("PB14010009999")
    await stage.world.add_bill(customer="PB14010009999")
    await stage.mandate("PB14010009999")
    assert (await stage.prepare()).debits == 1
    assert await stage.world.count("debit_runs") == 1


async def test_the_oldest_bill_is_debited_before_any_newer_one(stage: Stage) -> None:
    await stage.world.set_rules(oldest_first=True)
    await stage.mandate()
    await stage.world.add_bill("HD-NEW", period=date(2026, 10, 1))
    await stage.world.add_bill("HD-OLD", period=date(2026, 9, 1))
    assert (await stage.prepare()).debits == 1
    await stage.send()
    paid = await stage.world.rows("SELECT id FROM bills WHERE status = 'paid'")
    assert [row["id"] for row in paid] == ["HD-OLD"]
    assert (await stage.prepare()).debits == 1
    await stage.send()
    assert await stage.taken() == 300_000


async def test_a_day_of_the_month_is_drawn_on_the_business_day_that_stands_for_it(
    stage: Stage,
) -> None:
    await stage.mandate(day_of_month=28)  # a Saturday in November 2026
    await stage.world.add_bill("HD-A")
    assert (await stage.prepare(date(2026, 11, 27))).debits == 0
    assert (await stage.prepare(MONDAY)).debits == 1
