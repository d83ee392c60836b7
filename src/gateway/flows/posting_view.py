"""How a payment's posting is shown beside the payment."""

from collections.abc import Sequence

import orjson

from gateway.domain.clock import to_text
from gateway.domain.posting import LineState, summary_of
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import postings as store
from gateway.store.payments import PaymentRow
from gateway.store.postings import PostingBillRow, PostingRow


async def with_posting(rt: Runtime, payment: PaymentRow, body: str) -> str:
    """Add the posting to a payment's body, where its biller is told by its own service."""
    # Whoever has no live source now may have had one when this was paid, but that is rare enough
    # not to ask for it on every read.
    biller = rt.directory.billers_by_id[payment.biller_id]
    if biller.rules.bills_source is None:
        return body
    async with database.borrow(rt.pool) as connection:
        posting = await store.one(connection, payment.biller_id, payment.id)
        if posting is None:
            return body
        bills = await store.bills_of(connection, payment.biller_id, payment.id)
    return f'{body[:-1]},"posting":{_written(posting, bills)}}}'


def _written(posting: PostingRow, bills: Sequence[PostingBillRow]) -> str:
    undone = [LineState(bill.undo) for bill in bills if bill.undo is not None]
    facts = {
        "status": summary_of([LineState(bill.state) for bill in bills]),
        "undo": summary_of(undone) if undone else None,
        "next_try_at": to_text(posting.due_at) if posting.due_at else None,
        "bills": [
            {
                "id": bill.bill_id,
                "status": bill.state,
                "undo": bill.undo,
                "reference": bill.reference,
                "code": bill.code,
            }
            for bill in bills
        ],
    }
    return orjson.dumps(facts).decode()
