"""The door for partners that ask and pay in a protocol of their own; not part of the OpenAPI."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.api.exchange import runtime_of
from gateway.api.keyed import refusal_writer
from gateway.api.notifications import incoming_of
from gateway.flows import inquiring

router = APIRouter(prefix="/v1", include_in_schema=False)


@router.api_route("/collections/{provider}/{operation:path}", methods=["GET", "POST"])
async def answer_inquiry(provider: str, operation: str, request: Request) -> Response:
    """Answer exactly as the partner's own protocol expects."""
    said = await inquiring.answer(
        runtime_of(request),
        provider[:64],
        operation[:200],
        await incoming_of(request),
        refusal_writer(request.scope["gateway.request_id"]),
    )
    return Response(said.body, said.status, media_type=said.media_type)
