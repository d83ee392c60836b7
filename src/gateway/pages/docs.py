"""Home, API documentation and the problem codes: HTML that asks nobody outside for anything.

Swagger UI and Scalar are vendored (`static/VENDOR.md`); a strict Content-Security-Policy would stop
them from reaching out. No page allows an inline script, and only Scalar's allows inline style.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.pages.assets import accepts_gzip
from gateway.pages.site import HEADERS, site


@dataclass(frozen=True, slots=True)
class ProblemDoc:
    """One problem code, as its page explains it in two languages."""

    code: str
    status: int
    title_en: str
    title_vi: str
    meaning_en: str
    meaning_vi: str
    money_may_have_moved: bool
    retry: str


def docs_routes(problems: Sequence[ProblemDoc]) -> APIRouter:
    """Give the routes of the pages; none of them stands in the OpenAPI document.

    Args:
        problems: every code of the API, in the order of its table.
    """
    router = APIRouter(include_in_schema=False)
    pages = _Pages(problems)
    get = partial(router.add_api_route, methods=["GET", "HEAD"])
    get("/", pages.home)
    get("/docs", pages.try_out)
    get("/reference", pages.reference)
    get("/problems", pages.all_problems)
    get("/problems/{code}", pages.one_problem)
    get("/static/{name:path}", pages.static)
    return router


class _Pages:
    def __init__(self, problems: Sequence[ProblemDoc]) -> None:
        self._problems = problems

    # None of these is `async`: they run in a worker thread. To load Jinja takes 50 ms, to read and
    # compress Scalar 0.2 to 0.8 s, and on the event loop every payment of this process would wait.
    def home(self, request: Request) -> Response:
        return site().page(request, "home.html")

    def try_out(self, request: Request) -> Response:
        return site().page(request, "swagger.html")

    def reference(self, request: Request) -> Response:
        # Scalar writes a style element and style attributes while it runs; Swagger UI does not.
        return site().page(request, "scalar.html", policy={"style": " 'unsafe-inline'"})

    def all_problems(self, request: Request) -> Response:
        return site().page(request, "problems.html", problems=self._problems)

    def one_problem(self, code: str, request: Request) -> Response:
        found = [problem for problem in self._problems if problem.code == code]
        if not found:
            return site().page(request, "missing.html", status=404)
        return site().page(request, "problems.html", problems=found)

    def static(self, name: str, request: Request) -> Response:
        asset = site().assets.find(name)
        if asset is None:
            return site().page(request, "missing.html", status=404)
        takes_gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        return Response(
            asset.gzipped if takes_gzip else asset.body,
            media_type=asset.media_type,
            headers=HEADERS
            | {"cache-control": asset.caching(request.query_params.get("v"))}
            | {"vary": "accept-encoding"}
            | ({"content-encoding": "gzip"} if takes_gzip else {}),
        )
