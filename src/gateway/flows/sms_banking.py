"""SMS banking: a customer's message is read, answered once, and paid from the sender's mandate.

A confirmed message is a debit on the mandate whose telephone is the sender's: nobody has debited
anything before. Quote, code and beginning of the payment are one transaction, the sender's messages
one after the other; the bank is called afterwards with no connection held. What is not proved then
is answered as being processed, and a later message tells the end (`flows/texts_out.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.domain import sms_texts as say
from gateway.domain.clock import business_date
from gateway.domain.errors import present
from gateway.domain.payment import Line
from gateway.domain.phones import normalise_phone
from gateway.domain.sms_banking import Answer, Asked, Command, Quote, judge, read
from gateway.flows.access import find_biller
from gateway.flows.calling import note_failed, order_of
from gateway.flows.debiting import debit_one
from gateway.flows.registering import mandate_of
from gateway.flows.sms_quoting import (
    Desk,
    begin_payment,
    mandate_for,
    open_reply,
    otp_key,
    quote,
    seal_reply,
    sender_digest,
)
from gateway.flows.texts_out import ENDED_UNPAID, queue, result_text
from gateway.kit.abilities import CarriesMessages, DebitsMandates
from gateway.kit.logs import log
from gateway.kit.mandate_messages import DebitLine
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Verdict
from gateway.kit.text_messages import TextIn
from gateway.runtime import Runtime
from gateway.store import attempts, database
from gateway.store import payments as payments_store
from gateway.store import sms_banking as store
from gateway.store.bills import Found, OpenBill
from gateway.store.database import Raw
from gateway.store.mandates import MandateRow


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment that was begun for a confirmed quote."""

    payment_id: UUID
    attempt_id: UUID
    mandate: MandateRow
    quote: store.Pending


@dataclass(frozen=True, slots=True)
class Decision:
    """What a message comes to: its answer, or a payment whose end is the answer."""

    reply: str = ""
    begun: Begun | None = None


async def receive(rt: Runtime, code: str, incoming: Incoming) -> Acknowledgement:
    """Take one message and give the exact reply that its centre expects.

    Raises:
        ProviderNotOffered: no short number of this code is here.
    """
    provider, _ = rt.provider(code, CarriesMessages)
    try:
        message = provider.read_message(incoming)
    except Garbled:
        return provider.refuse(Verdict.REFUSED)
    except Exception as error:
        note_failed(code, error)
        return provider.refuse(Verdict.TRY_LATER)
    try:
        reply = await rt.finish(_answer(rt, provider, message))
    except Exception as error:
        # Whatever was begun stands in the database; the same message again finds it.
        log.warning("text.not_answered", provider=code, error=type(error).__name__)
        return provider.refuse(Verdict.TRY_LATER)
    return provider.answer(message, reply)


async def _answer(rt: Runtime, provider: CarriesMessages[Any], message: TextIn) -> str:
    sender = normalise_phone(message.sender)
    asked = read(message.text, bank=provider.config.bank)
    if sender is None or asked is None:
        return await _write(rt, provider, message, say.usage(provider.config.bank))
    desk = Desk(rt, provider, find_biller(rt, provider.config.biller), sender)
    code = asked.customer_code or await _code_of_pending(desk)
    found = await rt.lookups.ride((desk.biller.id, code)) if code else None
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await store.lock_sender(connection, provider.code, sender_digest(desk))
        before = await store.text_in(connection, provider.code, message.id)
        if before is not None:
            return _said_before(desk, message, before[0])
        decision = await _decide(desk, connection, asked, code, found)
        await _keep(desk, connection, message, asked.command, decision.reply)
    if decision.begun is None:
        return decision.reply
    return await _pay(desk, message, decision.begun)


def _said_before(desk: Desk, message: TextIn, sealed: bytes | None) -> str:
    """Give the first reply; while its payment is under way nobody may think that it failed."""
    if sealed is None:
        return say.UNDER_WAY
    return open_reply(desk.rt, sealed, message.id)


async def _write(rt: Runtime, provider: CarriesMessages[Any], message: TextIn, reply: str) -> str:
    """Keep the answer to what is no command; who writes from no telephone is told nothing more."""
    async with database.borrow(rt.pool) as connection, connection.transaction():
        before = await store.text_in(connection, provider.code, message.id)
        if before is not None:
            return reply
        sealed = seal_reply(rt, reply, message.id)
        await store.add_text_in(
            connection, provider.code, message.id, command="", sealed=sealed, at=rt.clock.now()
        )
        phone = normalise_phone(message.sender)
        if phone is not None and not provider.answers_in_reply:
            await queue(rt, connection, provider.code, phone, reply)
    return reply


async def _keep(desk: Desk, connection: Raw, message: TextIn, command: Command, reply: str) -> None:
    sealed = seal_reply(desk.rt, reply, message.id) if reply else None
    await store.add_text_in(
        connection,
        desk.provider.code,
        message.id,
        command=command,
        sealed=sealed,
        at=desk.rt.clock.now(),
    )
    if reply and not desk.provider.answers_in_reply:
        await queue(desk.rt, connection, desk.provider.code, desk.sender, reply)


async def _code_of_pending(desk: Desk) -> str:
    async with database.borrow(desk.rt.pool) as connection:
        waits = await store.pending(connection, desk.provider.code, sender_digest(desk))
    return waits.customer_code if waits else ""


async def _decide(
    desk: Desk, connection: Raw, asked: Asked, code: str, found: Found | None
) -> Decision:
    """Decide what a message comes to; the caller holds the sender."""
    if asked.command is Command.GIVE_UP:
        ended = await store.end_pending(
            connection, desk.provider.code, sender_digest(desk), "given_up"
        )
        return Decision(say.GIVEN_UP if ended else say.NOTHING_TO_GIVE_UP)
    if asked.command is Command.CONFIRM:
        return await _confirm(desk, connection, asked.otp, code, found)
    mandate = await mandate_for(desk, connection, code)
    if found is None or mandate is None:
        return Decision(say.fold(say.NO_MANDATE.format(customer_code=code[:20])))
    bills = [b for b in found.bills if asked.period in {None, b.period}]
    if asked.command is Command.DEBT:
        return Decision(say.owed(customer_code=code, name=found.name, lines=_lines(bills)))
    return Decision(await _offer(desk, connection, mandate, found, bills))


def _lines(bills: Sequence[OpenBill]) -> list[Line]:
    return [Line(bill.id, bill.due_dong) for bill in bills]


async def _offer(
    desk: Desk, connection: Raw, mandate: MandateRow, found: Found, bills: Sequence[OpenBill]
) -> str:
    """Quote one bill, the oldest of those asked for, if it may be paid by message."""
    code = mandate.customer_code
    if not bills:
        return say.owed(customer_code=code, name=found.name, lines=[])
    bill = found.bills[0] if desk.biller.rules.oldest_first else bills[0]
    if bill.is_being_paid:
        return say.fold(say.BEING_PAID.format(customer_code=code))
    if (beyond := await _beyond(desk, connection, mandate, bill.due_dong)) is not None:
        return beyond
    return await quote(desk, connection, mandate, found.name, bill)


async def _beyond(desk: Desk, connection: Raw, mandate: MandateRow, amount_dong: int) -> str | None:
    config, today = desk.provider.config, business_date(desk.rt.clock.now())
    paid = await store.paid_on(connection, desk.provider.code, sender_digest(desk), today)
    most = min(config.most_dong, mandate.max_debit_dong)
    if amount_dong <= most and paid < config.payments_a_day:
        return None
    return say.fold(say.BEYOND_LIMIT.format(most=say.to_dong(most), times=config.payments_a_day))


async def _confirm(
    desk: Desk, connection: Raw, otp: str, code: str, found: Found | None
) -> Decision:
    waits = await store.pending(connection, desk.provider.code, sender_digest(desk))
    if waits is None or waits.customer_code != code or found is None:
        return Decision(say.EXPIRED)
    bills = [b for b in found.bills if b.id == waits.bill_id and not b.is_being_paid]
    answer = _judged(desk, waits, otp, _lines(bills))
    if answer not in {Answer.CONFIRMED, Answer.CHANGED}:
        return Decision(await _miss(desk, connection, waits, answer))
    mandate = await mandate_for(desk, connection, code)
    if mandate is None:
        return Decision(say.fold(say.NO_MANDATE.format(customer_code=code[:20])))
    if answer is Answer.CHANGED:
        return Decision(await _offer_again(desk, connection, mandate, found, bills))
    if (beyond := await _beyond(desk, connection, mandate, waits.amount_dong)) is not None:
        return Decision(beyond)
    return await _begin(desk, connection, mandate, waits)


def _judged(desk: Desk, waits: store.Pending, otp: str, due: Sequence[Line]) -> Answer:
    lines = (Line(waits.bill_id, waits.amount_dong),)
    quoted = Quote(
        desk.sender,
        waits.customer_code,
        lines,
        waits.otp_hash,
        waits.expires_at,
        waits.tries_left,
    )
    return judge(otp_key(desk.rt), quoted, otp, now=desk.rt.clock.now(), due=due)


async def _miss(desk: Desk, connection: Raw, waits: store.Pending, answer: Answer) -> str:
    """Count a wrong code, or end a quote that came to its end."""
    if answer is Answer.EXPIRED:
        await store.end_pending(connection, desk.provider.code, sender_digest(desk), "expired")
        return say.EXPIRED
    await store.miss(connection, waits)
    left = waits.tries_left - 1
    return say.WRONG_CODE.format(left=left) if left else say.USED_UP


async def _offer_again(
    desk: Desk, connection: Raw, mandate: MandateRow, found: Found, bills: Sequence[OpenBill]
) -> str:
    """Quote anew what is owed now; the right code to an old quote pays nothing."""
    if not bills:
        await store.end_pending(connection, desk.provider.code, sender_digest(desk), "replaced")
        left = _lines([bill for bill in found.bills if not bill.is_being_paid])
        return say.owed(customer_code=mandate.customer_code, name=found.name, lines=left)
    if (beyond := await _beyond(desk, connection, mandate, bills[0].due_dong)) is not None:
        return beyond
    return await quote(desk, connection, mandate, found.name, bills[0], is_changed=True)


async def _begin(
    desk: Desk, connection: Raw, mandate: MandateRow, waits: store.Pending
) -> Decision:
    begun = await begin_payment(desk, connection, mandate, waits)
    if begun is None:
        await store.end_pending(connection, desk.provider.code, sender_digest(desk), "replaced")
        return Decision(say.fold(say.BEING_PAID.format(customer_code=waits.customer_code)))
    payment_id, attempt_id = begun
    now = desk.rt.clock.now()
    await store.confirm(connection, waits, payment_id, on=business_date(now), at=now)
    return Decision(begun=Begun(payment_id, attempt_id, mandate, waits))


async def _pay(desk: Desk, message: TextIn, begun: Begun) -> str:
    """Debit, and say how it ended; what is not proved is told later."""
    rt, code = desk.rt, begun.mandate.provider
    provider, _ = rt.provider(code, DebitsMandates)
    async with database.borrow(rt.pool) as connection:
        rows = await attempts.by_ids(connection, begun.mandate.biller_id, [begun.attempt_id])
    attempt = present(rows[0] if rows else None, "an attempt is written down before it is sent")
    line = DebitLine(
        order_of(rt, attempt), mandate_of(rt, begun.mandate), begun.quote.bill_id, attempt.number
    )
    await debit_one(rt, provider, begun.mandate.biller_id, line, attempt.id)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        paid = await payments_store.by_id(connection, begun.payment_id, [attempt.biller_id])
        paid = present(paid, "a payment stays where it was begun")
        reply = result_text(begun.mandate, begun.quote.amount_dong, paid.id, paid.status)
        sealed = seal_reply(rt, reply, message.id)
        await store.set_reply(connection, desk.provider.code, message.id, sealed)
        if paid.status == "succeeded" or paid.status in ENDED_UNPAID:
            await store.mark_told(connection, paid.biller_id, begun.quote.id, rt.clock.now())
        if not desk.provider.answers_in_reply:
            await queue(rt, connection, desk.provider.code, desk.sender, reply)
    return reply
