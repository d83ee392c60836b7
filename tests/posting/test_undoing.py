"""A reversal, and a payment through a provider, as the biller's own service hears of them."""

import asyncio

import httpx
import pytest
import respx

from gateway.flows import posting
from tests.posting.stage import LiveStage
from tests.providing.stage import Stage

LOST = httpx.ReadTimeout("no answer")


async def reversed_payment(live: LiveStage, payment: dict[str, object]) -> None:
    answer = await live.world.reverse(live.api, str(payment["id"]))
    assert answer.status_code == 201, answer.text


async def test_a_reversal_undoes_the_clearing_and_the_bill_is_owed_again(live: LiveStage) -> None:
    payment = await live.paid("HD-1", "HD-2")
    await live.turn()
    await reversed_payment(live, payment)
    assert await live.status_of(payment) == ("acknowledged", "none")
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", "acknowledged")
    assert live.books.payers == {}
    assert live.books.calls.count("undo") == 2
    assert len((await live.look_up()).json()["bills"]) == 2


async def test_a_reversal_before_anything_was_sent_needs_no_call(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    await reversed_payment(live, payment)
    await live.turn(2)
    assert await live.status_of(payment) == ("none", "acknowledged")
    assert live.books.calls == ["look_up"]


async def test_a_reversal_while_clearing_is_in_doubt_asks_first_and_then_undoes(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")
    live.books.after["clear"] = LOST
    await live.turn()
    await reversed_payment(live, payment)
    await live.turn(2)
    assert live.books.calls == ["look_up", "clear", "check", "undo"]
    assert await live.status_of(payment) == ("acknowledged", "acknowledged")


async def test_a_reversal_of_what_never_arrived_is_done_once_the_window_has_passed(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")
    live.books.before["clear"] = LOST
    await live.turn()
    await reversed_payment(live, payment)
    await live.turn()
    assert await live.status_of(payment) == ("unknown", "none")
    await live.later()
    await live.turn()
    assert await live.status_of(payment) == ("none", "acknowledged")
    assert "undo" not in live.books.calls


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_undoing_whose_answer_is_lost_is_asked_about_before_it_is_sent_again(
    live: LiveStage, *, arrived: bool
) -> None:
    payment = await live.paid("HD-1")
    await live.turn()
    await reversed_payment(live, payment)
    (live.books.after if arrived else live.books.before)["undo"] = LOST
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", "unknown")
    live.books.before.clear()
    await live.turn(2)
    assert await live.status_of(payment) == ("acknowledged", "acknowledged")
    calls = ["undo", "check"] if arrived else ["undo", "check", "undo"]
    assert live.books.calls[2:] == calls
    assert live.books.payers == {}


async def test_a_window_that_is_closed_there_is_an_exception_with_an_owner(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    await live.turn()
    live.books.says_of_undo = "too_late"
    await reversed_payment(live, payment)
    await live.turn(2)
    assert await live.status_of(payment) == ("acknowledged", "rejected")
    assert await live.exceptions() == [("posting_undo_refused", "accounting", 150_000)]
    assert live.books.calls.count("undo") == 1


async def test_what_a_person_was_told_of_a_late_posting_is_closed_by_its_reversal_too(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")
    live.books.refusals["HD-1"] = "locked"
    await live.turn(9)
    assert [kind for kind, *_ in await live.exceptions()] == ["posting_not_acknowledged"]
    await reversed_payment(live, payment)
    await live.turn()
    assert await live.exceptions() == []


async def test_a_refused_clearing_needs_no_undoing(live: LiveStage) -> None:
    live.books.refusals["HD-1"] = "paid_by_other"
    payment = await live.paid("HD-1")
    await live.turn()
    await reversed_payment(live, payment)
    await live.turn()
    assert await live.status_of(payment) == ("rejected", "acknowledged")
    assert "undo" not in live.books.calls


async def test_a_reversal_that_overtakes_a_clearing_under_way_is_undone_all_the_same(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")
    loop, tasks = asyncio.get_running_loop(), []

    def overtake(operation: str) -> None:
        if operation == "clear":
            tasks.append(loop.create_task(reversed_payment(live, payment)))

    live.books.on_call = overtake
    await live.due()
    await posting.post_due(live.rt, "livebiller")
    await asyncio.gather(*tasks)
    live.books.on_call = lambda _: None
    await live.turn(3)
    assert live.books.payers == {}
    assert (await live.status_of(payment))[1] == "acknowledged"


async def test_paid_again_after_a_reversal_the_bill_is_cleared_for_the_second_payment_only(
    live: LiveStage,
) -> None:
    first = await live.paid("HD-1")
    await live.turn()
    await reversed_payment(live, first)
    second = (await live.world.pay(live.api, "HD-1")).json()
    await live.turn()
    assert await live.status_of(second) == ("none", None)
    await live.turn()
    assert await live.status_of(second) == ("acknowledged", None)
    reference = (await live.posting_of(second))["bills"][0]["reference"]
    assert live.books.payers == {"HD-1": "GW"}
    assert reference in live.books.references
    assert reference not in live.books.undone


async def test_money_that_a_provider_took_is_cleared_at_the_biller_too(live: LiveStage) -> None:
    live.owe("HD-1")
    await live.look_up()
    with respx.mock(assert_all_called=False) as rail:
        stage = Stage(live.rt, live.world, live.api, rail)
        stage.listen()
        payment = await stage.opened("HD-1")
        assert await live.world.count("postings") == 0
        assert (await stage.notify(payment)).status_code == 200
        assert (await stage.notify(payment)).status_code == 200
    assert await live.world.count("postings") == 1
    [row] = await live.sql("SELECT state, memory FROM posting_bills")
    assert (row["state"], row["memory"]) == ("none", '{"code":"C-HD-1"}')
