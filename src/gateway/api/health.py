"""Health and metrics over HTTP; no key, no payer's data."""

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from gateway.api.exchange import Answered, response_of, runtime_of
from gateway.flows.health import examine
from gateway.kit import metrics

router = APIRouter(tags=["health"])


class Live(BaseModel):
    """The process runs."""

    status: str


class CheckOut(BaseModel):
    """One thing that was looked at."""

    name: str
    is_well: bool
    detail: str


class Ready(BaseModel):
    """Whether traffic may be sent here."""

    status: str
    checks: list[CheckOut]


@router.get("/health/live", summary="Does the process run?", response_model=Live)
async def live() -> Response:
    """Answer while the process runs; restart it when this does not answer."""
    return response_of(Answered(200, b'{"status":"live"}'))


@router.get(
    "/health/ready",
    summary="May traffic be sent here?",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "Not ready; see checks"}},
)
async def ready(request: Request) -> Response:
    """Check database, migrations, partitions ahead, and the oldest undelivered event."""
    checks = await examine(runtime_of(request))
    is_ready = all(check.is_well or not check.blocks for check in checks)
    out = {
        "status": "ready" if is_ready else "not_ready",
        "checks": [
            {"name": check.name, "is_well": check.is_well, "detail": check.detail}
            for check in checks
        ],
    }
    return response_of(Answered(200 if is_ready else 503, orjson.dumps(out)))


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def get_metrics() -> Response:
    """Give the metrics of this host's API processes."""
    return Response(metrics.render(), headers={"content-type": metrics.CONTENT_TYPE})
