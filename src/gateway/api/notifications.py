"""The doors for providers and for browsers that come back from them; not part of the OpenAPI."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from gateway.api.exchange import runtime_of
from gateway.domain.provider_refusals import ProviderNotOffered
from gateway.flows import notifying
from gateway.kit.messages import Incoming

router = APIRouter(prefix="/v1", include_in_schema=False)


@router.api_route("/notifications/{provider}", methods=["GET", "POST"])
async def take_notification(provider: str, request: Request) -> Response:
    """Take a provider's notification and answer exactly as that provider expects."""
    rt = runtime_of(request)
    said = await notifying.receive(rt, provider[:64], await incoming_of(request))
    return Response(said.body, said.status, media_type=said.media_type)


@router.get("/returns/{provider}")
async def come_back(provider: str, request: Request) -> Response:
    """Send a payer's browser on to the partner; what it brings proves nothing."""
    returned = await notifying.come_back(
        runtime_of(request), provider[:64], await incoming_of(request)
    )
    if returned is None:
        raise ProviderNotOffered(provider[:64], "this return")
    return RedirectResponse(returned.url, 303, headers={"cache-control": "no-store"})


async def incoming_of(request: Request) -> Incoming:
    """Give a request as adapters read it."""
    return Incoming(
        method=request.method,
        query=request.scope["query_string"].decode("ascii", "replace"),
        body=await request.body(),
        headers=dict(request.headers.items()),
        peer=request.client.host if request.client else "",
    )
