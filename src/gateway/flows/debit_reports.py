"""Debit runs as they are read: by operators, and by the partners and billers that they concern."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import orjson

from gateway.domain.ids import to_public
from gateway.domain.mandate_refusals import DebitRunNotFound
from gateway.domain.partner import Caller
from gateway.flows.access import find_biller
from gateway.runtime import Runtime
from gateway.store import database, debit_results
from gateway.store.debit_results import DebitRow, RunRow

SHOWN_MAX = 20


async def runs(
    rt: Runtime, caller: Caller, *, provider: str | None, day: date | None, limit: int
) -> list[RunRow]:
    """Read the runs of the biller whose own system the caller is, the newest day first."""
    async with database.borrow(rt.pool) as connection:
        return await debit_results.runs(
            connection, _billers(caller), provider=provider, day=day, limit=limit
        )


async def run(
    rt: Runtime, caller: Caller, run_id: UUID, *, after: UUID | None, limit: int
) -> tuple[RunRow, list[DebitRow]]:
    """Read one run with a page of its debits.

    Raises:
        DebitRunNotFound: the caller is not the biller's own system, or there is none.
    """
    async with database.borrow(rt.pool) as connection:
        found = await debit_results.runs(connection, _billers(caller), run_id=run_id)
        if not found:
            raise DebitRunNotFound(to_public("run", run_id))
        debits = await debit_results.of_run(connection, found[0].biller_id, run_id, after, limit)
    return found[0], debits


def _billers(caller: Caller) -> Sequence[int]:
    return [] if caller.partner.biller_id is None else [caller.partner.biller_id]


async def report(rt: Runtime, biller_code: str, provider: str, day: date) -> list[str]:
    """Say how a day's run stands: sums by state, and the debits that did not settle."""
    biller = find_biller(rt, biller_code)
    async with database.borrow(rt.pool) as connection:
        found = await debit_results.runs(connection, [biller.id], provider=provider, day=day)
        if not found:
            return [f"no run of {biller_code} at {provider} on {day}"]
        debits = await debit_results.of_run(connection, biller.id, found[0].id, None, 10_000)
    row = found[0]
    state = "completed" if row.completed_at else "open"
    lines = [f"{to_public('run', row.id)} {row.day} {row.provider}: {state}"]
    for name, sums in sorted(orjson.loads(row.sums).items()):
        lines.append(f"  {name}: {sums['count']} debits, {sums['amount_dong']} đồng")
    others = [debit for debit in debits if debit.state != "settled"]
    lines += [
        f"  {debit.customer_code} {debit.bill_id}: {debit.state} {debit.reason}".rstrip()
        + (f", due {debit.due_on}" if debit.state == "planned" else "")
        for debit in others[:SHOWN_MAX]
    ]
    return lines
