"""Money in suspense and refunds that are due, for the biller whose bills they were meant for."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, StringConstraints

from gateway.api.exchange import Answered, asked_of, caller_of, response_of, runtime_of
from gateway.api.fields import CustomerCode, Flag, Limit
from gateway.api.openapi import described
from gateway.api.reading import Strict, read_query
from gateway.domain.clock import business_date, to_text
from gateway.domain.errors import CursorInvalid, ScopeMissing
from gateway.domain.ids import from_public, to_public
from gateway.domain.partner import Caller, Scope
from gateway.domain.suspense import ClosedAs, GoesTo, Reason, age_band
from gateway.flows import suspense as flow
from gateway.store.suspense import LineRow
from gateway.store.suspense_lists import Filter, InstructionRow

router = APIRouter(prefix="/v1", tags=["money in suspense"])

Cursor = Annotated[str, StringConstraints(max_length=64)]


class SuspenseQuery(Strict):
    """Which lines to list; without `with_closed`, only money that stands in suspense now."""

    reason: Reason | None = None
    customer_code: CustomerCode | None = None
    owner: Literal["accounting", "operations"] | None = None
    with_closed: Flag = False
    cursor: Cursor | None = None
    limit: Limit = 20


class SuspenseLine(BaseModel):
    """Money that pays no bill yet, and who looks after it."""

    id: str
    amount_dong: int
    missing_dong: int = Field(description="What would complete it: underpaid by so much")
    reason: Reason
    customer_code: str | None
    payment_id: str | None = Field(description="The payment that it was meant for, if any")
    owner: str
    next_action: str
    due_on: date
    opened_at: str
    age_days: Literal["0-1", "2-7", "8-30", ">30"] | None = Field(description="While it is open")
    closed_as: ClosedAs | None
    paid_payment_id: str | None = Field(description="The payment that it has made since")


class SuspensePage(BaseModel):
    """A page of lines, the newest first."""

    data: list[SuspenseLine]
    next_cursor: str | None


class RefundQuery(Strict):
    """Which refunds to list."""

    state: Literal["due", "done", "withdrawn"] | None = None
    cursor: Cursor | None = None
    limit: Limit = 20


class RefundInstruction(BaseModel):
    """Money that is to go back to its payer; one for each movement."""

    id: str
    suspense_id: str
    amount_dong: int
    goes_to: GoesTo
    reference: str | None = Field(description="The order, or the bank's number of the transfer")
    state: Literal["due", "done", "withdrawn"]
    due_on: date
    created_at: str


class RefundPage(BaseModel):
    """A page of refunds, the newest first."""

    data: list[RefundInstruction]
    next_cursor: str | None


@router.get(
    "/suspense",
    summary="List money that pays no bill yet",
    **described(answer=SuspensePage, query=SuspenseQuery, errors=("cursor_invalid",)),
)
async def list_suspense(request: Request) -> Response:
    """List money in suspense that came for your bills. Only for a biller's own system."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.BILLS)
    query = read_query(SuspenseQuery, asked.query_pairs())
    wanted = Filter(
        biller_id=_own_biller(caller),
        with_closed=query.with_closed,
        reason=query.reason,
        customer_code=query.customer_code,
        owner=query.owner,
        before=_before("sus", query.cursor),
        limit=query.limit,
    )
    page, has_more = await flow.list_lines(rt, wanted)
    today = business_date(rt.clock.now())
    cursor = to_public("sus", page[-1].id) if has_more else None
    out = SuspensePage(data=[_line(row, today) for row in page], next_cursor=cursor)
    return response_of(Answered(200, out.model_dump_json().encode()))


@router.get(
    "/refund-instructions",
    summary="List refunds that are due",
    **described(answer=RefundPage, query=RefundQuery, errors=("cursor_invalid",)),
)
async def list_refund_instructions(request: Request) -> Response:
    """List refunds of money that came for your bills. Only for a biller's own system."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.BILLS)
    query = read_query(RefundQuery, asked.query_pairs())
    page, has_more = await flow.list_instructions(
        rt, _own_biller(caller), query.state, _before("rfi", query.cursor), query.limit
    )
    cursor = to_public("rfi", page[-1].id) if has_more else None
    out = RefundPage(data=[_instruction(row) for row in page], next_cursor=cursor)
    return response_of(Answered(200, out.model_dump_json().encode()))


def _own_biller(caller: Caller) -> int:
    if caller.partner.biller_id is None:
        raise ScopeMissing(Scope.BILLS)
    return caller.partner.biller_id


def _before(prefix: str, cursor: str | None) -> UUID | None:
    before = None if cursor is None else from_public(prefix, cursor)
    if cursor is not None and before is None:
        raise CursorInvalid
    return before


def _line(row: LineRow, today: date) -> SuspenseLine:
    age = age_band((today - business_date(row.opened_at)).days) if row.closed_at is None else None
    return SuspenseLine.model_validate(
        {
            "id": to_public("sus", row.id),
            "amount_dong": row.amount_dong,
            "missing_dong": row.missing_dong,
            "reason": row.reason,
            "customer_code": row.customer_code,
            "payment_id": _payment(row.payment_id),
            "owner": row.owner,
            "next_action": row.next_action,
            "due_on": row.due_on,
            "opened_at": to_text(row.opened_at),
            "age_days": age,
            "closed_as": row.closed_as,
            "paid_payment_id": _payment(row.paid_payment_id),
        }
    )


def _instruction(row: InstructionRow) -> RefundInstruction:
    return RefundInstruction.model_validate(
        {
            "id": to_public("rfi", row.id),
            "suspense_id": to_public("sus", row.suspense_id),
            "amount_dong": row.amount_dong,
            "goes_to": row.goes_to,
            "reference": row.reference,
            "state": row.state,
            "due_on": row.due_on,
            "created_at": to_text(row.created_at),
        }
    )


def _payment(payment_id: UUID | None) -> str | None:
    return None if payment_id is None else to_public("pay", payment_id)
