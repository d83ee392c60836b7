"""Payments as the flows are handed them, and what must hold of the books afterwards."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from gateway.domain.biller import Channel
from gateway.domain.errors import CallerError
from gateway.domain.fingerprint import fingerprint_of
from gateway.domain.ids import from_public
from gateway.domain.partner import Caller, Mode, Purse
from gateway.domain.payment import Line, Order
from gateway.flows import payments, reversals
from gateway.flows.idempotency import Answer, Keyed
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import moves
from gateway.store.idempotency import KeyName
from tests.world import BILLER, CUSTOMER, MASTER_SECRET, World

WRITTEN = (
    "payments",
    "payment_bills",
    "transfers",
    "idempotency_keys",
    "events",
    "deliveries",
)
_numbers = itertools.count(1)


@asynccontextmanager
async def another_process(url: str, clock: Clock | None = None) -> AsyncIterator[Runtime]:
    """Open a second runtime on the same database, as another worker would."""
    runtime = Runtime(
        database_url=url,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock or Clock(),
    )
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.stop()


def caller_of(rt: Runtime, partner: str = "bank") -> Caller:
    """Give the caller behind a partner's key."""
    return next(c for c in rt.directory.callers.values() if c.partner.code == partner)


def write_refusal(refusal: CallerError) -> tuple[int, str]:
    return 409, json.dumps({"code": refusal.code})


def keyed_by(caller: Caller, operation: str, key: str, fields: dict[str, object]) -> Keyed:
    name = KeyName(caller.partner.id, operation, key)
    return Keyed(name, fingerprint_of(operation, fields), list(fields), write_refusal)


def a_payment(
    rt: Runtime,
    *bill_ids: str,
    partner: str = "bank",
    key: str | None = None,
    amount_dong: int = 150_000,
    **changes: object,
) -> payments.CollectedPayment:
    """Ask to pay bills of CUSTOMER; `changes` may hold customer_code, reference, lookup_token."""
    number = next(_numbers)
    lines = tuple(Line(bill_id, amount_dong) for bill_id in bill_ids)
    order = Order(
        partner_reference=str(changes.get("reference", f"ORDER-{number}")),
        channel=Channel.MOBILE_BANKING,
        customer_code=str(changes.get("customer_code", CUSTOMER)),
        lines=lines,
    )
    fields: dict[str, object] = {
        "partner_reference": order.partner_reference,
        "bills": [[line.bill_id, line.amount_dong] for line in lines],
    }
    key = key or f"key-of-an-order-{number:08d}"
    keyed = keyed_by(caller_of(rt, partner), payments.OPERATION, key, fields)
    token = changes.get("lookup_token")
    return payments.CollectedPayment(BILLER, order, token if token is None else str(token), keyed)


def a_row(rt: Runtime, *bill_ids: str, partner: str = "bank", **changes: object) -> moves.PayRow:
    """Write what PAY is given, as the flow does."""
    asked = a_payment(rt, *bill_ids, partner=partner, **changes)  # type: ignore[arg-type]
    payer = caller_of(rt, partner).partner
    purse = Purse(payer, payer.receivable_account)
    return payments.pay_row(rt, rt.directory.billers[BILLER], asked.order, asked.keyed, purse)


async def collect(rt: Runtime, *bill_ids: str, partner: str = "bank", **changes: object) -> Answer:
    """Pay through the flow."""
    asked = a_payment(rt, *bill_ids, partner=partner, **changes)  # type: ignore[arg-type]
    return await payments.collect(rt, caller_of(rt, partner), asked)


async def reverse(
    rt: Runtime, payment_id: UUID, *, partner: str = "bank", key: str | None = None
) -> Answer:
    """Reverse through the flow."""
    caller = caller_of(rt, partner)
    key = key or f"key-of-a-turn-{next(_numbers):08d}"
    keyed = keyed_by(caller, reversals.OPERATION, key, {"payment": payment_id.hex})
    return await reversals.reverse(rt, caller, reversals.Reversal(payment_id, "nhầm", keyed))


def id_in(answer: Answer | moves.Paid | str) -> UUID:
    """Read the payment's id in an answer, in what was paid, or in a body."""
    body = answer if isinstance(answer, str) else answer.body
    found = from_public("pay", json.loads(body)["id"])
    assert found is not None, body
    return found


async def written(world: World) -> dict[str, int]:
    """Count the rows of everything that a move of money writes."""
    return {table: await world.count(table) for table in WRITTEN}


async def sequences(world: World, bill_id: str) -> list[int]:
    """Give the sequence numbers of a bill's events, lowest first."""
    bodies = [json.loads(row["body"]) for row in await world.rows("SELECT body FROM events")]
    return sorted(
        bill["sequence"]
        for body in bodies
        for bill in body["data"]["bills"]
        if bill["id"] == bill_id
    )


BOOKS = """
SELECT b.id, b.status, b.paid_dong, b.amount_dong, b.event_sequence,
    (SELECT coalesce(sum(l.amount_dong), 0)::bigint FROM payment_bills l
     JOIN payments p ON p.biller_id = l.biller_id AND p.id = l.payment_id
     WHERE l.biller_id = b.biller_id AND l.bill_id = b.id AND p.reversed_at IS NULL) AS live_dong,
    (SELECT count(l.sequence) + count(l.reversal_sequence) FROM payment_bills l
     WHERE l.biller_id = b.biller_id AND l.bill_id = b.id) AS moved
FROM bills b
"""
LEDGER = """
SELECT p.id, p.amount_dong, p.reversed_at IS NOT NULL AS is_reversed,
    (SELECT array_agg(t.kind ORDER BY t.id) FROM transfers t
     WHERE t.source = p.id AND t.amount_dong = p.amount_dong) AS kinds,
    (SELECT count(*) FROM events e WHERE e.subject = p.id) AS events
FROM payments p
"""


async def assert_books_agree(world: World) -> None:
    """Hold bills against payments, payments against the ledger and the events."""
    for bill in await world.rows(BOOKS):
        assert bill["paid_dong"] == bill["live_dong"], bill
        assert (bill["status"] == "paid") == (bill["paid_dong"] == bill["amount_dong"]), bill
        assert bill["event_sequence"] == bill["moved"], bill
        assert await sequences(world, bill["id"]) == list(range(1, bill["moved"] + 1)), bill
    for payment in await world.rows(LEDGER):
        kinds = ["payment", "reversal"] if payment["is_reversed"] else ["payment"]
        assert payment["kinds"] == kinds, payment
        assert payment["events"] == len(kinds), payment
