"""The doors for message centres: customers' messages and delivery reports; not in the OpenAPI."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.api.exchange import runtime_of
from gateway.api.notifications import incoming_of
from gateway.flows import sms_banking, texts_out

router = APIRouter(prefix="/v1/texts", include_in_schema=False)


@router.api_route("/{provider}", methods=["GET", "POST"])
async def take_text(provider: str, request: Request) -> Response:
    """Take a customer's message and answer exactly as its centre expects."""
    rt = runtime_of(request)
    said = await sms_banking.receive(rt, provider[:64], await incoming_of(request))
    return Response(said.body, said.status, media_type=said.media_type)


@router.api_route("/{provider}/reports", methods=["GET", "POST"])
async def take_report(provider: str, request: Request) -> Response:
    """Take a delivery report."""
    rt = runtime_of(request)
    said = await texts_out.take_report(rt, provider[:64], await incoming_of(request))
    return Response(said.body, said.status, media_type=said.media_type)
