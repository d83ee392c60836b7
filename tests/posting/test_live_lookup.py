"""A live biller is asked at each lookup, within a deadline, and our own rows stay the locks."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from gateway.flows.live_lookup import DUE_IN
from gateway.store import database, live_bills
from tests.posting.stage import CUSTOMER, RULES, LiveStage

SILENT = httpx.ReadTimeout("no answer")
GARBLED = httpx.Response(200, text="<html>maintenance</html>")


def ids(answer: httpx.Response) -> list[str]:
    return [bill["id"] for bill in answer.json()["bills"]]


async def status_of(live: LiveStage, bill: str) -> str:
    return str((await live.sql("SELECT status FROM bills WHERE id = $1", bill))[0]["status"])


async def test_the_biller_is_asked_and_what_it_says_can_be_paid(live: LiveStage) -> None:
    live.owe("HD-1", "HD-2", dong=99_000)
    found = (await live.look_up()).json()
    assert [(b["id"], b["period"], b["due_dong"]) for b in found["bills"]] == [
        ("HD-1", "2026-05", 99_000),
        ("HD-2", "2026-06", 99_000),
    ]
    assert found["customer"]["name"] != "Nguyễn Văn Án"  # masked
    assert found["stale"] is False
    paid = await live.world.pay(
        live.api, "HD-1", amount_dong=99_000, lookup_token=found["lookup_token"]
    )
    assert paid.status_code == 201


async def test_no_debt_and_no_such_customer_are_two_answers(live: LiveStage) -> None:
    live.owe()
    nothing = await live.look_up()
    assert (nothing.status_code, nothing.json()["bills"]) == (200, [])
    unknown = await live.look_up(customer="PB14010000777")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "customer_unknown")


async def test_a_code_of_another_form_is_refused_before_the_biller_is_asked(
    live: LiveStage,
) -> None:
    answer = await live.look_up(customer="XX99")
    assert answer.json()["code"] == "customer_code_invalid"
    assert live.books.calls == []


async def test_a_bill_that_is_no_longer_owed_there_cannot_be_paid_here(live: LiveStage) -> None:
    live.owe("HD-1", "HD-2")
    await live.look_up()
    live.books.payers["HD-1"] = "OTHER"
    assert ids(await live.look_up()) == ["HD-2"]
    refused = await live.world.pay(live.api, "HD-1")
    assert refused.json()["code"] == "bill_cancelled"


async def test_a_bill_that_is_owed_again_there_is_open_again_here(live: LiveStage) -> None:
    live.owe("HD-1")
    await live.look_up()
    live.books.payers["HD-1"] = "OTHER"
    await live.look_up()
    live.books.payers.clear()
    assert ids(await live.look_up()) == ["HD-1"]


async def test_a_bill_that_a_payment_holds_stays_though_it_vanished_there(live: LiveStage) -> None:
    live.owe("HD-1")
    await live.look_up()
    await live.sql(
        "UPDATE bills SET claim = 'hard', claimed_by = gen_random_uuid() WHERE id = 'HD-1'"
    )
    live.books.payers["HD-1"] = "OTHER"
    found = (await live.look_up()).json()
    assert [(b["id"], b["is_being_paid"]) for b in found["bills"]] == [("HD-1", True)]


async def test_what_is_paid_here_and_not_yet_cleared_there_is_not_owed_twice(
    live: LiveStage,
) -> None:
    await live.paid("HD-1")
    assert ids(await live.look_up()) == []
    assert await status_of(live, "HD-1") == "paid"


async def test_an_amount_that_the_biller_corrects_is_the_amount_due(live: LiveStage) -> None:
    live.owe("HD-1")
    await live.look_up()
    live.owe("HD-1", dong=160_000)
    assert (await live.look_up()).json()["total_due_dong"] == 160_000
    assert (await live.world.pay(live.api, "HD-1")).json()["code"] == "amount_mismatch"


async def test_a_bill_is_issued_when_it_is_first_seen_and_due_a_week_later(live: LiveStage) -> None:
    live.owe("HD-1")
    await live.look_up()
    await live.look_up()
    [row] = await live.sql("SELECT issued_on, due_on FROM bills")
    assert row["due_on"] - row["issued_on"] == DUE_IN


@pytest.mark.parametrize("fault", [SILENT, GARBLED, httpx.ConnectError("refused")])
async def test_a_biller_that_does_not_answer_is_503_with_a_time_to_ask_again(
    live: LiveStage, fault: Exception | httpx.Response
) -> None:
    live.owe("HD-1")
    live.books.before["look_up"] = fault
    answer = await live.look_up()
    assert answer.status_code == 503
    assert answer.json()["code"] == "biller_not_answering"
    assert answer.json()["money_may_have_moved"] is False
    assert answer.headers["retry-after"] == "5"


async def test_the_last_good_answer_is_shown_as_stale_where_the_rules_allow_it(
    live: LiveStage,
) -> None:
    await live.world.set_rules(**RULES, stale_lookup_s=600)
    live.owe("HD-1")
    first = (await live.look_up()).json()
    live.books.before["look_up"] = SILENT
    found = (await live.look_up()).json()
    assert (ids_of(found), found["stale"]) == (["HD-1"], True)
    assert abs(found["as_of"] - first["as_of"]) <= 1


def ids_of(found: dict[str, list[dict[str, str]]]) -> list[str]:
    return [bill["id"] for bill in found["bills"]]


async def test_an_answer_older_than_the_rules_allow_is_not_shown(live: LiveStage) -> None:
    await live.world.set_rules(**RULES, stale_lookup_s=600)
    live.owe("HD-1")
    await live.look_up()
    await live.sql("UPDATE live_customers SET as_of = as_of - interval '11 minutes'")
    live.books.before["look_up"] = SILENT
    assert (await live.look_up()).status_code == 503


async def test_an_answer_that_overtook_another_is_not_undone_by_it(live: LiveStage) -> None:
    live.owe("HD-1")
    await live.look_up()
    now = live.rt.clock.now()
    told = live_bills.Snapshot(
        biller_id=1,
        customer_code=CUSTOMER,
        name="Cũ",
        address="Cũ",
        as_of=now - timedelta(hours=1),
        issued_on=now.date(),
        due_on=now.date(),
        bills=[],
    )
    async with database.borrow(live.rt.pool) as connection:
        assert await live_bills.renew(connection, told) is False
    assert await status_of(live, "HD-1") == "open"


async def test_a_biller_whose_source_is_not_configured_here_does_not_answer(
    live: LiveStage,
) -> None:
    await live.world.set_rules(bills_source="elsewhere")
    assert (await live.look_up()).json()["code"] == "biller_not_answering"


async def test_a_lookup_holds_no_connection_while_the_biller_thinks(live: LiveStage) -> None:
    live.owe("HD-1")
    free: list[int] = []
    live.books.on_call = lambda _: free.append(
        live.rt.pool.get_size() - live.rt.pool.get_idle_size()
    )
    await live.look_up()
    await asyncio.gather(*(live.look_up() for _ in range(5)))
    # The lanes of LOOKUP and of the directory keep theirs; nobody else has one.
    assert max(free) <= 2


async def test_many_lookups_and_payments_at_once_pay_a_bill_once(live: LiveStage) -> None:
    live.owe("HD-1")
    await live.look_up()
    answers = await asyncio.gather(
        *(live.look_up() for _ in range(10)),
        *(live.world.pay(live.api, "HD-1") for _ in range(10)),
    )
    assert [a.status_code for a in answers[10:]].count(201) == 1
    assert all(a.status_code == 200 for a in answers[:10])
    await live.turn()
    assert live.books.cleared_times == {"HD-1": 1}
