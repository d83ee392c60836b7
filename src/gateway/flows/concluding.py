"""What debits came to: read from their payments, which only the one door settles.

No funds: again on the next business day, as a new attempt of the same payment. Three failed months
suspend a mandate; what one failure does to it was done when it was settled (`following.py`).
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from gateway.domain import receipt
from gateway.domain.attempt import AttemptState
from gateway.domain.calendar import next_business_day
from gateway.domain.clock import business_date
from gateway.domain.errors import present
from gateway.domain.ids import stamp_of
from gateway.domain.mandate import FAILED_MONTHS_MAX, Change, lapses_on
from gateway.flows.mandates import change_held
from gateway.kit.abilities import DebitsByFile, DebitsMandates
from gateway.kit.mandate_messages import AfterFailure
from gateway.runtime import Runtime
from gateway.store import database, debit_results, debits, mandates
from gateway.store.debit_results import Conclusion, Ended

CHUNK = 1000


async def conclude(rt: Runtime, biller_id: int, code: str, *, today: date | None = None) -> int:
    """Conclude the debits whose payments have ended, and complete their runs; gives how many."""
    today = today or business_date(rt.clock.now())
    count = 0
    while done := await _conclude_some(rt, biller_id, code, today):
        count += done
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await connection.execute(debits.BY_INDEX)
        head = receipt.event_head("debit_run.completed", now) + "{"
        await debit_results.complete(
            connection, biller_id, code, now=now, head=head, stamp=stamp_of(now)
        )
    return count


async def conclude_all(rt: Runtime) -> None:
    """Conclude what has ended, of every biller at every bank that debits mandates here."""
    for code, attached in rt.providers.items():
        if isinstance(attached.provider, DebitsMandates | DebitsByFile):
            for biller_id in rt.directory.biller_ids:
                await conclude(rt, biller_id, code)


async def _conclude_some(rt: Runtime, biller_id: int, code: str, today: date) -> int:
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await connection.execute(debits.BY_INDEX)
        ended = await debit_results.ended(connection, biller_id, code, CHUNK)
        if not ended:
            return 0
        failing = await debit_results.conclude(
            connection,
            biller_id,
            [_conclusion(rt, code, debit, today) for debit in ended],
            now=now,
            lapses_on=lapses_on(today),
            head=receipt.event_head("debit.failed", now) + "{",
            failed_months_max=FAILED_MONTHS_MAX,
            stamp=stamp_of(now),
        )
        await _suspend(rt, connection, biller_id, failing)
    return len(ended)


def _conclusion(rt: Runtime, code: str, debit: Ended, today: date) -> Conclusion:
    if debit.is_settled:
        return Conclusion(debit.id, "settled", "", debit.tries)
    if debit.attempt_state == AttemptState.NOT_SENT:
        # It never left: not a try, and due as before.
        return Conclusion(debit.id, "planned", AttemptState.NOT_SENT, debit.tries - 1)
    reason = debit.code or debit.attempt_state
    may_retry = _after(rt, code, debit) is AfterFailure.RETRY and debit.tries <= debit.retry_days
    if may_retry:
        again_on = next_business_day(max(today, debit.due_on))
        return Conclusion(debit.id, "planned", reason, debit.tries, again_on)
    return Conclusion(debit.id, "failed", reason, debit.tries)


def _after(rt: Runtime, code: str, debit: Ended) -> AfterFailure:
    """Say what follows: of a refusal the adapter's table; what never arrived is tried again."""
    provider = rt.providers[code].provider
    if debit.attempt_state != AttemptState.FAILED:
        return AfterFailure.RETRY
    if isinstance(provider, DebitsMandates | DebitsByFile):
        return provider.after_failure(debit.code)
    return AfterFailure.GIVE_UP


async def _suspend(
    rt: Runtime, connection: database.Raw, biller_id: int, failing: Sequence[UUID]
) -> None:
    for mandate_id in sorted(failing):
        held = await mandates.hold(connection, biller_id, mandate_id)
        held = present(held, "a debit has its mandate")
        reason = f"{FAILED_MONTHS_MAX} failed months"
        await change_held(rt, connection, held, Change.SUSPEND, origin="house", reason=reason)
