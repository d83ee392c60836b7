"""Begin and try again in races: one attempt a key, one claim a bill, one settlement, no 5xx."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.providing.books import assert_books_hold, claim_of, states
from tests.providing.stage import Stage
from tests.providing.test_late_money import again

REFUSED_409 = {
    "attempt_still_open",
    "bill_already_paid",
    "bill_being_paid",
    "partner_reference_used",
    "still_processing",
}


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


def begun(told: list[httpx.Response]) -> list[dict[str, Any]]:
    """Give the payments that were begun; the others must be refused as the contract says."""
    for answer in told:
        assert answer.status_code in {201, 202, 409}, answer.text
        if answer.status_code == 409:
            assert answer.json()["code"] in REFUSED_409, answer.text
    return [answer.json() for answer in told if answer.status_code != 409]


@pytest.mark.parametrize("many", [20, 50])
async def test_one_key_sent_many_times_at_once_to_two_processes_begins_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    bill = await both[0].world.add_bill()
    same: dict[str, Any] = {"key": "the-key-of-one-payment", "partner_reference": "R-1"}
    told = await asyncio.gather(*(both[n % 2].begin(bill, **same) for n in range(many)))
    assert {answer.status_code for answer in told} <= {201, 409}
    assert {a.json()["code"] for a in told if a.status_code == 409} <= {"still_processing"}
    [body] = {answer.content for answer in told if answer.status_code == 201}
    assert both[0].calls == ["create"]
    assert await both[0].count("payments") == await both[0].count("attempts") == 1
    again = await both[1].begin(bill, **same)
    assert (again.status_code, again.content) == (201, body)
    await both[0].notify(json.loads(body))
    assert await assert_books_hold(both[0], taken=1) == 0


@pytest.mark.parametrize("many", [20, 50])
async def test_one_reference_with_many_keys_at_once_begins_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    bill = await both[0].world.add_bill()
    told = await asyncio.gather(
        *(both[n % 2].begin(bill, partner_reference="R-1") for n in range(many))
    )
    assert len(begun(told)) == 1
    assert both[0].calls == ["create"]


@pytest.mark.parametrize("provider", ["scripted", "closing"])
@pytest.mark.parametrize("many", [20, 50])
async def test_many_payers_of_one_bill_at_once_end_in_one_settlement(
    both: tuple[Stage, Stage], many: int, provider: str
) -> None:
    stage = both[0]
    stage.says["cancel"] = {"outcome": "failed", "code": "closed"}
    bill = await stage.world.add_bill()
    told = await asyncio.gather(*(both[n % 2].begin(bill, provider=provider) for n in range(many)))
    payments = begun(told)
    assert payments
    # Whichever of them are still open at the rail: their payers pay, all at once.
    live = [p for p in payments if (await states(stage, p))[0] == "waiting"]
    assert live
    paid = await asyncio.gather(
        *(
            both[n % 2].notify(payment, provider_id=str(n), code=f"c{n}")
            for n, payment in enumerate(live)
        )
    )
    assert {(answer.status_code, answer.text) for answer in paid} == {(200, "recorded")}
    suspended = await assert_books_hold(stage, taken=len(live))
    assert suspended == len(live) - 1
    shown = Counter([(await stage.read(payment))["status"] for payment in live])
    assert shown["succeeded"] == 1
    assert (await stage.sql("SELECT status, paid_dong FROM bills"))[0]["paid_dong"] == 150_000


@pytest.mark.parametrize("many", [20, 50])
async def test_collected_money_against_beginning_ends_in_one_settlement(
    both: tuple[Stage, Stage], many: int
) -> None:
    stage = both[0]
    bill = await stage.world.add_bill()
    told = await asyncio.gather(
        *(
            both[n % 2].begin(bill) if n % 4 < 2 else stage.world.pay(both[n % 2].api, bill)
            for n in range(many)
        )
    )
    made = begun(told)
    collected = [payment for payment in made if payment["method"] == "collected"]
    opened = [payment for payment in made if payment["method"] == "provider"]
    assert len(collected) <= 1
    for payment in opened:
        await stage.notify(payment, provider_id=payment["id"])
    suspended = await assert_books_hold(stage, taken=len(opened))
    assert suspended + 1 == len(collected) + len(opened)


@pytest.mark.parametrize("many", [2, 10])
async def test_successes_of_two_providers_for_one_bill_at_once_pay_it_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    stage = both[0]
    bill = await stage.world.add_bill()
    first = await stage.opened(bill)
    second = await stage.opened(bill, provider="hasty")
    told = await asyncio.gather(
        *(both[n % 2].notify((first, second)[n % 2], provider_id=str(n % 2)) for n in range(many))
    )
    assert {answer.status_code for answer in told} == {200}
    ended = [await stage.read(payment) for payment in (first, second)]
    assert sorted(payment["status"] for payment in ended) == ["failed", "succeeded"]
    [late] = [payment for payment in ended if payment["status"] == "failed"]
    assert (late["failure"], late["refund"]) == ("late_money", "due")
    assert await assert_books_hold(stage, taken=2) == 1


async def test_successes_for_overlapping_bills_at_once_pay_each_bill_once(
    both: tuple[Stage, Stage],
) -> None:
    stage = both[0]
    bills = [await stage.world.add_bill() for _ in range(6)]
    pairs = [(bills[n], bills[(n + 1) % 6]) for n in range(6)]
    payments = [
        await stage.opened(*(pair if n % 2 else pair[::-1])) for n, pair in enumerate(pairs)
    ]
    told = await asyncio.gather(
        *(
            both[n % 2].notify(payment, provider_id=payment["id"])
            for n, payment in enumerate(payments)
        )
    )
    assert {(answer.status_code, answer.text) for answer in told} == {(200, "recorded")}
    suspended = await assert_books_hold(stage, taken=12)
    settled = [p for p in payments if (await stage.read(p))["status"] == "succeeded"]
    assert len(settled) + suspended == 6
    assert 1 <= len(settled) <= 3


@pytest.mark.parametrize("many", [2, 20, 50])
async def test_a_second_attempt_asked_for_many_times_at_once_is_made_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    stage = both[0]
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    told = await asyncio.gather(*(try_again(both[n % 2], payment, n) for n in range(many)))
    assert Counter(answer.status_code for answer in told) == {201: 1, 409: many - 1}
    codes = {answer.json()["code"] for answer in told if answer.status_code == 409}
    assert codes <= {"attempt_still_open", "still_processing"}
    assert await states(stage, payment) == ["failed", "waiting"]
    [made] = [answer.json() for answer in told if answer.status_code == 201]
    await stage.notify(made)
    assert await assert_books_hold(stage, taken=1) == 0


async def test_one_key_for_a_second_attempt_is_answered_byte_for_byte(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    first, repeated = [await try_again(stage, payment, 1) for _ in range(2)]
    assert (first.status_code, repeated.status_code) == (201, 201)
    assert repeated.content == first.content
    assert stage.calls == ["create", "create"]


@pytest.mark.parametrize("many", [1, 10])
async def test_a_second_attempt_against_late_money_pays_the_bill_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    stage, other = both
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    payments = []
    for _ in range(many):
        payment = await stage.opened(await stage.world.add_bill())
        await stage.notify(payment, outcome="failed", code="1006")
        payments.append(payment)
    await stage.sql("UPDATE attempts SET due_at = now()")
    told = await asyncio.gather(
        other.resolve(), *(try_again(stage, payment, n) for n, payment in enumerate(payments))
    )
    begun(told[1:])  # type: ignore[arg-type]
    await stage.resolve()
    # Where the second try was faster, its payer pays as well: that money is in suspense.
    second = [p for p in payments if len(await states(stage, p)) == 2]
    for payment in second:
        await stage.notify(await stage.read(payment), provider_id="2")
    for payment in payments:
        assert (await stage.read(payment))["status"] == "succeeded"
    first = await stage.sql("SELECT 1 FROM attempts WHERE number = 1 AND state = 'succeeded'")
    await assert_books_hold(stage, taken=len(first) + len(second))


async def test_money_of_an_older_attempt_pays_and_the_newer_order_is_closed(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    for _ in range(2):
        await stage.pass_expiry()
        await stage.resolve()
    second = (await again(stage, payment)).json()
    assert [a["state"] for a in second["attempts"]] == ["expired", "waiting"]
    assert (await stage.notify(payment)).text == "recorded"
    assert (await stage.read(payment))["status"] == "succeeded"
    stage.says["cancel"] = {"outcome": "failed"}
    await stage.resolve()
    assert await states(stage, payment) == ["succeeded", "failed"]
    assert (await stage.read(payment))["status"] == "succeeded"
    assert await assert_books_hold(stage, taken=1) == 0


@pytest.mark.parametrize("partner", ["bank", "utility"])
async def test_nobody_tries_again_what_another_has_begun(stage: Stage, partner: str) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    answer = await try_again(stage, payment, 1, partner=partner)
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")
    assert await states(stage, payment) == ["failed"]


async def test_a_bill_that_was_paid_otherwise_has_no_second_attempt(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    payment = await stage.opened(bill)
    await stage.notify(payment, outcome="failed", code="1006")
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    answer = await try_again(stage, payment, 1)
    assert answer.status_code == 409
    assert await states(stage, payment) == ["failed"]
    assert (await claim_of(stage, bill))[0] is None


async def test_a_process_that_died_while_asking_leaves_a_key_that_says_so(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    same: dict[str, Any] = {"key": "the-key-of-one-payment", "partner_reference": "R-1"}
    payment = (await stage.begin(bill, **same)).json()
    # As it stood before the second transaction.
    await stage.sql("UPDATE idempotency_keys SET status_code = 0, body = ''")
    await stage.sql("UPDATE attempts SET state = 'sent'")
    running = await stage.begin(bill, **same)
    assert (running.status_code, running.json()["code"]) == (409, "still_processing")
    stage.says["query"] = {"outcome": "succeeded", "provider_id": "1"}
    await stage.resolve()
    told = await stage.begin(bill, **same)
    assert (told.status_code, told.json()["status"]) == (201, "succeeded")
    assert told.json()["id"] == payment["id"]
    assert (await stage.begin(bill, **same)).content == told.content
    assert await assert_books_hold(stage, taken=1) == 0


async def try_again(
    stage: Stage, payment: dict[str, Any], number: int, partner: str = "wallet"
) -> httpx.Response:
    """Try a payment again at the rail that can close orders."""
    return await stage.api.post(
        f"/v1/payments/{payment['id']}/attempts",
        json={
            "provider": "closing",
            "channel": "qr",
            "return_url": "https://portal.test/thanks",
            "payer_ip": "::1",
        },
        headers=stage.world.headers(partner, f"key-of-a-second-{payment['id'][-8:]}-{number:06d}"),
    )
