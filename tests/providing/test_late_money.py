"""Late money and lost claims: settled if it can be, else in suspense with an owner; not lost."""

from typing import Any

import pytest

from tests.providing.stage import Stage


async def expired(stage: Stage, *bills: str) -> dict[str, Any]:
    """Give a payment that the rail says, twice after its end, nobody has paid."""
    payment = await stage.opened(*bills)
    for _ in range(2):
        await stage.pass_expiry()
        await stage.resolve()
    ended = await stage.read(payment)
    assert ended["status"] == "expired"
    return ended


async def test_a_payment_expires_only_after_its_provider_was_asked_twice(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.pass_expiry()
    await stage.resolve()
    assert (await stage.read(payment))["status"] == "requires_action"
    await stage.pass_expiry()
    await stage.resolve()
    assert (await stage.read(payment))["status"] == "expired"


async def test_waiting_before_the_end_never_expires_a_payment(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for _ in range(5):
        await stage.resolve()
    assert (await stage.read(payment))["status"] == "requires_action"


async def test_pending_after_the_end_never_expires_a_payment(stage: Stage) -> None:
    stage.says["query"] = {"outcome": "pending"}
    payment = await stage.opened(await stage.world.add_bill())
    for _ in range(5):
        await stage.pass_expiry()
        await stage.resolve()
    assert (await stage.read(payment))["status"] == "processing"


async def test_money_after_expiry_pays_a_bill_that_is_still_open(stage: Stage) -> None:
    payment = await expired(stage, await stage.world.add_bill())
    assert (await stage.notify(payment)).text == "recorded"
    assert (await stage.read(payment))["status"] == "succeeded"
    assert [row["kind"] for row in await stage.sql("SELECT kind FROM transfers")] == ["payment"]


async def test_money_for_a_bill_that_was_paid_otherwise_is_in_suspense_with_an_owner(
    stage: Stage,
) -> None:
    bill = await stage.world.add_bill()
    payment = await expired(stage, bill)
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    assert (await stage.notify(payment)).text == "recorded"
    late = await stage.read(payment)
    assert (late["status"], late["refund"]) == ("expired", "due")
    rows = await stage.sql(
        "SELECT t.kind, d.code AS debit, c.code AS credit FROM transfers t "
        "JOIN ledger_accounts d ON d.id = t.debit_account "
        "JOIN ledger_accounts c ON c.id = t.credit_account ORDER BY t.id"
    )
    assert [tuple(row) for row in rows] == [
        ("payment", "receivable:bank", "payable:evnspc-camau"),
        ("late_payment", "receivable:scripted", "suspense:payer"),
    ]
    raised = await stage.sql("SELECT kind, owner, next_action FROM exceptions")
    assert raised[0]["kind"] == "late_money"
    assert raised[0]["owner"] == "accounting"
    assert "refund the payer" in raised[0]["next_action"]
    events = await stage.sql("SELECT type FROM events ORDER BY id")
    assert [row["type"] for row in events] == ["payment.succeeded", "payment.late_money"]


async def test_collected_money_outbids_a_payer_who_still_decides(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    await stage.resolve()
    assert (await stage.read(payment))["status"] == "processing"  # cancelling
    assert (await stage.notify(payment)).text == "recorded"
    late = await stage.read(payment)
    assert (late["status"], late["failure"], late["refund"]) == ("failed", "late_money", "due")
    assert late["may_payer_pay_again"] == "no"


async def test_an_outbid_order_is_closed_where_the_rail_can(stage: Stage) -> None:
    stage.says["cancel"] = {"outcome": "failed"}
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill, provider="closing")
    await stage.world.pay(stage.api, bill)
    await stage.resolve()
    assert "cancel" in stage.calls
    assert (await stage.read(payment))["status"] == "cancelled"


async def test_nobody_outbids_a_payment_that_is_being_processed(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    await stage.notify(payment, outcome="pending", code="7000")
    refused = await stage.begin(bill)
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_being_paid")


async def test_a_newer_payment_closes_the_older_order_first_where_the_rail_can(
    stage: Stage,
) -> None:
    stage.says["cancel"] = {"outcome": "failed"}
    bill = await stage.world.add_bill()
    older = await stage.opened(bill, provider="closing")
    newer = await stage.opened(bill)
    assert stage.calls == ["create", "cancel", "create"]
    assert (await stage.read(older))["status"] == "cancelled"
    assert (await stage.read(newer))["status"] == "requires_action"


async def test_a_payer_who_was_faster_than_the_newer_payment_has_paid(stage: Stage) -> None:
    stage.says["cancel"] = {"outcome": "succeeded", "provider_id": "9"}
    bill = await stage.world.add_bill()
    older = await stage.opened(bill, provider="closing")
    refused = await stage.begin(bill)
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_already_paid")
    assert (await stage.read(older))["status"] == "succeeded"


async def test_two_payers_of_one_bill_end_in_one_settlement_and_one_refund(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    first = await stage.opened(bill)
    second = await stage.opened(bill)
    await stage.notify(first, provider_id="1")
    await stage.notify(second, provider_id="2")
    assert (await stage.read(first))["status"] == "succeeded"
    assert (await stage.read(second))["refund"] == "due"
    kinds = await stage.sql("SELECT kind FROM transfers ORDER BY id")
    assert [row["kind"] for row in kinds] == ["payment", "late_payment"]


@pytest.mark.parametrize("lower", ["failed", "pending", "waiting"])
async def test_nothing_of_lower_rank_overturns_a_query(stage: Stage, lower: str) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    await stage.resolve()
    await stage.notify(payment, outcome=lower, code="x")
    shown = await stage.read(payment)
    assert (shown["status"], shown["certainty"]) == ("succeeded", "proved")


async def test_signed_messages_that_disagree_are_a_dispute_that_a_query_decides(
    stage: Stage,
) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    await stage.notify(payment, outcome="failed", code="1006")
    await stage.notify(payment)
    disputed = await stage.read(payment)
    assert (disputed["certainty"], disputed["may_payer_pay_again"]) == ("disputed", "no")
    events = await stage.sql("SELECT type FROM events")
    assert [row["type"] for row in events] == ["payment.conflicted"]
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "4000000001"}
    await stage.resolve()
    assert (await stage.read(payment))["status"] == "succeeded"


async def test_a_second_attempt_follows_a_proved_failure(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    refused = await again(stage, payment)
    assert (refused.status_code, refused.json()["code"]) == (409, "attempt_still_open")
    await stage.notify(payment, outcome="failed", code="1006")
    answer = await again(stage, payment)
    assert answer.status_code == 201
    tried = answer.json()["attempts"]
    assert [(a["provider"], a["state"]) for a in tried] == [
        ("scripted", "failed"),
        ("closing", "waiting"),
    ]
    await stage.notify(answer.json())
    assert (await stage.read(payment))["status"] == "succeeded"


async def again(stage: Stage, payment: dict[str, Any]) -> Any:
    """Try a payment again, at the rail that can close orders."""
    number = await stage.count("idempotency_keys")
    return await stage.api.post(
        f"/v1/payments/{payment['id']}/attempts",
        json={
            "provider": "closing",
            "channel": "qr",
            "return_url": "https://portal.test/thanks",
            "payer_ip": "::1",
        },
        headers=stage.world.headers("wallet", f"key-of-another-try-{number:06d}"),
    )


async def test_a_cancelled_payment_ends_only_with_proof(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    url = f"/v1/payments/{payment['id']}/cancel"
    asked = await stage.api.post(url, headers=stage.world.headers("wallet"))
    assert (asked.status_code, asked.json()["status"]) == (200, "processing")
    for _ in range(2):
        await stage.pass_expiry()
        await stage.resolve()
    assert (await stage.read(payment))["status"] == "cancelled"
    repeated = await stage.api.post(url, headers=stage.world.headers("wallet"))
    assert (repeated.status_code, repeated.json()["status"]) == (200, "cancelled")


async def test_a_payment_of_a_provider_is_never_reversed(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment)
    answer = await stage.world.reverse(stage.api, payment["id"], partner="wallet")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_reversible")


async def test_a_browser_that_comes_back_settles_nothing_and_goes_on_to_the_partner(
    stage: Stage,
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    reference = payment["attempts"][0]["reference"]
    for _ in range(3):
        answer = await stage.api.get(
            f"/v1/returns/scripted?outcome=succeeded&reference={reference}"
        )
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"https://portal.test/thanks?shop=1&payment_id={payment['id']}"
    )
    assert (await stage.read(payment))["status"] == "requires_action"
    rows = await stage.sql("SELECT count(*) AS n FROM evidence WHERE source = 'return'")
    assert rows[0]["n"] == 1


async def test_a_bill_whose_money_may_be_moving_is_neither_changed_nor_cancelled(
    stage: Stage,
) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    await stage.notify(payment, outcome="pending", code="7000")
    headers = stage.world.headers("utility")
    base = "/v1/billers/evnspc-camau/bills"
    cancelled = await stage.api.post(f"{base}/{bill}/cancel", headers=headers)
    assert (cancelled.status_code, cancelled.json()["code"]) == (409, "bill_being_paid")
    await stage.world.add_bill(bill, amount_dong=160_000)
    await stage.notify(payment)
    assert (await stage.read(payment))["status"] == "succeeded"


async def test_money_for_a_bill_that_was_cancelled_meanwhile_is_in_suspense(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    headers = stage.world.headers("utility")
    base = "/v1/billers/evnspc-camau/bills"
    assert (await stage.api.post(f"{base}/{bill}/cancel", headers=headers)).status_code == 200
    await stage.notify(payment)
    assert (await stage.read(payment))["refund"] == "due"


async def test_money_of_an_amount_that_is_no_longer_due_is_in_suspense(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    await stage.world.add_bill(bill, amount_dong=160_000)
    await stage.notify(payment)
    assert (await stage.read(payment))["refund"] == "due"
    assert await stage.sql("SELECT FROM bills WHERE id = $1 AND paid_dong = 0", bill)


async def test_a_lookup_warns_of_a_bill_whose_money_may_be_moving(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for outcome, warned in (("waiting", False), ("pending", True)):
        await stage.notify(payment, outcome=outcome, code=outcome)
        found = await stage.api.get(
            "/v1/bills",
            params={"biller": "evnspc-camau", "customer_code": payment["customer_code"]},
            headers=stage.world.headers("bank"),
        )
        assert found.json()["bills"][0]["is_being_paid"] is warned
