"""Paying through a provider: opened, notified, settled once, told once."""

import httpx
import pytest

from tests.providing.stage import Stage


async def test_an_opened_payment_tells_the_payer_where_to_go(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    assert payment["status"] == "requires_action"
    assert payment["certainty"] == "open"
    assert payment["may_payer_pay_again"] == "after"
    assert payment["next_action"]["redirect_url"].startswith("http://scripted.test/pay/att_")


async def test_a_signed_success_pays_the_bill_the_ledger_and_tells_the_biller(
    stage: Stage,
) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    answer = await stage.notify(payment)
    assert (answer.status_code, answer.text) == (200, "recorded")
    paid = await stage.read(payment)
    assert (paid["status"], paid["certainty"]) == ("succeeded", "proved")
    assert paid["may_payer_pay_again"] == "no"
    assert paid["bills"] == [
        {"id": bill, "period": "2026-10", "amount_dong": 150_000, "sequence": 1}
    ]
    rows = await stage.sql("SELECT kind, amount_dong FROM transfers")
    assert [(row["kind"], row["amount_dong"]) for row in rows] == [("payment", 150_000)]
    assert await stage.count("events") == 1


@pytest.mark.parametrize("times", [2, 5])
async def test_the_same_notification_again_settles_nothing_more(stage: Stage, times: int) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    said = [(await stage.notify(payment)).text for _ in range(times)]
    assert said == ["recorded"] + ["repeated"] * (times - 1)
    assert await stage.count("transfers") == await stage.count("events") == 1


async def test_a_forged_notification_leaves_a_quarantine_row_and_nothing_else(
    stage: Stage,
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    evidence = await stage.count("evidence")
    answer = await stage.api.post(
        "/v1/notifications/scripted", content=b'{"outcome":"succeeded"}', headers={"signature": "x"}
    )
    assert answer.text == "refused"
    assert await stage.count("notifications") == 0
    assert await stage.count("evidence") == evidence
    assert await stage.count("quarantine") == 1
    assert (await stage.read(payment))["status"] == "requires_action"


async def test_a_success_of_another_amount_settles_nothing_and_needs_a_person(
    stage: Stage,
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    assert (await stage.notify(payment, amount_dong=1_000)).text == "amount_differs"
    assert (await stage.read(payment))["status"] == "requires_action"
    rows = await stage.sql("SELECT kind, owner FROM exceptions")
    assert [(row["kind"], row["owner"]) for row in rows] == [("amount_differs", "operations")]


async def test_a_decline_lets_the_bill_go(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    await stage.notify(payment, outcome="failed", code="1006")
    failed = await stage.read(payment)
    assert (failed["status"], failed["may_payer_pay_again"]) == ("failed", "yes")
    assert (await stage.world.pay(stage.api, bill)).status_code == 201


async def test_the_same_key_is_answered_byte_for_byte(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    first = await stage.begin(bill, key="the-key-of-one-payment", partner_reference="R-1")
    again = await stage.begin(bill, key="the-key-of-one-payment", partner_reference="R-1")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert stage.calls == ["create"]


async def test_a_refused_connection_is_proved_not_sent_and_may_be_paid_otherwise(
    stage: Stage,
) -> None:
    stage.says["create"] = httpx.ConnectError("refused")
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    assert (payment["status"], payment["certainty"]) == ("failed", "proved")
    assert payment["may_payer_pay_again"] == "yes"
    assert (await stage.world.pay(stage.api, bill)).status_code == 201


@pytest.mark.parametrize(
    "silence",
    [httpx.ReadTimeout("slow"), httpx.Response(503), httpx.Response(200, text="<html>")],
    ids=["timeout", "5xx", "html"],
)
async def test_silence_is_in_doubt_and_nobody_may_pay_meanwhile(
    stage: Stage, silence: Exception | httpx.Response
) -> None:
    stage.says["create"] = silence
    bill = await stage.world.add_bill()
    answer = await stage.begin(bill)
    assert answer.status_code == 202
    payment = answer.json()
    assert (payment["certainty"], payment["may_payer_pay_again"]) == ("in_doubt", "no")
    assert payment["next_check_at"] is not None
    refused = await stage.world.pay(stage.api, bill)
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_being_paid")


async def test_doubt_ends_in_what_a_query_proves(stage: Stage) -> None:
    stage.says["create"] = httpx.ReadTimeout("slow")
    payment = (await stage.begin(await stage.world.add_bill())).json()
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "7"}
    assert await stage.resolve() == 1
    assert (await stage.read(payment))["status"] == "succeeded"


async def test_no_connection_of_the_database_is_held_while_a_provider_is_asked(
    stage: Stage,
) -> None:
    lent: list[int] = []

    def look(request: httpx.Request) -> httpx.Response:
        pool = stage.rt.pool
        lent.append(pool.get_size() - pool.get_idle_size())
        return httpx.Response(200, json={"outcome": "opened"})

    await stage.opened(await stage.world.add_bill())  # the lanes keep their own connections
    kept = stage.rt.pool.get_size() - stage.rt.pool.get_idle_size()
    stage.says["create"] = look
    await stage.opened(await stage.world.add_bill())
    assert lent == [kept]
