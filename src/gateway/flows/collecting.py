"""Bills that a partner pays in its own protocol, with money that it has already debited.

The partner's own number of a payment is its natural key: what was answered under it, paid or
refused for good, is answered for ever. For the partner gives its customer's money back on a
refusal: a late repetition must not pay after all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from gateway.domain.biller import Biller
from gateway.domain.errors import CallerError
from gateway.domain.fingerprint import fingerprint_of
from gateway.domain.ids import to_public
from gateway.domain.lookup_token import make_token
from gateway.domain.partner import Caller
from gateway.domain.payment import Line, Order
from gateway.domain.refusals import (
    AmountMismatch,
    IdempotencyKeyReused,
    PartnerReferenceUsed,
    PaymentNotFound,
    StillProcessing,
)
from gateway.flows import payments
from gateway.flows.idempotency import Answer, Keyed, WriteRefusal, keep_refusal
from gateway.kit.abilities.inquiries import AnswersInquiries, Collection, Result, Settled
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import database
from gateway.store import payments as payments_store
from gateway.store.idempotency import KeyName

RESULT_OF: Mapping[str, Result] = {
    "customer_code_invalid": Result.CUSTOMER_UNKNOWN,
    "customer_unknown": Result.CUSTOMER_UNKNOWN,
    "bill_not_found": Result.NO_DEBT,
    "bill_cancelled": Result.NO_DEBT,
    "bill_already_paid": Result.PAID_BEFORE,
    "amount_mismatch": Result.AMOUNT_DIFFERS,
    "bill_being_paid": Result.LOCKED,
    "older_bill_open": Result.OLDER_FIRST,
    "channel_not_allowed": Result.NOT_ALLOWED,
    "idempotency_key_reused": Result.CHANGED,
    "payment_not_found": Result.NOT_FOUND,
    "already_reversed": Result.UNDONE,
    "reversal_too_late": Result.TOO_LATE,
    "not_reversible": Result.TOO_LATE,
    "still_processing": Result.IN_PROGRESS,
}
"""By the code of a refusal. Whatever is absent decides nothing."""


@dataclass(frozen=True, slots=True)
class Desk:
    """For whom a question is answered."""

    provider: AnswersInquiries[Any]
    caller: Caller
    biller: Biller
    write_refusal: WriteRefusal

    def keyed(self, operation: str, name: str, fields: dict[str, object]) -> Keyed:
        """Give what makes a repetition recognisable."""
        key = KeyName(self.caller.partner.id, operation, name)
        return Keyed(key, fingerprint_of(operation, fields), list(fields), self.write_refusal)

    def payment_key(self, reference: str) -> str:
        """Name a payment by the partner's own number."""
        return f"collection:{self.provider.code}:{reference}"


async def collect(rt: Runtime, desk: Desk, question: Collection) -> Settled:
    """Pay bills once with money that the partner has debited.

    Raises:
        GatewayError: nothing was decided; `RESULT_OF` says what it means.
    """
    keyed = desk.keyed(
        payments.OPERATION,
        desk.payment_key(question.reference),
        {
            "customer_code": question.customer_code.upper(),
            "bills": list(question.bill_ids),
            "amount_dong": question.amount_dong,
            "channel": question.channel,
        },
    )
    for _ in range(payments.ROUNDS_MAX):
        answered = await _before(rt, keyed) or await _pay(rt, desk, question, keyed)
        if answered is not None:
            return await paid(rt, answered)
    return Settled(Result.DOUBT)


async def _before(rt: Runtime, keyed: Keyed) -> Answer | None:
    stored = await rt.answers.ride(keyed.name)
    if stored is None:
        return None
    answered = Answer(stored.status_code, stored.body, is_replay=True)
    is_same = stored.fingerprint == keyed.fingerprint.sha256
    if not is_same and code_of(answered) != PaymentNotFound.code:
        raise IdempotencyKeyReused(keyed.field_names[0])
    return answered


async def _pay(rt: Runtime, desk: Desk, asked: Collection, keyed: Keyed) -> Answer | None:
    """Pay, or refuse for good under the partner's number; None: it was answered meanwhile."""
    try:
        order = Order(
            partner_reference=asked.reference,
            channel=asked.channel,
            customer_code=asked.customer_code.upper(),
            lines=await _lines(rt, desk, asked),
        )
        token = _token(rt, desk, order)
        collected = payments.CollectedPayment(desk.biller.code, order, token, keyed)
        return await payments.collect(rt, desk.caller, collected)
    except PartnerReferenceUsed:
        return await _same_payment(rt, desk, asked)
    except (IdempotencyKeyReused, StillProcessing):
        raise
    except CallerError as refusal:
        # The partner gives the money back on this answer: a late repetition must not pay.
        return await keep_refusal(rt, keyed, refusal)


async def _lines(rt: Runtime, desk: Desk, asked: Collection) -> tuple[Line, ...]:
    """Say which bill gets how much: one gets all; of several each gets what is due on it.

    Raises:
        AmountMismatch: the amount is not the sum of what is due.
    """
    if len(asked.bill_ids) == 1:
        return (Line(asked.bill_ids[0], asked.amount_dong),)
    async with database.borrow(rt.pool) as connection:
        states = await bills_store.states(
            connection, desk.biller.id, asked.customer_code.upper(), asked.bill_ids
        )
    due = {state.id: state.due_dong for state in states}
    # A bill that is paid or missing has one đồng here: it is refused for what it is.
    lines = tuple(Line(bill_id, due.get(bill_id, 0) or 1) for bill_id in asked.bill_ids)
    is_open = all(due.get(bill_id) for bill_id in asked.bill_ids)
    total = sum(line.amount_dong for line in lines)
    if is_open and total != asked.amount_dong:
        raise AmountMismatch(asked.bill_ids[0], asked_dong=asked.amount_dong, due_dong=total)
    return lines


def _token(rt: Runtime, desk: Desk, order: Order) -> str | None:
    if not desk.biller.rules.lookup_token_required:
        return None
    return make_token(
        rt.secrets.lookup,
        partner_id=desk.caller.partner.id,
        biller=desk.biller.code,
        customer_code=order.customer_code,
        due=order.lines,
        now=int(rt.clock.now().timestamp()),
    )


async def _same_payment(rt: Runtime, desk: Desk, asked: Collection) -> Answer:
    """Answer a number whose key is no longer kept: the payment itself remembers.

    Raises:
        IdempotencyKeyReused: it names another payment.
    """
    payment = await payments.read_by_reference(rt, desk.caller, asked.reference)
    is_same = (
        payment.customer_code == asked.customer_code.upper()
        and payment.amount_dong == asked.amount_dong
        and {line.bill_id for line in payment.lines} == set(asked.bill_ids)
    )
    if not is_same:
        raise IdempotencyKeyReused("bills")  # noqa: EM101 (a field's name)
    body = {"id": to_public("pay", payment.id), "amount_dong": payment.amount_dong}
    said = orjson.dumps(body | {"created_at": payment.created_at}).decode()
    return Answer(201, said, is_replay=True)


async def paid(rt: Runtime, answered: Answer) -> Settled:
    """Say what an answer that stands under a payment's number means."""
    code = code_of(answered)
    if code is not None:
        result = RESULT_OF.get(code, Result.DOUBT)
        return Settled(Result.CANCELLED if result is Result.NOT_FOUND else result)
    body = orjson.loads(answered.body)
    if answered.is_replay and await _is_reversed(rt, body["id"]):
        return Settled(Result.CANCELLED)
    return Settled(
        Result.PAID,
        payment_id=body["id"],
        amount_dong=body["amount_dong"],
        paid_at=datetime.fromisoformat(body["created_at"]),
    )


async def _is_reversed(rt: Runtime, public_id: str) -> bool:
    payment_id = UUID(hex=public_id.partition("_")[2])
    async with database.borrow(rt.pool) as connection:
        row = await payments_store.by_id(connection, payment_id, rt.directory.biller_ids)
    return row is not None and row.reversed_at is not None


def code_of(answered: Answer) -> str | None:
    """Give the code of a refusal, None of a payment."""
    if answered.status_code < 400:  # noqa: PLR2004 (HTTP)
        return None
    code: str = orjson.loads(answered.body)["code"]
    return code
