"""What is read of a leased posting, and what is written under its lease."""

from datetime import timedelta

from gateway.flows.posting_books import Books, open_books
from gateway.store import database
from gateway.store import postings as store
from tests.posting.stage import LEASE, LiveStage


async def leased(live: LiveStage) -> store.PostingRow:
    await live.due()
    async with database.borrow(live.rt.pool) as connection:
        [row] = await store.claim_due(connection, "livebiller", lease=LEASE, most=1)
    return row


async def books_of(live: LiveStage) -> Books:
    return await open_books(live.rt, await leased(live))


async def test_a_posting_is_told_the_same_on_every_repetition(live: LiveStage) -> None:
    await live.paid("HD-1", "HD-2")
    first = await books_of(live)
    told = first.told(first.lines)
    assert await first.mark(first.lines, LEASE)
    again = await books_of(live)
    assert again.told(again.lines) == told
    assert [(line.bill_id, line.memory) for line in told.lines] == [
        ("HD-1", {"code": "C-HD-1"}),
        ("HD-2", {"code": "C-HD-2"}),
    ]


async def test_the_oldest_period_comes_first_whatever_the_ids(live: LiveStage) -> None:
    await live.paid("HD-9", "HD-1")
    books = await books_of(live)
    assert [line.bill_id for line in books.lines] == ["HD-9", "HD-1"]


async def test_under_a_lost_lease_nothing_is_written(live: LiveStage) -> None:
    await live.paid("HD-1")
    old = await books_of(live)
    await leased(live)
    assert not await old.mark(old.lines, LEASE)
    await old.land(old.lines, [])
    [row] = await live.sql("SELECT tried, lease_no FROM postings")
    assert (row["tried"], row["lease_no"]) == (0, 2)


async def test_each_turn_waits_longer_than_the_one_before(live: LiveStage) -> None:
    await live.paid("HD-1")
    waits = []
    for _ in range(4):
        books = await books_of(live)
        await books.land(books.lines, [])
        [row] = await live.sql("SELECT due_at - now() AS wait FROM postings")
        waits.append(round(row["wait"] / timedelta(seconds=1)))
    assert waits == [2, 5, 15, 60]
