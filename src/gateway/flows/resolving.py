"""The resolver: turns doubt into proof by asking providers, by our own reference, until it is sure.

Due attempts are leased and fenced: whoever's lease ran out writes nothing. What a provider's quota
does not allow waits for its turn. Nothing ends in a guess.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.domain.attempt import OPEN, AttemptState
from gateway.domain.evidence import Finding, Outcome
from gateway.domain.progress import PaymentState
from gateway.flows.calling import Heard, call, landing, moment_of, order_of, write_down
from gateway.flows.settling import Settled
from gateway.kit import metrics
from gateway.kit.abilities import AnswersQueries, Cancels, Provider, TakesPayments
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import attempts, database, settlement
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw

ABREAST = 16
LEASE_MARGIN_S = 15.0


async def resolve_due(rt: Runtime, *codes: str) -> int:
    """Ask about what is due at these providers, or at all; gives how many were asked about.

    Returns when the slowest answer is written down: give each provider a loop of its own.
    """
    leased = [row for code in codes or tuple(rt.providers) for row in await _claim(rt, code)]
    results = await asyncio.gather(*(resolve(rt, row) for row in leased), return_exceptions=True)
    for row, result in zip(leased, results, strict=True):
        if isinstance(result, BaseException):
            # The lease runs out and somebody asks again.
            log.warning("attempt.unresolved", attempt=str(row.id), error=type(result).__name__)
    return len(leased)


async def _claim(rt: Runtime, code: str) -> Sequence[AttemptRow]:
    async with database.borrow(rt.pool) as connection:
        return await attempts.claim_due(
            connection, code, spacing=_spacing(rt, code), lease=_lease(rt, code), most=ABREAST
        )


def _spacing(rt: Runtime, code: str) -> timedelta:
    return timedelta(seconds=rt.providers[code].provider.config.query_spacing_s)


def _lease(rt: Runtime, code: str) -> timedelta:
    """Give a lease longer than the slowest turn: closing, where the rail can, and asking."""
    provider = rt.providers[code].provider
    calls = 2 if isinstance(provider, Cancels) else 1
    return timedelta(seconds=calls * provider.config.deadline_s + LEASE_MARGIN_S)


async def resolve(rt: Runtime, leased: AttemptRow, *, may_ask: bool = True) -> None:
    """Ask about one leased attempt and write down what is heard.

    A payment that was cancelled, or whose bills were taken by another, is closed at the provider
    first, where the rail can. Without `may_ask` nothing else is asked, and it stays due.
    """
    if await _is_to_be_closed(rt, leased):
        heard = await _close(rt, leased)
        if heard is not None and await _land(rt, leased, "cancel", heard):
            return
    if may_ask:
        await _land(rt, leased, "query", await _query(rt, leased))
        return
    async with database.borrow(rt.pool) as connection:
        await attempts.wake(connection, leased.biller_id, [leased.payment_id])


async def _is_to_be_closed(rt: Runtime, leased: AttemptRow) -> bool:
    """Say whether nobody wants this order paid any more, and mark it so."""
    if leased.state != AttemptState.WAITING:
        return False
    async with database.borrow(rt.pool) as connection, connection.transaction():
        held = await attempts.hold(connection, leased.biller_id, leased.id)
        payment = await settlement.hold(connection, leased.biller_id, leased.payment_id)
        # Told since then that its money moves, or asked about by another: left as it is.
        if held is None or payment is None or not _is_as_leased(held, leased):
            return False
        if payment.cancel_asked_at is not None or payment.status == PaymentState.SUCCEEDED:
            return True
        bills = await settlement.claim(connection, leased.biller_id, leased.payment_id, "soft")
        if bills == payment.bill_count:
            return False
        await settlement.ask_cancel(connection, payment, rt.clock.now(), PaymentState.CANCELLING)
        return True


def _is_as_leased(held: AttemptRow, leased: AttemptRow) -> bool:
    return (held.lease_no, held.state) == (leased.lease_no, leased.state)


async def _close(rt: Runtime, leased: AttemptRow) -> Heard | None:
    provider = rt.providers[leased.provider].provider
    if not isinstance(provider, Cancels):
        return None
    order, moment = order_of(rt, leased), moment_of(rt)
    return await call(
        rt, leased.provider, order, lambda: provider.cancel(order, moment), provider.read_cancelled
    )


async def _query(rt: Runtime, leased: AttemptRow) -> Heard:
    provider = rt.providers[leased.provider].provider
    if not isinstance(provider, AnswersQueries):
        return Heard(_unasked(provider))
    order, moment = order_of(rt, leased), moment_of(rt)
    heard = await call(
        rt, leased.provider, order, lambda: provider.query(order, moment), provider.read_queried
    )
    wait = provider.spacing_of(heard.finding)
    if wait is not None:
        async with database.borrow(rt.pool) as connection:
            await attempts.postpone(connection, leased.provider, wait)
    return heard


def _unasked(provider: Provider[Any]) -> Finding:
    """Say what is known where nobody can be asked: of an order of our own, that no credit came.

    It is said of an attempt that is held, so that a credit is either booked already or comes late.
    """
    if isinstance(provider, TakesPayments) and provider.is_paid_by_credits:
        return Finding(Outcome.WAITING, message="no credit has come for it")
    return Finding(Outcome.UNKNOWN, message="this provider answers no queries")


async def _land(rt: Runtime, leased: AttemptRow, operation: str, heard: Heard) -> bool:
    """Write down what was heard, unless the lease was lost; True if nothing is left to ask."""

    async def write(connection: Raw) -> Settled | None:
        held = await attempts.hold(connection, leased.biller_id, leased.id)
        if held is None or held.lease_no != leased.lease_no:
            log.info("attempt.lease_lost", attempt=str(leased.id))
            return None
        return await write_down(rt, connection, held, operation, heard)

    settled = await landing(rt, write, leased.biller_id)
    return settled is None or settled.judgement.standing.state not in OPEN


async def resolve_now(rt: Runtime, attempt: AttemptRow) -> None:
    """Ask about one attempt at once, under a lease of its own; a spaced question waits its turn."""
    code = attempt.provider
    async with database.borrow(rt.pool) as connection:
        lease_no = await attempts.lease(connection, attempt, _lease(rt, code))
        may_ask = await attempts.take_turn(connection, code, _spacing(rt, code))
    await resolve(rt, replace(attempt, lease_no=lease_no), may_ask=may_ask)


async def measure_doubts(rt: Runtime) -> None:
    """Set the gauges of doubt, also of providers that are no longer configured here."""
    async with database.borrow(rt.pool) as connection:
        found = {code: (count, age) for code, count, age in await attempts.doubts(connection)}
    for code in rt.directory.provider_accounts:
        count, age_s = found.get(code, (0, 0.0))
        metrics.DOUBTS.labels(code).set(count)
        metrics.OLDEST_DOUBT_SECONDS.labels(code).set(max(age_s, 0.0))
