"""A biller's service that pays out of our deposit, one bill a call, and not at once."""

import httpx
import pytest

from tests.posting.double import LiveBiller
from tests.posting.stage import CUSTOMER, LiveStage


async def test_an_empty_deposit_is_a_persons_at_once_and_closes_itself_once_it_is_topped_up(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")
    live.books.refusals["HD-1"] = "float_empty"
    await live.turn(3)
    assert await live.status_of(payment) == ("none", None)
    assert await live.exceptions() == [("posting_float_empty", "operations", 150_000)]
    rows = await live.sql("SELECT next_action FROM exceptions")
    assert "top it up now" in rows[0]["next_action"]
    live.books.refusals.clear()
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", None)
    assert await live.exceptions() == []
    assert live.books.cleared_times == {"HD-1": 1}


async def test_what_was_taken_and_is_not_yet_cleared_is_asked_about_and_never_sent_again(
    live: LiveStage,
) -> None:
    payment = await live.paid("HD-1")
    live.books.refusals["HD-1"] = "pending"
    await live.turn()
    assert await live.status_of(payment) == ("unknown", None)
    await live.turn(2)
    assert live.books.calls == ["look_up", "clear", "check", "check"]
    live.books.payers["HD-1"] = "GW"
    await live.turn()
    assert await live.status_of(payment) == ("acknowledged", None)
    assert live.books.calls.count("clear") == 1


async def test_a_refusal_of_another_kind_is_a_persons_and_final(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    live.books.refusals["HD-1"] = "refused"
    await live.turn(2)
    assert await live.status_of(payment) == ("rejected", None)
    assert await live.exceptions() == [("posting_refused", "operations", 150_000)]
    assert live.books.calls == ["look_up", "clear"]


async def test_where_a_call_takes_one_bill_the_oldest_goes_first_and_the_next_soon_after(
    live: LiveStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveBiller, "lines_max", 1)
    payment = await live.paid("HD-1", "HD-2", "HD-3")
    live.books.refusals["HD-1"] = "locked"
    await live.turn(5)
    assert live.books.payers == {}
    live.books.refusals.clear()
    for cleared in (["HD-1"], ["HD-1", "HD-2"], ["HD-1", "HD-2", "HD-3"]):
        await live.turn()
        assert list(live.books.payers) == cleared
        waits = await live.sql("SELECT due_at - now() < interval '5 s' AS soon FROM postings")
        assert waits[0]["soon"] is not False
    assert await live.status_of(payment) == ("acknowledged", None)


async def test_a_service_that_names_nobody_where_nothing_is_owed_takes_no_name_away(
    live: LiveStage,
) -> None:
    live.owe("HD-1")
    known = (await live.look_up()).json()["customer"]
    live.books.owed[CUSTOMER] = {"name": "", "address": "", "bills": []}
    again = await live.look_up()
    assert again.status_code == httpx.codes.OK
    assert again.json()["customer"] == known
    assert again.json()["bills"] == []
