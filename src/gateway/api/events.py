"""Events as OpenAPI shows them under `webhooks`; a test holds every body sent against these."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from gateway.api.mandate_events import MANDATE_WEBHOOKS
from gateway.api.openapi import REF, also
from gateway.api.payment_models import Payment


class PaymentSucceeded(BaseModel):
    """A payment was made: mark its bills as cleared."""

    type: Literal["payment.succeeded"]
    timestamp: str = Field(description="When it happened, RFC 3339, UTC")
    data: Payment


class PaymentReversed(BaseModel):
    """A payment was undone on its own day: its bills are open again."""

    type: Literal["payment.reversed"]
    timestamp: str = Field(description="When it happened, RFC 3339, UTC")
    data: Payment


class LateMoney(BaseModel):
    """Money came for a payment whose bills were paid otherwise; it is given back to the payer."""

    type: Literal["payment.late_money"]
    timestamp: str = Field(description="When it happened, RFC 3339, UTC")
    data: Payment


class Disputed(BaseModel):
    """What names a payment whose evidence disagrees."""

    id: str
    provider: str


class PaymentConflicted(BaseModel):
    """A provider's own messages about a payment disagree; a person is asking."""

    type: Literal["payment.conflicted"]
    timestamp: str = Field(description="When it happened, RFC 3339, UTC")
    data: Disputed


_HEADERS = {
    "webhook-id": "The event's id; the same on every try: deduplicate by it",
    "webhook-timestamp": "Unix seconds of this try; refuse more than 300 s away",
    "webhook-signature": "`v1,…` (HMAC-SHA256) or `v1a,…` (Ed25519), several separated by a blank",
}


def _webhook(model: type[BaseModel], summary: str) -> dict[str, Any]:
    also(model)
    return {
        "post": {
            "tags": ["webhooks"],
            "summary": summary,
            "description": f"{model.__doc__} Signed as Standard Webhooks 1.0.0; answer 2xx after "
            "you have kept it. Sent at least once; `sequence` numbers each bill's events.",
            "parameters": [
                {
                    "name": name,
                    "in": "header",
                    "required": True,
                    "description": text,
                    "schema": {"type": "string"},
                }
                for name, text in _HEADERS.items()
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"$ref": REF.format(model=model.__name__)}}
                },
            },
            "responses": {"2XX": {"description": "Kept; any other answer is tried again"}},
        }
    }


WEBHOOKS = {
    "payment.succeeded": _webhook(PaymentSucceeded, "A payment was made"),
    "payment.reversed": _webhook(PaymentReversed, "A payment was undone"),
    "payment.late_money": _webhook(LateMoney, "Money came too late"),
    "payment.conflicted": _webhook(PaymentConflicted, "A payment is disputed"),
    **{name: _webhook(*told) for name, told in MANDATE_WEBHOOKS.items()},
}
