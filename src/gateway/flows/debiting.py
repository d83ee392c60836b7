"""Drawn debits on their way to a bank that is called: some at a time, each written down by itself.

No connection is held while the bank is called. An attempt whose sender dies stays as sent; the
resolver asks what became of it, and nobody sends it again.
"""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

from gateway.domain.errors import present
from gateway.domain.evidence import Finding, Outcome
from gateway.flows.calling import Heard, call, landing, moment_of, order_of, write_down
from gateway.flows.registering import mandate_of
from gateway.flows.settling import Settled
from gateway.kit.abilities import DebitsMandates
from gateway.kit.logs import log
from gateway.kit.mandate_messages import DebitLine
from gateway.kit.messages import Order, Reply
from gateway.runtime import Runtime
from gateway.store import attempts, database, debit_results, mandates
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw
from gateway.store.debit_results import OfAttempt


async def lines_of(rt: Runtime, biller_id: int, ids: list[UUID]) -> list[DebitLine]:
    """Give drawn attempts as their bank's adapter sees them."""
    async with database.borrow(rt.pool) as connection:
        rows = await attempts.by_ids(connection, biller_id, ids)
        of = await debit_results.of_attempts(connection, biller_id, ids)
        found = await mandates.by_ids(connection, biller_id, [o.mandate_id for o in of.values()])
    return [_line(rt, row, of[row.id], found) for row in rows]


def _line(
    rt: Runtime, row: AttemptRow, of: OfAttempt, found: dict[UUID, mandates.MandateRow]
) -> DebitLine:
    mandate = mandate_of(rt, found[of.mandate_id])
    return DebitLine(order_of(rt, row), mandate, of.bill_id, row.number)


async def debit_all(rt: Runtime, biller_id: int, code: str, ids: list[UUID]) -> bool:
    """Send drawn debits, some at a time; False if not one of them reached the bank."""
    provider, _ = rt.provider(code, DebitsMandates)
    lines = await lines_of(rt, biller_id, ids)
    gate = asyncio.Semaphore(provider.config.concurrency)

    async def one(line: DebitLine, attempt_id: UUID) -> bool:
        async with gate:
            return await debit_one(rt, provider, biller_id, line, attempt_id)

    pairs = zip(lines, sorted(ids), strict=True)
    results = await asyncio.gather(
        *(one(line, attempt_id) for line, attempt_id in pairs), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException):
            # The attempt stands as sent: the resolver asks what became of it.
            log.warning("debit.not_written", provider=code, error=type(result).__name__)
    return any(result is not False for result in results)


async def debit_one(
    rt: Runtime, provider: DebitsMandates[Any], biller_id: int, line: DebitLine, attempt_id: UUID
) -> bool:
    """Send one debit whose attempt stands as sent, and write down what is heard.

    False if it never left.
    """
    heard = await _call(rt, provider, line)

    async def write(connection: Raw) -> Settled | None:
        held = await attempts.hold(connection, biller_id, attempt_id)
        held = present(held, "an attempt stays where it was written")
        return await write_down(rt, connection, held, "debit", heard)

    await landing(rt, write, biller_id)
    return heard.was_sent


async def _call(rt: Runtime, provider: DebitsMandates[Any], line: DebitLine) -> Heard:
    """Call the bank about one debit; at a wallet an order is opened first, which takes nothing."""
    opening, moment, prepared = provider.prepare(line, moment_of(rt)), moment_of(rt), line
    if opening is not None:

        def read(_order: Order, reply: Reply) -> Finding:
            nonlocal prepared
            said = provider.read_prepared(line, reply)
            if isinstance(said, Finding):
                return said
            prepared = said
            return Finding(Outcome.UNKNOWN)

        first = await call(rt, provider.code, line.order, lambda: opening, read)
        if prepared is line:
            return first
    heard = await call(
        rt,
        provider.code,
        prepared.order,
        lambda: provider.debit(prepared, moment),
        provider.read_debited,
    )
    memory = {**prepared.order.memory, **heard.finding.memory}
    return replace(heard, finding=replace(heard.finding, memory=memory))
