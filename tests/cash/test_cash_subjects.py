"""Exceptions about cash: one open for a subject, with an owner, a day and an action."""

from datetime import timedelta

from gateway.domain.clock import business_date
from gateway.domain.field_cash import Trouble
from gateway.flows import collectors
from gateway.flows.cash_troubles import About, raise_trouble
from gateway.store import database
from gateway.store import field_cash as store
from tests.cash.round import COLLECTOR, Round

ABOUT = About(Trouble.SEQUENCE_GAP, "gap:1", "2 to 3 of device tab-1", 0)


async def raise_it(tour: Round) -> None:
    async with database.borrow(tour.rt.pool) as connection:
        holder = await collectors.find(connection, COLLECTOR, tour.caller.partner.id)
        await raise_trouble(tour.rt, connection, holder, ABOUT)


async def test_a_trouble_says_who_does_what_by_when(tour: Round) -> None:
    await raise_it(tour)
    row = (await tour.world.rows("SELECT owner, due_on, next_action FROM exceptions"))[0]
    assert row["owner"] == "operations"
    assert row["due_on"] == business_date(tour.now()) + timedelta(days=1)
    assert "collector an upload receipts 2 to 3 of device tab-1" in row["next_action"]


async def test_a_subject_is_open_once_and_opens_anew_after_it_was_settled(tour: Round) -> None:
    await raise_it(tour)
    await raise_it(tour)
    assert await tour.world.count("exceptions") == 1
    async with database.borrow(tour.rt.pool) as connection:
        await store.settle_exception(connection, ABOUT.subject, tour.now(), "they came")
    await raise_it(tour)
    assert await tour.world.count("exceptions") == 2
