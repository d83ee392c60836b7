import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient

from gateway.api.problem_table import TABLE
from gateway.app import build
from gateway.pages.site import site

PAGES = ["/", "/?lang=en", "/docs", "/reference", "/problems", "/problems/bill_already_paid"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; worker-src blob:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)


def never() -> None:
    """No page needs a runtime."""


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    app = build(never)  # type: ignore[arg-type]  # never opened here
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://g") as opened:
        yield opened


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_allows_nothing_from_outside(client: AsyncClient, path: str) -> None:
    answer = await client.get(path)
    style = "style-src 'self' 'unsafe-inline'" if path == "/reference" else "style-src 'self'"
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY.replace("style-src 'self'", style)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_holds_no_inline_script_style_or_handler(
    client: AsyncClient, path: str
) -> None:
    html = (await client.get(path)).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", html)


@pytest.mark.parametrize("path", PAGES)
async def test_everything_that_a_page_loads_is_there(client: AsyncClient, path: str) -> None:
    html = (await client.get(path)).text
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)
    assert loaded
    for name in loaded:
        answer = await client.get(name)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


async def test_vietnamese_comes_first_and_english_by_a_switch(client: AsyncClient) -> None:
    assert 'lang="vi"' in (await client.get("/")).text[:60]
    assert 'lang="en"' in (await client.get("/?lang=en")).text[:60]


async def test_the_problems_page_explains_every_code(client: AsyncClient) -> None:
    html = (await client.get("/problems")).text
    assert [code for code in TABLE if f'id="{code}"' not in html] == []


async def test_the_type_of_a_problem_is_a_page(client: AsyncClient) -> None:
    html = (await client.get("/problems/outcome_unknown?lang=en")).text
    assert "maybe" in html
    assert "the same request, same Idempotency-Key" in html


@pytest.mark.parametrize("path", [*PAGES, "/static/house.css"])
async def test_head_is_answered_as_get_is(client: AsyncClient, path: str) -> None:
    head = await client.head(path)
    get = await client.get(path)
    assert head.status_code == get.status_code == 200
    assert head.headers["content-type"] == get.headers["content-type"]


# Encoded, for a client takes plain `..` out of an address before it asks.
@pytest.mark.parametrize(
    "path",
    [
        "/problems/none_such",
        "/static/none.js",
        "/static/%2e%2e/docs.py",
        "/static/..%2fdocs.py",
        "/static/%2fetc%2fpasswd",
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(client: AsyncClient, path: str) -> None:
    answer = await client.get(f"{path}?lang=en")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert "There is no such page" in answer.text


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("house.css", "text/css; charset=utf-8"),
        ("swagger-init.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("VENDOR.md", "text/markdown; charset=utf-8"),
        ("scalar/LICENSE", "text/plain; charset=utf-8"),
    ],
)
async def test_a_static_file_says_what_it_is(
    client: AsyncClient, name: str, media_type: str
) -> None:
    answer = await client.get(f"/static/{name}")
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_a_caller_sends_is_never_shown_as_html(client: AsyncClient) -> None:
    script = "%3Cscript%3Ealert"
    for path in (f"/problems/{script}", f"/problems/{script}/x", f"/?lang={script}"):
        answer = await client.get(path)
        is_html = answer.headers["content-type"].startswith("text/html")
        assert not (is_html and "<script>alert" in answer.text)


async def test_a_static_file_is_sent_compressed_when_that_is_understood(
    client: AsyncClient,
) -> None:
    path = "/static/house.css"
    assert (await client.get(path)).headers["content-encoding"] == "gzip"
    plain = await client.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert (await client.get(path)).text == plain.text


async def test_a_caller_that_refuses_gzip_gets_the_plain_file(client: AsyncClient) -> None:
    refusing = {"accept-encoding": "gzip;q=0, identity"}
    answer = await client.get("/static/house.css", headers=refusing)
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("query", ["", "?v=0123456789abcdef"], ids=["no version", "another's"])
async def test_a_file_is_never_kept_under_a_version_that_is_not_its_own(
    client: AsyncClient, query: str
) -> None:
    answer = await client.get(f"/static/house.css{query}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_process_goes_on_answering_while_a_large_file_is_compressed(
    client: AsyncClient,
) -> None:
    site.cache_clear()  # as a process that has compressed nothing yet
    turns = 0
    asked = asyncio.ensure_future(client.get("/static/scalar/standalone.min.js"))
    while not asked.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await asked).headers["content-encoding"] == "gzip"
    # A blocked loop turns fewer than 50 times for the whole request; a free one, many thousands.
    assert turns > 500


async def test_a_field_named_in_an_explanation_is_set_as_code(client: AsyncClient) -> None:
    html = (await client.get("/problems/request_invalid?lang=en")).text
    assert "<code>errors</code> names each" in html
    assert "`" not in html


@pytest.mark.parametrize("path", ["/docs", "/reference"])
async def test_a_viewer_has_a_way_back_to_our_own_pages(client: AsyncClient, path: str) -> None:
    html = (await client.get(path)).text
    assert 'href="/"' in html
    assert 'href="/problems?lang=en"' in html
