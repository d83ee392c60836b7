"""Receipts of cash: booked once, in any order of coming; what cannot be booked has an owner."""

import asyncio

import asyncpg
import pytest
from httpx import AsyncClient

from gateway.domain.field_cash import Result, Trouble, reason_of
from gateway.domain.ids import from_public
from gateway.flows import assigning, day_close
from gateway.sandbox.field_device import forged
from tests.cash.round import Round
from tests.world import CUSTOMER, World

OTHER = "PB14010000002"


async def test_cash_pays_its_bill_and_stands_in_the_collectors_hand(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    answer = await tour.upload(given, [tour.collect(given)])
    line = answer.json()["lines"][0]
    assert (line["result"], answer.json()["accepted_dong"]) == ("ACCEPTED", 150_000)
    assert await tour.world.balances() == {"cash:an": 150_000, "payable:evnspc-camau": -150_000}
    paid = await tour.world.read(tour.api, f"/payments/{line['payment_id']}")
    assert paid.json()["channel"] == "home_cash"
    await tour.assert_nothing_is_lost()


async def test_twenty_uploads_of_one_batch_at_once_pay_once_and_answer_the_same(
    tour: Round, other_api: AsyncClient
) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipts = [tour.collect(given), tour.collect(given, "HD-NONE")]
    answers = await asyncio.gather(
        *(
            tour.upload(given, receipts, "the-same-upload-01", api)
            for api in [tour.api, other_api] * 10
        )
    )
    bodies = {answer.content for answer in answers if answer.status_code == 200}
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert len(bodies) == 1
    again = await tour.upload(given, receipts, "the-same-upload-01")
    assert again.content in bodies
    assert [line["result"] for line in again.json()["lines"]] == ["ACCEPTED", "UNKNOWN_BILL"]
    assert await tour.world.count("payments") == await tour.world.count("suspense_lines") == 1
    await tour.assert_nothing_is_lost()


async def test_twenty_uploads_under_twenty_keys_pay_once(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipt = tour.collect(given)
    answers = await asyncio.gather(*(tour.upload(given, [receipt]) for _ in range(20)))
    results = sorted(a.json()["lines"][0]["result"] for a in answers if a.status_code == 200)
    assert results.count("ACCEPTED") == 1
    assert await tour.world.count("payments") == 1
    await tour.assert_nothing_is_lost()


async def test_a_receipt_that_comes_again_says_what_became_of_it(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipt = tour.collect(given)
    assert await tour.results(given, receipt, receipt) == ["ACCEPTED", "DUPLICATE"]
    again = (await tour.upload(given, [receipt])).json()["lines"][0]
    assert (again["result"], again["first_result"]) == ("DUPLICATE", "ACCEPTED")


async def test_an_upload_that_broke_in_the_middle_is_finished_by_the_same_upload(
    tour: Round, database: str
) -> None:
    await tour.world.add_bill("HD-A")
    await tour.world.add_bill("HD-B")
    given = await tour.hand_over()
    receipts = [tour.collect(given), tour.collect(given, 1)]
    await tour.upload(given, receipts[:1], "a-broken-upload-001")
    # As a process leaves it that dies between two lines: the first is taken, nothing is answered.
    owner = await asyncpg.connect(database)
    await owner.execute("DELETE FROM idempotency_keys WHERE operation = 'upload_receipts'")
    await owner.close()
    whole = await tour.upload(given, receipts, "a-broken-upload-001")
    assert [line["result"] for line in whole.json()["lines"]] == ["ACCEPTED", "ACCEPTED"]
    assert await tour.world.count("payments") == 2


async def test_the_same_key_for_another_batch_is_refused(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    await tour.upload(given, [tour.collect(given)], "one-key-for-two-uploads")
    other = await tour.upload(given, [tour.collect(given)], "one-key-for-two-uploads")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_numbers_that_never_came_are_named_and_owned_until_they_come(tour: Round) -> None:
    for bill in ("HD-A", "HD-B", "HD-C"):
        await tour.world.add_bill(bill)
    given = await tour.hand_over()
    first, second, third = (tour.collect(given, place) for place in range(3))
    answer = (await tour.upload(given, [third, first])).json()["lines"]
    assert [line["result"] for line in answer] == ["ACCEPTED", "ACCEPTED", "SEQUENCE_GAP"]
    assert (answer[2]["seq"], answer[2]["until_seq"]) == (2, 2)
    assert await tour.exceptions() == {"cash_sequence_gap": "operations"}
    assert await tour.results(given, second) == ["ACCEPTED"]
    assert await tour.exceptions() == {}


async def test_a_forged_receipt_books_nothing_and_takes_no_number(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    true = tour.collect(given)
    assert await tour.results(given, forged(true)) == ["SIGNATURE_WRONG"]
    assert await tour.world.balances() == {}
    assert await tour.exceptions() == {"cash_signature_wrong": "operations"}
    assert await tour.results(given, true) == ["ACCEPTED"]


async def test_a_receipt_of_another_list_does_not_pass_for_one_of_this(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipt = tour.device.collect("hol_" + "0" * 32, "HD-A", 150_000, tour.now())
    assert await tour.results(given, receipt) == ["SIGNATURE_WRONG"]


async def test_a_tablet_of_nobody_keeps_its_receipts(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    receipt = tour.collect(given)
    tour.device.key_id = "tab-stranger"
    answer = await tour.upload(given, [receipt])
    assert (answer.status_code, answer.json()["code"]) == (404, "device_unknown")
    assert await tour.world.count("cash_receipts") == 0


async def test_cash_to_give_back_is_booked_forward_by_a_person_as_cash(tour: Round) -> None:
    bill = await tour.world.add_bill()
    given = await tour.hand_over()
    await tour.world.pay(tour.api, bill, partner="wallet")
    line = (await tour.upload(given, [tour.collect(given)])).json()["lines"][0]
    await tour.world.add_bill("HD-NEXT")
    line_id = from_public("sus", line["suspense_id"])
    assert line_id is not None
    done = await assigning.assign(
        tour.rt, assigning.Assignment(line_id, CUSTOMER, "Lan", "the customer agreed")
    )
    channels = await tour.world.rows("SELECT channel FROM payments WHERE id = $1", done.payment_id)
    assert channels[0]["channel"] == "home_cash"
    await tour.assert_nothing_is_lost()


async def test_cash_given_back_leaves_hand_and_suspense_once(tour: Round) -> None:
    bill = await tour.world.add_bill()
    given = await tour.hand_over()
    await tour.world.pay(tour.api, bill, partner="wallet")
    line = (await tour.upload(given, [tour.collect(given)])).json()["lines"][0]
    line_id = from_public("sus", line["suspense_id"])
    assert line_id is not None
    gave = await day_close.give_back(tour.rt, line_id, by="Lan", reason="signed by the customer")
    assert gave == 150_000
    assert (await tour.world.balances())["cash:an"] == 0
    states = await tour.world.rows("SELECT state FROM refund_instructions")
    assert [row["state"] for row in states] == ["done"]
    assert await tour.exceptions() == {}
    with pytest.raises(day_close.CashNotToGiveBack):
        await day_close.give_back(tour.rt, line_id, by="Lan", reason="again")
    await tour.assert_nothing_is_lost()


async def test_a_reversed_receipt_gives_the_cash_back_out_of_the_same_hand(tour: Round) -> None:
    await tour.world.add_bill("HD-A")
    given = await tour.hand_over()
    line = (await tour.upload(given, [tour.collect(given)])).json()["lines"][0]
    assert (await tour.world.reverse(tour.api, line["payment_id"])).status_code == 201
    assert set((await tour.world.balances()).values()) == {0}
    await tour.assert_nothing_is_lost()


async def test_counter_cash_is_collected_by_the_ordinary_call_under_the_billers_cap(
    world: World, api: AsyncClient
) -> None:
    await world.set_rules(channel_max_dong={"counter_cash": 150_000})
    first, second = await world.add_bill(), await world.add_bill()
    assert (await world.pay(api, first, channel="counter_cash")).status_code == 201
    both = await world.pay(api, second, channel="counter_cash", amount_dong=150_001)
    assert both.json()["code"] == "channel_not_allowed"


def test_every_result_of_unplaced_cash_has_a_reason_and_every_trouble_an_owner() -> None:
    assert {reason_of(result) for result in Result}
    assert len({trouble.value for trouble in Trouble}) == len(Trouble)
