"""Live lookup: ask the biller's own service what a customer owes, and keep it in our own rows.

No connection of the database is held while the service is asked.
"""

import asyncio
import unicodedata
from datetime import datetime, timedelta
from typing import Any

import orjson

from gateway.domain.biller import Biller
from gateway.domain.clock import business_date
from gateway.domain.errors import BillerNotAnswering, DatabaseUnavailable, Overloaded, present
from gateway.domain.provider_refusals import ProviderNotOffered
from gateway.domain.refusals import CustomerUnknown
from gateway.flows.calling import moment_of, note_failed, storable
from gateway.kit.abilities import LooksUpBills
from gateway.kit.logs import log
from gateway.kit.messages import Garbled, Owed, Reply
from gateway.runtime import Runtime
from gateway.store import database, live_bills

# The service names no due day; a week after issue is the usual one (docs/providers).
DUE_IN = timedelta(days=7)
ROUNDS_MAX = 3


class NoAnswer(Exception):
    """The service said nothing from which anything can be concluded; between two functions here."""


async def renew(rt: Runtime, biller: Biller, customer_code: str) -> datetime | None:
    """Bring our rows to what the biller's service says; None, or since when they are stale.

    Raises:
        CustomerUnknown: the service knows no such customer.
        BillerNotAnswering: it did not answer, and nothing young enough is kept.
        DatabaseUnavailable, Overloaded: ask again.
    """
    asked_at = rt.clock.now()
    try:
        owed = await _ask(rt, biller, customer_code)
    except NoAnswer as silence:
        log.warning("lookup.unanswered", biller=biller.code, reason=str(silence))
        return await _stale_since(rt, biller, customer_code, asked_at)
    if owed is None:
        raise CustomerUnknown(biller.code, customer_code)
    await _keep(rt, _snapshot(biller, customer_code, owed, asked_at))
    return None


async def _ask(rt: Runtime, biller: Biller, customer_code: str) -> Owed | None:
    source = present(biller.rules.bills_source, "a live biller has a source")
    try:
        provider, wire = rt.provider(source, LooksUpBills)
    except ProviderNotOffered as error:
        raise NoAnswer(str(error)) from error
    try:
        call = provider.look_up(customer_code, moment_of(rt))
        async with asyncio.timeout(biller.rules.lookup_deadline_s):
            exchange = await wire.send(call)
    except TimeoutError as error:
        message = "it took too long"
        raise NoAnswer(message) from error
    if exchange.reply is None:
        raise NoAnswer(exchange.reason)
    return _read(provider, customer_code, exchange.reply)


def _read(provider: LooksUpBills[Any], customer_code: str, reply: Reply) -> Owed | None:
    try:
        return provider.read_looked_up(customer_code, reply)
    except Garbled as error:
        raise NoAnswer(error.reason) from error
    except Exception as error:
        note_failed(provider.code, error)
        message = "the adapter could not read the answer"
        raise NoAnswer(message) from error


async def _stale_since(rt: Runtime, biller: Biller, customer_code: str, now: datetime) -> datetime:
    most = timedelta(seconds=biller.rules.stale_lookup_s)
    if not most:
        raise BillerNotAnswering(biller.code)
    try:
        async with database.borrow(rt.pool) as connection:
            as_of = await live_bills.as_of(connection, biller.id, customer_code)
    except Exception as error:
        if database.broke(error):
            raise DatabaseUnavailable from error
        raise
    if as_of is None or now - as_of > most:
        raise BillerNotAnswering(biller.code)
    return as_of


async def _keep(rt: Runtime, told: live_bills.Snapshot) -> None:
    for _ in range(ROUNDS_MAX):
        try:
            async with database.borrow(rt.pool) as connection:
                await live_bills.renew(connection, told)
        except Exception as error:
            if database.broke(error):
                raise DatabaseUnavailable from error
            if not database.is_contention(error):
                raise
            continue
        return
    raise Overloaded


def _snapshot(
    biller: Biller, customer_code: str, owed: Owed, asked_at: datetime
) -> live_bills.Snapshot:
    today = business_date(asked_at)
    return live_bills.Snapshot(
        biller_id=biller.id,
        customer_code=customer_code,
        name=_plain(owed.name),
        address=_plain(owed.address),
        as_of=asked_at,
        issued_on=today,
        due_on=today + DUE_IN,
        bills=[
            live_bills.LiveBill(
                bill.id, bill.period, bill.amount_dong, orjson.dumps(dict(bill.memory)).decode()
            )
            for bill in owed.bills
        ],
    )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", storable(text))
