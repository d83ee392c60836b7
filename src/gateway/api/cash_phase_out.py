"""Cash that fades, over HTTP: schedules, complaints, help, and who still pays cash (masked)."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from gateway.api.cash_models import (
    AssistIn,
    CashPayerPage,
    CashPayerQuery,
    ComplaintIn,
    HelperList,
    HelperOut,
    OptOutIn,
    PauseIn,
    Recorded,
    ScheduleIn,
    ScheduleList,
    ScheduleOut,
    payer_out,
    schedule_out,
)
from gateway.api.exchange import Answered, Asked, asked_of, caller_of, response_of, runtime_of
from gateway.api.openapi import described
from gateway.api.reading import read_model, read_query
from gateway.domain.biller import Biller
from gateway.domain.cash_phase_out import Schedule
from gateway.domain.cash_refusals import ScheduleNotFound
from gateway.domain.clock import business_date
from gateway.domain.errors import ScopeMissing
from gateway.domain.partner import Caller, Scope
from gateway.flows import cash_phase_out as flow
from gateway.flows import outreach
from gateway.runtime import Runtime

router = APIRouter(prefix="/v1/cash-phase-out", tags=["cash phase-out"])


@router.get("/areas", summary="List schedules", **described(answer=ScheduleList))
async def list_schedules(request: Request) -> Response:
    """List the areas where cash fades, and where each stands. For a biller's own system."""
    rt, _, caller = await _enter(request, Scope.READ)
    found = await flow.list_schedules(rt, _own(rt, caller))
    today = business_date(rt.clock.now())
    return _answer(ScheduleList(data=[schedule_out(one, today) for one in found]))


@router.put(
    "/areas/{area}",
    summary="Plan an area",
    **described(answer=ScheduleOut, body=ScheduleIn, errors=("cash_schedule_invalid",)),
)
async def put_schedule(area: str, request: Request) -> Response:
    """Give an area its schedule. For a biller's own system."""
    rt, asked, caller = await _enter(request, Scope.BILLS)
    biller = _own(rt, caller)
    body = read_model(ScheduleIn, asked.body, asked.headers.get("content-type"))
    wanted = Schedule(area[:16], **body.model_dump())
    kept = await flow.put_schedule(rt, biller, wanted, actor=_actor(caller))
    return _answer(_shown(rt, kept))


@router.post(
    "/areas/{area}/pause",
    summary="Pause an area's schedule",
    **described(answer=ScheduleOut, body=PauseIn, errors=("cash_schedule_not_found",)),
)
async def pause_schedule(area: str, request: Request) -> Response:
    """Let a schedule stand still; lists are made as before."""
    rt, asked, caller = await _enter(request, Scope.BILLS)
    biller = _own(rt, caller)
    body = read_model(PauseIn, asked.body, asked.headers.get("content-type"))
    kept = await flow.pause(rt, biller, _area(area), reason=body.reason, actor=_actor(caller))
    return _answer(_shown(rt, kept))


@router.post(
    "/areas/{area}/resume",
    summary="Resume an area's schedule",
    **described(answer=ScheduleOut, errors=("cash_schedule_not_found",)),
)
async def resume_schedule(area: str, request: Request) -> Response:
    """Let a schedule go on; the days to come move by as long as it stood."""
    rt, _, caller = await _enter(request, Scope.BILLS)
    kept = await flow.resume(rt, _own(rt, caller), _area(area), actor=_actor(caller))
    return _answer(_shown(rt, kept))


@router.post(
    "/complaints",
    summary="Record a complaint",
    **described(answer=Recorded, status=201, body=ComplaintIn),
)
async def create_complaint(request: Request) -> Response:
    """Write a complaint down; enough of them pause the area's schedule."""
    rt, asked, caller = await _enter(request, Scope.BILLS)
    biller = _own(rt, caller)
    body = read_model(ComplaintIn, asked.body, asked.headers.get("content-type"))
    await flow.complain(rt, biller, body.area_code, body.words, body.customer_code)
    return _answer(Recorded(), 201)


@router.post(
    "/assists",
    summary="Record help with a first electronic payment",
    **described(
        answer=Recorded,
        status=201,
        body=AssistIn,
        errors=("collector_unknown", "customer_unknown"),
    ),
)
async def create_assist(request: Request) -> Response:
    """Write down whom a collector helped; a first electronic payment within 30 days is theirs."""
    rt, asked, caller = await _enter(request, Scope.CASH)
    body = read_model(AssistIn, asked.body, asked.headers.get("content-type"))
    made = await outreach.assist(rt, caller.partner.id, body.collector, body.customer_code)
    return _answer(Recorded(id=made), 201)


@router.get("/assists", summary="Read what help has brought", **described(answer=HelperList))
async def list_helpers(request: Request) -> Response:
    """Read first electronic payments by the collector who helped. For a biller's own system."""
    rt, _, caller = await _enter(request, Scope.READ)
    found = await outreach.read_credited(rt, _own(rt, caller))
    data = [
        HelperOut(collector=h.collector, assists=h.assists, first_payments=h.first_payments)
        for h in found
    ]
    return _answer(HelperList(data=data))


@router.post(
    "/opt-outs",
    summary="Leave a customer out of campaigns",
    **described(answer=Recorded, status=201, body=OptOutIn, errors=("customer_unknown",)),
)
async def create_opt_out(request: Request) -> Response:
    """Leave a customer out of every campaign from now on."""
    rt, asked, caller = await _enter(request, Scope.OUTREACH)
    biller = _own(rt, caller)
    body = read_model(OptOutIn, asked.body, asked.headers.get("content-type"))
    await outreach.opt_out(rt, biller, body.customer_code, actor=_actor(caller))
    return _answer(Recorded(), 201)


@router.get(
    "/cash-payers",
    summary="List who still pays cash",
    **described(answer=CashPayerPage, query=CashPayerQuery),
)
async def list_cash_payers(request: Request) -> Response:
    """List an area's customers whose newest payment was cash, masked; each read is audited."""
    rt, asked, caller = await _enter(request, Scope.OUTREACH)
    biller = _own(rt, caller)
    query = read_query(CashPayerQuery, asked.query_pairs())
    page = outreach.Page(query.area, query.cursor, query.limit, query.only is not None)
    found, has_more = await outreach.read_page(rt, biller, page, actor=_actor(caller))
    cursor = found[-1].code if has_more else None
    return _answer(CashPayerPage(data=[payer_out(one) for one in found], next_cursor=cursor))


async def _enter(request: Request, scope: Scope) -> tuple[Runtime, Asked, Caller]:
    rt, asked = runtime_of(request), await asked_of(request)
    return rt, asked, await caller_of(rt, asked, scope)


def _own(rt: Runtime, caller: Caller) -> Biller:
    if caller.partner.biller_id is None:
        raise ScopeMissing(Scope.BILLS)
    return rt.directory.billers_by_id[caller.partner.biller_id]


def _area(text: str) -> str:
    if not text.isascii() or not text.isalnum():
        raise ScheduleNotFound(text[:16])
    return text[:16]


def _actor(caller: Caller) -> str:
    return f"{caller.partner.code} {caller.key_prefix}"


def _answer(out: BaseModel, status: int = 200) -> Response:
    return response_of(Answered(status, out.model_dump_json().encode()))


def _shown(rt: Runtime, kept: Schedule) -> ScheduleOut:
    return schedule_out(kept, business_date(rt.clock.now()))
