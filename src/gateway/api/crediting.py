"""The door for notices of money on an account; it speaks each sender's protocol, not ours."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.api.exchange import runtime_of
from gateway.api.notifications import incoming_of
from gateway.flows import crediting

router = APIRouter(prefix="/v1", include_in_schema=False)


@router.post("/credits/{provider}")
async def take_credits(provider: str, request: Request) -> Response:
    """Take a notice of money on an account and answer exactly as its sender expects."""
    rt = runtime_of(request)
    said = await crediting.receive(rt, provider[:64], await incoming_of(request))
    return Response(said.body, said.status, media_type=said.media_type)
