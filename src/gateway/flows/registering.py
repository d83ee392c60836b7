"""Mandates at their bank: registered, confirmed, cancelled and asked about; what the bank says.

No connection is held while the bank is called. A call that brought nothing changes nothing: it is
safe to repeat, and `register_pending` does so.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.domain.errors import present
from gateway.domain.ids import to_public
from gateway.domain.mandate import Change, MandateState, change_to
from gateway.domain.mandate_refusals import OtpRefused
from gateway.flows.calling import moment_of, note_failed, storable
from gateway.flows.mandates import BANK, account_of, change, change_held
from gateway.kit.abilities import DebitsMandates
from gateway.kit.logs import log
from gateway.kit.mandate_messages import Mandate, MandateNews, MandateSaid
from gateway.kit.messages import Call, Garbled, Moment, NextAction, Reply, Verdict
from gateway.runtime import Runtime
from gateway.store import database, mandates_due
from gateway.store import mandates as store
from gateway.store.mandates import MandateRow

PAGE = 500
ABREAST = 20
ASK_AGAIN_S = (60.0, 60.0, 300.0, 900.0, *(3600.0,) * 72, *(21_600.0,) * 28)
"""How long after each question the next one comes: ten days in all, longer than any call takes."""
Build = Callable[[Mandate, Moment], Call]
Read = Callable[[Mandate, Reply], MandateSaid]


def mandate_of(rt: Runtime, row: MandateRow) -> Mandate:
    """Give a mandate as its adapter sees it, equal on every repetition."""
    account = account_of(rt, row)
    return Mandate(
        reference=row.reference,
        biller=rt.directory.billers_by_id[row.biller_id].code,
        customer_code=row.customer_code,
        bank=row.bank,
        account_no=account.number,
        account_name=account.name,
        id_no=account.id_no,
        phone=account.phone,
        max_debit_dong=row.max_debit_dong,
        max_month_dong=row.max_month_dong,
        day_of_month=row.day_of_month,
        retry_days=row.retry_days,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        consent_channel=row.consent_channel,
        provider_id=row.provider_id,
    )


@dataclass(frozen=True, slots=True)
class Registered:
    """A mandate after its bank was told of it, and where its payer agrees, at a wallet."""

    row: MandateRow
    action: NextAction | None = None


async def register(rt: Runtime, row: MandateRow) -> Registered:
    """Register a mandate at its bank, where that is called; what it says is written down."""
    provider = _by_call(rt, row)
    if provider is None:
        return Registered(row)
    said = await _ask(rt, row, provider.register, provider.read_registered)
    if said.state is None:
        return Registered(row, said.action)
    return Registered(await _hear(rt, row, said), said.action)


async def register_pending(rt: Runtime, code: str) -> int:
    """Register what this bank was not told of yet, a few at a time; gives how many it now has."""
    after, done = None, 0
    gate = asyncio.Semaphore(rt.providers[code].provider.config.concurrency)

    async def one(row: MandateRow) -> bool:
        async with gate:
            return (await register(rt, row)).row.registered_at is not None

    while True:
        async with database.borrow(rt.pool) as connection:
            page = await mandates_due.unregistered(connection, code, after, PAGE)
        if not page:
            return done
        done += sum(await asyncio.gather(*(one(row) for row in page)))
        after = page[-1].id


async def confirm(rt: Runtime, row: MandateRow, otp: str) -> MandateRow:
    """Confirm a mandate with the one-time password that the payer received from the bank.

    Raises:
        OtpRefused: the bank says that it is wrong.
        MandateNotChangeable: the mandate waits for no password.
    """
    if row.state in {MandateState.PENDING_BANK, MandateState.ACTIVE}:
        return row
    provider = _by_call(rt, row)
    if provider is None or row.state != MandateState.PENDING_CUSTOMER:
        return await change(rt, row, Change.CONFIRM, origin="payer", reason="")
    said = await _ask(
        rt, row, lambda m, moment: provider.confirm(m, otp, moment), provider.read_confirmed
    )
    if said.state is not None:
        row = await _hear(rt, row, said)
    if said.is_refused:
        raise OtpRefused(to_public("mdt", row.id))
    return row


async def cancel(rt: Runtime, row: MandateRow, *, origin: str, reason: str) -> MandateRow:
    """Cancel a mandate: here at once, then at the bank; again tells the bank again.

    Raises:
        MandateNotChangeable: it was rejected or has expired.
    """
    row = await change(rt, row, Change.CANCEL, origin=origin, reason=reason)
    provider = _by_call(rt, row)
    if provider is not None:
        said = await _ask(
            rt,
            row,
            lambda m, moment: provider.cancel_mandate(m, reason, moment),
            provider.read_mandate_cancelled,
        )
        if said.state is not MandateState.CANCELLED:
            log.warning("mandate.bank_not_told", mandate=row.reference, code=said.code)
    return row


async def ask(rt: Runtime, row: MandateRow) -> MandateRow:
    """Ask the bank how a mandate stands, and follow what it says."""
    provider = _by_call(rt, row)
    if provider is None:
        return row
    said = await _ask(rt, row, provider.query_mandate, provider.read_mandate_queried)
    return row if said.state is None else await _hear(rt, row, said)


async def ask_pending(rt: Runtime, code: str) -> int:
    """Ask this bank about mandates that wait for it and are due; gives how many.

    A wallet's token comes so as well: the second step of a link is a question.

    Safe from many workers; one that dies leaves the next question to its time.
    """
    if not isinstance(rt.providers[code].provider, DebitsMandates):
        return 0
    async with database.borrow(rt.pool) as connection:
        due = await mandates_due.claim_pending(
            connection, code, rt.clock.now(), ASK_AGAIN_S, ABREAST
        )
    results = await asyncio.gather(*(ask(rt, row) for row in due), return_exceptions=True)
    for row, result in zip(due, results, strict=True):
        if isinstance(result, BaseException):
            log.warning("mandate.not_asked", mandate=row.reference, error=type(result).__name__)
    return len(due)


async def hear_news(rt: Runtime, code: str, news: MandateNews) -> Verdict:
    """Take a bank's notification of a mandate; the same again changes nothing."""
    async with database.borrow(rt.pool) as connection:
        row = await store.by_reference(connection, code, news.said.reference or "")
        if row is None:
            return Verdict.UNKNOWN_REFERENCE
        if await store.was_heard(connection, row, storable(news.key)):
            return Verdict.REPEATED
    heard = await _hear(rt, row, news.said, source_key=storable(news.key))
    return Verdict.REPEATED if heard.state == row.state else Verdict.RECORDED


def _by_call(rt: Runtime, row: MandateRow) -> DebitsMandates[Any] | None:
    attached = rt.providers.get(row.provider)
    if attached is None or not isinstance(attached.provider, DebitsMandates):
        return None
    return attached.provider


async def _ask(rt: Runtime, row: MandateRow, build: Build, read: Read) -> MandateSaid:
    """Call the bank about a mandate; silence, garble and our own mistakes say nothing."""
    mandate = mandate_of(rt, row)
    try:
        exchange = await rt.providers[row.provider].wire.send(build(mandate, moment_of(rt)))
        if exchange.reply is None:
            return MandateSaid(None, message=exchange.reason)
        return read(mandate, exchange.reply)
    except Garbled as error:
        return MandateSaid(None, message=error.reason)
    except Exception as error:
        note_failed(row.provider, error)
        return MandateSaid(None, message="the adapter failed")


async def _hear(
    rt: Runtime,
    row: MandateRow,
    said: MandateSaid,
    *,
    source_key: str | None = None,
) -> MandateRow:
    """Let a mandate follow what its bank says, as far as its state allows."""
    told = present(said.state, "what is heard has a state")
    async with database.borrow(rt.pool) as connection, connection.transaction():
        held = present(await store.hold(connection, row.biller_id, row.id), "a mandate stays")
        what = change_to(
            MandateState(held.state), told, by_bank_suspended=held.suspended_by == BANK
        )
        provider_id = storable(said.provider_id)
        await store.registered(connection, held, rt.clock.now(), provider_id)
        if what is not None:
            reason = storable(f"{said.code} {said.message}".strip())[:200]
            await change_held(
                rt, connection, held, what, origin=BANK, reason=reason, source_key=source_key
            )
        changed = await store.hold(connection, row.biller_id, row.id)
    return present(changed, "a mandate stays where it was made")


async def by_id(rt: Runtime, mandate_id: UUID) -> MandateRow | None:
    """Read a mandate for an operator."""
    async with database.borrow(rt.pool) as connection:
        return await store.by_id(connection, mandate_id, rt.directory.biller_ids)
