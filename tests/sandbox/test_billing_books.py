import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.billing_books import BillMove, Books, Verdict, Webhook

MEMORY = Path(":memory:")
CUSTOMER = "PB14010000123"


def a_move(sequence: int = 1, *, is_cleared: bool = True, bill_id: str = "HD2610") -> BillMove:
    return BillMove(
        biller="evnspc-camau",
        bill_id=bill_id,
        customer_code=CUSTOMER,
        sequence=sequence,
        is_cleared=is_cleared,
        payment_id=f"pay_{sequence}",
        amount_dong=150_000,
    )


def a_webhook(webhook_id: str, *moves: BillMove) -> Webhook:
    return Webhook(webhook_id, "payment.succeeded", 1_764_000_000.0, b"{}", moves)


# What happened to one bill: paid, undone, paid again, undone, paid.
HISTORY = [a_webhook(f"evt_{n}", a_move(n, is_cleared=n % 2 == 1)) for n in range(1, 6)]


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    opened = Books(tmp_path / "billing.db")
    yield opened
    opened.close()


def cleared_ids(books: Books) -> list[str | int]:
    return [bill["bill_id"] for bill in books.cleared(CUSTOMER)]


def test_a_webhook_clears_each_of_its_bills(books: Books) -> None:
    webhook = a_webhook("evt_1", a_move(bill_id="HD2609"), a_move(bill_id="HD2610"))
    assert books.apply(webhook) is Verdict.APPLIED
    assert cleared_ids(books) == ["HD2609", "HD2610"]
    assert books.cleared(CUSTOMER)[0] == {
        "biller": "evnspc-camau",
        "bill_id": "HD2609",
        "payment_id": "pay_1",
        "amount_dong": 150_000,
        "sequence": 1,
    }


def test_the_same_webhook_again_changes_nothing(books: Books) -> None:
    books.apply(a_webhook("evt_1", a_move()))
    changed = a_webhook("evt_1", a_move(9, bill_id="another"))
    assert books.apply(changed) is Verdict.DUPLICATE
    assert cleared_ids(books) == ["HD2610"]
    assert books.counts() == {"webhooks": 1, "entries": 1, "cleared_bills": 1}


def test_a_reversal_opens_the_bill_again(books: Books) -> None:
    books.apply(a_webhook("evt_1", a_move(1)))
    books.apply(a_webhook("evt_2", a_move(2, is_cleared=False)))
    assert cleared_ids(books) == []


def test_an_older_sequence_never_overwrites_a_newer_one(books: Books) -> None:
    books.apply(a_webhook("evt_2", a_move(2, is_cleared=False)))
    assert books.apply(a_webhook("evt_1", a_move(1))) is Verdict.APPLIED
    assert cleared_ids(books) == []
    entries = books.ledger(after=0, limit=10)
    assert [(e["sequence"], e["effect"]) for e in entries] == [(2, "applied"), (1, "outdated")]


def test_an_equal_sequence_changes_nothing(books: Books) -> None:
    books.apply(a_webhook("evt_1", a_move(1)))
    books.apply(a_webhook("evt_x", replace(a_move(1), is_cleared=False)))
    assert cleared_ids(books) == ["HD2610"]


def test_two_billers_may_use_the_same_bill_number(books: Books) -> None:
    books.apply(a_webhook("evt_1", a_move(2)))
    books.apply(a_webhook("evt_2", replace(a_move(1), biller="other")))
    assert cleared_ids(books) == ["HD2610", "HD2610"]


@given(st.lists(st.sampled_from(HISTORY), max_size=12), st.permutations(HISTORY))
def test_any_order_with_any_repeats_ends_in_the_same_state(
    before: list[Webhook], order: list[Webhook]
) -> None:
    books = Books(MEMORY)
    for webhook in [*before, *order]:
        books.apply(webhook)
    assert [(b["payment_id"], b["sequence"]) for b in books.cleared(CUSTOMER)] == [("pay_5", 5)]
    assert books.counts() == {"webhooks": 5, "entries": 5, "cleared_bills": 1}
    books.close()


async def test_twenty_at_once_of_one_webhook_apply_once(books: Books) -> None:
    webhook = a_webhook("evt_1", a_move())
    verdicts = await asyncio.gather(*(asyncio.to_thread(books.apply, webhook) for _ in range(20)))
    assert sorted(verdicts) == [Verdict.APPLIED] + [Verdict.DUPLICATE] * 19
    assert books.counts()["entries"] == 1


def test_an_id_is_not_remembered_when_its_effect_fails(books: Books) -> None:
    too_large = replace(a_move(2), amount_dong=2**63)
    with pytest.raises(OverflowError):
        books.apply(a_webhook("evt_1", a_move(1, bill_id="first"), too_large))
    assert books.counts() == {"webhooks": 0, "entries": 0, "cleared_bills": 0}
    assert books.apply(a_webhook("evt_1", a_move())) is Verdict.APPLIED


def test_a_webhook_about_no_bill_is_kept_and_moves_nothing(books: Books) -> None:
    assert books.apply(a_webhook("evt_1")) is Verdict.NOT_FOR_US
    assert books.counts() == {"webhooks": 1, "entries": 0, "cleared_bills": 0}


def test_the_books_are_there_after_reopening(tmp_path: Path) -> None:
    first = Books(tmp_path / "billing.db")
    first.apply(a_webhook("evt_1", a_move()))
    first.close()
    second = Books(tmp_path / "billing.db")
    assert second.apply(a_webhook("evt_1", a_move())) is Verdict.DUPLICATE
    assert cleared_ids(second) == ["HD2610"]
    second.close()


def test_commit_waits_for_the_disk(books: Books, tmp_path: Path) -> None:
    connection = books._connection
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    other = sqlite3.connect(tmp_path / "billing.db")
    assert other.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    other.close()


def test_the_ledger_is_read_in_pages(books: Books) -> None:
    for webhook in HISTORY:
        books.apply(webhook)
    first = books.ledger(after=0, limit=3)
    second = books.ledger(after=int(first[-1]["entry"]), limit=3)
    assert [entry["id"] for entry in [*first, *second]] == [w.webhook_id for w in HISTORY]
