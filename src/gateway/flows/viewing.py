"""How a payment through a provider is shown: status, certainty, what the payer does next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from gateway.domain import provider_receipt
from gateway.domain.attempt import OPEN, AttemptState
from gateway.domain.errors import present
from gateway.domain.ids import to_public
from gateway.domain.payment import Payment
from gateway.domain.progress import Certainty, PaymentState, shown
from gateway.domain.provider_receipt import Going, TriedAt
from gateway.flows import payments
from gateway.runtime import Runtime
from gateway.store import attempts, database, evidence
from gateway.store import payments as payments_store
from gateway.store.attempts import AttemptRow

SENDING = timedelta(minutes=3)
"""The longest that a process may take to say what became of a call: deadlines are under 2 min."""


@dataclass(frozen=True, slots=True)
class View:
    """A payment as it is answered, and whether its request is on its way at this moment."""

    body: str
    certainty: Certainty
    is_being_sent: bool
    payment: Payment
    going: Going


async def view(rt: Runtime, payment_id: UUID) -> View:
    """Show a payment through a provider as it stands; whoever asks may see it."""
    async with database.borrow(rt.pool) as connection:
        row = await payments_store.by_id(connection, payment_id, rt.directory.biller_ids)
    row = present(row, "a payment that has an attempt can be read")
    return await view_row(rt, row)


async def view_row(rt: Runtime, row: payments_store.PaymentRow) -> View:
    """Show a payment whose row was read."""
    async with database.borrow(rt.pool) as connection:
        tried = await attempts.of_payment(connection, row.biller_id, row.id)
        is_disputed = await evidence.is_disputed(connection, row.biller_id, [a.id for a in tried])
    newest = tried[0]
    is_sent = newest.state == AttemptState.SENT
    is_being_sent = is_sent and rt.clock.now() - newest.created_at < SENDING
    # Whoever sent it has died: nobody can say what became of it until the provider is asked.
    state = PaymentState.IN_DOUBT if is_sent and not is_being_sent else PaymentState(row.status)
    shows = shown(
        state,
        expires_at=row.expires_at,
        has_late_money=row.refund is not None,
        is_disputed=is_disputed,
    )
    payment = replace(payments.to_payment(rt, row), status=shows.status)
    going = Going(
        shown=shows,
        expires_at=row.expires_at,
        next_check_at=newest.due_at if newest.state in OPEN else None,
        failure=row.failure,
        refund=row.refund,
        next_action=_next_action(newest) if state is PaymentState.AWAITING_PAYER else None,
        attempts=_tried(tried),
    )
    body = provider_receipt.body(payment, going)
    return View(body, shows.certainty, is_being_sent, payment, going)


def _next_action(attempt: AttemptRow) -> dict[str, str | None] | None:
    action = {
        "redirect_url": attempt.redirect_url,
        "deeplink": attempt.deeplink,
        "qr_content": attempt.qr_content,
        "payment_code": attempt.payment_code,
    }
    return action if any(action.values()) else None


def _tried(tried: Sequence[AttemptRow]) -> tuple[TriedAt, ...]:
    return tuple(
        TriedAt(
            id=to_public("att", attempt.id),
            provider=attempt.provider,
            reference=attempt.reference,
            state=attempt.state,
            code=attempt.code,
            created_at=attempt.created_at,
        )
        for attempt in reversed(tried)
    )
