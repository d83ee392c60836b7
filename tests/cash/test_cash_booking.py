"""One receipt in the books: it pays its bill, or its cash stands in suspense with an owner."""

import asyncio
from datetime import timedelta

import pytest
from httpx import AsyncClient

from gateway.flows import collectors
from gateway.sandbox.field_device import FieldDevice
from tests.cash.round import Round

OTHER = "PB14010000002"


async def test_cash_for_a_bill_that_was_paid_electronically_goes_back_with_an_owner(
    tour: Round,
) -> None:
    bill = await tour.world.add_bill()
    given = await tour.hand_over()
    await tour.world.pay(tour.api, bill, partner="wallet")
    assert await tour.results(given, tour.collect(given)) == ["ALREADY_PAID"]
    assert await tour.exceptions() == {"suspense_cash_back": "accounting"}
    refunds = await tour.world.rows("SELECT goes_to, state, amount_dong FROM refund_instructions")
    assert [tuple(row) for row in refunds] == [("collector", "due", 150_000)]
    await tour.assert_nothing_is_lost()


async def test_cash_and_an_app_race_for_one_bill_one_settles_and_the_other_is_seen(
    tour: Round, other_api: AsyncClient
) -> None:
    bills = [await tour.world.add_bill() for _ in range(10)]
    given = await tour.hand_over()
    receipts = [tour.collect(given, bill) for bill in bills]
    keys = [tour.world.new_key() for _ in bills]
    answers = await asyncio.gather(
        tour.upload(given, receipts),
        *(
            tour.world.pay(other_api, bill, partner="wallet", key=key)
            for bill, key in zip(bills, keys, strict=True)
        ),
    )
    lines = answers[0].json()["lines"]
    by_app = [answer.status_code for answer in answers[1:]]
    for line, status in zip(lines, by_app, strict=True):
        assert (line["result"], status) in {("ACCEPTED", 409), ("ALREADY_PAID", 201)}
        assert (line["suspense_id"] is None) is (status == 409)
    assert await tour.world.count("payments") == 10
    await tour.assert_nothing_is_lost()


@pytest.mark.parametrize(
    ("bill", "amount_dong", "result"),
    [
        ("HD-A", 100_000, "AMOUNT_DIFF"),
        ("HD-A", 200_000, "AMOUNT_DIFF"),
        ("HD-UNLISTED", 150_000, "UNKNOWN_BILL"),
    ],
)
async def test_cash_that_its_receipt_cannot_place_waits_for_a_person(
    tour: Round, bill: str, amount_dong: int, result: str
) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    assert await tour.results(given, tour.collect(given, bill, amount_dong)) == [result]
    assert await tour.exceptions() == {"suspense_cash_unplaced": "operations"}
    assert (await tour.world.balances())["cash:an"] == amount_dong
    await tour.assert_nothing_is_lost()


async def test_cash_taken_after_the_lists_time_waits_while_a_late_upload_does_not(
    tour: Round,
) -> None:
    await tour.world.add_bill("HD-A")
    await tour.world.add_bill("HD-B")
    given = await tour.hand_over()
    end = tour.now() + timedelta(days=2)
    in_time, too_late = tour.collect(given), tour.collect(given, 1, at=end + timedelta(seconds=1))
    assert await tour.results(given, in_time, too_late) == ["ACCEPTED", "LIST_EXPIRED"]
    await tour.assert_nothing_is_lost()


async def test_a_cancelled_bills_cash_goes_back(tour: Round) -> None:
    bill = await tour.world.add_bill()
    given = await tour.hand_over()
    await tour.world.cancel(tour.api, bill)
    assert await tour.results(given, tour.collect(given)) == ["BILL_CANCELLED"]
    assert await tour.exceptions() == {"suspense_cash_back": "accounting"}


async def test_a_number_that_was_used_does_not_hide_the_second_receipts_cash(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    await tour.world.add_bill("HD-B")
    given = await tour.hand_over()
    twin = FieldDevice(tour.device.key_id, tour.device.secret)
    first = tour.collect(given)
    second = twin.collect(given["id"], "HD-B", 150_000, tour.now())
    assert await tour.results(given, first, second) == ["ACCEPTED", "NUMBER_REUSED"]
    assert (await tour.world.balances())["cash:an"] == 300_000
    await tour.assert_nothing_is_lost()


async def test_cash_of_a_revoked_tablet_waits_for_a_person(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipt = tour.collect(given)
    await collectors.revoke_device(tour.rt, "tab-1", actor="test")
    assert await tour.results(given, receipt) == ["DEVICE_REVOKED"]
    await tour.assert_nothing_is_lost()


async def test_a_biller_that_takes_no_cash_any_more_leaves_taken_cash_with_an_owner(
    tour: Round,
) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    await tour.world.set_rules(channel_max_dong={"home_cash": 100_000})
    assert await tour.results(given, tour.collect(given)) == ["CHANNEL_CLOSED"]
    await tour.assert_nothing_is_lost()
