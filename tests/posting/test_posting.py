"""What was paid is cleared at the biller once, whatever is lost on the way."""

import asyncio

import httpx
import pytest

from gateway.flows import posting
from gateway.store import database
from gateway.store import postings as store
from tests.posting.stage import LEASE, LiveStage

LOST = httpx.ReadTimeout("no answer")
REFUSED = httpx.ConnectError("refused")


async def test_a_payment_is_cleared_at_its_biller_under_references_of_its_own(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1", "HD-2")
    assert (await live.posting_of(payment))["status"] == "none"
    await live.turn()
    found = await live.posting_of(payment)
    assert (found["status"], found["undo"], found["next_try_at"]) == ("acknowledged", None, None)
    assert live.books.payers == {"HD-1": "GW", "HD-2": "GW"}
    references = {bill["reference"]: bill["id"] for bill in found["bills"]}
    assert references == live.books.references
    assert live.books.calls == ["look_up", "clear"]


async def test_a_lost_answer_is_found_by_asking_and_nothing_is_sent_again(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    live.books.after["clear"] = LOST
    await live.turn()
    assert await live.status_of(payment) == ("unknown", None)
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", None)
    assert live.books.calls == ["look_up", "clear", "check"]


async def test_what_the_biller_never_got_is_sent_again_after_its_window_with_the_same_reference(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")
    live.books.before["clear"] = LOST
    await live.turn()
    reference = (await live.posting_of(payment))["bills"][0]["reference"]
    await live.turn(2)
    assert live.books.calls == ["look_up", "clear", "check", "check"]
    live.books.before.clear()
    await live.later()
    await live.turn(2)
    assert await live.status_of(payment) == ("acknowledged", None)
    assert live.books.calls[-2:] == ["check", "clear"]
    assert live.books.references == {reference: "HD-1"}


async def test_a_call_that_never_left_is_sent_again_without_asking(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    live.books.before["clear"] = REFUSED
    await live.turn()
    assert await live.status_of(payment) == ("none", None)
    live.books.before.clear()
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", None)
    assert live.books.calls == ["look_up", "clear", "clear"]


async def test_a_worker_that_dies_between_sent_and_heard_leaves_a_question_not_a_second_clearing(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")

    def die(operation: str) -> None:
        if operation == "clear":
            raise asyncio.CancelledError

    live.books.on_call = die
    await live.turn()
    assert await live.status_of(payment) == ("sent", None)
    live.books.on_call = lambda _: None
    live.books.payers["HD-1"] = "GW"  # it had arrived
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", None)
    assert live.books.calls == ["look_up", "clear", "check"]


async def test_twenty_workers_at_once_clear_once(live: LiveStage) -> None:
    await live.paid("HD-1", "HD-2")
    await live.due()
    await asyncio.gather(*(posting.post_due(live.rt, "livebiller") for _ in range(20)))
    assert live.books.calls == ["look_up", "clear"]
    assert live.books.cleared_times == {"HD-1": 1, "HD-2": 1}


async def test_a_worker_whose_lease_was_lost_before_it_sent_sends_nothing(live: LiveStage) -> None:
    await live.paid("HD-1")
    async with database.borrow(live.rt.pool) as connection:
        [old] = await store.claim_due(connection, "livebiller", lease=LEASE, most=9)
    await live.due()
    async with database.borrow(live.rt.pool) as connection:
        [new] = await store.claim_due(connection, "livebiller", lease=LEASE, most=9)
    await posting.post(live.rt, old, LEASE)
    assert live.books.calls == ["look_up"]
    await posting.post(live.rt, new, LEASE)
    assert live.books.calls == ["look_up", "clear"]


async def test_two_bills_of_one_call_are_judged_one_by_one(live: LiveStage) -> None:
    live.books.refusals["HD-2"] = "paid_by_other"
    payment = await live.paid("HD-1", "HD-2")
    await live.turn()
    found = await live.posting_of(payment)
    assert {b["id"]: b["status"] for b in found["bills"]} == {
        "HD-1": "acknowledged",
        "HD-2": "rejected",
    }
    assert found["status"] == "rejected"
    assert await live.exceptions() == [("posting_paid_by_other", "accounting", 150_000)]


@pytest.mark.parametrize(
    ("said", "kind", "owner"),
    [
        ("paid_by_other", "posting_paid_by_other", "accounting"),
        ("amount_differs", "posting_amount_differs", "accounting"),
        ("not_found", "posting_bill_not_found", "operations"),
        ("cancelled", "posting_bill_cancelled", "accounting"),
    ],
)
async def test_a_final_refusal_has_an_owner_and_is_not_sent_again(
    live: LiveStage, said: str, kind: str, owner: str
) -> None:
    live.books.refusals["HD-1"] = said
    payment = await live.paid("HD-1")
    await live.turn(3)
    assert await live.status_of(payment) == ("rejected", None)
    assert await live.exceptions() == [(kind, owner, 150_000)]
    assert live.books.calls == ["look_up", "clear"]


async def test_money_that_must_go_back_names_the_transfer_that_is_proposed(live: LiveStage) -> None:
    live.books.refusals["HD-1"] = "paid_by_other"
    await live.paid("HD-1")
    await live.turn()
    [row] = await live.sql("SELECT next_action FROM exceptions")
    assert "give 150000 đồng back" in row["next_action"]
    assert "payable:evnspc-camau to receivable:bank" in row["next_action"]


@pytest.mark.parametrize("said", ["locked", "older_unpaid"])
async def test_a_bill_that_cannot_be_cleared_now_is_tried_again(live: LiveStage, said: str) -> None:
    live.books.refusals["HD-1"] = said
    payment = await live.paid("HD-1")
    await live.turn()
    assert await live.status_of(payment) == ("none", None)
    live.books.refusals.clear()
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", None)


async def test_an_answer_that_cannot_be_read_is_doubt(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    live.books.after["clear"] = httpx.Response(200, text="<html>maintenance</html>")
    await live.turn()
    assert await live.status_of(payment) == ("unknown", None)
    live.books.after["check"] = httpx.Response(200, text="<html>maintenance</html>")
    await live.turn()
    assert await live.status_of(payment) == ("unknown", None)


async def test_what_nobody_acknowledges_for_hours_is_a_persons_and_still_tried(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")
    live.books.refusals["HD-1"] = "locked"
    await live.turn(7)
    assert await live.exceptions() == []
    await live.turn(2)
    assert await live.exceptions() == [("posting_not_acknowledged", "operations", 150_000)]
    live.books.refusals.clear()
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", None)
    assert await live.exceptions() == []


async def test_a_customers_payments_are_cleared_in_the_order_in_which_they_were_made(
    live: LiveStage,
) -> None:
    older = await live.paid("HD-1", "HD-2")
    live.books.before["clear"] = REFUSED
    await live.turn()
    live.owe("HD-1", "HD-2", "HD-3")
    await live.look_up()
    newer = (await live.world.pay(live.api, "HD-3")).json()
    await live.turn(2)
    assert await live.status_of(newer) == ("none", None)
    live.books.before.clear()
    await live.turn()
    assert await live.status_of(older) == ("acknowledged", None)
    assert await live.status_of(newer) == ("none", None)
    await live.turn()
    assert await live.status_of(newer) == ("acknowledged", None)


async def test_a_bill_that_another_of_our_payments_has_cleared_is_not_claimed_by_a_second(
    live: LiveStage,
) -> None:
    first = await live.paid("HD-1")
    await live.turn()
    live.books.says_of_undo = "too_late"
    await live.world.reverse(live.api, first["id"])
    await live.turn()
    second = (await live.world.pay(live.api, "HD-1")).json()
    live.books.after["clear"] = LOST
    await live.turn(2)
    assert await live.status_of(second) == ("rejected", None)
    assert ("posting_paid_by_other", "accounting", 150_000) in await live.exceptions()


async def test_a_payment_at_a_biller_without_a_source_is_not_posted(live: LiveStage) -> None:
    await live.world.set_rules()
    bill = await live.world.add_bill()
    payment = (await live.world.pay(live.api, bill)).json()
    assert await live.world.count("postings") == 0
    read = (await live.world.read(live.api, f"/payments/{payment['id']}")).json()
    assert "posting" not in read


async def test_each_call_of_a_posting_stands_in_the_payments_timeline(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    live.books.after["clear"] = LOST
    await live.turn(2)
    steps = (await live.world.read(live.api, f"/payments/{payment['id']}/timeline")).json()["data"]
    called = [
        (s["facts"]["operation"], s["facts"]["fate"]) for s in steps if s["kind"] == "exchange"
    ]
    assert called == [("clear", "silent"), ("check", "answered")]


async def test_a_posting_that_waits_is_counted_with_its_age(live: LiveStage) -> None:
    await live.paid("HD-1")
    async with database.borrow(live.rt.pool) as connection:
        [(source, count, age_s)] = await store.waiting(connection)
    assert (source, count) == ("livebiller", 1)
    assert 0 <= age_s < 60
    await posting.measure_postings(live.rt)
    await live.turn()
    async with database.borrow(live.rt.pool) as connection:
        assert await store.waiting(connection) == []
