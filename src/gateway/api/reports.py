"""Reports over HTTP: who pays electronically, how a pilot stands, and files to recompute it from.

For the biller's own key with the scope `reports`; nothing here is about one customer.
"""

import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field, StringConstraints
from starlette.background import BackgroundTask

from gateway.api import report_answers as answers
from gateway.api import report_models as models
from gateway.api.exchange import Answered, asked_of, caller_of, response_of, runtime_of
from gateway.api.fields import BillerCode, Period
from gateway.api.openapi import described
from gateway.api.reading import Strict, read_query
from gateway.domain.biller import Channel
from gateway.domain.partner import Caller, Scope
from gateway.flows import adoption, exports
from gateway.flows.access import own_biller
from gateway.flows.adoption import Wanted
from gateway.kit.spreadsheet import MEDIA_TYPES, SUFFIXES, Form
from gateway.runtime import Runtime
from gateway.store.rolling import FIRST_MONTH, LAST_MONTH

Query = TypeVar("Query", bound=Strict)
router = APIRouter(prefix="/v1/reports", tags=["reports"])

Area = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,5}$")]
PilotCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
Segment = Literal["household", "public_employee", "business"]


class AdoptionQuery(Strict):
    """Which figures to read."""

    biller: BillerCode
    from_month: Period | None = Field(default=None, description="Inclusive")
    to_month: Period | None = Field(default=None, description="Inclusive")
    area: Area | None = Field(default=None, description="A unit of 2019, by its code")
    segment: Segment | None = None
    channel: Channel | Literal["unsettled"] | None = None


class CashQuery(Strict):
    """Which months, where, and of whom."""

    biller: BillerCode
    from_month: Period | None = Field(default=None, description="Inclusive")
    to_month: Period | None = Field(default=None, description="Inclusive")
    area: Area | None = Field(default=None, description="A unit of 2019, by its code")
    segment: Segment | None = None


class PilotQuery(Strict):
    """Which pilot."""

    biller: BillerCode
    pilot: PilotCode


class AgenciesQuery(Strict):
    """Which month's agencies."""

    biller: BillerCode
    month: Period | None = Field(default=None, description="None: the last complete one")


class ExportQuery(Strict):
    """What to export, and as what."""

    biller: BillerCode
    pilot: PilotCode
    month: Period | None = Field(default=None, description="None: the last complete one")
    format: Form = Form.XLSX


@router.get(
    "/adoption",
    summary="Electronic payers by month, area, segment and channel",
    **described(answer=models.Adoption, query=AdoptionQuery, errors=("biller_unknown",)),
)
async def get_adoption(request: Request) -> Response:
    """Read what was counted: each month's customers by their way to pay, bills and value.

    `customers` have one way a month, so they add up over channels, segments and areas; `bills` and
    `amount_dong` are by each bill's own channel. `unsettled` is what is not paid yet.
    """
    rt, caller, query = await _begin(request, AdoptionQuery)
    biller = own_biller(rt, caller, query.biller)
    wanted = _wanted(query, query.channel)
    cells = await adoption.read_cells(rt, biller, wanted)
    rolled = await adoption.read_rolled(rt, biller)
    return _answer(answers.adoption(cells, rolled))


@router.get(
    "/pilot",
    summary="Are we going to reach the target?",
    **described(
        answer=models.PilotStanding, query=PilotQuery, errors=("biller_unknown", "pilot_unknown")
    ),
)
async def get_pilot(request: Request) -> Response:
    """Read how a pilot stands against its target: as a whole, by area, and against comparison."""
    rt, caller, query = await _begin(request, PilotQuery)
    biller = own_biller(rt, caller, query.biller)
    return _answer(answers.standing(await adoption.read_pilot(rt, biller, query.pilot)))


@router.get(
    "/forecast",
    summary="Electronic payers to come, with an interval",
    **described(
        answer=models.Forecasts, query=PilotQuery, errors=("biller_unknown", "pilot_unknown")
    ),
)
async def get_forecast(request: Request) -> Response:
    """Read the forecast of a pilot's areas up to its last month; the method is in docs/pilot.md."""
    rt, caller, query = await _begin(request, PilotQuery)
    biller = own_biller(rt, caller, query.biller)
    return _answer(answers.forecasts(await adoption.read_pilot(rt, biller, query.pilot)))


@router.get(
    "/agencies",
    summary="How the people of each agency pay",
    **described(answer=models.Agencies, query=AgenciesQuery, errors=("biller_unknown",)),
)
async def get_agencies(request: Request) -> Response:
    """Read a month's agencies, the highest share of electronic payers first."""
    rt, caller, query = await _begin(request, AgenciesQuery)
    biller = own_biller(rt, caller, query.biller)
    found = await adoption.read_agencies(rt, biller, _first_day(query.month))
    return _answer(answers.agencies(found))


@router.get(
    "/cash",
    summary="How cash fades, by month",
    **described(answer=models.Cash, query=CashQuery, errors=("biller_unknown",)),
)
async def get_cash(request: Request) -> Response:
    """Read who still pays in cash each month, and how many came back to it."""
    rt, caller, query = await _begin(request, CashQuery)
    biller = own_biller(rt, caller, query.biller)
    wanted = _wanted(query)
    return _answer(answers.cash(await adoption.read_months(rt, biller, wanted)))


@router.get(
    "/export",
    summary="A month's figures with raw rows, to recompute them",
    response_class=FileResponse,
    **described(
        answer=None,
        query=ExportQuery,
        files=MEDIA_TYPES.values(),
        errors=("biller_unknown", "pilot_unknown", "nothing_to_export"),
    ),
)
async def get_export(request: Request) -> Response:
    """Download a workbook (`xlsx`), or CSV files in a ZIP (`csv`).

    It holds definitions, method, figures, history, targets, forecast, and one raw row a bill with
    a customer's number that holds in this file alone; `sandbox/recompute.py` counts it again.
    """
    rt, caller, query = await _begin(request, ExportQuery)
    biller = own_biller(rt, caller, query.biller)
    folder = tempfile.TemporaryDirectory(prefix="gateway-export-")
    path = Path(folder.name) / f"adoption{SUFFIXES[query.format]}"
    wanted = exports.Wanted(query.pilot, _first_day(query.month), query.format)
    try:
        done = await exports.write(rt, biller, wanted, path, actor=caller.partner.code)
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[query.format],
        filename=f"{query.pilot}-{done.month:%Y-%m}{SUFFIXES[query.format]}",
        headers={"cache-control": "no-store"},
        background=BackgroundTask(folder.cleanup),
    )


async def _begin(request: Request, model: type[Query]) -> tuple[Runtime, Caller, Query]:
    """Say who asks, then read what is asked: nobody learns the form of it without a key."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.REPORTS)
    return rt, caller, read_query(model, asked.query_pairs())


def _wanted(query: AdoptionQuery | CashQuery, channel: str | None = None) -> Wanted:
    return Wanted(
        first=_first_day(query.from_month) or FIRST_MONTH,
        last=_first_day(query.to_month) or LAST_MONTH,
        areas=None if query.area is None else [query.area],
        segment=query.segment,
        channel=channel,
    )


def _first_day(period: str | None) -> date | None:
    return None if period is None else date(int(period[:4]), int(period[5:]), 1)


def _answer(out: BaseModel) -> Response:
    return response_of(Answered(200, out.model_dump_json().encode()))
