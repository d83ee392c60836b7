"""Messages to customers: queued with what they tell, sent under a lease, their reports awaited.

A message may be sent twice when its centre's answer is lost: it says the same, and does nothing.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from gateway.domain import sms_texts as say
from gateway.domain.errors import present
from gateway.domain.phones import normalise_phone
from gateway.domain.sealing import seal, unseal
from gateway.flows.calling import moment_of, note_failed, storable
from gateway.flows.mandates import account_of
from gateway.kit.abilities import CarriesMessages
from gateway.kit.logs import log
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Reply, Verdict
from gateway.kit.text_messages import TextOut
from gateway.runtime import Runtime
from gateway.store import database, mandates
from gateway.store import sms_banking as store
from gateway.store.database import Raw
from gateway.store.mandates import MandateRow

ENDED_UNPAID = frozenset({"failed", "cancelled", "expired"})
LEASE = timedelta(seconds=60)
REPORT_WITHIN = timedelta(minutes=10)
TELL_AFTER = timedelta(seconds=30)
"""The reply to the message itself tells what ended sooner."""


async def queue(rt: Runtime, connection: Raw, code: str, phone: str, text: str) -> None:
    """Queue a message in the caller's transaction; it is sealed, for it may hold a code."""
    now = rt.clock.now()
    text_id = rt.new_id_at(now)
    body = orjson.dumps({"to": phone, "text": text})
    sealed = seal(rt.secrets.sealing, body, f"out:{text_id.hex}")
    await store.add_text_out(connection, text_id, code, sealed, now)


async def carry(rt: Runtime) -> None:
    """Tell what has ended, send what is due, note what was never reported, at every number."""
    for code, attached in rt.providers.items():
        if isinstance(attached.provider, CarriesMessages):
            await tell_results(rt, code)
            await send_due(rt, code)
            await note_unreported(rt, code)


async def send_due(rt: Runtime, code: str) -> int:
    """Send what is due at one short number; gives how many messages its centre took."""
    provider, wire = rt.provider(code, CarriesMessages)
    async with database.borrow(rt.pool) as connection:
        claimed = await store.claim_out(connection, code, rt.clock.now(), LEASE)
    taken = 0
    for text_id, sealed, state in claimed:
        if state == "given_up":
            log.warning("text.given_up", provider=code, text=text_id.hex)
            continue
        facts = orjson.loads(unseal(rt.secrets.sealing, sealed, f"out:{text_id.hex}"))
        report_url = f"{rt.public_url}/v1/texts/{code}/reports"
        message = TextOut(text_id.hex, facts["to"], facts["text"], report_url)
        exchange = await wire.send(provider.send(message, moment_of(rt)))
        if exchange.reply is not None:
            taken += await _taken(rt, provider, text_id, exchange.reply)
    return taken


async def _taken(rt: Runtime, provider: CarriesMessages[Any], text_id: UUID, reply: Reply) -> bool:
    try:
        centre_id = storable(provider.read_sent(reply))
    except Garbled as error:
        log.warning("text.not_taken", provider=provider.code, reason=error.reason)
        return False
    now = rt.clock.now()
    async with database.borrow(rt.pool) as connection:
        await store.mark_sent(connection, text_id, centre_id, at=now, report_by=now + REPORT_WITHIN)
    return True


async def take_report(rt: Runtime, code: str, incoming: Incoming) -> Acknowledgement:
    """Take a delivery report; one that came before its message was written is to come again.

    Raises:
        ProviderNotOffered: no short number of this code is here.
    """
    provider, _ = rt.provider(code, CarriesMessages)
    try:
        said = provider.read_report(incoming)
    except Garbled:
        return provider.acknowledge_report(Verdict.REFUSED)
    except Exception as error:
        note_failed(code, error)
        return provider.acknowledge_report(Verdict.TRY_LATER)
    async with database.borrow(rt.pool) as connection:
        is_ours = await store.report(
            connection, code, storable(said.centre_id), said.delivery, storable(said.code)
        )
    return provider.acknowledge_report(Verdict.RECORDED if is_ours else Verdict.TRY_LATER)


async def note_unreported(rt: Runtime, code: str) -> int:
    """Mark and log the messages on which no report came in time; gives how many."""
    async with database.borrow(rt.pool) as connection:
        missing = await store.mark_unreported(connection, code, rt.clock.now())
    for text_id in missing:
        log.warning("text.unreported", provider=code, text=text_id.hex)
    return len(missing)


async def tell_results(rt: Runtime, code: str) -> int:
    """Tell payers how their payments ended, where the reply could not; gives how many."""
    told = 0
    async with database.borrow(rt.pool) as connection:
        due = await store.untold(connection, code, rt.clock.now() - TELL_AFTER)
    for row in due:
        async with database.borrow(rt.pool) as connection, connection.transaction():
            if not await store.mark_told(connection, row.biller_id, row.id, rt.clock.now()):
                continue
            found = await mandates.by_ids(connection, row.biller_id, [row.mandate_id])
            mandate = present(found.get(row.mandate_id), "a quote has its mandate")
            phone = normalise_phone(account_of(rt, mandate).phone)
            text = result_text(mandate, row.amount_dong, row.payment_id, row.status)
            await queue(rt, connection, code, present(phone, "the sender's own telephone"), text)
        told += 1
    return told


def result_text(mandate: MandateRow, amount_dong: int, payment_id: UUID, status: str) -> str:
    """Say how a payment stands: paid only if it is proved, unpaid only if that is proved."""
    code, shown = mandate.customer_code, mandate.account_masked
    if status == "succeeded":
        return say.paid(
            customer_code=code,
            amount_dong=amount_dong,
            account_no=shown,
            reference=payment_id.hex,
        )
    if status in ENDED_UNPAID:
        return say.not_paid(customer_code=code, amount_dong=amount_dong)
    return say.in_doubt(customer_code=code, amount_dong=amount_dong)
