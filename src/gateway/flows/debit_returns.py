"""Late returns: a bank gives a settled debit back; the books turn and the bill opens again.

The attempt stays what it was: it took the money. The payment is reversed, the bill is not overdue
for some days of grace, and nothing more is drawn on the mandate until its payer says so.
"""

from dataclasses import replace

from gateway.domain import receipt
from gateway.domain.attempt import AttemptState, Fact
from gateway.domain.clock import business_date
from gateway.domain.debit_return import RETURNED, due_again_on
from gateway.domain.errors import present
from gateway.flows import payments
from gateway.flows.following import follow_return
from gateway.flows.settling import Settled, Source, note_return, settle
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import debit_returns
from gateway.store import payments as payments_store
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw

DISPUTED = "debit_returned"


async def take_return(
    rt: Runtime, connection: Raw, attempt: AttemptRow, fact: Fact, source: Source
) -> Settled | None:
    """Write that a debit was given back; the caller holds the attempt in this transaction.

    A return of what never counted as taken is a failure and settled as one. A second return of the
    same debit changes nothing.
    """
    if attempt.state != AttemptState.SUCCEEDED or fact.disagrees is not None:
        return await settle(rt, connection, attempt, fact, source)
    given_back = await debit_returns.give_back(
        connection, await _row(rt, connection, attempt, fact)
    ) or await debit_returns.give_back_suspended(
        connection, attempt.biller_id, attempt.payment_id, attempt.id, fact.at
    )
    if not given_back:
        return None
    await note_return(connection, attempt, fact, replace(source, name=RETURNED))
    await follow_return(rt, connection, attempt, f"{DISPUTED} {fact.finding.code}".strip())
    log.info("debit.returned", attempt=attempt.reference, provider=attempt.provider)
    return None


async def _row(
    rt: Runtime, connection: Raw, attempt: AttemptRow, fact: Fact
) -> debit_returns.ReturnRow:
    stored = await payments_store.by_id(connection, attempt.payment_id, [attempt.biller_id])
    stored = present(stored, "an attempt has its payment")
    reason = f"returned by the bank, code {fact.finding.code}"
    payment = replace(payments.to_payment(rt, stored), reversed_at=fact.at, reversal_reason=reason)
    return debit_returns.ReturnRow(
        biller_id=attempt.biller_id,
        payment_id=attempt.payment_id,
        returned_at=fact.at,
        reason=reason,
        code=fact.finding.code,
        head=receipt.head(payment),
        tail=receipt.TAIL,
        payable=rt.directory.billers_by_id[attempt.biller_id].payable_account,
        receivable=rt.directory.provider_accounts[attempt.provider],
        event_id=rt.new_id_at(fact.at),
        event_head=receipt.event_head("payment.reversed", fact.at),
        due_on=due_again_on(business_date(fact.at)),
    )
