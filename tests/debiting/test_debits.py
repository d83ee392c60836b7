"""The last look and the hold: one statement."""

import asyncio
from datetime import date

import pytest

from tests.debiting.stage import TUESDAY, Stage
from tests.world import CUSTOMER

LAST_LOOKS = {
    "over-the-debit-limit": ("UPDATE mandates SET max_debit_dong = 100000", "over_debit_limit"),
    "ended": ("UPDATE mandates SET ends_on = '2026-11-29'", "mandate_not_active"),
    "suspended": (
        "UPDATE mandates SET state = 'suspended', suspended_by = 'payer'",
        "mandate_not_active",
    ),
    "cancelled-bill": ("UPDATE bills SET status = 'cancelled'", "bill_cancelled"),
    "changed-amount": (
        "UPDATE bills SET net_dong = 160000, amount_dong = 160000",
        "amount_changed",
    ),
}


async def test_a_bill_that_was_paid_elsewhere_meanwhile_is_skipped_at_the_last_look(
    stage: Stage,
) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    assert (await stage.world.pay(stage.api, "HD-A")).status_code == 201
    sent = await stage.send()
    assert (sent.sent, sent.skipped) == (0, 1)
    assert await stage.debits() == {CUSTOMER: "skipped paid_elsewhere"}
    assert "debit.skipped" in await stage.events()
    assert await stage.taken() == 0


async def test_twenty_that_send_at_once_debit_every_bill_once(stage: Stage) -> None:
    await stage.customers(12)
    await stage.prepare()
    await asyncio.gather(*(stage.send() for _ in range(20)))
    assert set((await stage.debits()).values()) == {"settled"}
    assert await stage.taken() == 12 * 150_000
    assert await stage.world.count("attempts") == 12


@pytest.mark.parametrize(("changed", "why"), LAST_LOOKS.values(), ids=LAST_LOOKS.keys())
async def test_the_last_look_skips_what_must_not_be_debited_any_more(
    changed: str, why: str, stage: Stage
) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.world.rows(changed)
    await stage.send()
    assert await stage.debits() == {CUSTOMER: f"skipped {why}"}
    assert await stage.world.count("attempts") == 0


async def test_a_bill_that_another_payment_holds_is_put_off_and_debited_when_it_is_free(
    stage: Stage,
) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    held = "UPDATE bills SET claim = 'hard', claimed_by = '01936b2e-0000-7000-8000-000000000001'"
    await stage.world.rows(held)
    assert (await stage.send()).put_off == 1
    await stage.world.rows("UPDATE bills SET claim = NULL, claimed_by = NULL")
    assert (await stage.send(TUESDAY)).sent == 1
    assert (await stage.debit())["state"] == "settled"


async def test_a_month_s_limit_holds_over_all_debits_of_a_mandate(stage: Stage) -> None:
    await stage.mandate(max_debit_dong=200_000, max_month_dong=200_000)
    await stage.world.add_bill("HD-1")
    await stage.world.add_bill("HD-2", period=date(2026, 9, 1))
    await stage.prepare()
    sent = await stage.send()
    assert (sent.sent, sent.skipped) == (1, 1)
    assert await stage.taken() == 150_000
