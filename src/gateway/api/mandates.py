"""Mandates over HTTP: give a permission, confirm it, pause it, end it; and the runs drawn on them.

A mandate needs no idempotency key: a customer has one live mandate, and the same request again
answers with the one that is there.
"""

from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.api.exchange import Answered, Asked, asked_of, caller_of, response_of, runtime_of
from gateway.api.mandate_models import (
    Mandate,
    MandatePage,
    MandateQuery,
    MandateRequest,
    OtpRequest,
    ReasonRequest,
    mandate_facts,
)
from gateway.api.openapi import described
from gateway.api.reading import read_model, read_query
from gateway.domain.errors import CursorInvalid
from gateway.domain.ids import from_public, to_public
from gateway.domain.mandate import Account, Change, Consent, Terms
from gateway.domain.mandate_refusals import MandateNotFound
from gateway.domain.partner import Caller, Scope
from gateway.flows import mandates, registering
from gateway.kit.messages import NextAction
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import mandates as store
from gateway.store.mandates import MandateRow

router = APIRouter(prefix="/v1", tags=["mandates"])
PAGE = 50
CHANGED = ("mandate_not_found", "mandate_not_changeable")


@router.post(
    "/mandates",
    summary="Give a permission to debit",
    **described(
        answer=Mandate,
        status=201,
        body=MandateRequest,
        errors=(
            *("biller_unknown", "customer_code_invalid", "customer_unknown"),
            *("mandate_exists", "provider_not_offered"),
        ),
    ),
)
async def post_mandate(request: Request) -> Response:
    """Register a payer's permission with its consent; the bank then asks the payer to confirm.

    The same request again gives the mandate that is there, and tells a bank that did not answer
    the first time.
    """
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.PAY)
    body = read_model(MandateRequest, asked.body, asked.headers.get("content-type"))
    row, _ = await mandates.create(rt, caller.partner.id, _new(body))
    action = None
    if row.registered_at is None:
        registered = await registering.register(rt, row)
        row, action = registered.row, registered.action
    return response_of(_answer(rt, row, status=201, action=action))


@router.get(
    "/mandates",
    summary="List mandates",
    **described(answer=MandatePage, query=MandateQuery, errors=("cursor_invalid",)),
)
async def list_mandates(request: Request) -> Response:
    """List the mandates that you made, or all of your own bills, newest first."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.READ)
    query = read_query(MandateQuery, asked.query_pairs())
    before = None if query.cursor is None else from_public("mdt", query.cursor)
    if query.cursor is not None and before is None:
        raise CursorInvalid
    owner = caller.partner.biller_id
    wanted = store.Filter(
        biller_ids=rt.directory.biller_ids if owner is None else [owner],
        partner_id=caller.partner.id if owner is None else None,
        before=before,
        customer_code=query.customer_code,
        state=query.state,
        limit=PAGE + 1,
    )
    async with database.borrow(rt.pool) as connection:
        rows = await store.find(connection, wanted)
    page = [_facts(rt, row) for row in rows[:PAGE]]
    cursor = to_public("mdt", rows[PAGE - 1].id) if len(rows) > PAGE else None
    return response_of(Answered(200, orjson.dumps({"data": page, "next_cursor": cursor})))


@router.get(
    "/mandates/{mandate_id}",
    summary="Read a mandate",
    **described(answer=Mandate, errors=("mandate_not_found",)),
)
async def get_mandate(mandate_id: str, request: Request) -> Response:
    """Read a mandate with every change and who made it."""
    rt, asked = runtime_of(request), await asked_of(request)
    row = await _row_of(rt, await caller_of(rt, asked, Scope.READ), mandate_id)
    async with database.borrow(rt.pool) as connection:
        changes = await store.events_of(connection, row)
    return response_of(Answered(200, orjson.dumps(_facts(rt, row, changes=changes))))


@router.post(
    "/mandates/{mandate_id}/confirm",
    summary="Confirm with the one-time password",
    **described(answer=Mandate, body=OtpRequest, errors=(*CHANGED, "otp_refused")),
)
async def confirm_mandate(mandate_id: str, request: Request) -> Response:
    """Hand the password that the payer received to the bank; `state` says what became of it."""
    rt, asked = runtime_of(request), await asked_of(request)
    row = await _mine(rt, asked, mandate_id)
    body = read_model(OtpRequest, asked.body, asked.headers.get("content-type"))
    return response_of(_answer(rt, await registering.confirm(rt, row, body.otp)))


@router.post(
    "/mandates/{mandate_id}/suspend",
    summary="Pause a mandate",
    **described(answer=Mandate, body=ReasonRequest, errors=CHANGED),
)
async def suspend_mandate(mandate_id: str, request: Request) -> Response:
    """Draw nothing more until it is resumed; what is on its way to the bank still comes."""
    return await _change(mandate_id, request, Change.SUSPEND)


@router.post(
    "/mandates/{mandate_id}/resume",
    summary="Resume a paused mandate",
    **described(answer=Mandate, body=ReasonRequest, errors=CHANGED),
)
async def resume_mandate(mandate_id: str, request: Request) -> Response:
    """Let debits be drawn again."""
    return await _change(mandate_id, request, Change.RESUME)


@router.post(
    "/mandates/{mandate_id}/cancel",
    summary="End a mandate",
    **described(answer=Mandate, body=ReasonRequest, errors=CHANGED),
)
async def cancel_mandate(mandate_id: str, request: Request) -> Response:
    """End a permission for good, here at once and then at the bank; again tells the bank again."""
    rt, asked = runtime_of(request), await asked_of(request)
    row = await _mine(rt, asked, mandate_id)
    body = read_model(ReasonRequest, asked.body, asked.headers.get("content-type"))
    changed = await registering.cancel(rt, row, origin="partner", reason=body.reason)
    return response_of(_answer(rt, changed))


async def _change(mandate_id: str, request: Request, what: Change) -> Response:
    rt, asked = runtime_of(request), await asked_of(request)
    row = await _mine(rt, asked, mandate_id)
    body = read_model(ReasonRequest, asked.body, asked.headers.get("content-type"))
    changed = await mandates.change(rt, row, what, origin="partner", reason=body.reason)
    return response_of(_answer(rt, changed))


async def _mine(rt: Runtime, asked: Asked, mandate_id: str) -> MandateRow:
    return await _row_of(rt, await caller_of(rt, asked, Scope.PAY), mandate_id)


async def _row_of(rt: Runtime, caller: Caller, text: str) -> MandateRow:
    mandate_id: UUID | None = from_public("mdt", text)
    if mandate_id is None:
        raise MandateNotFound(text[:64])
    return await mandates.read(rt, caller, mandate_id)


def _new(body: MandateRequest) -> mandates.NewMandate:
    account, consent = body.account, body.consent
    return mandates.NewMandate(
        biller=body.biller,
        customer_code=body.customer_code,
        provider=body.provider,
        bank=body.bank,
        account=Account(account.number, account.name, account.id_no, account.phone),
        terms=Terms(
            body.max_debit_dong,
            body.max_month_dong,
            body.day_of_month,
            body.retry_days,
            body.starts_on,
            body.ends_on,
        ),
        consent=Consent(
            consent.given_by,
            consent.given_at,
            consent.channel,
            consent.text_version,
            consent.text,
            consent.evidence,
        ),
    )


def _answer(
    rt: Runtime, row: MandateRow, *, status: int = 200, action: NextAction | None = None
) -> Answered:
    return Answered(status, orjson.dumps(_facts(rt, row, action=action)))


def _facts(
    rt: Runtime,
    row: MandateRow,
    *,
    action: NextAction | None = None,
    changes: list[store.EventRow] | None = None,
) -> dict[str, Any]:
    partner = rt.directory.partners_by_id.get(row.partner_id)
    return mandate_facts(
        row,
        biller=rt.directory.billers_by_id[row.biller_id].code,
        partner=partner.code if partner else "",
        action=action,
        changes=changes,
    )
