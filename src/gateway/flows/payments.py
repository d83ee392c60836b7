"""Payments: collect, read, list, and say what was answered."""

from dataclasses import replace
from functools import cache
from typing import NamedTuple
from uuid import UUID

from gateway.domain import receipt
from gateway.domain.biller import Biller, Channel
from gateway.domain.clock import business_date
from gateway.domain.errors import CallerError, Overloaded
from gateway.domain.ids import to_public
from gateway.domain.lookup_token import check_lines, read_token
from gateway.domain.partner import Caller, Purse
from gateway.domain.payment import (
    Method,
    Order,
    Payment,
    check_channel,
    least_part,
    refusal_of,
)
from gateway.domain.progress import status_of
from gateway.domain.refusals import (
    AnswerNotFound,
    CustomerCodeInvalid,
    LookupTokenRequired,
    PartnerReferenceUsed,
    PaymentNotFound,
    StillProcessing,
)
from gateway.flows.access import find_biller
from gateway.flows.idempotency import Answer, Keyed, Working, keep_refusal, replay
from gateway.flows.waking import wake
from gateway.kit import metrics
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import database, idempotency, moves, postings
from gateway.store import payments as payments_store

OPERATION = "create_payment"
ROUNDS_MAX = 3

_payments = cache(metrics.PAYMENTS.labels)
_paid_dong = cache(metrics.PAID_DONG.labels)


class CollectedPayment(NamedTuple):
    """A payment whose money the partner has already taken from the payer."""

    biller: str
    order: Order
    lookup_token: str | None
    keyed: Keyed


async def collect(rt: Runtime, caller: Caller, asked: CollectedPayment) -> Answer:
    """Pay one customer's bills with money that the partner has collected, once.

    What is answered 201 is committed. A definite refusal is kept under the key as well.

    Raises:
        CallerError: what was asked cannot be done; nothing moved and nothing was kept.
        OutcomeUnknown: the database did not confirm; only the same key can tell.
        Overloaded: nothing was begun.
    """
    with Working(rt, asked.keyed):
        return await _collect(rt, caller, asked)


async def _collect(rt: Runtime, caller: Caller, asked: CollectedPayment) -> Answer:
    try:
        biller = checked(rt, caller, asked.biller, asked.order, asked.lookup_token)
    except CallerError:
        # What was paid under this key stays paid, though the same request would be refused by now:
        # a token expires, a biller drops a channel.
        stored = await replay(rt, asked.keyed)
        if stored is None:
            raise
        return Answer(stored.status_code, stored.body, is_replay=True)
    purse = Purse(caller.partner, caller.partner.receivable_account)
    row = pay_row(rt, biller, asked.order, asked.keyed, purse)
    row = postings.with_source(row, biller.rules.bills_source)
    for _ in range(ROUNDS_MAX):
        body = await _fly(rt, row)
        if body is not None:
            return Answer(201, body, is_replay=False)
        answer = await _explain(rt, biller, asked, row.payment_id)
        if answer is not None:
            return answer
    raise Overloaded


async def _fly(rt: Runtime, row: moves.PayRow) -> str | None:
    try:
        if isinstance(row, postings.PayAndPostRow):
            paid = await rt.posted_payments.ride(row)
        else:
            paid = await rt.payments.ride(row)
    except Exception as error:
        if not database.is_contention(error):
            raise
        log.info("payment.contended", payment=to_public("pay", row.payment_id))
        return None
    if paid is None:
        return None
    _payments(row.channel).inc()
    _paid_dong(row.channel).inc(row.amount_dong)
    if paid.outbid:
        await rt.finish(wake(rt, row.biller_id, paid.outbid))
    return paid.body


async def _explain(
    rt: Runtime, biller: Biller, asked: CollectedPayment, payment_id: UUID
) -> Answer | None:
    """Say why nothing was paid: answered before, reference used, refused; None: try again."""
    stored = await replay(rt, asked.keyed)
    if stored is not None:
        # Our own id under the key: the flight was committed though its landing was not heard.
        return Answer(stored.status_code, stored.body, stored.resource_id != payment_id)
    order = asked.order
    async with database.borrow(rt.pool) as connection:
        used_by = await payments_store.by_reference(
            connection, asked.keyed.name.partner_id, order.partner_reference
        )
        if used_by is not None:
            # The key was read before the reference: another process may have answered in between.
            if await replay(rt, asked.keyed) is not None:
                return None
            raise PartnerReferenceUsed(order.partner_reference, to_public("pay", used_by))
        states = await bills_store.states(
            connection, biller.id, order.customer_code, [line.bill_id for line in order.lines]
        )
    refusal = refusal_of(biller.code, biller.rules, order, states)
    return None if refusal is None else await keep_refusal(rt, asked.keyed, refusal)


def checked(
    rt: Runtime, caller: Caller, biller_code: str, order: Order, lookup_token: str | None
) -> Biller:
    """Hold an order against the biller's rules that need no database; give the biller.

    Raises:
        CallerError: the order cannot be paid; nothing moved.
    """
    biller = find_biller(rt, biller_code)
    if not biller.rules.customer_code_pattern.fullmatch(order.customer_code):
        raise CustomerCodeInvalid(biller.code, order.customer_code)
    check_channel(biller.code, biller.rules, order)
    if lookup_token is not None:
        due = read_token(
            rt.secrets.lookup,
            lookup_token,
            partner_id=caller.partner.id,
            biller=biller.code,
            customer_code=order.customer_code,
            now=int(rt.clock.now().timestamp()),
        )
        check_lines(due, order.lines)
    elif biller.rules.lookup_token_required:
        raise LookupTokenRequired(biller.code)
    return biller


def pay_row(rt: Runtime, biller: Biller, order: Order, keyed: Keyed, purse: Purse) -> moves.PayRow:
    """Give what the statement that pays collected money writes."""
    now = rt.clock.now()
    made = receipt.Made(
        id=rt.new_id_at(now),
        biller=biller.code,
        customer_code=order.customer_code,
        partner=purse.partner.code,
        partner_reference=order.partner_reference,
        method=Method.COLLECTED,
        channel=order.channel,
        status="succeeded",
        amount_dong=order.amount_dong,
        business_date=business_date(now),
        created_at=now,
    )
    return moves.PayRow(
        biller_id=biller.id,
        partner_id=purse.partner.id,
        payment_id=made.id,
        event_id=rt.new_id_at(now),
        key=keyed.name.key,
        fingerprint="\\x" + keyed.fingerprint.sha256.hex(),
        field_digests="\\x" + keyed.fingerprint.field_digests.hex(),
        partner_reference=order.partner_reference,
        channel=order.channel,
        customer_code=order.customer_code,
        amount_dong=made.amount_dong,
        lines=order.lines,
        oldest_first=biller.rules.oldest_first,
        least_part=least_part(biller.rules),
        business_date=made.business_date,
        created_at=now,
        receivable=purse.account,
        payable=biller.payable_account,
        head=receipt.head(made),
        tail=receipt.TAIL,
        event_head=receipt.event_head("payment.succeeded", now),
    )


async def read(rt: Runtime, caller: Caller, payment_id: UUID) -> Payment:
    """Read a payment that the caller made, or that is for the caller's own bills.

    Raises:
        PaymentNotFound: there is none that the caller may see.
    """
    return to_payment(rt, await read_row(rt, caller, payment_id))


async def read_row(rt: Runtime, caller: Caller, payment_id: UUID) -> payments_store.PaymentRow:
    """Read a payment as stored; as `read`."""
    async with database.borrow(rt.pool) as connection:
        row = await payments_store.by_id(connection, payment_id, rt.directory.biller_ids)
    if row is None or not _may_see(caller, row):
        raise PaymentNotFound(to_public("pay", payment_id))
    return row


async def read_by_reference(rt: Runtime, caller: Caller, reference: str) -> Payment:
    """Read a payment by the caller's own reference.

    Raises:
        PaymentNotFound: the caller has used no such reference for a payment that was made.
    """
    async with database.borrow(rt.pool) as connection:
        found = await payments_store.by_reference(connection, caller.partner.id, reference)
    if found is None:
        raise PaymentNotFound(reference)
    return await read(rt, caller, found)


async def read_answer(rt: Runtime, caller: Caller, operation: str, key: str) -> Answer:
    """Read what was answered under a key of the caller.

    Raises:
        AnswerNotFound: nothing is stored; the request may still be on its way.
    """
    name = idempotency.KeyName(caller.partner.id, operation, key)
    stored = await rt.answers.ride(name)
    if stored is None:
        raise AnswerNotFound
    if stored.status_code == idempotency.RUNNING:
        raise StillProcessing
    return Answer(stored.status_code, stored.body, is_replay=True)


async def list_payments(
    rt: Runtime, caller: Caller, wanted: payments_store.Filter
) -> tuple[list[Payment], bool]:
    """List the caller's payments, newest first, and say whether more follow.

    A biller's own system sees all payments of its bills.
    """
    if caller.partner.biller_id is not None:
        sees = replace(wanted, biller_id=caller.partner.biller_id, partner_id=None)
    else:
        sees = replace(wanted, biller_id=None, partner_id=caller.partner.id)
    async with database.borrow(rt.pool) as connection:
        rows = await payments_store.list_page(connection, replace(sees, limit=wanted.limit + 1))
    return [to_payment(rt, row) for row in rows[: wanted.limit]], len(rows) > wanted.limit


def to_payment(rt: Runtime, row: payments_store.PaymentRow) -> Payment:
    """Name the biller and the partner of a stored payment."""
    partner = rt.directory.partners_by_id.get(row.partner_id)
    return Payment(
        id=row.id,
        biller=rt.directory.billers_by_id[row.biller_id].code,
        customer_code=row.customer_code,
        partner=partner.code if partner else "",
        partner_reference=row.partner_reference,
        method=Method(row.method),
        channel=Channel(row.channel),
        status=status_of(row.status),
        amount_dong=row.amount_dong,
        business_date=row.business_date,
        created_at=row.created_at,
        reversed_at=row.reversed_at,
        reversal_reason=row.reversal_reason,
        lines=row.lines,
        provider=row.provider,
    )


def _may_see(caller: Caller, row: payments_store.PaymentRow) -> bool:
    return caller.partner.id == row.partner_id or caller.partner.biller_id == row.biller_id
