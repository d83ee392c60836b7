"""Payments through providers over HTTP: begin, try again, cancel, and every step in order."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import jiter
import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, StringConstraints

from gateway.api.exchange import (
    Answered,
    Asked,
    asked_of,
    caller_of,
    response_of,
    runtime_of,
)
from gateway.api.fields import BillerCode, CustomerCode, Reference
from gateway.api.keyed import answered, keyed_by, read_key
from gateway.api.openapi import described
from gateway.api.payment_models import BILLS_MAX, BillToPay, Payment, lines_of, payment_id_of
from gateway.api.provider_fields import PayerIp, ProviderCode, WebAddress
from gateway.api.reading import Strict, read_model
from gateway.domain.biller import Channel
from gateway.domain.partner import Scope
from gateway.domain.payment import Method, Order
from gateway.domain.progress import Certainty, PayAgain
from gateway.flows import cancelling, payments, providing, timeline
from gateway.flows.minting import Payer
from gateway.kit.abilities import ABILITIES, TakesPayments
from gateway.runtime import Runtime

router = APIRouter(prefix="/v1", tags=["payments through providers"])

OTHER_METHODS = (Method.PROVIDER, Method.MANDATE)
LIFE_MIN_S, LIFE_MAX_S, LIFE_S = 300, 86_400, 900


class ProviderChoice(Strict):
    """Where the payer pays, and how the payer comes back."""

    channel: Channel = Field(description="How the payer pays; one of the provider's channels")
    provider: ProviderCode = Field(description="One of GET /v1/providers")
    option: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, description="One of the provider's options"
    )
    return_url: WebAddress = Field(
        description="Where the payer's browser goes afterwards; `payment_id` is added. It says "
        "nothing of the outcome: ask for the payment",
        examples=["https://portal.example.vn/thanks"],
    )
    payer_ip: PayerIp = Field(description="The payer's address", examples=["113.160.92.202"])
    locale: Literal["vi", "en"] = "vi"
    expires_in_s: Annotated[int, Field(ge=LIFE_MIN_S, le=LIFE_MAX_S)] = LIFE_S


class ProviderPaymentRequest(ProviderChoice):
    """A payment of one customer's bills that the payer makes at a provider; all or none."""

    method: Literal[Method.PROVIDER]
    biller: BillerCode
    customer_code: CustomerCode
    partner_reference: Reference = Field(
        description="Your own number of this payment; names one payment for ever"
    )
    bills: list[BillToPay] = Field(min_length=1, max_length=BILLS_MAX)
    lookup_token: Annotated[str, StringConstraints(min_length=1, max_length=8192)] | None = Field(
        default=None, description="The token of the lookup; some billers require it"
    )


class NextAction(BaseModel):
    """What the payer does next: any one of these."""

    redirect_url: str | None = Field(description="Send the browser there")
    deeplink: str | None = Field(description="Opens the provider's app on the payer's phone")
    qr_content: str | None = Field(description="Text to show as a QR code")
    payment_code: str | None = Field(
        description="What the payer says at a counter, or types in an app; show it as it is"
    )


class AttemptOut(BaseModel):
    """One try at one provider."""

    id: str
    provider: str
    reference: str = Field(description="Our number at the provider")
    state: str
    code: str = Field(description="The provider's last code")
    created_at: str


class ProviderPayment(Payment):
    """A payment that the payer makes at a provider."""

    certainty: Certainty
    may_payer_pay_again: PayAgain = Field(
        description="Whether the payer may pay these bills in another way: no while money may move"
    )
    pay_again_at: str | None = Field(description="For `after`: not before then")
    expires_at: str | None
    next_check_at: str | None = Field(description="When the provider is asked next, if it is")
    failure: str | None
    refund: str | None = Field(description="`due`: money came too late and is given back")
    next_action: NextAction | None
    attempts: list[AttemptOut]


class TimelineEntry(BaseModel):
    """One step; further members depend on its kind."""

    at: str = Field(description="RFC 3339, UTC")
    kind: Literal["created", "attempt", "exchange", "notification", "evidence", "ended"]
    facts: dict[str, Any]


class Timeline(BaseModel):
    """Every step of a payment, oldest first; requests and replies are redacted."""

    data: list[TimelineEntry]


class ProviderOut(BaseModel):
    """A provider at which payers can pay."""

    code: str
    title: str
    channels: list[Channel]
    options: list[str] = Field(description="The default first; empty if there is no choice")
    amount_min_dong: int
    amount_max_dong: int
    abilities: list[str]


class ProviderList(BaseModel):
    """All providers that are offered here."""

    data: list[ProviderOut]


def method_of(raw: bytes) -> Method:
    """Give the method of a body to POST /v1/payments; what names no other, or is no JSON, collects.

    The common case is not parsed for it.
    """
    if b'"provider"' not in raw and b'"mandate"' not in raw:
        return Method.COLLECTED
    try:
        said = jiter.from_json(raw)
    except ValueError:
        return Method.COLLECTED
    named = said.get("method") if isinstance(said, dict) else None
    return Method(named) if named in OTHER_METHODS else Method.COLLECTED


async def create(rt: Runtime, asked: Asked) -> Answered:
    """Answer POST /v1/payments for a payment through a provider."""
    caller = await caller_of(rt, asked, Scope.PAY)
    key = read_key(asked)
    body = read_model(ProviderPaymentRequest, asked.body, asked.headers.get("content-type"))
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
        "bills": [[line.bill_id, line.amount_dong] for line in order.lines],
        **_choice_fields(body),
    }
    keyed = keyed_by(caller, payments.OPERATION, key, fields, asked.request_id)
    wanted = providing.ProviderPayment(body.biller, order, body.lookup_token, _payer(body), keyed)
    return answered(await providing.begin(rt, caller, wanted))


def _payer(choice: ProviderChoice) -> Payer:
    return Payer(
        provider=choice.provider,
        option=choice.option,
        return_url=choice.return_url,
        ip=choice.payer_ip,
        locale=choice.locale,
        life=timedelta(seconds=choice.expires_in_s),
    )


def _choice_fields(choice: ProviderChoice) -> dict[str, object]:
    return {
        "channel": choice.channel,
        "provider": choice.provider,
        "option": choice.option,
        "return_url": choice.return_url,
        "payer_ip": choice.payer_ip,
        "locale": choice.locale,
        "expires_in_s": choice.expires_in_s,
    }


@router.post(
    "/payments/{payment_id}/attempts",
    summary="Try a payment again, at any provider",
    **described(
        answer=ProviderPayment,
        status=201,
        body=ProviderChoice,
        is_idempotent=True,
        later="Begun; whether the provider has it is in doubt and being found out",
        errors=(
            "payment_not_found",
            "attempt_still_open",
            "channel_not_allowed",
            "provider_not_offered",
            "provider_amount_out_of_range",
        ),
    ),
)
async def post_attempt(payment_id: str, request: Request) -> Response:
    """Try a payment again after its last attempt is **proved** to have failed or expired.

    Never before that: the first attempt may still take the money.
    """
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.PAY)
    key = read_key(asked)
    body = read_model(ProviderChoice, asked.body, asked.headers.get("content-type"))
    fields = {"payment_id": payment_id, **_choice_fields(body)}
    keyed = keyed_by(caller, providing.OPERATION, key, fields, asked.request_id)
    wanted = providing.AnotherAttempt(payment_id_of(payment_id), body.channel, _payer(body), keyed)
    return response_of(answered(await providing.try_again(rt, caller, wanted)), request)


@router.post(
    "/payments/{payment_id}/cancel",
    summary="Give up a payment that the payer has not made",
    **described(answer=ProviderPayment, errors=("payment_not_found", "not_cancellable")),
)
async def post_cancel(payment_id: str, request: Request) -> Response:
    """Ask that a payment be given up; safe to repeat.

    It is `cancelled` only once the provider proves that nobody paid, which may take until it
    expires; if the payer was faster, it is `succeeded`.
    """
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.PAY)
    view = await cancelling.cancel(rt, caller, payment_id_of(payment_id))
    return response_of(Answered(200, view.body.encode()))


@router.get(
    "/payments/{payment_id}/timeline",
    summary="Every step of a payment",
    **described(answer=Timeline, errors=("payment_not_found",)),
)
async def get_timeline(payment_id: str, request: Request) -> Response:
    """Read every attempt, exchange, notification and piece of evidence of a payment, in order."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.READ)
    entries = await timeline.read(rt, caller, payment_id_of(payment_id))
    data = [{"at": e.at, "kind": e.kind, "facts": e.facts} for e in entries]
    return response_of(Answered(200, orjson.dumps({"data": data})))


@router.get("/providers", summary="List providers", **described(answer=ProviderList))
async def list_providers(request: Request) -> Response:
    """List the providers at which payers can pay here."""
    rt = runtime_of(request)
    await caller_of(rt, await asked_of(request), Scope.LOOKUP)
    found = [
        ProviderOut(
            code=attached.provider.code,
            title=attached.provider.title,
            channels=sorted(attached.provider.channels),
            options=list(attached.provider.choices),
            amount_min_dong=attached.provider.amount_min_dong,
            amount_max_dong=attached.provider.amount_max_dong,
            abilities=[a.__name__ for a in ABILITIES if isinstance(attached.provider, a)],
        )
        for attached in rt.providers.values()
        if isinstance(attached.provider, TakesPayments)
    ]
    return response_of(Answered(200, ProviderList(data=found).model_dump_json().encode()))
