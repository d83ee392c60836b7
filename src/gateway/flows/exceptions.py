"""The exceptions queue: what a person has to settle, with an owner, a day and a next action."""

from uuid import UUID

import orjson

from gateway.domain import receipt
from gateway.domain.attempt import AttemptState, Judgement
from gateway.domain.clock import business_date
from gateway.domain.exceptions import due_on, next_action_of, owner_of
from gateway.domain.ids import to_public
from gateway.runtime import Runtime
from gateway.store import database, evidence, settlement
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw


async def open_exception(
    rt: Runtime, connection: Raw, attempt: AttemptRow, judgement: Judgement
) -> None:
    """Open the exception that a person has to settle, and tell the biller of a dispute."""
    trouble = judgement.trouble
    if trouble is None:
        return
    now = rt.clock.now()
    await evidence.open_exception(
        connection,
        evidence.ExceptionRow(
            id=rt.new_id_at(now),
            biller_id=attempt.biller_id,
            payment_id=attempt.payment_id,
            attempt_id=attempt.id,
            kind=trouble,
            amount_dong=attempt.amount_dong,
            owner=owner_of(trouble),
            next_action=next_action_of(trouble, attempt.provider, attempt.reference),
            due_on=due_on(trouble, business_date(now)),
            opened_at=now,
        ),
    )
    if judgement.standing.state is AttemptState.CONFLICTED != attempt.state:
        facts = {"id": to_public("pay", attempt.payment_id), "provider": attempt.provider}
        body = receipt.event_head("payment.conflicted", now) + orjson.dumps(facts).decode() + "}"
        await settlement.tell(
            connection,
            attempt.biller_id,
            attempt.payment_id,
            event_id=rt.new_id_at(now),
            event_type="payment.conflicted",
            body=body,
            at=now,
        )


async def list_open(rt: Runtime, limit: int) -> list[evidence.ExceptionRow]:
    """Read the open exceptions, the most urgent first."""
    async with database.borrow(rt.pool) as connection:
        return await evidence.open_exceptions(connection, limit)


async def close(rt: Runtime, exception_id: UUID, *, closed_by: str, resolution: str) -> bool:
    """Close an exception with what was found; moves no money. False if it is not open."""
    async with database.borrow(rt.pool) as connection:
        return await evidence.close_exception(
            connection, exception_id, closed_by=closed_by, resolution=resolution
        )
