"""Reversals: undo a collected payment on its own business date, once."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from gateway.domain import receipt
from gateway.domain.biller import Biller
from gateway.domain.clock import to_text
from gateway.domain.errors import CallerError, Overloaded
from gateway.domain.ids import to_public
from gateway.domain.partner import Caller
from gateway.domain.payment import Method, may_reverse, reversible_until
from gateway.domain.provider_refusals import NotReversible
from gateway.domain.refusals import AlreadyReversed, PaymentNotFound, ReversalTooLate
from gateway.flows import payments
from gateway.flows.idempotency import Answer, Keyed, Working, keep_refusal, replay
from gateway.runtime import Runtime
from gateway.store import database, idempotency, moves, postings
from gateway.store import payments as payments_store
from gateway.store.database import Raw

OPERATION = "create_reversal"


@dataclass(frozen=True, slots=True)
class Reversal:
    """Which payment to undo, and why."""

    payment_id: UUID
    reason: str
    keyed: Keyed


async def reverse(rt: Runtime, caller: Caller, asked: Reversal) -> Answer:
    """Undo a payment: its bills are open again, the ledger turns back, the biller is told.

    Only the partner that made the payment, only on its business date, before the biller's cut-off.

    Raises:
        PaymentNotFound: the caller has made no such payment.
        OutcomeUnknown: the database did not confirm; only the same key can tell.
    """
    with Working(rt, asked.keyed):
        return await _reverse(rt, caller, asked)


async def _reverse(rt: Runtime, caller: Caller, asked: Reversal) -> Answer:
    for _ in range(payments.ROUNDS_MAX):
        stored = await replay(rt, asked.keyed)
        if stored is not None:
            return Answer(stored.status_code, stored.body, is_replay=True)
        answer = await _try(rt, caller, asked)
        if answer is not None:
            return answer
    raise Overloaded


async def _try(rt: Runtime, caller: Caller, asked: Reversal) -> Answer | None:
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection:
        row = await payments_store.by_id(connection, asked.payment_id, rt.directory.biller_ids)
    if row is None or row.partner_id != caller.partner.id:
        raise PaymentNotFound(to_public("pay", asked.payment_id))
    biller = rt.directory.billers_by_id[row.biller_id]
    refusal = _refusal(row, biller, now)
    if refusal is not None:
        return await keep_refusal(rt, asked.keyed, refusal)
    try:
        async with database.borrow(rt.pool) as connection:
            body = await _write(connection, biller, _row(rt, biller, row, asked, now))
    except Exception as error:
        if not database.is_contention(error):
            raise
        return None
    return None if body is None else Answer(201, body, is_replay=False)


async def _write(connection: Raw, biller: Biller, row: moves.ReverseRow) -> str | None:
    """Reverse in one statement; with a live source, ask for the undoing in the same transaction."""
    if biller.rules.bills_source is None:
        return await moves.reverse(connection, row)
    async with connection.transaction():
        body = await moves.reverse(connection, row)
        if body is not None:
            await postings.ask_undo(connection, biller.id, row.payment_id)
    return body


def _refusal(row: payments_store.PaymentRow, biller: Biller, now: datetime) -> CallerError | None:
    public = to_public("pay", row.id)
    if row.method != Method.COLLECTED:
        return NotReversible(public)
    if row.reversed_at is not None:
        return AlreadyReversed(public)
    if not may_reverse(row.business_date, biller.rules.reversal_cutoff, now):
        until = reversible_until(row.business_date, biller.rules.reversal_cutoff)
        return ReversalTooLate(public, to_text(until))
    return None


def _row(
    rt: Runtime,
    biller: Biller,
    row: payments_store.PaymentRow,
    asked: Reversal,
    now: datetime,
) -> moves.ReverseRow:
    payment = replace(payments.to_payment(rt, row), reversed_at=now, reversal_reason=asked.reason)
    return moves.ReverseRow(
        biller_id=biller.id,
        payment_id=row.id,
        event_id=rt.new_id(),
        key=asked.keyed.name.key,
        month=idempotency.months_kept(now.date())[0],
        fingerprint=asked.keyed.fingerprint.sha256,
        field_digests=asked.keyed.fingerprint.field_digests,
        reversed_at=now,
        reason=asked.reason,
        receivable=rt.directory.partners_by_id[row.partner_id].receivable_account,
        payable=biller.payable_account,
        head=receipt.head(payment),
        tail=receipt.TAIL,
        event_head=receipt.event_head("payment.reversed", now),
    )
