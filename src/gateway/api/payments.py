"""Payments over HTTP: pay, reverse, read, list, and where is my answer."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, StringConstraints

from gateway.api import examples, mandate_payments, provider_payments
from gateway.api.exchange import (
    Answered,
    Asked,
    asked_of,
    caller_of,
    response_of,
    runtime_of,
)
from gateway.api.fields import (
    BillerCode,
    CustomerCode,
    Day,
    Flag,
    Limit,
    Reference,
)
from gateway.api.keyed import answered, keyed_by, read_key
from gateway.api.openapi import described
from gateway.api.payment_models import BILLS_MAX, BillToPay, Payment, lines_of, payment_id_of
from gateway.api.reading import PlainText, Strict, read_model, read_query
from gateway.domain import receipt
from gateway.domain.biller import Channel
from gateway.domain.errors import CursorInvalid
from gateway.domain.ids import from_public, to_public
from gateway.domain.partner import Scope
from gateway.domain.payment import Method, Order
from gateway.flows import payments as flow
from gateway.flows import posting_view, reversals, viewing
from gateway.runtime import Runtime
from gateway.store.payments import Filter

router = APIRouter(prefix="/v1", tags=["payments"])


class PaymentRequest(Strict):
    """A payment of one or more bills of one customer; all are paid or none."""

    method: Literal[Method.COLLECTED] = Field(description="You have debited your customer")
    biller: BillerCode
    customer_code: CustomerCode
    partner_reference: Reference = Field(
        description="Your own number of this payment; names one payment for ever"
    )
    channel: Channel = Field(description="How your customer paid you")
    bills: list[BillToPay] = Field(min_length=1, max_length=BILLS_MAX)
    lookup_token: Annotated[str, StringConstraints(min_length=1, max_length=8192)] | None = Field(
        default=None, description="The token of the lookup; some billers require it"
    )


class ReversalRequest(Strict):
    """Why a payment is undone."""

    reason: PlainText


class PaymentPage(BaseModel):
    """A page of payments, newest first."""

    data: list[Payment]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page")


class PaymentQuery(Strict):
    """Which payments to list."""

    customer_code: CustomerCode | None = None
    channel: Channel | None = None
    from_date: Day | None = Field(default=None, description="Business date, inclusive")
    to_date: Day | None = Field(default=None, description="Business date, inclusive")
    is_reversed: Flag | None = None
    cursor: Annotated[str, StringConstraints(max_length=64)] | None = None
    limit: Limit = 20


async def create_payment(rt: Runtime, asked: Asked) -> Answered:
    """Answer POST /v1/payments; the hot path, called by the thin and by the ordinary route."""
    method = provider_payments.method_of(asked.body)
    if method is Method.PROVIDER:
        return await provider_payments.create(rt, asked)
    if method is Method.MANDATE:
        return await mandate_payments.create(rt, asked)
    caller = await caller_of(rt, asked, Scope.PAY)
    key = read_key(asked)
    body = read_model(PaymentRequest, asked.body, asked.headers.get("content-type"))
    order = Order(
        partner_reference=body.partner_reference,
        channel=body.channel,
        customer_code=body.customer_code,
        lines=lines_of(body.bills),
    )
    fields = {
        "method": body.method,
        "biller": body.biller,
        "customer_code": order.customer_code,
        "partner_reference": order.partner_reference,
        "channel": order.channel,
        "bills": [[line.bill_id, line.amount_dong] for line in order.lines],
    }
    keyed = keyed_by(caller, flow.OPERATION, key, fields, asked.request_id)
    asked_payment = flow.CollectedPayment(body.biller, order, body.lookup_token, keyed)
    return answered(await flow.collect(rt, caller, asked_payment))


async def create_reversal(rt: Runtime, payment_id: str, asked: Asked) -> Answered:
    """Answer POST /v1/payments/{payment_id}/reversal."""
    caller = await caller_of(rt, asked, Scope.REVERSE)
    key = read_key(asked)
    body = read_model(ReversalRequest, asked.body, asked.headers.get("content-type"))
    fields = {"payment_id": payment_id, "reason": body.reason}
    keyed = keyed_by(caller, reversals.OPERATION, key, fields, asked.request_id)
    reversal = reversals.Reversal(payment_id_of(payment_id), body.reason, keyed)
    return answered(await reversals.reverse(rt, caller, reversal))


@router.post(
    "/payments",
    summary="Pay bills with money that you have collected",
    **described(
        answer=Payment | provider_payments.ProviderPayment,
        status=201,
        body=(
            PaymentRequest,
            provider_payments.ProviderPaymentRequest,
            mandate_payments.MandatePaymentRequest,
        ),
        is_idempotent=True,
        later="Begun; whether the provider has it is in doubt and being found out",
        errors=(
            "biller_unknown",
            "customer_code_invalid",
            "bill_not_found",
            "bill_already_paid",
            "bill_being_paid",
            "bill_cancelled",
            "amount_mismatch",
            "older_bill_open",
            "channel_not_allowed",
            "lookup_token_required",
            "lookup_token_invalid",
            "lookup_token_expired",
            "partner_reference_used",
            "provider_not_offered",
            "provider_amount_out_of_range",
            "mandate_not_found",
            "mandate_inactive",
            "mandate_limit_exceeded",
        ),
        examples=examples.PAYMENT | examples.MANDATE_PAYMENT,
    ),
)
async def post_payment(request: Request) -> Response:
    """Pay one or more bills of one customer, all or none, once.

    Call it after you have debited your customer. **201**: paid, durable, final; the biller is
    told. **409/422 with `money_may_have_moved: false`**: nothing was paid, give the money back.
    **No answer, 5xx, or `money_may_have_moved: true`**: send the very same request again, with the
    same `Idempotency-Key`, until you get one of the former; it cannot pay twice.
    """
    return response_of(await create_payment(runtime_of(request), await asked_of(request)), request)


@router.post(
    "/payments/{payment_id}/reversal",
    summary="Undo a payment on the same day",
    **described(
        answer=Payment,
        status=201,
        body=ReversalRequest,
        is_idempotent=True,
        errors=(
            "payment_not_found",
            "already_reversed",
            "reversal_too_late",
            "not_reversible",
        ),
        examples=examples.REVERSAL,
    ),
)
async def post_reversal(payment_id: str, request: Request) -> Response:
    """Undo a payment that you made, on its business date and before the biller's cut-off.

    The bills are open again and the biller is told. After the cut-off ask for a refund.
    """
    asked = await asked_of(request)
    return response_of(await create_reversal(runtime_of(request), payment_id, asked), request)


@router.get(
    "/payments",
    summary="List payments",
    **described(answer=PaymentPage, query=PaymentQuery, errors=("cursor_invalid",)),
)
async def list_payments(request: Request) -> Response:
    """List your payments, newest first. A biller's own system sees all payments of its bills."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.READ)
    query = read_query(PaymentQuery, asked.query_pairs())
    before = None if query.cursor is None else from_public("pay", query.cursor)
    if query.cursor is not None and before is None:
        raise CursorInvalid
    wanted = Filter(
        before=before,
        customer_code=query.customer_code,
        channel=query.channel,
        from_date=query.from_date,
        to_date=query.to_date,
        is_reversed=query.is_reversed,
        limit=query.limit,
    )
    page, has_more = await flow.list_payments(rt, caller, wanted)
    cursor = orjson.dumps(to_public("pay", page[-1].id) if has_more else None).decode()
    data = ",".join(receipt.body(payment) for payment in page)
    body = f'{{"data":[{data}],"next_cursor":{cursor}}}'
    return response_of(Answered(200, body.encode()))


@router.get(
    "/payments/{payment_id}",
    summary="Read a payment",
    **described(answer=Payment | provider_payments.ProviderPayment, errors=("payment_not_found",)),
)
async def get_payment(payment_id: str, request: Request) -> Response:
    """Read a payment that you made, or that was made for your own bills."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.READ)
    row = await flow.read_row(rt, caller, payment_id_of(payment_id))
    if row.method != Method.COLLECTED:
        body = (await viewing.view_row(rt, row)).body
    else:
        body = receipt.body(flow.to_payment(rt, row))
    body = await posting_view.with_posting(rt, row, body)
    return response_of(Answered(200, body.encode()))
