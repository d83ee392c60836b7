"""Hand-over lists over HTTP: given to collectors, filled with receipts, closed at the day's end."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.api.exchange import Answered, Asked, asked_of, caller_of, response_of, runtime_of
from gateway.api.hand_over_models import (
    DayCloseIn,
    DepositIn,
    DepositOut,
    HandOverListHead,
    HandOverListOut,
    HandOverListPage,
    ListQuery,
    NewHandOverList,
    ReceiptUpload,
    UploadOut,
    head_of,
    write_list,
    write_upload,
)
from gateway.api.keyed import answered, keyed_by, read_key
from gateway.api.openapi import described
from gateway.api.reading import read_model, read_query
from gateway.domain.cash_refusals import ListNotFound
from gateway.domain.clock import to_text
from gateway.domain.errors import CursorInvalid
from gateway.domain.ids import from_public, to_public
from gateway.domain.partner import Caller, Scope
from gateway.flows import day_close, field_cash
from gateway.flows import hand_over_lists as flow
from gateway.runtime import Runtime

router = APIRouter(prefix="/v1", tags=["field cash"])
CREATE = "create_hand_over_list"
UPLOAD = "upload_receipts"


@router.post(
    "/hand-over-lists",
    summary="Hand over bills to a collector",
    **described(
        answer=HandOverListOut,
        status=201,
        body=NewHandOverList,
        errors=(
            "collector_unknown",
            "new_lists_ended",
            "nothing_to_hand_over",
            "channel_not_allowed",
        ),
        is_idempotent=True,
    ),
)
async def create_hand_over_list(request: Request) -> Response:
    """Give open bills of an area to a collector, within the caps; each stands on one live list."""
    rt, asked, caller = await _enter(request)
    key = read_key(asked)
    body = read_model(NewHandOverList, asked.body, asked.headers.get("content-type"))
    customers = None if body.customer_codes is None else tuple(body.customer_codes)
    wanted = flow.NewList(
        collector=body.collector,
        area_code=body.area_code,
        book_code=body.book_code,
        valid_until=datetime.fromisoformat(body.valid_until),
        customers=customers,
        keyed=keyed_by(caller, CREATE, key, body.model_dump(), asked.request_id),
        write=write_list,
    )
    return response_of(answered(await flow.create(rt, caller, wanted)))


@router.get(
    "/hand-over-lists",
    summary="List hand-over lists",
    **described(answer=HandOverListPage, query=ListQuery, errors=("cursor_invalid",)),
)
async def list_hand_over_lists(request: Request) -> Response:
    """List what was handed to your collectors, the newest first."""
    rt, asked, caller = await _enter(request)
    query = read_query(ListQuery, asked.query_pairs())
    before = None if query.cursor is None else from_public(flow.PREFIX, query.cursor)
    if query.cursor is not None and before is None:
        raise CursorInvalid
    rows, has_more = await flow.page(rt, caller, query.collector, before, query.limit)
    out = HandOverListPage(
        data=[HandOverListHead.model_validate(head_of(row)) for row in rows],
        next_cursor=to_public(flow.PREFIX, rows[-1].id) if has_more else None,
    )
    return response_of(Answered(200, out.model_dump_json().encode()))


@router.get(
    "/hand-over-lists/{list_id}",
    summary="Read a hand-over list",
    **described(answer=HandOverListOut, errors=("hand_over_list_not_found",)),
)
async def get_hand_over_list(list_id: str, request: Request) -> Response:
    """Read a list with its bills and the receipts that came."""
    rt, _, caller = await _enter(request)
    found = await flow.read(rt, caller, _id_of(list_id))
    return response_of(Answered(200, write_list(found).encode()))


@router.post(
    "/hand-over-lists/{list_id}/receipts",
    summary="Upload receipts",
    **described(
        answer=UploadOut,
        body=ReceiptUpload,
        errors=("hand_over_list_not_found", "device_unknown"),
        is_idempotent=True,
    ),
)
async def upload_receipts(list_id: str, request: Request) -> Response:
    """Take a device's receipts; each line says what became of its cash, which is never refused."""
    rt, asked, caller = await _enter(request)
    key = read_key(asked)
    named = _id_of(list_id)
    body = read_model(ReceiptUpload, asked.body, asked.headers.get("content-type"))
    fields = {"list_id": list_id} | body.model_dump()
    wanted = field_cash.Upload(
        list_id=named,
        key_id=body.device,
        receipts=[receipt.receipt() for receipt in body.receipts],
        keyed=keyed_by(caller, UPLOAD, key, fields, asked.request_id),
        write=write_upload,
    )
    return response_of(answered(await field_cash.upload(rt, caller, wanted)))


@router.post(
    "/hand-over-lists/{list_id}/close",
    summary="Close a hand-over list",
    **described(
        answer=HandOverListHead,
        body=DayCloseIn,
        errors=("hand_over_list_not_found", "hand_over_list_closed", "deposit_reference_used"),
    ),
)
async def close_hand_over_list(list_id: str, request: Request) -> Response:
    """Close a list with the cash that was counted; safe to repeat with the same figures."""
    rt, asked, caller = await _enter(request)
    named = _id_of(list_id)
    body = read_model(DayCloseIn, asked.body, asked.headers.get("content-type"))
    wanted = day_close.DayClose(named, body.cash_total_dong, body.deposited_ref)
    row = await day_close.close(rt, caller.partner.id, wanted)
    out = HandOverListHead.model_validate(head_of(row))
    return response_of(Answered(200, out.model_dump_json().encode()))


@router.post(
    "/cash-deposits",
    summary="Report cash that was paid in",
    **described(
        answer=DepositOut,
        body=DepositIn,
        errors=("collector_unknown", "deposit_reference_used"),
    ),
)
async def create_cash_deposit(request: Request) -> Response:
    """Book cash that a collector has paid in, once for its slip."""
    rt, asked, caller = await _enter(request)
    body = read_model(DepositIn, asked.body, asked.headers.get("content-type"))
    wanted = day_close.PayingIn(body.collector, body.reference, body.amount_dong)
    made = await day_close.pay_in(rt, caller, wanted)
    out = DepositOut(
        id=to_public("dep", made.id),
        collector=body.collector,
        reference=made.reference,
        amount_dong=made.amount_dong,
        deposited_at=to_text(made.deposited_at),
    )
    return response_of(Answered(200, out.model_dump_json().encode()))


async def _enter(request: Request) -> tuple[Runtime, Asked, Caller]:
    rt, asked = runtime_of(request), await asked_of(request)
    return rt, asked, await caller_of(rt, asked, Scope.CASH)


def _id_of(text: str) -> UUID:
    found = from_public(flow.PREFIX, text)
    if found is None:
        raise ListNotFound(text[:64])
    return found
