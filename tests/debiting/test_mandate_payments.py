"""One payment on a mandate over the API, against a simulated bank over real HTTP."""

import asyncio
from typing import Any

import pytest
from httpx import Response

from gateway.domain.ids import to_public
from gateway.store.mandates import MandateRow
from tests.debiting.stage import Stage
from tests.world import CUSTOMER


async def pay(
    stage: Stage,
    row: MandateRow,
    bill: str,
    *,
    partner: str = "bank",
    key: str = "",
    **changed: Any,
) -> Response:
    """Ask for a debit of one bill."""
    body = {
        "method": "mandate",
        "mandate_id": to_public("mdt", row.id),
        "partner_reference": f"API-{bill}",
        "channel": "auto_debit",
        "bills": [{"id": bill, "amount_dong": 150_000}],
    } | changed
    headers = stage.world.headers(partner, key or f"debits-{bill}-0123456")
    return await stage.api.post("/v1/payments", json=body, headers=headers)


async def test_a_bill_is_debited_on_a_mandate_and_a_repetition_answers_the_same(
    stage: Stage,
) -> None:
    row, bill = await stage.mandate(), await stage.world.add_bill("HD-A")
    paid, again = [await pay(stage, row, bill) for _ in range(2)]
    assert (paid.status_code, paid.json()["status"]) == (201, "succeeded")
    assert (paid.json()["method"], paid.json()["customer_code"]) == ("mandate", CUSTOMER)
    assert again.content == paid.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await stage.taken() == 150_000
    other = await pay(stage, row, bill, partner_reference="API-other")
    assert other.json()["code"] == "idempotency_key_reused"


async def test_twenty_at_once_debit_a_bill_once(stage: Stage) -> None:
    row, bill = await stage.mandate(), await stage.world.add_bill("HD-A")
    await asyncio.gather(
        *(
            pay(stage, row, bill, key=f"twenty-{n:02d}-012345678", partner_reference=f"API-{n}")
            for n in range(20)
        )
    )
    assert await stage.taken() == 150_000
    assert await stage.world.count("payments") == 1


async def test_an_answer_that_was_lost_is_in_doubt_and_answered_202(stage: Stage) -> None:
    row, bill = await stage.mandate(), await stage.world.add_bill("HD-A")
    stage.bank.notify_url = ""
    await stage.script(row, "68")
    paid = await pay(stage, row, bill)
    assert (paid.status_code, paid.json()["certainty"]) == (202, "in_doubt")
    assert paid.json()["may_payer_pay_again"] == "no"
    await stage.resolve()
    (payment,) = await stage.world.rows("SELECT status FROM payments")
    assert payment["status"] == "succeeded"
    assert await stage.taken() == 150_000


async def test_the_biller_s_own_system_may_debit_and_a_stranger_sees_no_mandate(
    stage: Stage,
) -> None:
    row, bill = await stage.mandate(), await stage.world.add_bill("HD-A")
    foreign = await pay(stage, row, bill, partner="wallet")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "mandate_not_found")
    assert (await pay(stage, row, bill, mandate_id="mdt_x")).status_code == 404
    assert await stage.taken() == 0
    assert (await pay(stage, row, bill, partner="utility")).status_code == 201


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        (
            "UPDATE mandates SET state = 'suspended', suspended_by = 'payer'",
            409,
            "mandate_inactive",
        ),
        ("UPDATE mandates SET ends_on = '2026-11-01'", 409, "mandate_inactive"),
        ("UPDATE mandates SET starts_on = '2099-11-01'", 409, "mandate_inactive"),
        ("UPDATE mandates SET max_debit_dong = 149999", 422, "mandate_limit_exceeded"),
        ("UPDATE bills SET claim = 'hard', claimed_by = gen_random_uuid()", 409, "bill_being_paid"),
    ],
    ids=["suspended", "ended", "not-begun", "over-the-debit-limit", "bill-held"],
)
async def test_what_a_mandate_does_not_permit_is_refused_and_nothing_is_taken(
    changed: str, status: int, code: str, stage: Stage
) -> None:
    row, bill = await stage.mandate(), await stage.world.add_bill("HD-A")
    await stage.world.rows(changed)
    refused = await pay(stage, row, bill)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.json()["money_may_have_moved"] is False
    assert await stage.taken() == 0


async def test_two_at_once_do_not_pass_a_month_s_limit_together(stage: Stage) -> None:
    row = await stage.mandate(max_debit_dong=200_000, max_month_dong=200_000)
    bills = [await stage.world.add_bill(name) for name in ("HD-1", "HD-2")]
    answers = await asyncio.gather(*(pay(stage, row, bill) for bill in bills))
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert await stage.taken() == 150_000


@pytest.mark.parametrize(
    "changed",
    [
        {"channel": "e_wallet"},
        {"bills": []},
        {"bills": [{"id": "HD-A", "amount_dong": 1}, {"id": "HD-B", "amount_dong": 1}]},
        {"biller": "evnspc-camau"},
    ],
    ids=["channel", "no-bill", "two-bills", "unknown-field"],
)
async def test_a_request_that_is_not_of_this_shape_is_refused(
    changed: dict[str, Any], stage: Stage
) -> None:
    row = await stage.mandate()
    assert (await pay(stage, row, "HD-A", **changed)).json()["code"] == "request_invalid"
