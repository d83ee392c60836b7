"""Links to our own checkout page: the payer chooses there how to pay."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from gateway.api import examples
from gateway.api.exchange import Answered, asked_of, caller_of, response_of, runtime_of
from gateway.api.fields import BillerCode, CustomerCode, Reference
from gateway.api.openapi import described
from gateway.api.payment_models import BILLS_MAX, BillToPay, lines_of
from gateway.api.provider_fields import WebAddress
from gateway.api.reading import Strict, read_model
from gateway.domain.clock import to_text
from gateway.domain.partner import Scope
from gateway.flows import checkout
from gateway.flows.checkout import Asked

router = APIRouter(prefix="/v1", tags=["payments through providers"])

LIFE_MIN_S, LIFE_MAX_S, LIFE_S = 300, 30 * 86_400, 86_400


class CheckoutRequest(Strict):
    """Bills of one customer that a payer is to pay on our page; all or none."""

    biller: BillerCode
    customer_code: CustomerCode
    partner_reference: Reference = Field(
        description="Your own number; names this checkout and its one payment for ever"
    )
    bills: list[BillToPay] = Field(min_length=1, max_length=BILLS_MAX)
    return_url: WebAddress | None = Field(
        default=None,
        description="A link back to you, shown when it is over. That the payer follows it says "
        "nothing of the outcome: ask for the payment by your reference",
        examples=["https://portal.example.vn/thanks"],
    )
    expires_in_s: Annotated[int, Field(ge=LIFE_MIN_S, le=LIFE_MAX_S)] = Field(
        default=LIFE_S, description="How long a way to pay can be chosen"
    )


class CheckoutOut(BaseModel):
    """A link for the payer; whoever has it can pay, and see the receipt."""

    url: str = Field(examples=["https://pay.example.vn/pay/AZo8hPQAcACAAAAAAAAAATu2…"])
    partner_reference: str
    amount_dong: int
    expires_at: str = Field(description="RFC 3339, UTC; the receipt is shown after it too")


@router.post(
    "/checkouts",
    summary="Make a link to our checkout page",
    **described(
        answer=CheckoutOut,
        status=201,
        body=CheckoutRequest,
        examples=examples.CHECKOUT,
        errors=(
            "biller_unknown",
            "customer_code_invalid",
            "customer_unknown",
            "bill_not_found",
            "bill_already_paid",
            "bill_cancelled",
            "bill_being_paid",
            "amount_mismatch",
            "older_bill_open",
            "partner_reference_used",
            "checkout_reference_used",
            "overloaded",
        ),
    ),
)
async def post_checkout(request: Request) -> Response:
    """Make a link that a payer opens to choose how to pay; no money moves by making it.

    Safe to repeat: your `partner_reference` names one checkout, and the same request gives the
    same link again. Its payment is found under the same reference once the payer has begun.
    """
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.PAY)
    body = read_model(CheckoutRequest, asked.body, asked.headers.get("content-type"))
    wanted = Asked(
        biller=body.biller,
        customer_code=body.customer_code,
        partner_reference=body.partner_reference,
        lines=lines_of(body.bills),
        return_url=body.return_url,
        life=timedelta(seconds=body.expires_in_s),
    )
    made = await checkout.create(rt, caller, wanted)
    out = CheckoutOut(
        url=checkout.url_of(rt, made),
        partner_reference=made.partner_reference,
        amount_dong=made.amount_dong,
        expires_at=to_text(made.expires_at),
    )
    return response_of(Answered(201, out.model_dump_json().encode()))
