"""Bills paid on a partner's own wire: once, by its own number, and a refusal stays a refusal."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from gateway.runtime import Clock, Runtime
from gateway.testing.clock import FrozenClock
from tests.conftest import client_of
from tests.flows.bank import Bank, open_runtime
from tests.world import World, at_noon


@pytest.fixture
def clock() -> FrozenClock:
    return at_noon()


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    runtime = open_runtime(database, clock)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
async def bank(rt: Runtime) -> AsyncIterator[Bank]:
    world = await World.make(rt, oldest_first=True)
    async with client_of(rt) as api:
        yield Bank(world, api)


async def test_a_payment_is_written_as_any_other_collected_one(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    assert await bank.pay(trace, bill, channel="IB") == "000"
    (row,) = await bank.world.rows("SELECT * FROM payments")
    assert (row["method"], row["status"], row["channel"]) == (
        "collected",
        "succeeded",
        "internet_banking",
    )
    assert (row["partner_reference"], row["amount_dong"]) == (trace, 150_000)
    assert await bank.world.count("events") == await bank.world.count("transfers") == 1


async def test_the_same_number_again_is_answered_to_the_byte_as_the_first(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    first = await bank.answer(trace, bill)
    moved = await bank.world.moved()
    assert (await bank.answer(trace, bill)).content == first.content
    assert await bank.world.moved() == moved


async def test_one_number_many_times_at_once_pays_once(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    codes = await asyncio.gather(*(bank.pay(trace, bill) for _ in range(20)))
    assert set(codes) <= {"000", "050"}
    assert await bank.pay(trace, bill) == "000"
    assert await bank.world.count("payments") == 1


async def test_one_bill_many_times_at_once_is_paid_by_one_number(bank: Bank) -> None:
    bill = await bank.world.add_bill()
    codes = await asyncio.gather(*(bank.pay(bank.trace(), bill) for _ in range(20)))
    assert Counter(codes) == {"000": 1, "001": 19}
    assert await bank.world.count("transfers") == 1


async def test_a_bill_that_a_wallet_has_paid_is_refused_before_money(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    paid = await bank.world.pay(bank.api, bill, partner="wallet", channel="e_wallet")
    assert paid.status_code == 201
    assert await bank.pay(trace, bill) == "001"
    # The wallet's payment is undone; the bank has given its customer's money back by now.
    await bank.world.reverse(bank.api, paid.json()["id"], partner="wallet")
    assert await bank.pay(trace, bill) == "001"
    assert await bank.pay(bank.trace(), bill) == "000"


async def test_a_refused_amount_stays_refused_though_it_would_fit_by_now(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    assert await bank.pay(trace, bill, amount=140_000) == "026"
    await bank.world.add_bill(bill, amount_dong=140_000)
    assert await bank.pay(trace, bill, amount=140_000) == "026"
    assert await bank.pay(bank.trace(), bill, amount=140_000) == "000"


async def test_a_refused_channel_stays_refused_though_it_is_open_by_now(bank: Bank) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    await bank.world.set_rules(channel_max_dong={"sms_banking": 100_000})
    assert await bank.pay(trace, bill, channel="SMS") == "008"
    await bank.world.set_rules()
    assert await bank.pay(trace, bill, channel="SMS") == "008"
    assert await bank.world.count("payments") == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bill_id": "HD-NONE"}, "025"),
        ({"customer_id": "PB14010000002"}, "025"),
        ({"customer_id": "XX00000000002"}, "003"),
        ({"amount": 1}, "026"),
    ],
    ids=["no such bill", "another customer's bill", "no customer", "another amount"],
)
async def test_what_is_not_owed_so_is_refused(
    bank: Bank, changes: dict[str, object], code: str
) -> None:
    bill = await bank.world.add_bill()
    await bank.world.add_customer("PB14010000002")
    assert await bank.pay(bank.trace(), bill, **changes) == code
    assert await bank.world.count("payments") == 0


async def test_a_newer_bill_waits_for_an_older_one(bank: Bank) -> None:
    await bank.world.add_bill(period=date(2026, 9, 1))
    newer = await bank.world.add_bill(period=date(2026, 10, 1))
    assert await bank.pay(bank.trace(), newer) == "056"


async def test_a_number_used_for_something_else_is_told_so(bank: Bank) -> None:
    one, two, trace = await bank.world.add_bill(), await bank.world.add_bill(), bank.trace()
    assert await bank.pay(trace, one) == "000"
    assert await bank.pay(trace, two) == "099"
    assert await bank.world.count("payments") == 1


async def test_several_bills_are_paid_together_or_not_at_all(bank: Bank) -> None:
    bills = [await bank.world.add_bill() for _ in range(2)]
    short = await bank.pay_xml(bank.trace(), *bills, f4="29900000", f62=_listed(bills, 149_500))
    assert short["f39"] == "026"
    assert await bank.world.count("payments") == 0
    trace = bank.trace()
    said = await bank.pay_xml(trace, *bills)
    assert said["f39"] == "000"
    assert await bank.pay_xml(trace, *bills) == said
    assert (await bank.pay_xml(bank.trace(), *bills))["f39"] == "001"
    assert await bank.world.count("payment_bills") == 2


def _listed(bills: list[str], each: int) -> str:
    return "".join(f"[{bill}||{each}|Ky]" for bill in bills)


async def test_a_number_is_known_for_ever_though_keys_are_not(
    bank: Bank, clock: FrozenClock
) -> None:
    bill, trace = await bank.world.add_bill(), bank.trace()
    first = await bank.answer(trace, bill)
    clock.move(timedelta(days=120))
    assert (await bank.answer(trace, bill)).content == first.content
    assert await bank.pay(trace, bill, amount=1) == "099"
    assert await bank.world.count("payments") == 1


async def test_a_biller_that_wants_a_lookup_token_takes_the_partners_question_for_it(
    bank: Bank,
) -> None:
    await bank.world.set_rules(lookup_token_required=True)
    bill = await bank.world.add_bill()
    assert await bank.pay(bank.trace(), bill) == "000"
