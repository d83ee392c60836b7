"""How every page is shown: its language, its words, its static files, and what it may load.

A strict Content-Security-Policy keeps a page from loading or running anything that is not ours: no
inline script or style, no other host, no frame around it.
"""

from functools import cache, cached_property, partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.domain.errors import GatewayError
from gateway.pages import formats
from gateway.pages.assets import Assets
from gateway.pages.words import Language, word
from gateway.runtime import Runtime

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{style}; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; worker-src blob:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'{forms}"
)
HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}
LANGUAGE_COOKIE = "lang"
YEAR_S = 365 * 86_400


def language_of(request: Request) -> Language:
    """Say in which language a page is shown: as the switch says, now or lately, else Vietnamese."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return "en" if chosen == "en" else "vi"


class Site:
    """What all pages share; one for a process."""

    def __init__(self) -> None:
        self.assets = Assets(HERE / "static")

    @cached_property
    def _templates(self) -> "Environment":
        # A process that shows no page need not carry Jinja.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

        made = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.globals["asset"] = self.assets.url
        return made

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        is_private: bool = False,
        policy: dict[str, str] | None = None,
        **facts: object,
    ) -> Response:
        """Show a page. Call it from a route that is not `async`: to load Jinja takes 50 ms.

        Args:
            request: what is answered.
            template: its file in `templates/`; it finds `lang`, `path`, `w` (a word), `dong`,
                `number`, `percent`, `day`, `month` and `moment` in the page's language.
            status: the HTTP status.
            is_private: about one payer or user; no cache may keep it.
            policy: what this page must be allowed beyond the strict policy (`style`, `forms`).
            facts: what the template shows; always escaped.
        """
        language = language_of(request)
        switch = request.url.include_query_params(lang="vi" if language == "en" else "en")
        html = self._templates.get_template(template).render(
            lang=language,
            path=request.url.path,
            switch_url=f"{switch.path}?{switch.query}",
            **_words(language),
            **facts,
        )
        allowed = POLICY.format_map({"style": "", "forms": ""} | (policy or {}))
        caching = "no-store" if is_private else "no-cache"
        headers = HEADERS | {"content-security-policy": allowed, "cache-control": caching}
        answer = HTMLResponse(html, status, headers)
        if "lang" in request.query_params:
            answer.set_cookie(
                LANGUAGE_COOKIE, language, max_age=YEAR_S, httponly=True, samesite="lax"
            )
        return answer

    async def show(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        is_private: bool = False,
        policy: dict[str, str] | None = None,
        **facts: object,
    ) -> Response:
        """Show a page from a route that is `async`, off its event loop; see `page`."""

        def shown() -> Response:
            return self.page(
                request, template, status=status, is_private=is_private, policy=policy, **facts
            )

        return await run_in_threadpool(shown)

    async def tell(
        self, request: Request, error: GatewayError, *, status: int, may_have_moved: bool
    ) -> Response:
        """Show an error to a person: what happened, and what it says about the money."""
        is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        sentence = error.detail_vi if language_of(request) == "vi" else error.detail
        return await self.show(
            request,
            "trouble.html",
            status=status,
            is_private=True,
            sentence=None if is_ours else sentence,
            may_have_moved=may_have_moved,
        )


@cache
def site() -> Site:
    """Give the process's one Site."""
    return Site()


def runtime_of(request: Request) -> Runtime:
    """Give the process's runtime."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def see(url: str) -> Response:
    """Send a browser on after a POST, so that a reload repeats nothing."""
    return RedirectResponse(url, 303, headers=HEADERS | {"cache-control": "no-store"})


def _words(language: Language) -> dict[str, object]:
    shown = (
        formats.dong,
        formats.number,
        formats.percent,
        formats.day,
        formats.month,
        formats.moment,
    )
    bound = {form.__name__: partial(form, language=language) for form in shown}
    return {"w": partial(word, language), **bound}
