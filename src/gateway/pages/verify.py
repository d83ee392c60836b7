"""Checking a receipt by its code: whether it is true, and nothing about who paid."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.domain import limit
from gateway.flows import limiting, verifying
from gateway.pages.checkout import address_of
from gateway.pages.site import runtime_of, site

router = APIRouter(include_in_schema=False, tags=["page"])
CODE_MAX = 40


async def verify(request: Request) -> Response:
    """Show the form, and what a code is of; 404 if it is of nothing."""
    rt, typed = runtime_of(request), request.query_params.get("code", "")[:CODE_MAX]
    found = None
    if typed:
        await limiting.check_address(rt, limit.CHECKS_OF_ADDRESS, address_of(request))
        found = await verifying.verify(rt, typed)
    is_false = bool(typed) and found is None
    return await site().show(
        request,
        "verify.html",
        status=404 if is_false else 200,
        is_private=True,
        typed=typed,
        found=found,
        is_false=is_false,
    )


router.add_api_route("/verify", verify, methods=["GET", "HEAD"])
