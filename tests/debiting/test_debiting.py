"""Debits on their way to the bank: lost answers, and a bank that is away."""

from tests.debiting.stage import MONDAY, TUESDAY, Stage


async def test_a_debit_whose_answer_was_lost_is_in_doubt_until_the_bank_is_asked(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    stage.bank.notify_url = ""
    await stage.script(row, "68")
    await stage.send()
    assert (await stage.debit())["state"] == "drawn"
    assert (await stage.world.pay(stage.api, "HD-A")).json()["code"] == "bill_being_paid"
    await stage.resolve()
    assert (await stage.debit())["state"] == "settled"
    assert await stage.taken() == 150_000


async def test_what_never_arrived_is_tried_on_a_later_day_once_that_is_proved(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    await stage.script(row, "91")
    await stage.send()
    await stage.resolve()
    assert (await stage.debit())["state"] == "drawn"
    await stage.world.rows("UPDATE attempts SET expires_at = now() - interval '1 hour'")
    await stage.resolve()
    await stage.resolve()
    assert (await stage.debit())["due_on"] == TUESDAY
    await stage.send(TUESDAY)
    assert (await stage.debit())["state"] == "settled"
    assert await stage.taken() == 150_000


async def test_a_bank_that_cannot_be_reached_costs_no_try_and_the_run_goes_on_later(
    stage: Stage,
) -> None:
    await stage.mandate()
    await stage.world.add_bill("HD-A")
    await stage.prepare()
    provider = stage.rt.providers["autodebit"].provider
    host, gone = provider.config.host, "http://127.0.0.1:9"
    provider.config = provider.config.model_copy(update={"host": gone})
    sent = await stage.send()
    assert sent.unreachable
    debit = await stage.debit()
    assert (debit["state"], debit["tries"], debit["due_on"]) == ("planned", 0, MONDAY)
    provider.config = provider.config.model_copy(update={"host": host})
    assert (await stage.send()).sent == 1
    assert (await stage.debit())["state"] == "settled"
