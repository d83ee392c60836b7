"""Payments through providers: begin one, try it again, read how it goes.

Two short transactions around each call: the first writes down that it is sent, the second what was
heard. A process that dies between them leaves an attempt that the resolver asks about.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.domain.biller import Biller, Channel
from gateway.domain.errors import CallerError, Overloaded, present
from gateway.domain.ids import to_public
from gateway.domain.partner import Caller
from gateway.domain.payment import Line, check_channel, refusal_of
from gateway.domain.payment import Order as BillOrder
from gateway.domain.progress import Certainty
from gateway.domain.provider_refusals import (
    AttemptStillOpen,
)
from gateway.domain.refusals import PartnerReferenceUsed, PaymentNotFound, StillProcessing
from gateway.flows import payments, viewing
from gateway.flows.calling import call, landing, order_of, write_down
from gateway.flows.cancelling import close_older
from gateway.flows.idempotency import Answer, Keyed, Working, keep_refusal, replay
from gateway.flows.minting import Payer, Wanted, new_attempt, new_payment, provider_for
from gateway.flows.settling import Settled
from gateway.kit.abilities import TakesPayments
from gateway.runtime import Runtime
from gateway.store import attempts, beginnings, database, idempotency
from gateway.store import bills as bills_store
from gateway.store import payments as payments_store
from gateway.store.database import Raw

OPENED, UNDER_WAY = 201, 202
OPERATION = "create_attempt"


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """A payment whose money the payer still has."""

    biller: str
    order: BillOrder
    lookup_token: str | None
    payer: Payer
    keyed: Keyed


@dataclass(frozen=True, slots=True)
class AnotherAttempt:
    """Another try of a payment that has failed or expired."""

    payment_id: UUID
    channel: Channel
    payer: Payer
    keyed: Keyed


async def begin(rt: Runtime, caller: Caller, asked: ProviderPayment) -> Answer:
    """Begin a payment at a provider, once for its key; the answer says what the payer does next.

    201: the provider's answer is known, 202: in doubt, ask for the payment later.

    Raises:
        CallerError: nothing was begun.
        OutcomeUnknown: the database did not confirm; only the same key can tell.
    """
    with Working(rt, asked.keyed):
        return await rt.finish(_begin(rt, caller, asked))


async def try_again(rt: Runtime, caller: Caller, asked: AnotherAttempt) -> Answer:
    """Try a payment again, at any provider, after its last attempt is proved to have failed.

    Raises:
        AttemptStillOpen: the last attempt may still take the money.
        ChannelNotAllowed: the biller does not take money in this way.
        OutcomeUnknown: the database did not confirm; only the same key can tell.
    """
    with Working(rt, asked.keyed):
        return await rt.finish(_try_again(rt, caller, asked))


async def _begin(rt: Runtime, caller: Caller, asked: ProviderPayment) -> Answer:
    order = asked.order
    try:
        biller = payments.checked(rt, caller, asked.biller, order, asked.lookup_token)
        provider = provider_for(rt, asked.payer, order.channel, order.amount_dong)
    except CallerError:
        answer = await answered_before(rt, asked.keyed)
        if answer is None:
            raise
        return answer
    wanted = Wanted(asked.payer, order.channel, order.customer_code, order.amount_dong)
    # A repetition, or what is refused anyway, closes nobody's order.
    before = await explain(rt, biller, order, asked.keyed)
    if before is not None:
        return before
    await close_older(rt, biller, order)
    for _ in range(payments.ROUNDS_MAX):
        row = new_attempt(rt, provider, biller, wanted, asked.keyed)
        if await _is_written(rt, row, new_payment(biller, order, row.created_at)):
            return await _go(rt, asked.keyed, provider, row)
        answer = await explain(rt, biller, order, asked.keyed)
        if answer is not None:
            return answer
    raise Overloaded


async def _is_written(
    rt: Runtime, row: beginnings.NewAttempt, payment: beginnings.NewPayment
) -> bool:
    """Write down a payment and its first attempt; False if it cannot be begun as things stand."""
    months = idempotency.months_kept(row.created_at.date())
    try:
        async with database.borrow(rt.pool) as connection:
            outbid = await beginnings.begin(connection, row, payment, months)
            if outbid:
                await attempts.wake(connection, row.biller_id, outbid)
            return outbid is not None
    except Exception as error:
        if not database.is_contention(error):
            raise
        return False


async def explain(rt: Runtime, biller: Biller, order: BillOrder, keyed: Keyed) -> Answer | None:
    """Say why nothing was begun: answered before, reference used, refused; None: try again."""
    answer = await answered_before(rt, keyed)
    if answer is not None:
        return answer
    async with database.borrow(rt.pool) as connection:
        used_by = await payments_store.by_reference(
            connection, keyed.name.partner_id, order.partner_reference
        )
        states = await bills_store.states(
            connection, biller.id, order.customer_code, [line.bill_id for line in order.lines]
        )
    if used_by is not None:
        # Perhaps by this very request in another process, written down since the key was read.
        answer = await answered_before(rt, keyed)
        if answer is None:
            raise PartnerReferenceUsed(order.partner_reference, to_public("pay", used_by))
        return answer
    refusal = refusal_of(biller.code, biller.rules, order, states)
    return None if refusal is None else await keep_refusal(rt, keyed, refusal)


async def _try_again(rt: Runtime, caller: Caller, asked: AnotherAttempt) -> Answer:
    answer = await answered_before(rt, asked.keyed)
    if answer is not None:
        return answer
    payment = await payments.read_row(rt, caller, asked.payment_id)
    if payment.partner_id != caller.partner.id:
        raise PaymentNotFound(to_public("pay", payment.id))
    biller = rt.directory.billers_by_id[payment.biller_id]
    check_channel(biller.code, biller.rules, _order_of(payment, asked.channel))
    provider = provider_for(rt, asked.payer, asked.channel, payment.amount_dong)
    wanted = Wanted(
        asked.payer, asked.channel, payment.customer_code, payment.amount_dong, payment.id
    )
    row = new_attempt(rt, provider, biller, wanted, asked.keyed)
    month = idempotency.months_kept(row.created_at.date())[0]
    try:
        async with database.borrow(rt.pool) as connection:
            outbid = await beginnings.try_again(connection, row, month)
            if outbid:
                await attempts.wake(connection, row.biller_id, outbid)
    except Exception as error:
        if not database.is_contention(error):
            raise
        raise StillProcessing from error
    if outbid is not None:
        return await _go(rt, asked.keyed, provider, row)
    # Perhaps this very request, in another process, has made the attempt that is open now.
    answer = await answered_before(rt, asked.keyed)
    if answer is None:
        raise AttemptStillOpen(to_public("pay", payment.id), payment.status)
    return answer


def _order_of(payment: payments_store.PaymentRow, channel: Channel) -> BillOrder:
    lines = tuple(Line(line.bill_id, line.amount_dong) for line in payment.lines)
    return BillOrder(payment.partner_reference, channel, payment.customer_code, lines)


async def _go(
    rt: Runtime, keyed: Keyed, provider: TakesPayments[Any], row: beginnings.NewAttempt
) -> Answer:
    """Call the provider about an attempt that is written down, and answer with how it goes."""
    async with database.borrow(rt.pool) as connection:
        sent = await attempts.by_reference(connection, row.provider, row.reference)
    sent = present(sent, "an attempt is written down before it is sent")
    order = order_of(rt, sent)
    heard = await call(
        rt, row.provider, order, lambda: provider.create(order), provider.read_created
    )

    async def write(connection: Raw) -> Settled | None:
        held = await attempts.hold(connection, row.biller_id, row.attempt_id)
        held = present(held, "an attempt stays where it was written")
        return await write_down(rt, connection, held, "create", heard)

    await landing(rt, write, row.biller_id)
    return await answer_with(rt, keyed, row.payment_id)


async def answer_with(rt: Runtime, keyed: Keyed, payment_id: UUID) -> Answer:
    """Keep the first answer under the key: how the payment goes at this moment."""
    going = await viewing.view(rt, payment_id)
    status_code = UNDER_WAY if going.certainty is Certainty.IN_DOUBT else OPENED
    months = idempotency.months_kept(rt.clock.now().date())
    async with database.borrow(rt.pool) as connection:
        is_first = await idempotency.finish(
            connection, keyed.name, status_code=status_code, body=going.body, months=months
        )
    if is_first:
        return Answer(status_code, going.body, is_replay=False)
    stored = await replay(rt, keyed)
    stored = present(stored, "a key that was running has an answer")
    return Answer(stored.status_code, stored.body, is_replay=True)


async def answered_before(rt: Runtime, keyed: Keyed) -> Answer | None:
    """Give what was answered under the key, or, if whoever ran it died, how it goes now.

    Raises:
        StillProcessing: another process runs it at this moment.
    """
    stored = await replay(rt, keyed)
    if stored is None:
        return None
    if stored.status_code != idempotency.RUNNING or stored.resource_id is None:
        return Answer(stored.status_code, stored.body, is_replay=True)
    going = await viewing.view(rt, stored.resource_id)
    if going.is_being_sent:
        raise StillProcessing
    return await answer_with(rt, keyed, stored.resource_id)
