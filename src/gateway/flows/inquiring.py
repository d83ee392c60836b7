"""Partners that ask us in their own protocol: look up, pay, ask again, take back.

The adapter reads and writes; here its question is mapped onto the lookup, the collected payment
with its claims, and the same-day reversal. The partner's own number of a payment is its natural
key: what was answered under it, paid or refused for good, is answered for ever.
"""

from collections.abc import Sequence
from typing import Any

from gateway.domain.errors import GatewayError
from gateway.domain.ids import to_public
from gateway.domain.masking import mask_address, mask_name
from gateway.domain.partner import Caller, Partner, Scope
from gateway.domain.refusals import PaymentNotFound
from gateway.flows import payments, reversals
from gateway.flows.access import find_biller
from gateway.flows.bills import look_up_bills
from gateway.flows.calling import note_failed
from gateway.flows.collecting import RESULT_OF, Desk, code_of, collect, paid
from gateway.flows.idempotency import Answer, WriteRefusal, keep_refusal
from gateway.flows.notifying import quarantine, quietly
from gateway.kit.abilities.inquiries import (
    AnswersInquiries,
    BillShown,
    Collection,
    Inquiry,
    InquiryConfig,
    Question,
    Result,
    Settled,
    StatusAsked,
    Undo,
)
from gateway.kit.logs import log
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Moment
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import database
from gateway.store import payments as payments_store
from gateway.store.idempotency import KeyName

REASON = "đối tác yêu cầu hủy"


async def answer(
    rt: Runtime, code: str, operation: str, incoming: Incoming, write_refusal: WriteRefusal
) -> Acknowledgement:
    """Answer one request of a partner's own protocol, in that protocol.

    What is answered as paid is committed; where the database did not confirm, the answer is the
    one that means "unknown".

    Raises:
        ProviderNotOffered: no adapter of this code answers inquiries here.
    """
    provider, _ = rt.provider(code, AnswersInquiries)
    try:
        moment = Moment(rt.clock.now(), rt.new_id().hex)
        question = provider.read_question(operation, incoming, moment)
    except Garbled as error:
        reason = error.reason
        await quietly(lambda: quarantine(rt, code, incoming, reason))
        return provider.write_refusal(operation, incoming, error)
    except Exception as error:
        note_failed(code, error)
        return provider.write_refusal(operation, incoming, None)
    settled = await rt.finish(_settle(rt, provider, question, write_refusal))
    asked = type(question).__name__.lower()
    log.info("inquiry.answered", provider=code, question=asked, result=settled.result)
    return provider.write_answer(question, settled)


async def _settle(
    rt: Runtime, provider: AnswersInquiries[Any], question: Question, write: WriteRefusal
) -> Settled:
    try:
        return await _answer(rt, _desk(rt, provider, write), question)
    except GatewayError as error:
        return Settled(RESULT_OF.get(error.code, Result.DOUBT))
    except Exception as error:
        log.warning("inquiry.doubtful", provider=provider.code, error=type(error).__name__)
        return Settled(Result.DOUBT)


def _desk(rt: Runtime, provider: AnswersInquiries[Any], write: WriteRefusal) -> Desk:
    config: InquiryConfig = provider.config
    partners = {partner.code: partner for partner in rt.directory.partners_by_id.values()}
    caller = Caller(_partner(partners, config.partner), provider.code, frozenset(Scope), None)
    return Desk(provider, caller, find_biller(rt, config.biller), write)


def _partner(partners: dict[str, Partner], code: str) -> Partner:
    if code not in partners:
        log.error("inquiry.partner_missing", partner=code)
    return partners[code]


async def _answer(rt: Runtime, desk: Desk, question: Question) -> Settled:
    match question:
        case Inquiry():
            return await _look_up(rt, desk, question)
        case Collection():
            return await collect(rt, desk, question)
        case StatusAsked():
            return await _say_status(rt, desk, question)
        case Undo():
            return await _take_back(rt, desk, question)


# ── what is owed ─────────────────────────────────────────────────────────────────────────────────


async def _look_up(rt: Runtime, desk: Desk, question: Inquiry) -> Settled:
    code = question.customer_code.upper() or await _owner(rt, desk, question.bill_id)
    if code is None:
        return Settled(Result.NO_DEBT)
    found = (await look_up_bills(rt, desk.caller, desk.biller.code, code)).found
    asked = [bill for bill in found.bills if question.bill_id in {"", bill.id}]
    free = _payable(found.bills, oldest_first=desk.biller.rules.oldest_first)
    payable = [bill for bill in free if bill in asked]
    if not payable:
        return Settled(Result.LOCKED if asked else Result.NO_DEBT)
    return Settled(
        Result.BILLS,
        customer_name=mask_name(found.name),
        customer_address=mask_address(found.address),
        bills=tuple(
            BillShown(bill.id, bill.period, bill.due_dong, bill.issued_on, bill.due_on)
            for bill in payable
        ),
        amount_dong=sum(bill.due_dong for bill in payable),
    )


async def _owner(rt: Runtime, desk: Desk, bill_id: str) -> str | None:
    """Give the customer code of a bill that we know."""
    async with database.borrow(rt.pool) as connection:
        bill = await bills_store.one(connection, desk.biller.id, bill_id)
    return bill.customer_code if bill else None


def _payable(
    bills: Sequence[bills_store.OpenBill], *, oldest_first: bool
) -> list[bills_store.OpenBill]:
    """Leave out what another payment's money may be paying, and what must wait for it."""
    free: list[bills_store.OpenBill] = []
    for bill in bills:
        if bill.is_being_paid and oldest_first:
            break
        if not bill.is_being_paid:
            free.append(bill)
    return free


# ── asking again, taking back ────────────────────────────────────────────────────────────────────


async def _say_status(rt: Runtime, desk: Desk, question: StatusAsked) -> Settled:
    row = await _row(rt, desk, question.reference)
    if row is not None:
        if row.reversed_at is not None:
            return Settled(Result.CANCELLED)
        return Settled(
            Result.PAID,
            payment_id=to_public("pay", row.id),
            amount_dong=row.amount_dong,
            paid_at=row.created_at,
        )
    name = KeyName(desk.caller.partner.id, payments.OPERATION, desk.payment_key(question.reference))
    stored = await rt.answers.ride(name)
    if stored is not None:
        return await paid(rt, Answer(stored.status_code, stored.body, is_replay=True))
    # Whoever is at it in this process holds the name.
    rt.begin(name)
    rt.end(name)
    return Settled(Result.NOT_FOUND)


async def _take_back(rt: Runtime, desk: Desk, question: Undo) -> Settled:
    row = await _row(rt, desk, question.reference)
    if row is None:
        # The payment may still be on its way: it must find its number taken.
        name = desk.payment_key(question.reference)
        keyed = desk.keyed(payments.OPERATION, name, {"undo": question.reference})
        await keep_refusal(rt, keyed, PaymentNotFound(question.reference))
        row = await _row(rt, desk, question.reference)
    if row is None:
        return Settled(Result.NOT_FOUND)
    name = f"undo:{desk.provider.code}:{question.reference}"
    keyed = desk.keyed(reversals.OPERATION, name, {"payment": row.id.hex})
    answered = await reversals.reverse(rt, desk.caller, reversals.Reversal(row.id, REASON, keyed))
    code = code_of(answered)
    if code is not None:
        return Settled(RESULT_OF.get(code, Result.DOUBT))
    return Settled(Result.UNDONE, payment_id=to_public("pay", row.id), amount_dong=row.amount_dong)


async def _row(rt: Runtime, desk: Desk, reference: str) -> payments_store.PaymentRow | None:
    """Read the payment that the partner's own number names, if it was made."""
    async with database.borrow(rt.pool) as connection:
        found = await payments_store.by_reference(connection, desk.caller.partner.id, reference)
        if found is None:
            return None
        return await payments_store.by_id(connection, found, rt.directory.biller_ids)
