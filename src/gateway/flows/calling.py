"""Calls to providers: built by the adapter, sent by the wire, read by the adapter, written down.

No connection of the database is held while a call is under way.
"""

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import orjson

from gateway.domain.attempt import AttemptState, Fact
from gateway.domain.cards import mask_cards
from gateway.domain.errors import Overloaded
from gateway.domain.evidence import Finding, Outcome, Rank, mismatch
from gateway.flows import payments
from gateway.flows.settling import NOT_SENT, Settled, Source, settle, settle_not_sent
from gateway.flows.waking import wake
from gateway.kit.abilities import Provider
from gateway.kit.exchange import Exchange, Fate
from gateway.kit.logs import log
from gateway.kit.messages import Call, Garbled, Moment, Opened, Order, Reply
from gateway.runtime import Runtime
from gateway.store import database, evidence
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw

Build = Callable[[], Call | Opened]
Read = Callable[[Order, Reply], Opened | Finding]
Text = TypeVar("Text", str, str | None)
Written = TypeVar("Written")
OPENING = frozenset({"create", "debit"})
"""Calls before which the provider knew nothing: one that never left took no money."""
DONG_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Heard:
    """What a call brought: a finding, or an opened order, and the exchange that shows it."""

    finding: Finding
    exchange_id: UUID | None = None
    exchange: Exchange | None = None
    opened: Opened | None = None

    @property
    def was_sent(self) -> bool:
        """Whether the provider, or the payer who carries the order there, may have it."""
        if self.exchange is None:
            return self.opened is not None
        return self.exchange.fate is not Fate.NOT_SENT


def order_of(rt: Runtime, attempt: AttemptRow) -> Order:
    """Give an attempt as its adapter sees it, equal on every repetition."""
    return Order(
        reference=attempt.reference,
        amount_dong=attempt.amount_dong,
        text=attempt.text,
        created_at=attempt.created_at,
        expires_at=attempt.expires_at,
        request_id=attempt.id.hex,
        return_url=f"{rt.public_url}/v1/returns/{attempt.provider}",
        notify_url=attempt.notify_url,
        payer_ip=attempt.payer_ip,
        locale=attempt.locale,
        option=attempt.option,
        provider_id=attempt.provider_id,
        memory=orjson.loads(attempt.memory),
    )


def moment_of(rt: Runtime) -> Moment:
    """Give the instant of a call and an id of its own."""
    now = rt.clock.now()
    return Moment(now, rt.new_id_at(now).hex)


async def call(rt: Runtime, code: str, order: Order, build: Build, read: Read) -> Heard:
    """Build a call, send it and read what comes back; no call is needed for what is `Opened`.

    Silence, garble and an adapter's own mistake are UNKNOWN, never an error.
    """
    try:
        asked = build()
    except Exception as error:
        note_failed(code, error)
        return Heard(Finding(Outcome.UNKNOWN, message="the call could not be built"))
    if isinstance(asked, Opened):
        waits = Finding(Outcome.WAITING, provider_id=asked.provider_id, memory=asked.memory)
        return Heard(waits, opened=asked)
    exchange = await rt.providers[code].wire.send(asked)
    return _read(code, order, read, rt.new_id_at(exchange.started_at), exchange)


def note_failed(code: str, error: Exception) -> None:
    """Log an adapter's own mistake: what and where, for its words may hold a payer's data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    log.error("adapter.failed", provider=code, error=type(error).__name__, where=where)


def _read(code: str, order: Order, read: Read, exchange_id: UUID, exchange: Exchange) -> Heard:
    if exchange.reply is None:
        unknown = Finding(Outcome.UNKNOWN, message=exchange.reason)
        return Heard(unknown, exchange_id, exchange)
    try:
        said = read(order, exchange.reply)
    except Garbled as error:
        return Heard(Finding(Outcome.UNKNOWN, message=error.reason), exchange_id, exchange)
    except Exception as error:
        note_failed(code, error)
        unread = Finding(Outcome.UNKNOWN, message="the adapter could not read the answer")
        return Heard(unread, exchange_id, exchange)
    if isinstance(said, Opened):
        waits = Finding(Outcome.WAITING, provider_id=said.provider_id, memory=said.memory)
        return Heard(waits, exchange_id, exchange, said)
    return Heard(said, exchange_id, exchange)


async def write_down(
    rt: Runtime, connection: Raw, attempt: AttemptRow, operation: str, heard: Heard
) -> Settled:
    """Write a call's exchange and settle what it says; the caller holds the attempt."""
    if heard.exchange is not None and heard.exchange_id is not None:
        await evidence.add_exchange(
            connection,
            exchange_row(attempt.biller_id, attempt.id, heard.exchange_id, heard.exchange),
        )
    if heard.opened is not None:
        action = heard.opened.action
        attempt = replace(
            attempt,
            redirect_url=storable(action.redirect_url),
            deeplink=storable(action.deeplink),
            qr_content=storable(action.qr_content),
            payment_code=storable(action.payment_code),
        )
    provider = rt.providers[attempt.provider].provider
    fact = fact_of(rt, attempt, provider, Rank.QUERY, heard.finding)
    if operation in OPENING and not heard.was_sent and attempt.state == AttemptState.SENT:
        source = Source(NOT_SENT, heard.exchange_id)
        return await settle_not_sent(rt, connection, attempt, fact, source)
    rank = Rank.GUESS if heard.finding.outcome is Outcome.UNKNOWN else Rank.QUERY
    source = Source(operation, heard.exchange_id)
    return await settle(rt, connection, attempt, replace(fact, rank=rank), source)


def fact_of(
    rt: Runtime, attempt: AttemptRow, provider: Provider[Any], rank: Rank, finding: Finding
) -> Fact:
    """Hold a finding against the attempt that it is about."""
    disagrees = mismatch(
        finding,
        reference=attempt.reference,
        amount_dong=attempt.amount_dong,
        merchant=provider.merchant,
    )
    return Fact(rank, _kept(finding), rt.clock.now(), disagrees)


def _kept(finding: Finding) -> Finding:
    amount = finding.amount_dong
    return replace(
        finding,
        code=storable(finding.code),
        message=storable(finding.message),
        reference=storable(finding.reference),
        merchant=storable(finding.merchant),
        provider_id=storable(finding.provider_id),
        amount_dong=amount if amount is None or abs(amount) <= DONG_MAX else None,
        memory={storable(name): storable(value) for name, value in finding.memory.items()},
    )


def storable(text: Text) -> Text:
    """Write what may not be kept otherwise: NUL and lone surrogates escaped, cards masked."""
    if text is None:
        return text
    kept = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    return mask_cards(kept)


async def landing(
    rt: Runtime, write: Callable[[Raw], Awaitable[Settled | None]], biller_id: int
) -> Settled | None:
    """Write down what was heard in one transaction, anew when a race is lost, three times at most.

    Orders whose bills were taken by what is settled are due at once, so that they are closed.

    Raises:
        Overloaded: every round was lost; nothing was kept.
    """
    settled = await in_rounds(rt, write)
    if settled is not None and settled.outbid:
        # After the commit: the other attempt may be waiting for bills that we hold.
        await wake(rt, biller_id, settled.outbid)
    return settled


async def in_rounds(rt: Runtime, write: Callable[[Raw], Awaitable[Written]]) -> Written:
    """Write in one transaction, anew when a race is lost, three times at most.

    Raises:
        Overloaded: every round was lost; nothing was kept.
    """
    for _ in range(payments.ROUNDS_MAX):
        try:
            async with database.borrow(rt.pool) as connection, connection.transaction():
                return await write(connection)
        except Exception as error:
            if not database.is_contention(error):
                raise
    raise Overloaded


def exchange_row(
    biller_id: int, attempt_id: UUID, exchange_id: UUID, exchange: Exchange
) -> evidence.ExchangeRow:
    """Write an exchange as it is stored."""
    return evidence.ExchangeRow(
        id=exchange_id,
        biller_id=biller_id,
        attempt_id=attempt_id,
        operation=exchange.operation,
        method=exchange.method,
        url=exchange.url,
        request=exchange.request_text,
        request_sha256=bytes.fromhex(exchange.request_sha256),
        fate=exchange.fate,
        reason=exchange.reason,
        status=exchange.status,
        reply=exchange.reply_text,
        reply_sha256=bytes.fromhex(exchange.reply_sha256) if exchange.reply_sha256 else None,
        started_at=exchange.started_at,
        took_ms=exchange.took_ms,
    )
