"""The docs pages in a real Chromium, against the real API: no outside request, no complaint."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.embedded import EmbeddedPostgres
from tests.faults.processes import House, house
from tests.pages.browser import browser_page

pytestmark = pytest.mark.browser


@pytest.fixture
async def at(postgres: EmbeddedPostgres, tmp_path: Path, worker_id: str) -> AsyncIterator[House]:
    async with house(postgres, tmp_path, f"browser_{worker_id}") as made:
        await made.start_api()
        yield made


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
    at: House, path: str, shows: str
) -> None:
    async with browser_page() as seen:
        await seen.page.goto(f"http://127.0.0.1:{at.port}{path}")
        await seen.page.get_by_text(shows).first.wait_for(timeout=20_000)
        assert seen.hosts == {"127.0.0.1"}
        assert seen.complaints == []


async def test_a_call_can_be_tried_out_and_shows_its_answer(at: House) -> None:
    async with browser_page() as seen:
        page = seen.page
        await page.goto(f"http://127.0.0.1:{at.port}/docs")
        await page.get_by_role("button", name="Authorize").first.click()
        await page.locator("input[aria-label='auth-bearer-value']").fill(at.world.keys["bank"])
        await page.locator(".modal-btn.authorize").click()
        await page.locator(".btn-done").click()
        await page.get_by_text("/v1/billers", exact=True).first.click()
        await page.get_by_role("button", name="Execute").first.click()
        await page.get_by_text("evnspc-camau").first.wait_for(timeout=20_000)
        assert seen.hosts == {"127.0.0.1"}
        assert seen.complaints == []
