"""Questions of providers before they charge: is this order right, and may it still be paid?

Nothing is written, so a question may be asked as often as one likes. "Payable" holds at the moment
of the answer: the payer is charged afterwards, and money that then finds its bills paid is late
money like any other. What is refused here is refused before anything is taken.
"""

import asyncio
from datetime import datetime
from typing import Any

from gateway.domain.attempt import OPEN
from gateway.domain.payment import least_part
from gateway.domain.progress import PaymentState
from gateway.flows.calling import note_failed
from gateway.kit.abilities import ConfirmsOrders, OrderAnswer, Payability, Question
from gateway.kit.logs import log
from gateway.kit.messages import Acknowledgement, Garbled, Incoming
from gateway.runtime import Runtime
from gateway.store import attempts, confirmations, database
from gateway.store.confirmations import AskedRow

ANSWER_WITHIN_S = 3.0
"""A payer waits for the answer, and the provider for a few seconds only."""
UNPAID = frozenset({PaymentState.AWAITING_PAYER, PaymentState.PROCESSING, PaymentState.IN_DOUBT})


async def confirm(rt: Runtime, code: str, incoming: Incoming) -> Acknowledgement:
    """Answer one question in the words of its provider; only an order that can be paid is payable.

    Raises:
        ProviderNotOffered: no provider of this code asks here.
    """
    provider, _ = rt.provider(code, ConfirmsOrders)
    try:
        question = provider.read_question(incoming)
    except Garbled as error:
        log.info("confirmation.not_authentic", provider=code, reason=error.reason)
        return provider.answer_question(None, OrderAnswer(Payability.NOT_AUTHENTIC))
    except Exception as error:
        note_failed(code, error)
        return provider.answer_question(None, OrderAnswer(Payability.TRY_LATER))
    answer = await _answer(rt, provider, question)
    log.info(
        "confirmation.answered",
        provider=code,
        reference=question.reference,
        answer=answer.payability.value,
    )
    return provider.answer_question(question, answer)


async def _answer(rt: Runtime, provider: ConfirmsOrders[Any], question: Question) -> OrderAnswer:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            asked = await _look_up(rt, provider.code, question.reference)
    except Exception as error:
        log.warning("confirmation.not_known", provider=provider.code, error=type(error).__name__)
        return OrderAnswer(Payability.TRY_LATER)
    if asked is None or question.merchant not in {None, provider.merchant}:
        return OrderAnswer(Payability.UNKNOWN_REFERENCE)
    try:
        provider.check_question(question, asked.amount_dong)
    except Garbled as error:
        log.info("confirmation.not_authentic", provider=provider.code, reason=error.reason)
        return OrderAnswer(Payability.NOT_AUTHENTIC, asked.amount_dong)
    except Exception as error:
        note_failed(provider.code, error)
        return OrderAnswer(Payability.TRY_LATER, asked.amount_dong)
    return OrderAnswer(_payability(asked, question, rt.clock.now()), asked.amount_dong)


async def _look_up(rt: Runtime, code: str, reference: str) -> AskedRow | None:
    async with (
        database.borrow(rt.pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await confirmations.hurry(connection)
        known = await attempts.by_reference(connection, code, reference)
        if known is None:
            return None
        rules = rt.directory.billers_by_id[known.biller_id].rules
        return await confirmations.asked_about(
            connection, known.biller_id, known.id, least_part=least_part(rules)
        )


def _payability(asked: AskedRow, question: Question, now: datetime) -> Payability:
    if question.amount_dong not in {None, asked.amount_dong}:
        return Payability.AMOUNT_DIFFERS
    has_time = asked.state in OPEN and now < asked.expires_at
    is_wanted = asked.status in UNPAID and asked.is_newest and not asked.is_cancelling
    can_be_paid = has_time and is_wanted and asked.holds_its_bills
    return Payability.PAYABLE if can_be_paid else Payability.NOT_PAYABLE
