"""T+1: the biller's own list held against our postings."""

from collections import Counter
from datetime import timedelta

import httpx
import pytest

from gateway.domain.clock import business_date
from gateway.domain.errors import BillerNotAnswering
from gateway.domain.paid_list import Verdict
from gateway.flows.paid_lists import NoLiveSource, compare_day
from tests.posting.stage import BILLER, LiveStage


async def compared(live: LiveStage, days: int = 0) -> Counter[Verdict]:
    day = business_date(live.rt.clock.now()) + timedelta(days=days)
    return Counter(line.verdict for line in await compare_day(live.rt, BILLER, day))


async def test_a_day_on_which_both_sides_agree_is_all_matched(live: LiveStage) -> None:
    await live.paid("HD-1", "HD-2")
    await live.turn()
    assert await compared(live) == {Verdict.MATCHED: 2}


async def test_what_was_undone_on_both_sides_is_reversed(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    await live.turn()
    await live.world.reverse(live.api, payment["id"])
    await live.turn()
    assert await compared(live) == {Verdict.REVERSED: 1}


async def test_what_the_biller_has_lost_is_missing_there(live: LiveStage) -> None:
    await live.paid("HD-1")
    await live.turn()
    live.books.references.clear()
    assert await compared(live) == {Verdict.MISSING_THERE: 1}


async def test_what_we_never_cleared_is_missing_here(live: LiveStage) -> None:
    live.books.references["pst_nobody"] = "HD-7"
    assert await compared(live) == {Verdict.MISSING_HERE: 1}


async def test_another_amount_is_told(live: LiveStage) -> None:
    await live.paid("HD-1")
    await live.turn()
    live.owe("HD-1", dong=151_000)
    assert await compared(live) == {Verdict.AMOUNT_DIFFERS: 1}


async def test_what_is_cleared_there_and_in_doubt_here_differs_in_state(live: LiveStage) -> None:
    await live.paid("HD-1")
    live.books.after["clear"] = httpx.ReadTimeout("no answer")
    await live.turn()
    assert await compared(live) == {Verdict.STATE_DIFFERS: 1}


async def test_a_line_that_they_count_to_another_day_is_matched_and_missed_on_none(
    live: LiveStage,
) -> None:
    await live.paid("HD-1")
    await live.turn()
    assert await compared(live, days=1) == {Verdict.MATCHED: 1}
    live.books.references.clear()
    assert await compared(live, days=1) == {}


@pytest.mark.parametrize(
    "fault", [httpx.ReadTimeout("no answer"), httpx.Response(200, text="<html>")]
)
async def test_a_list_that_does_not_come_whole_compares_nothing(
    live: LiveStage, fault: Exception | httpx.Response
) -> None:
    live.books.before["list_paid"] = fault
    with pytest.raises(BillerNotAnswering):
        await compared(live)


async def test_a_biller_that_pushes_its_bills_has_no_list(live: LiveStage) -> None:
    await live.world.set_rules()
    with pytest.raises(NoLiveSource):
        await compared(live)
