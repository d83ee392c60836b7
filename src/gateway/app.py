"""The ASGI application: builds the Runtime in its lifespan, mounts API and pages."""

import gc
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from gateway.api import (
    answers,
    billers,
    bills,
    cash_phase_out,
    checkouts,
    collections,
    crediting,
    debit_runs,
    hand_over_lists,
    health,
    lookup,
    mandates,
    notifications,
    openapi,
    payments,
    problems,
    provider_payments,
    reports,
    suspense,
    texts,
)
from gateway.api.edge import Edge, Hot, as_gateway_error, problem
from gateway.api.events import WEBHOOKS
from gateway.api.exchange import response_of
from gateway.api.problem_table import TABLE
from gateway.domain.errors import GatewayError, MethodNotAllowed, RouteUnknown
from gateway.kit import logs
from gateway.pages import account, checkout, find_bill, pilot, pilot_export, verify
from gateway.pages.docs import ProblemDoc, docs_routes
from gateway.pages.site import site
from gateway.runtime import Runtime
from gateway.settings import Settings, open_runtime

HOT: dict[tuple[str, str], Hot] = {
    ("POST", "/v1/payments"): payments.create_payment,
    ("GET", "/v1/bills"): lookup.look_up,
}

DESCRIPTION = """
One API over many ways to pay a utility bill. Three calls do the main job:

1. `GET /v1/bills` — what does this customer owe?
2. `POST /v1/payments` — pay it, once, with an `Idempotency-Key`.
3. The biller's billing system receives the signed webhook `payment.succeeded`.

Amounts are whole đồng. Every error is an RFC 9457 problem that says whether money may have moved
(`money_may_have_moved`) and what to do (`retry`); `/problems` explains each code.
In the demo, authorize with the key that `make run` prints.
"""


def create_app(settings: Settings | None = None) -> ASGIApp:
    """Build the application from the environment's settings; uvicorn's factory."""
    settings = settings or Settings()
    logs.configure(settings.log_level)
    return build(lambda: open_runtime(settings))


def build(open_: Callable[[], Runtime], *, hot: dict[tuple[str, str], Hot] | None = None) -> Edge:
    """Build the application around a way to open a Runtime.

    Args:
        open_: called when the application starts.
        hot: the thin routes; an empty table lets FastAPI answer everything, for comparison.
    """
    app = fastapi_app(open_)
    return Edge(app, lambda: app.state.runtime, HOT if hot is None else hot)


def fastapi_app(open_: Callable[[], Runtime]) -> FastAPI:
    """Build what stands behind the Edge: all routes, pages and the OpenAPI document."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.runtime = open_()
        await app.state.runtime.start()
        settle_garbage()
        yield
        await app.state.runtime.stop()

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    parts = (
        *(billers, lookup, bills, payments, provider_payments, checkouts, notifications, answers),
        *(crediting, suspense, collections, mandates, debit_runs, texts, hand_over_lists),
        *(cash_phase_out, reports, health),
    )
    for part in parts:
        app.include_router(part.router)
    openapi.install(app, description=DESCRIPTION, webhooks=WEBHOOKS)
    app.include_router(docs_routes(_problem_docs()))
    for pages in (account, find_bill, checkout, verify, pilot, pilot_export):
        app.include_router(pages.router)
    app.add_api_route("/openapi.yaml", _openapi_yaml, include_in_schema=False)
    for kind in (GatewayError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer_error)
    return app


def settle_garbage() -> None:
    """Leave what was loaded for good out of the garbage collector's rounds.

    Collections took 8 % of a payment's time (measured), nearly all of it walking modules.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def openapi_yaml(app: FastAPI) -> str:
    """Write the API's document as `openapi.yaml` is committed."""
    import yaml  # noqa: PLC0415 (few ask for it, and each process would carry it)

    document: str = yaml.safe_dump(app.openapi(), sort_keys=False, allow_unicode=True, width=100)
    return document


async def _openapi_yaml(request: Request) -> Response:
    return Response(openapi_yaml(request.app), media_type="application/yaml")


async def _answer_error(request: Request, error: Exception) -> Response:
    known = _of_framework(request, error)
    if "page" in getattr(request.scope.get("route"), "tags", ()):
        return await _tell_person(request, known)
    response = response_of(problem(known, request.scope), request)
    if isinstance(known, MethodNotAllowed):
        response.headers["allow"] = ", ".join(sorted(_methods_of(request)))
    return response


async def _tell_person(request: Request, error: GatewayError) -> Response:
    # What only a page can be told, a forged form say, is no code of the API.
    entry = TABLE.get(error.code)
    status = HTTPStatus.BAD_REQUEST if entry is None else entry.status
    is_act = request.method == "POST"  # to look at a page moves nothing
    may_have_moved = is_act and entry is not None and entry.money_may_have_moved
    request.scope["gateway.code"] = error.code
    answer = await site().tell(request, error, status=status, may_have_moved=may_have_moved)
    if (wait_s := problems.retry_after(error)) is not None:
        answer.headers["retry-after"] = str(wait_s)
    return answer


def _of_framework(request: Request, error: Exception) -> GatewayError:
    if not isinstance(error, HTTPException):
        return as_gateway_error(error)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed(request.method, request.url.path)
    return RouteUnknown(request.url.path)


def _methods_of(request: Request) -> set[str]:
    """Name every method that this path answers; the framework names those of one route."""
    found: set[str] = set()
    for path, item in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"{[^}]+}", "[^/]+", path), request.url.path):
            found |= {method.upper() for method in item}
    return found or {"GET", "HEAD"}


def _problem_docs() -> list[ProblemDoc]:
    return [
        ProblemDoc(
            code=code,
            status=entry.status,
            title_en=entry.title,
            title_vi=entry.title_vi,
            meaning_en=entry.meaning,
            meaning_vi=entry.meaning_vi,
            money_may_have_moved=entry.money_may_have_moved,
            retry=entry.retry,
        )
        for code, entry in TABLE.items()
    ]
