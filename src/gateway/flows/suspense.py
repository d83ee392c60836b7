"""The suspense account: money that pays no bill yet, with an owner and a next action; never less.

A line is opened in the transaction that brings its money, and closed in the one that uses it.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from gateway.domain.clock import business_date
from gateway.domain.suspense import OWNERS, GoesTo, Reason, care_of
from gateway.kit import metrics
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import suspense as store
from gateway.store import suspense_lists as lists
from gateway.store.database import Raw


@dataclass(frozen=True, slots=True)
class Origin:
    """Where money in suspense came from and what it was for; exactly as far as it is known."""

    biller_id: int
    partner_id: int
    amount_dong: int
    credit_id: UUID | None = None
    attempt_id: UUID | None = None
    payment_id: UUID | None = None
    customer_code: str | None = None
    goes_to: GoesTo = GoesTo.UNKNOWN
    provider: str = ""
    reference: str | None = None

    @property
    def source(self) -> str:
        """Name the money's source in a sentence for a person."""
        kind = "order" if self.credit_id is None else "transfer"
        return f"{self.provider} {kind} {self.reference or 'without a reference'}"


async def open_line(
    rt: Runtime, connection: Raw, origin: Origin, reason: Reason, *, missing_dong: int = 0
) -> UUID:
    """Open a line for money that the ledger has in suspense; gives its id.

    Its exception is opened with it, and its refund where the payer is to have it back.
    """
    now = rt.clock.now()
    care = care_of(
        reason,
        business_date(now),
        amount_dong=origin.amount_dong,
        missing_dong=missing_dong,
        customer=origin.customer_code,
        source=origin.source,
    )
    line = store.LineRow(
        id=rt.new_id_at(now),
        biller_id=origin.biller_id,
        credit_id=origin.credit_id,
        attempt_id=origin.attempt_id,
        payment_id=origin.payment_id,
        partner_id=origin.partner_id,
        customer_code=origin.customer_code,
        amount_dong=origin.amount_dong,
        missing_dong=missing_dong,
        reason=reason,
        owner=care.owner,
        next_action=care.next_action,
        due_on=care.due_on,
        opened_at=now,
    )
    refund = store.Refund(
        rt.new_id_at(now), care.is_refunded, origin.goes_to, origin.provider, origin.reference
    )
    await store.open_line(connection, line, refund)
    return line.id


async def list_lines(rt: Runtime, wanted: lists.Filter) -> tuple[list[store.LineRow], bool]:
    """Read a page of lines, the newest first, and say whether more follow."""
    async with database.borrow(rt.pool) as connection:
        rows = await lists.list_page(connection, replace(wanted, limit=wanted.limit + 1))
    return rows[: wanted.limit], len(rows) > wanted.limit


async def list_instructions(
    rt: Runtime, biller_id: int, state: str | None, before: UUID | None, limit: int
) -> tuple[list[lists.InstructionRow], bool]:
    """Read a page of a biller's refunds, the newest first, and say whether more follow."""
    async with database.borrow(rt.pool) as connection:
        rows = await lists.instructions(connection, biller_id, state, before, limit + 1)
    return rows[:limit], len(rows) > limit


async def measure(rt: Runtime) -> None:
    """Set the gauges of suspense and of the refunds that are due."""
    async with database.borrow(rt.pool) as connection:
        measured = await lists.measure(connection, business_date(rt.clock.now()))
        refunds, due_dong = await lists.refunds_due(connection)
    for owner in OWNERS:
        found = next((m for m in measured if m.owner == owner), None)
        metrics.SUSPENSE_DONG.labels(owner).set(found.amount_dong if found else 0)
        metrics.SUSPENSE_OLDEST_SECONDS.labels(owner).set(found.oldest_s if found else 0)
    metrics.REFUNDS_DUE.set(refunds)
    metrics.REFUNDS_DUE_DONG.set(due_dong)
