"""The docs pages in a real Chromium, against the real API: no outside request, no complaint."""

from collections.abc import AsyncIterator
from typing import cast

import pytest
from fastapi import FastAPI

from gateway.app import build
from tests.pages.browser import browser_page, serving
from tests.world import World

pytestmark = pytest.mark.browser


@pytest.fixture
async def at(world: World) -> AsyncIterator[str]:
    app = build(lambda: world.rt)
    cast("FastAPI", app.app).state.runtime = world.rt
    async with serving(app) as address:
        yield address


@pytest.mark.parametrize(
    ("path", "shows"),
    [
        ("/", "Một API để tra cứu"),
        ("/?lang=en", "One API to look up"),
        ("/problems", "bill_already_paid"),
        ("/docs", "Look up what a customer owes"),
        ("/reference", "List billers"),
    ],
)
async def test_a_page_shows_itself_without_asking_anybody_outside(
    at: str, path: str, shows: str
) -> None:
    async with browser_page() as seen:
        await seen.page.goto(f"{at}{path}")
        await seen.page.get_by_text(shows).first.wait_for(timeout=20_000)
        # A viewer may ask for fonts or report home only after it has drawn.
        await seen.page.wait_for_load_state("networkidle")
        assert seen.hosts == {"127.0.0.1"}
        assert seen.complaints == []


async def test_a_call_can_be_tried_out_and_shows_its_answer(at: str, world: World) -> None:
    async with browser_page() as seen:
        page = seen.page
        await page.goto(f"{at}/docs")
        await page.get_by_role("button", name="Authorize").first.click()
        await page.locator("input[aria-label='auth-bearer-value']").fill(world.keys["bank"])
        await page.locator(".modal-btn.authorize").click()
        await page.locator(".btn-done").click()
        await page.get_by_text("/v1/billers", exact=True).first.click()
        await page.get_by_role("button", name="Execute").first.click()
        # Not anywhere on the page: the document's own examples speak of this biller too.
        answer = page.locator(".live-responses-table")
        await answer.get_by_text("Điện lực Cà Mau").first.wait_for(timeout=20_000)
        assert seen.hosts == {"127.0.0.1"}
        assert seen.complaints == []
