"""Notifications and browser returns from providers: verify, record once, settle, acknowledge.

A forged message changes no state and leaves nothing in the table of what is known: it is kept, cut
short, in a quarantine of a bounded size.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from gateway.domain.attempt import OPEN, AttemptState, Fact
from gateway.domain.cards import mask_cards, without_card_numbers
from gateway.domain.evidence import Outcome, Rank
from gateway.domain.ids import to_public
from gateway.flows.calling import fact_of, landing, note_failed, storable
from gateway.flows.debit_returns import take_return
from gateway.flows.registering import hear_news
from gateway.flows.settling import Settled, Source, settle
from gateway.kit import metrics
from gateway.kit.abilities import Notifies, TakesPayments
from gateway.kit.logs import log
from gateway.kit.mandate_messages import MandateNews, Return
from gateway.kit.messages import Acknowledgement, Garbled, Incoming, Notification, Verdict
from gateway.runtime import Runtime
from gateway.store import attempts, database, evidence
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw

SettleBy = Callable[[Runtime, Raw, AttemptRow, Fact, Source], Awaitable[Settled | None]]
KEPT_BYTES, KEPT_CHARACTERS = 4096, 4096


@dataclass(frozen=True, slots=True)
class Returned:
    """Where the payer's browser goes on to."""

    url: str


async def receive(rt: Runtime, code: str, incoming: Incoming) -> Acknowledgement:
    """Take one notification and give the exact answer that its provider expects.

    What is answered as recorded is committed with all that it settles.

    Raises:
        ProviderNotOffered: no provider of this code notifies here.
    """
    provider, _ = rt.provider(code, Notifies)
    try:
        notification = provider.read_notification(incoming)
    except Garbled as error:
        reason = error.reason
        await quietly(lambda: quarantine(rt, code, incoming, reason))
        return _acknowledge(provider, Verdict.REFUSED)
    except Exception as error:
        # An adapter's mistake says nothing about the message: it is to come again.
        note_failed(code, error)
        return _acknowledge(provider, Verdict.TRY_LATER)
    try:
        verdict = await rt.finish(_take_any(rt, provider, incoming, notification))
    except Exception as error:
        log.warning("notification.not_kept", provider=code, error=type(error).__name__)
        verdict = Verdict.TRY_LATER
    told = notification if isinstance(notification, Notification) else None
    return _acknowledge(provider, verdict, told)


def _acknowledge(
    provider: Notifies[Any], verdict: Verdict, notification: Notification | None = None
) -> Acknowledgement:
    metrics.NOTIFICATIONS.labels(provider.code, verdict).inc()
    if notification is None:
        return provider.acknowledge(verdict)
    return provider.acknowledge_of(notification, verdict)


async def _take_any(
    rt: Runtime,
    provider: Notifies[Any],
    incoming: Incoming,
    told: Notification | MandateNews | Return,
) -> Verdict:
    if isinstance(told, MandateNews):
        return await hear_news(rt, provider.code, told)
    if isinstance(told, Return):
        told = Notification(told.key, told.finding)
        return await _take(rt, provider, incoming, told, settle_by=take_return)
    return await _take(rt, provider, incoming, told)


async def _take(
    rt: Runtime,
    provider: Notifies[Any],
    incoming: Incoming,
    notification: Notification,
    settle_by: SettleBy | None = None,
) -> Verdict:
    reference = notification.finding.reference or ""
    async with database.borrow(rt.pool) as connection:
        known = await attempts.by_reference(connection, provider.code, reference)
    if known is None:
        await quarantine(rt, provider.code, incoming, "authentic, of an order unknown here")
        return Verdict.UNKNOWN_REFERENCE
    verdict = Verdict.REPEATED

    async def write(connection: Raw) -> Settled | None:
        nonlocal verdict
        held = await attempts.hold(connection, known.biller_id, known.id)
        if held is None:
            return None
        fact = fact_of(rt, held, provider, Rank.NOTIFICATION, notification.finding)
        verdict = _verdict(held.state, fact.disagrees, notification.finding.outcome)
        notification_id = rt.new_id()
        row = _row(held, notification_id, notification, incoming, fact.at)
        if not await evidence.record(connection, row, verdict):
            verdict = Verdict.REPEATED if verdict is Verdict.RECORDED else verdict
            return None
        source = Source("notification", notification_id=notification_id)
        return await (settle_by or settle)(rt, connection, held, fact, source)

    await landing(rt, write, known.biller_id)
    return verdict


def _verdict(state: str, disagrees: str | None, outcome: Outcome) -> Verdict:
    if disagrees == "amount":
        return Verdict.AMOUNT_DIFFERS
    if disagrees is not None:
        return Verdict.REFUSED
    ended = state not in OPEN and state != AttemptState.CONFLICTED
    says_same = (state == AttemptState.SUCCEEDED) == (outcome is Outcome.SUCCEEDED)
    return Verdict.REPEATED if ended and says_same else Verdict.RECORDED


def _row(
    held: AttemptRow,
    notification_id: UUID,
    notification: Notification,
    incoming: Incoming,
    received_at: datetime,
) -> evidence.NotificationRow:
    return evidence.NotificationRow(
        id=notification_id,
        biller_id=held.biller_id,
        attempt_id=held.id,
        provider=held.provider,
        key=_known_by(storable(notification.key), notification.key),
        method=incoming.method,
        query=mask_cards(incoming.query),
        body=_without_cards(incoming.body),
        received_at=received_at,
    )


def _known_by(kept: str, key: str) -> str:
    """Give the key; two that differ in a card's number alone must not become one."""
    is_masked = "[card]" in kept
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest() if is_masked else kept


def _without_cards(body: bytes) -> bytes:
    """Give the body as it came, unless it holds a card's number."""
    text = body.decode("utf-8", "replace")
    shown = mask_cards(text)
    return body if shown == text else shown.encode()


async def come_back(rt: Runtime, code: str, incoming: Incoming) -> Returned | None:
    """Take a payer's browser that comes back: it proves nothing, but is a reason to ask.

    None if it cannot be said where it belongs.

    Raises:
        ProviderNotOffered: no provider of this code takes payments here.
    """
    provider, _ = rt.provider(code, TakesPayments)
    try:
        finding = provider.read_return(incoming)
    except Garbled:
        return None
    except Exception as error:
        note_failed(code, error)
        return None
    async with database.borrow(rt.pool) as connection:
        known = await attempts.by_reference(connection, code, finding.reference or "")
    if known is None:
        return None

    async def write(connection: Raw) -> Settled | None:
        held = await attempts.hold(connection, known.biller_id, known.id)
        # Whoever reloads the page adds nothing: one return for an attempt is kept.
        if (
            held is None
            or held.state not in OPEN
            or await evidence.came_back(connection, held.biller_id, held.id)
        ):
            return None
        fact = fact_of(rt, held, provider, Rank.RETURN, finding)
        return await settle(rt, connection, held, fact, Source("return"))

    await quietly(lambda: landing(rt, write, known.biller_id))
    return Returned(_with_payment(known.return_url, to_public("pay", known.payment_id)))


def _with_payment(url: str, payment: str) -> str:
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("payment_id", payment)]
    return urlunsplit(parts._replace(query=urlencode(query)))


async def quarantine(rt: Runtime, code: str, incoming: Incoming, reason: str) -> None:
    """Keep the head of a message as text, without what may be a card number in it."""
    query, body = (
        without_card_numbers(part.replace("\x00", ""))[:KEPT_CHARACTERS]
        for part in (incoming.query, incoming.body[:KEPT_BYTES].decode("utf-8", "replace"))
    )
    async with database.borrow(rt.pool) as connection:
        await evidence.quarantine(
            connection,
            code,
            reason=reason,
            method=incoming.method,
            query=query,
            body=body.encode()[:KEPT_BYTES],
            sha256=hashlib.sha256(incoming.body).digest(),
        )


async def quietly(act: Callable[[], Awaitable[object]]) -> None:
    """Do what changes no money; if it fails, the answer is the same."""
    try:
        await act()
    except Exception as error:
        log.warning("notification.not_noted", error=type(error).__name__)
