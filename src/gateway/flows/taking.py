"""Money that a provider has taken: it pays its bills, or waits in suspense for its refund."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from gateway.domain import receipt
from gateway.domain.attempt import Effect, Judgement, Trouble
from gateway.domain.clock import business_date
from gateway.domain.errors import present
from gateway.domain.payment import Payment, least_part
from gateway.domain.progress import FINAL, PaymentState
from gateway.domain.suspense import GoesTo, Reason
from gateway.flows import payments
from gateway.flows.suspense import Origin, open_line
from gateway.kit import metrics
from gateway.runtime import Runtime
from gateway.store import payments as payments_store
from gateway.store import postings, settlement
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw
from gateway.store.settlement import HeldPayment


async def take_money(
    rt: Runtime,
    connection: Raw,
    attempt: AttemptRow,
    held: HeldPayment,
    judgement: Judgement,
    *,
    is_in_suspense: bool = False,
) -> tuple[tuple[UUID, ...], Judgement]:
    """Pay the bills with the money, or keep it in suspense where they cannot be paid with it.

    Money of a credit `is_in_suspense` already. If it cannot pay it stays there, in lines of the
    caller's, who sees it by the judgement's effect: nothing.
    """
    now = rt.clock.now()
    stored = await payments_store.by_id(connection, held.id, [held.biller_id])
    stored = present(stored, "a held payment can be read")
    payment = replace(
        payments.to_payment(rt, stored),
        status=PaymentState.SUCCEEDED,
        business_date=business_date(now),
        provider=attempt.provider,
    )
    if held.status != PaymentState.SUCCEEDED:
        row = _settle_row(rt, attempt, payment, now)
        if is_in_suspense:
            row = replace(row, receivable=rt.directory.suspense_account)
        outbid = await settlement.settle(connection, row)
        if outbid is not None:
            source = rt.directory.billers_by_id[held.biller_id].rules.bills_source
            if source is not None:
                await postings.add(connection, held.biller_id, held.id, source)
            metrics.PAYMENTS.labels(payment.channel).inc()
            metrics.PAID_DONG.labels(payment.channel).inc(payment.amount_dong)
            if held.status in FINAL:
                metrics.LATE_SUCCESSES.labels(attempt.provider, "settled").inc()
            return tuple(outbid), judgement
    row_of_money = _suspend_row(rt, attempt, payment, now)
    await settlement.suspend(connection, replace(row_of_money, is_in_suspense=is_in_suspense))
    if held.status not in FINAL:
        await settlement.claim(connection, held.biller_id, held.id, None)
        await settlement.set_status(connection, held, PaymentState.FAILED, Trouble.LATE_MONEY, now)
    metrics.LATE_SUCCESSES.labels(attempt.provider, "suspended").inc()
    if is_in_suspense:
        return (), replace(judgement, effect=Effect.NOTHING)
    await open_line(rt, connection, _origin(attempt, held, payment), Reason.LATE)
    return (), replace(judgement, trouble=Trouble.LATE_MONEY)


def _origin(attempt: AttemptRow, held: HeldPayment, payment: Payment) -> Origin:
    return Origin(
        biller_id=attempt.biller_id,
        partner_id=held.partner_id,
        amount_dong=attempt.amount_dong,
        attempt_id=attempt.id,
        payment_id=held.id,
        customer_code=payment.customer_code,
        goes_to=GoesTo.PROVIDER,
        provider=attempt.provider,
        reference=attempt.reference,
    )


def _settle_row(
    rt: Runtime, attempt: AttemptRow, payment: Payment, now: datetime
) -> settlement.SettleRow:
    biller = rt.directory.billers_by_id[attempt.biller_id]
    return settlement.SettleRow(
        biller_id=attempt.biller_id,
        payment_id=attempt.payment_id,
        settled_at=now,
        business_date=payment.business_date,
        head=receipt.head(payment),
        tail=receipt.TAIL,
        receivable=rt.directory.provider_accounts[attempt.provider],
        payable=biller.payable_account,
        event_id=rt.new_id_at(now),
        event_head=receipt.event_head("payment.succeeded", now),
        least_part=least_part(biller.rules),
    )


def _suspend_row(
    rt: Runtime, attempt: AttemptRow, payment: Payment, now: datetime
) -> settlement.SuspendRow:
    body = receipt.event_head("payment.late_money", now) + receipt.body(payment) + "}"
    return settlement.SuspendRow(
        biller_id=attempt.biller_id,
        payment_id=attempt.payment_id,
        attempt_id=attempt.id,
        amount_dong=attempt.amount_dong,
        receivable=rt.directory.provider_accounts[attempt.provider],
        suspense=rt.directory.suspense_account,
        at=now,
        event_id=rt.new_id_at(now),
        body=body,
    )
