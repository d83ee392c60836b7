"""A biller's own bills and customers over HTTP: write, cancel, read, list."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, StringConstraints, model_validator

from gateway.api import examples
from gateway.api.exchange import Answered, asked_of, caller_of, response_of, runtime_of
from gateway.api.fields import BILL_ID, AmountDong, BillId, CustomerCode, Day, Dong, Limit, Period
from gateway.api.openapi import described
from gateway.api.reading import PlainText, Strict, read_model, read_query
from gateway.domain.clock import to_text
from gateway.domain.ids import to_public
from gateway.domain.partner import Scope
from gateway.domain.payment import BillStatus
from gateway.domain.receipt import period_text
from gateway.domain.refusals import BillNotFound
from gateway.flows import bills as flow
from gateway.store.bills import Bill, Filter, NewBill
from gateway.store.customers import NewCustomer

router = APIRouter(prefix="/v1/billers/{biller}", tags=["a biller's own bills"])

LINES_MAX = 1_000


class BillIn(Strict):
    """A bill as the biller's billing system sends it."""

    id: BillId = Field(description="Your own number of the bill; it names the bill for ever")
    customer_code: CustomerCode
    period: Period
    kwh: Annotated[int, Field(ge=0, le=10**9)] | None = None
    net_dong: Dong
    vat_dong: Dong
    amount_dong: AmountDong = Field(description="net_dong + vat_dong")
    issued_on: Day
    due_on: Day

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.net_dong + self.vat_dong != self.amount_dong:
            msg = "amount_dong is not net_dong + vat_dong"
            raise ValueError(msg)
        return self


class BillsRequest(Strict):
    """Bills to write; a line that cannot be kept is refused alone."""

    bills: list[BillIn] = Field(min_length=1, max_length=LINES_MAX)


class CustomerIn(Strict):
    """A customer as the biller's billing system sends it."""

    code: CustomerCode
    name: PlainText
    address: PlainText
    area_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,5}$")]
    segment: Literal["household", "public_employee", "business"]
    agency: PlainText | None = None


class CustomersRequest(Strict):
    """Customers to write."""

    customers: list[CustomerIn] = Field(min_length=1, max_length=LINES_MAX)


class LineRefused(BaseModel):
    """A line that was not kept."""

    index: int = Field(description="Position in the request, from 0")
    id: str
    code: str
    message: str


class BulkOut(BaseModel):
    """What became of the lines."""

    written: int = Field(description="New or changed")
    unchanged: int
    refused: list[LineRefused]


class BillOut(BaseModel):
    """A bill as it stands."""

    id: str
    customer_code: str
    period: Period
    kwh: int | None
    net_dong: int
    vat_dong: int
    amount_dong: int
    paid_dong: int
    issued_on: date
    due_on: date
    status: BillStatus
    payment_id: str | None = Field(description="The latest payment that holds the bill")
    updated_at: str


class BillPage(BaseModel):
    """A page of bills in the order of their ids."""

    data: list[BillOut]
    next_cursor: str | None


class BillQuery(Strict):
    """Which bills to list."""

    customer_code: CustomerCode | None = None
    status: BillStatus | None = None
    period: Period | None = None
    cursor: BillId | None = None
    limit: Limit = 20


@router.put(
    "/bills",
    summary="Write bills, up to 1,000 a call",
    **described(
        answer=BulkOut, body=BillsRequest, errors=("biller_unknown",), examples=examples.BILLS
    ),
)
async def put_bills(biller: str, request: Request) -> Response:
    """Write your bills. Safe to repeat: an equal line is `unchanged`.

    A new bill is open. An open bill without payments takes the new facts; a paid or cancelled one
    is refused. A million at once: `gateway bills import`.
    """
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.BILLS)
    body = read_model(BillsRequest, asked.body, asked.headers.get("content-type"))
    result = await flow.write_bills(rt, caller, biller, [_new_bill(line) for line in body.bills])
    return _bulk(result)


@router.put(
    "/customers",
    summary="Write customers, up to 1,000 a call",
    **described(
        answer=BulkOut,
        body=CustomersRequest,
        errors=("biller_unknown",),
        examples=examples.CUSTOMERS,
    ),
)
async def put_customers(biller: str, request: Request) -> Response:
    """Write your customers; a bill needs its customer first. Safe to repeat."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.BILLS)
    body = read_model(CustomersRequest, asked.body, asked.headers.get("content-type"))
    customers = [NewCustomer(**line.model_dump()) for line in body.customers]
    return _bulk(await flow.write_customers(rt, caller, biller, customers))


@router.get(
    "/bills",
    summary="List your bills",
    **described(answer=BillPage, query=BillQuery, errors=("biller_unknown",)),
)
async def list_bills(biller: str, request: Request) -> Response:
    """List your bills in the order of their ids."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.BILLS)
    query = read_query(BillQuery, asked.query_pairs())
    wanted = Filter(
        customer_code=query.customer_code,
        status=query.status,
        period=None if query.period is None else _first_day(query.period),
        after=query.cursor,
        limit=query.limit,
    )
    page, has_more = await flow.list_bills(rt, caller, biller, wanted)
    out = BillPage(
        data=[_out(bill) for bill in page], next_cursor=page[-1].id if has_more else None
    )
    return response_of(Answered(200, out.model_dump_json().encode()))


@router.get(
    "/bills/{bill_id}",
    summary="Read one of your bills",
    **described(answer=BillOut, errors=("biller_unknown", "bill_not_found")),
)
async def get_bill(biller: str, bill_id: str, request: Request) -> Response:
    """Read one of your bills."""
    rt = runtime_of(request)
    caller = await caller_of(rt, await asked_of(request), Scope.BILLS)
    return _one(await flow.read_bill(rt, caller, biller, _bill_id(biller, bill_id)))


@router.post(
    "/bills/{bill_id}/cancel",
    summary="Withdraw one of your bills",
    **described(
        answer=BillOut,
        errors=("biller_unknown", "bill_not_found", "bill_already_paid", "bill_being_paid"),
    ),
)
async def cancel_bill(biller: str, bill_id: str, request: Request) -> Response:
    """Withdraw an open bill; nobody can pay it from then on. Cancelling again answers the same."""
    rt = runtime_of(request)
    caller = await caller_of(rt, await asked_of(request), Scope.BILLS)
    return _one(await flow.cancel_bill(rt, caller, biller, _bill_id(biller, bill_id)))


def _bill_id(biller: str, text: str) -> str:
    if not BILL_ID.fullmatch(text):
        raise BillNotFound(biller[:64], text[:64])
    return text


def _new_bill(line: BillIn) -> NewBill:
    return NewBill(**(line.model_dump() | {"period": _first_day(line.period)}))


def _first_day(period: str) -> date:
    return date(int(period[:4]), int(period[5:]), 1)


def _bulk(result: flow.BulkResult) -> Response:
    refused: Sequence[flow.LineRefusal] = result.refused
    out = BulkOut(
        written=result.written,
        unchanged=result.unchanged,
        refused=[LineRefused(**asdict(line)) for line in refused],
    )
    return response_of(Answered(200, out.model_dump_json().encode()))


def _one(bill: Bill) -> Response:
    return response_of(Answered(200, _out(bill).model_dump_json().encode()))


def _out(bill: Bill) -> BillOut:
    return BillOut(
        id=bill.id,
        customer_code=bill.customer_code,
        period=period_text(bill.period),
        kwh=bill.kwh,
        net_dong=bill.net_dong,
        vat_dong=bill.vat_dong,
        amount_dong=bill.amount_dong,
        paid_dong=bill.paid_dong,
        issued_on=bill.issued_on,
        due_on=bill.due_on,
        status=BillStatus(bill.status),
        payment_id=_payment(bill.claimed_by),
        updated_at=to_text(bill.updated_at),
    )


def _payment(claimed_by: UUID | None) -> str | None:
    return None if claimed_by is None else to_public("pay", claimed_by)
