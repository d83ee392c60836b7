"""Home, API documentation and the problem codes: HTML that asks nobody outside for anything.

Swagger UI and Scalar are vendored (`static/VENDOR.md`); a strict Content-Security-Policy would stop
them from reaching out. No page allows an inline script, and only Scalar's allows inline style.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from gateway.pages.assets import Assets, accepts_gzip

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
Language = Literal["vi", "en"]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{style}; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; worker-src blob:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


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
        self._assets = Assets(HERE / "static")

    @cached_property
    def _templates(self) -> "Environment":
        # A process that shows no page need not carry Jinja.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

        made = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        made.globals["asset"] = self._assets.url
        return made

    # None of these is `async`: they run in a worker thread. To load Jinja takes 50 ms, to read and
    # compress Scalar 0.2 to 0.8 s, and on the event loop every payment of this process would wait.
    def home(self, request: Request) -> Response:
        return self._page(request, "home.html")

    def try_out(self, request: Request) -> Response:
        return self._page(request, "swagger.html")

    def reference(self, request: Request) -> Response:
        # Scalar writes a style element and style attributes while it runs; Swagger UI does not.
        return self._page(request, "scalar.html", style=" 'unsafe-inline'")

    def all_problems(self, request: Request) -> Response:
        return self._page(request, "problems.html", problems=self._problems)

    def one_problem(self, code: str, request: Request) -> Response:
        found = [problem for problem in self._problems if problem.code == code]
        if not found:
            return self._page(request, "missing.html", status=404)
        return self._page(request, "problems.html", problems=found)

    def static(self, name: str, request: Request) -> Response:
        asset = self._assets.find(name)
        if asset is None:
            return self._page(request, "missing.html", status=404)
        takes_gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        return Response(
            asset.gzipped if takes_gzip else asset.body,
            media_type=asset.media_type,
            headers=HEADERS
            | {"cache-control": asset.caching(request.query_params.get("v"))}
            | {"vary": "accept-encoding"}
            | ({"content-encoding": "gzip"} if takes_gzip else {}),
        )

    def _page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        style: str = "",
        **facts: object,
    ) -> Response:
        lang: Language = "en" if request.query_params.get("lang") == "en" else "vi"
        html = self._templates.get_template(template).render(
            lang=lang, path=request.url.path, **facts
        )
        policy = {"content-security-policy": POLICY.format(style=style)}
        return HTMLResponse(html, status, HEADERS | policy | {"cache-control": "no-cache"})
