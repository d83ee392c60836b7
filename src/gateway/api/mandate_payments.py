"""Payments on a mandate over HTTP: one bill of the mandate's customer is debited now."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.api.exchange import Answered, Asked, caller_of
from gateway.api.fields import Reference
from gateway.api.keyed import answered, keyed_by, read_key
from gateway.api.payment_models import BillToPay, lines_of
from gateway.api.reading import Strict, read_model
from gateway.domain.biller import Channel
from gateway.domain.ids import from_public
from gateway.domain.mandate_refusals import MandateNotFound
from gateway.domain.partner import Scope
from gateway.domain.payment import Method, Order
from gateway.flows import mandate_payments as flow
from gateway.flows import payments
from gateway.runtime import Runtime


class MandatePaymentRequest(Strict):
    """A payment that the payer's bank debits on a standing permission; the mandate says whose."""

    method: Literal[Method.MANDATE]
    mandate_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="A mandate that you made, or of your own bills; `active`",
        examples=["mdt_019a3c84f40070008000000000000001"],
    )
    partner_reference: Reference = Field(
        description="Your own number of this payment; names one payment for ever"
    )
    channel: Literal[Channel.AUTO_DEBIT]
    bills: list[BillToPay] = Field(
        min_length=1, max_length=1, description="One bill: a bank's debit names one"
    )
    lookup_token: Annotated[str, StringConstraints(min_length=1, max_length=8192)] | None = Field(
        default=None, description="The token of the lookup; some billers require it"
    )


async def create(rt: Runtime, asked: Asked) -> Answered:
    """Answer POST /v1/payments for a payment on a mandate."""
    caller = await caller_of(rt, asked, Scope.PAY)
    key = read_key(asked)
    body = read_model(MandatePaymentRequest, asked.body, asked.headers.get("content-type"))
    mandate_id = from_public("mdt", body.mandate_id)
    if mandate_id is None:
        raise MandateNotFound(body.mandate_id)
    mandate = await flow.read_mandate(rt, caller, mandate_id)
    order = Order(
        partner_reference=body.partner_reference,
        channel=body.channel,
        customer_code=mandate.customer_code,
        lines=lines_of(body.bills),
    )
    fields = {
        "method": body.method,
        "mandate_id": body.mandate_id,
        "partner_reference": order.partner_reference,
        "channel": order.channel,
        "bills": [[line.bill_id, line.amount_dong] for line in order.lines],
    }
    keyed = keyed_by(caller, payments.OPERATION, key, fields, asked.request_id)
    wanted = flow.MandatePayment(mandate, order, body.lookup_token, keyed)
    return answered(await flow.begin(rt, caller, wanted))
