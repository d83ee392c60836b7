"""Where is my answer? For a caller whose line broke before the answer came."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.api.exchange import Answered, asked_of, caller_of, response_of, runtime_of
from gateway.api.fields import REFERENCE
from gateway.api.keyed import KEY, answered
from gateway.api.openapi import described
from gateway.api.payment_models import Payment
from gateway.api.reading import Strict, read_query
from gateway.domain import receipt
from gateway.domain.partner import Scope
from gateway.domain.refusals import IdempotencyKeyInvalid, PaymentNotFound
from gateway.flows import payments as flow

KEPT = (
    "bill_not_found",
    "bill_already_paid",
    "bill_being_paid",
    "bill_cancelled",
    "amount_mismatch",
    "older_bill_open",
    "already_reversed",
    "reversal_too_late",
    "not_reversible",
)
"""Refusals that are kept under a key and answered again."""

router = APIRouter(prefix="/v1", tags=["payments"])


class OperationQuery(Strict):
    """Which kind of request was sent under the key; keys of the two are apart."""

    operation: Literal["create_payment", "create_reversal"] = "create_payment"


@router.get(
    "/payments/by-key/{idempotency_key}",
    summary="Where is my answer? By Idempotency-Key",
    **described(
        answer=Payment,
        query=OperationQuery,
        status=201,
        errors=("answer_not_found", "idempotency_key_invalid", *KEPT),
    ),
)
async def get_by_key(idempotency_key: str, request: Request) -> Response:
    """Give the answer that was stored under your key, with its status, byte for byte.

    **404 is not a refusal**: the request may still be on its way. Send it again with the same key.
    """
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.READ)
    query = read_query(OperationQuery, asked.query_pairs())
    if not KEY.fullmatch(idempotency_key):
        raise IdempotencyKeyInvalid
    answer = await flow.read_answer(rt, caller, query.operation, idempotency_key)
    return response_of(answered(answer), request)


@router.get(
    "/payments/by-reference/{partner_reference:path}",
    summary="Where is my answer? By your reference",
    **described(answer=Payment, errors=("payment_not_found",)),
)
async def get_by_reference(partner_reference: str, request: Request) -> Response:
    """Read the payment that your own reference names."""
    rt, asked = runtime_of(request), await asked_of(request)
    caller = await caller_of(rt, asked, Scope.READ)
    if not REFERENCE.fullmatch(partner_reference):
        raise PaymentNotFound(partner_reference[:64])
    payment = await flow.read_by_reference(rt, caller, partner_reference)
    return response_of(Answered(200, receipt.body(payment).encode()))
