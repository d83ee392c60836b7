"""Debit runs over HTTP: read alone; they are prepared and sent by command (`gateway debit-run`)."""

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.api.exchange import Answered, asked_of, caller_of, response_of, runtime_of
from gateway.api.mandate_models import (
    DebitLinesQuery,
    DebitRun,
    DebitRunPage,
    DebitRunQuery,
    debit_facts,
    run_facts,
)
from gateway.api.openapi import described
from gateway.api.reading import read_query
from gateway.domain.errors import CursorInvalid
from gateway.domain.ids import from_public, to_public
from gateway.domain.mandate_refusals import DebitRunNotFound
from gateway.domain.partner import Scope
from gateway.flows import debit_reports

router = APIRouter(prefix="/v1", tags=["mandates"])
RUNS, LINES = 50, 100


@router.get(
    "/debit-runs",
    summary="List debit runs",
    **described(answer=DebitRunPage, query=DebitRunQuery),
)
async def list_runs(request: Request) -> Response:
    """List the runs of your own bills with their sums, the newest day first."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.READ)
    query = read_query(DebitRunQuery, asked.query_pairs())
    found = await debit_reports.runs(rt, caller, provider=query.provider, day=query.day, limit=RUNS)
    body = {"data": [run_facts(row) for row in found]}
    return response_of(Answered(200, orjson.dumps(body)))


@router.get(
    "/debit-runs/{run_id}",
    summary="Read a debit run",
    **described(
        answer=DebitRun, query=DebitLinesQuery, errors=("debit_run_not_found", "cursor_invalid")
    ),
)
async def get_run(run_id: str, request: Request) -> Response:
    """Read a run of your own bills with a page of its debits."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.READ)
    query = read_query(DebitLinesQuery, asked.query_pairs())
    after = None if query.cursor is None else from_public("dbt", query.cursor)
    if query.cursor is not None and after is None:
        raise CursorInvalid
    named = from_public("run", run_id)
    if named is None:
        raise DebitRunNotFound(run_id[:64])
    row, debits = await debit_reports.run(rt, caller, named, after=after, limit=LINES + 1)
    cursor = to_public("dbt", debits[LINES - 1].id) if len(debits) > LINES else None
    lines = [debit_facts(debit) for debit in debits[:LINES]]
    body = run_facts(row) | {"lines": lines, "next_cursor": cursor}
    return response_of(Answered(200, orjson.dumps(body)))
