"""What debits came to: read from their payments, which only the one door settles.

No funds: again on the next business day, as a new attempt of the same payment. What the bank's
table says of a mandate (gone, blocked) is done to it; three failed months suspend it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from gateway.domain import receipt
from gateway.domain.attempt import AttemptState
from gateway.domain.calendar import next_business_day
from gateway.domain.clock import business_date
from gateway.domain.errors import present
from gateway.domain.ids import stamp_of
from gateway.domain.mandate import FAILED_MONTHS_MAX, Change, lapses_on
from gateway.flows.mandates import BANK, change_held
from gateway.kit.abilities import DebitsByFile, DebitsMandates
from gateway.kit.mandate_messages import AfterFailure
from gateway.runtime import Runtime
from gateway.store import database, debit_results, debits, mandates
from gateway.store.debit_results import Conclusion, Ended

CHUNK = 1000
_CHANGES = {AfterFailure.SUSPEND: Change.SUSPEND, AfterFailure.CANCEL: Change.CANCEL}


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
        await _change_mandates(rt, connection, biller_id, _changes(rt, code, ended, failing))
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


def _changes(
    rt: Runtime, code: str, ended: Sequence[Ended], failing: Sequence[UUID]
) -> Mapping[UUID, tuple[Change, str, str]]:
    """Give what is to be done to mandates: how, by whom, why."""
    found = dict.fromkeys(failing, (Change.SUSPEND, "house", f"{FAILED_MONTHS_MAX} failed months"))
    for debit in ended:
        change = None if debit.is_settled else _CHANGES.get(_after(rt, code, debit))
        if change is not None:
            found[debit.mandate_id] = (change, BANK, f"code {debit.code}")
    return found


async def _change_mandates(
    rt: Runtime,
    connection: database.Raw,
    biller_id: int,
    changes: Mapping[UUID, tuple[Change, str, str]],
) -> None:
    for mandate_id, (change, origin, reason) in sorted(changes.items()):
        held = await mandates.hold(connection, biller_id, mandate_id)
        held = present(held, "a debit has its mandate")
        await change_held(rt, connection, held, change, origin=origin, reason=reason)
