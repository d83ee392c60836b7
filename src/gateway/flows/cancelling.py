"""Cancelling: close an order that nobody wants paid, at its provider where the rail can."""

from collections.abc import Sequence
from uuid import UUID

from gateway.domain.attempt import AttemptState
from gateway.domain.biller import Biller
from gateway.domain.ids import to_public
from gateway.domain.partner import Caller
from gateway.domain.payment import Method, Order
from gateway.domain.progress import FINAL, Claim, PaymentState
from gateway.domain.provider_refusals import NotCancellable
from gateway.domain.refusals import PaymentNotFound
from gateway.flows import payments, viewing
from gateway.flows.resolving import resolve_now
from gateway.flows.viewing import View
from gateway.kit.abilities import Cancels
from gateway.runtime import Runtime
from gateway.store import attempts, database, settlement
from gateway.store import bills as bills_store
from gateway.store.attempts import AttemptRow


async def cancel(rt: Runtime, caller: Caller, payment_id: UUID) -> View:
    """Ask that a payment be given up; safe to repeat. The answer says how it stands.

    It ends as cancelled only when the provider proves that nobody paid; if the payer was faster,
    it succeeds.

    Raises:
        PaymentNotFound: the caller has made no such payment.
        NotCancellable: it was collected, or has ended.
    """
    row = await payments.read_row(rt, caller, payment_id)
    if row.partner_id != caller.partner.id:
        raise PaymentNotFound(to_public("pay", payment_id))
    if row.method != Method.PROVIDER or row.status in FINAL - {PaymentState.CANCELLED}:
        raise NotCancellable(to_public("pay", payment_id), row.status)
    newest = await _ask(rt, row.biller_id, payment_id)
    if newest is not None:
        await rt.finish(resolve_now(rt, newest))
    return await viewing.view(rt, payment_id)


async def close_older(rt: Runtime, biller: Biller, order: Order) -> None:
    """Close what holds the bills of a new order softly, where the rail can close an order.

    Where it cannot, the new payment outbids it; where it was just paid, the new one is refused.
    """
    async with database.borrow(rt.pool) as connection:
        states = await bills_store.states(
            connection, biller.id, order.customer_code, [line.bill_id for line in order.lines]
        )
    named = {line.bill_id for line in order.lines}
    holders = {
        state.claimed_by
        for state in states
        if state.id in named and state.claim == Claim.SOFT and state.claimed_by is not None
    }
    for payment_id in holders:
        await _close_one(rt, biller.id, payment_id)


async def _close_one(rt: Runtime, biller_id: int, payment_id: UUID) -> None:
    async with database.borrow(rt.pool) as connection:
        tried: Sequence[AttemptRow] = await attempts.of_payment(connection, biller_id, payment_id)
    if not tried or tried[0].provider not in rt.providers:
        return
    if not isinstance(rt.providers[tried[0].provider].provider, Cancels):
        return
    newest = await _ask(rt, biller_id, payment_id)
    if newest is not None:
        await rt.finish(resolve_now(rt, newest))


async def _ask(rt: Runtime, biller_id: int, payment_id: UUID) -> AttemptRow | None:
    """Write down that a payment is to be given up; give its attempt if it can be asked about."""
    async with database.borrow(rt.pool) as connection, connection.transaction():
        held = await settlement.hold(connection, biller_id, payment_id)
        if held is None or held.status in FINAL:
            return None
        state = (
            PaymentState.CANCELLING
            if held.status == PaymentState.AWAITING_PAYER
            else PaymentState(held.status)
        )
        await settlement.ask_cancel(connection, held, rt.clock.now(), state)
        tried = await attempts.of_payment(connection, biller_id, payment_id)
    newest = tried[0]
    can_ask = newest.state != AttemptState.SENT and newest.provider in rt.providers
    return newest if can_ask else None
