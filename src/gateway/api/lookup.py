"""The lookup over HTTP: what does this customer owe? The other half of the hot path."""

from datetime import date

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from gateway.api import examples
from gateway.api.exchange import (
    Answered,
    Asked,
    asked_of,
    caller_of,
    response_of,
    runtime_of,
)
from gateway.api.fields import BillerCode, CustomerCode
from gateway.api.openapi import described
from gateway.api.reading import Strict, read_query
from gateway.domain.biller import AmountRule
from gateway.domain.masking import mask_address, mask_name
from gateway.domain.partner import Scope
from gateway.domain.receipt import period_text
from gateway.flows.bills import Lookup, look_up_bills
from gateway.runtime import Runtime
from gateway.store.bills import OpenBill

router = APIRouter(prefix="/v1", tags=["bills"])


class LookupQuery(Strict):
    """Whose bills at which biller."""

    biller: BillerCode = Field(examples=[examples.BILLER])
    customer_code: CustomerCode = Field(examples=[examples.CUSTOMER_CODE])


class CustomerOut(BaseModel):
    """Enough of a customer for the payer to recognise it, no more."""

    code: str
    name: str = Field(description="Masked")
    address: str = Field(description="Masked")
    area_code: str = Field(description="Ward, General Statistics Office code")


class BillDue(BaseModel):
    """A bill with something left to pay."""

    id: str
    period: str = Field(examples=["2026-10"])
    kwh: int | None
    net_dong: int
    vat_dong: int
    amount_dong: int = Field(description="The whole bill")
    due_dong: int = Field(description="What is left to pay")
    issued_on: date
    due_on: date
    is_being_paid: bool = Field(
        description="Another payment's money may be moving: do not take the payer's money now"
    )


class LookupOut(BaseModel):
    """What a customer owes; `bills` is empty when nothing is owed."""

    biller: str
    customer: CustomerOut
    bills: list[BillDue] = Field(description="Oldest first")
    total_due_dong: int
    amount_rule: AmountRule
    oldest_first: bool
    as_of: int = Field(description="Unix seconds")
    stale: bool = Field(
        description="The biller's own service did not answer: this is what it said at `as_of`"
    )
    lookup_token: str = Field(description="Binds these bills and amounts; good for 15 minutes")


async def look_up(rt: Runtime, asked: Asked) -> Answered:
    """Answer GET /v1/bills; the hot path, called by the thin and by the ordinary route."""
    caller = await caller_of(rt, asked, Scope.LOOKUP)
    query = read_query(LookupQuery, asked.query_pairs())
    lookup = await look_up_bills(rt, caller, query.biller, query.customer_code)
    return Answered(200, orjson.dumps(_out(lookup)))


def _out(lookup: Lookup) -> dict[str, object]:
    found, rules = lookup.found, lookup.biller.rules
    return {
        "biller": lookup.biller.code,
        "customer": {
            "code": lookup.customer_code,
            "name": mask_name(found.name),
            "address": mask_address(found.address),
            "area_code": found.area_code,
        },
        "bills": [_bill(bill) for bill in found.bills],
        "total_due_dong": sum(bill.due_dong for bill in found.bills),
        "amount_rule": rules.amount_rule,
        "oldest_first": rules.oldest_first,
        "as_of": lookup.as_of,
        "stale": lookup.is_stale,
        "lookup_token": lookup.token,
    }


def _bill(bill: OpenBill) -> dict[str, object]:
    return {
        "id": bill.id,
        "period": period_text(bill.period),
        "kwh": bill.kwh,
        "net_dong": bill.net_dong,
        "vat_dong": bill.vat_dong,
        "amount_dong": bill.amount_dong,
        "due_dong": bill.due_dong,
        "issued_on": bill.issued_on,
        "due_on": bill.due_on,
        "is_being_paid": bill.is_being_paid,
    }


@router.get(
    "/bills",
    summary="Look up what a customer owes",
    **described(
        answer=LookupOut,
        query=LookupQuery,
        errors=(
            "biller_unknown",
            "customer_code_invalid",
            "customer_unknown",
            "biller_not_answering",
            "overloaded",
        ),
    ),
)
async def get_bills(request: Request) -> Response:
    """Say what a customer owes a biller.

    **200 with no bills**: the customer is known and owes nothing. **404 `customer_unknown`**: there
    is no such customer. **422 `customer_code_invalid`**: the code cannot be one of this biller's.
    Some billers are asked live: **503 `biller_not_answering`** when they do not answer.
    """
    return response_of(await look_up(runtime_of(request), await asked_of(request)))
