"""What the two viewers do in a real Chromium when nothing stands behind the pages."""

from collections.abc import AsyncIterator

import pytest

from gateway.app import build
from tests.pages.browser import Seen, browser_page, serving

pytestmark = pytest.mark.browser

PAGES = ["/", "/problems", "/docs", "/reference"]
KEY = "sk_test_left_behind"


def never() -> None:
    """No page needs a runtime."""


@pytest.fixture
async def at() -> AsyncIterator[str]:
    app = build(never)  # type: ignore[arg-type]  # never opened here
    async with serving(app) as address:
        yield address


@pytest.fixture
async def seen() -> AsyncIterator[Seen]:
    async with browser_page() as opened:
        yield opened


def in_silence(seen: Seen) -> bool:
    return seen.hosts == {"127.0.0.1"} and seen.complaints == []


@pytest.mark.parametrize("method", ["get", "post", "put"])
async def test_an_operation_opens_under_a_policy_without_inline_style(
    at: str, seen: Seen, method: str
) -> None:
    await seen.page.goto(f"{at}/docs")
    await seen.page.locator(f".opblock-{method} .opblock-summary-control").first.click()
    await seen.page.locator(f".opblock-{method} .responses-wrapper").first.wait_for()
    assert in_silence(seen), seen


async def test_an_api_key_is_not_left_in_the_browser(at: str, seen: Seen) -> None:
    page = seen.page
    await page.goto(f"{at}/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    await page.locator("input[aria-label='auth-bearer-value']").fill(KEY)
    await page.locator(".modal-btn.authorize").click()
    await page.get_by_role("button", name="Remove authorization").wait_for()
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert KEY not in kept


async def test_swagger_ui_is_dark_for_a_reader_who_prefers_dark(at: str, seen: Seen) -> None:
    await seen.page.emulate_media(color_scheme="dark")
    await seen.page.goto(f"{at}/docs")
    await seen.page.locator("html.dark-mode .opblock").first.wait_for()


async def test_scalar_shows_the_webhooks_and_sends_nobody_to_its_maker(at: str, seen: Seen) -> None:
    await seen.page.goto(f"{at}/reference")
    await seen.page.get_by_text("webhooks").first.wait_for()
    assert await seen.page.get_by_text("Open API Client").count() == 0
    assert in_silence(seen), seen


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_fits_a_cheap_phone(at: str, seen: Seen, path: str) -> None:
    await seen.page.set_viewport_size({"width": 360, "height": 740})
    await seen.page.goto(f"{at}{path}")
    await seen.page.get_by_role("heading").first.wait_for()
    width = await seen.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
