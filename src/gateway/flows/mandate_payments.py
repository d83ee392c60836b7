"""One payment on a mandate, asked for over the API: begun once, debited, answered.

The mandate is held while its limits are weighed and the payment is written, so that two at once
cannot pass a month's limit together; the bank is called afterwards with no connection held.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.domain.biller import Biller
from gateway.domain.clock import business_date
from gateway.domain.errors import CallerError, Overloaded, present
from gateway.domain.ids import to_public
from gateway.domain.mandate import MandateState
from gateway.domain.mandate_refusals import MandateInactive, MandateLimitExceeded
from gateway.domain.partner import Caller
from gateway.domain.payment import Order
from gateway.flows import mandates, payments
from gateway.flows.calling import order_of
from gateway.flows.debiting import debit_one
from gateway.flows.idempotency import Answer, Keyed, Working
from gateway.flows.minting import new_debit, new_payment
from gateway.flows.providing import answer_with, answered_before, explain
from gateway.flows.registering import mandate_of
from gateway.kit.abilities import DebitsMandates
from gateway.kit.mandate_messages import DebitLine
from gateway.runtime import Runtime
from gateway.store import attempts, beginnings, database, debit_results, idempotency
from gateway.store import mandates as mandates_store
from gateway.store.database import Raw
from gateway.store.mandates import MandateRow


@dataclass(frozen=True, slots=True)
class MandatePayment:
    """A payment of the mandate's own customer; its order names one bill."""

    mandate: MandateRow
    order: Order
    lookup_token: str | None
    keyed: Keyed


async def read_mandate(rt: Runtime, caller: Caller, mandate_id: UUID) -> MandateRow:
    """Give a mandate that the caller may debit: its partner's, or of the biller's own bills.

    Raises:
        MandateNotFound: there is none that the caller may see.
    """
    return await mandates.read(rt, caller, mandate_id)


async def begin(rt: Runtime, caller: Caller, asked: MandatePayment) -> Answer:
    """Debit one bill on a mandate, once for its key; as `providing.begin`.

    201: the bank's answer is known, 202: in doubt, ask for the payment later.

    Raises:
        CallerError: nothing was begun.
        OutcomeUnknown: the database did not confirm; only the same key can tell.
    """
    with Working(rt, asked.keyed):
        return await rt.finish(_begin(rt, caller, asked))


async def _begin(rt: Runtime, caller: Caller, asked: MandatePayment) -> Answer:
    mandate, order = asked.mandate, asked.order
    biller_code = rt.directory.billers_by_id[mandate.biller_id].code
    try:
        biller = payments.checked(rt, caller, biller_code, order, asked.lookup_token)
        provider, _ = rt.provider(mandate.provider, DebitsMandates)
    except CallerError:
        answer = await answered_before(rt, asked.keyed)
        if answer is None:
            raise
        return answer
    for _ in range(payments.ROUNDS_MAX):
        before = await explain(rt, biller, order, asked.keyed)
        if before is not None:
            return before
        row = new_debit(
            rt,
            provider,
            biller,
            mandate.reference,
            order,
            name=asked.keyed.name,
            print_of=asked.keyed.fingerprint,
        )
        held = await _write(rt, biller, asked, row)
        if held is not None:
            return await _debit(rt, provider, held, asked, row)
    raise Overloaded


async def _write(
    rt: Runtime, biller: Biller, asked: MandatePayment, row: beginnings.NewAttempt
) -> MandateRow | None:
    """Write payment and attempt if the mandate allows them; None if they cannot be begun now.

    Raises:
        MandateInactive, MandateLimitExceeded: nothing was begun.
    """
    payment = new_payment(biller, asked.order, row.created_at)
    months = idempotency.months_kept(row.created_at.date())
    try:
        async with database.borrow(rt.pool) as connection, connection.transaction():
            held = await mandates_store.hold(connection, biller.id, asked.mandate.id)
            held = present(held, "a mandate stays where it was made")
            await _check(rt, connection, held, row.amount_dong)
            outbid = await beginnings.begin(connection, row, payment, months)
            if outbid:
                await attempts.wake(connection, row.biller_id, outbid)
            return None if outbid is None else held
    except Exception as error:
        if not database.is_contention(error):
            raise
        return None


async def _check(rt: Runtime, connection: Raw, held: MandateRow, amount_dong: int) -> None:
    today, name = business_date(rt.clock.now()), to_public("mdt", held.id)
    is_over = held.ends_on is not None and held.ends_on < today
    if held.state != MandateState.ACTIVE or today < held.starts_on or is_over:
        raise MandateInactive(name, held.state)
    if amount_dong > held.max_debit_dong:
        raise MandateLimitExceeded(name, held.max_debit_dong)
    if held.max_month_dong is not None:
        debited = await debit_results.debited_in_month(
            connection, held.biller_id, held.customer_code, held.provider, today
        )
        if debited + amount_dong > held.max_month_dong:
            raise MandateLimitExceeded(name, max(held.max_month_dong - debited, 0))


async def _debit(
    rt: Runtime,
    provider: DebitsMandates[Any],
    held: MandateRow,
    asked: MandatePayment,
    row: beginnings.NewAttempt,
) -> Answer:
    async with database.borrow(rt.pool) as connection:
        sent = await attempts.by_reference(connection, row.provider, row.reference)
    sent = present(sent, "an attempt is written down before it is sent")
    bill_id = asked.order.lines[0].bill_id
    line = DebitLine(order_of(rt, sent), mandate_of(rt, held), bill_id, sent.number)
    await debit_one(rt, provider, row.biller_id, line, sent.id)
    return await answer_with(rt, asked.keyed, row.payment_id)
