"""Our mandates follow what became of their debits, whoever began them: a run, a message, the API.

What the adapter's table says of a failure (account gone, blocked) is done in the transaction that
settles it; a late return suspends.
"""

from collections.abc import Mapping

from gateway.domain.errors import present
from gateway.domain.mandate import Change
from gateway.flows.mandates import BANK, change_held
from gateway.kit.abilities import DebitsByFile, DebitsMandates
from gateway.kit.mandate_messages import AfterFailure
from gateway.runtime import Runtime
from gateway.store import debit_results, mandates
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw

CHANGES: Mapping[AfterFailure, Change] = {
    AfterFailure.SUSPEND: Change.SUSPEND,
    AfterFailure.CANCEL: Change.CANCEL,
}


async def follow_failure(rt: Runtime, connection: Raw, attempt: AttemptRow, code: str) -> None:
    """Do to the mandate of a failed debit what its bank's table says; others have none."""
    attached = rt.providers.get(attempt.provider)
    if attached is None or not isinstance(attached.provider, DebitsMandates | DebitsByFile):
        return
    change = CHANGES.get(attached.provider.after_failure(code))
    if change is not None:
        await _change(rt, connection, attempt, change, origin=BANK, reason=f"code {code}")


async def follow_return(rt: Runtime, connection: Raw, attempt: AttemptRow, reason: str) -> None:
    """Suspend the mandate of a debit that was given back, until its payer says otherwise."""
    await _change(rt, connection, attempt, Change.SUSPEND, origin="payer", reason=reason)


async def _change(
    rt: Runtime, connection: Raw, attempt: AttemptRow, change: Change, *, origin: str, reason: str
) -> None:
    mandate_id = await debit_results.mandate_of(
        connection, attempt.biller_id, attempt.payment_id, attempt.id
    )
    if mandate_id is None:
        return
    held = await mandates.hold(connection, attempt.biller_id, mandate_id)
    held = present(held, "a debit has its mandate")
    await change_held(rt, connection, held, change, origin=origin, reason=reason)
