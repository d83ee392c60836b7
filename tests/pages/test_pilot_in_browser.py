"""The pilot's pages in a real browser: both languages, phone and desk, and a province at work."""

import zipfile
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from gateway.api.edge import Edge
from gateway.app import build
from gateway.flows import adoption
from gateway.runtime import Runtime
from gateway.sandbox.recompute import differences
from gateway.testing.clock import FrozenClock
from tests.pages.browser import Seen, browser_page, serving
from tests.pages.pilot_world import NAME, NOW, PASSWORD, WARD_2, WARD_5, WARD_6, PilotWorld
from tests.world import CUSTOMER, World

SIZES = {WARD_2: 1_900, WARD_5: 2_400, WARD_6: 1_300}
DRAWN = """() => [...document.querySelectorAll(".canvas")].map((place) => {
  const chart = Chart.getChart(place.querySelector("canvas"));
  return [place.dataset.table, chart.data.labels, chart.data.datasets.map((set) => set.data)];
})"""
WRITTEN = """() => [...document.querySelectorAll(".canvas")].map((place) => {
  const table = document.getElementById(place.dataset.table);
  const marks = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.dataset.mark);
  const rows = [...table.tBodies[0].rows];
  const column = (at) => rows.map((row) => row.cells[at + 1].textContent);
  return [place.dataset.table, rows.map((row) => row.cells[0].textContent),
    marks.map((mark, at) => [mark, column(at)]).filter(([mark]) => mark !== "untold")
      .map(([, texts]) => texts)];
})"""


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


def served(rt: Runtime) -> Edge:
    app = build(lambda: rt)
    app.app.state.runtime = rt  # type: ignore[attr-defined]
    return app


async def is_clean(seen: Seen, *, width: int) -> None:
    """Hold a drawn page against what each page promises."""
    await seen.page.wait_for_selector("html[data-charts]")
    found = await Axe().run(seen.page)
    assert found.violations_count == 0, found.generate_report()
    assert await seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.hosts == {"127.0.0.1"}
    assert seen.complaints == []


async def sign_in(page: Page, url: str, code: str) -> None:
    """Sign in by keyboard alone."""
    await page.goto(f"{url}/pilot")
    await page.focus("#name")
    await page.keyboard.type(NAME)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sign-in/code**")
    await page.focus("#code")
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/pilot")


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_both_pages_at_both_widths(world: World, lang: str) -> None:
    pilot = PilotWorld(world)
    await pilot.begin()
    await pilot.count_all(SIZES)
    app = await pilot.add_user()
    async with serving(served(pilot.rt)) as url, browser_page() as seen:
        for width in (390, 1280):
            await seen.page.set_viewport_size({"width": width, "height": 900})
            await seen.page.goto(f"{url}/public/pilot?lang={lang}")
            await is_clean(seen, width=width)
        await sign_in(seen.page, url, app.at(NOW))
        for width in (390, 1280):
            await seen.page.set_viewport_size({"width": width, "height": 900})
            await seen.page.goto(f"{url}/pilot?lang={lang}")
            await is_clean(seen, width=width)
        drawn, written = await seen.page.evaluate(DRAWN), await seen.page.evaluate(WRITTEN)
        assert [(name, labels) for name, labels, _ in drawn] == [
            (name, labels) for name, labels, _ in written
        ]
        for (_, _, sets), (_, _, texts) in zip(drawn, written, strict=True):
            assert [[number(text) for text in column] for column in texts] == sets


def number(text: str) -> float | None:
    """Read a figure as it is written in either language; None for a dash."""
    plain = text.rstrip("%").strip("\N{NO-BREAK SPACE}")
    if text.endswith("%"):
        return float(plain.replace(",", "."))
    plain = plain.replace(".", "").replace(",", "")
    return float(plain) if plain.isdigit() else None


async def test_the_print_view_opens_every_table_and_needs_no_colour(world: World) -> None:
    pilot = PilotWorld(world)
    await pilot.begin()
    await pilot.count_all(SIZES)
    async with serving(served(pilot.rt)) as url, browser_page() as seen:
        await seen.page.goto(f"{url}/public/pilot?print=1")
        await is_clean(seen, width=1280)
        closed = await seen.page.locator("details:not([open])").count()
        assert closed == 0
        assert (await seen.page.pdf(format="A4"))[:5] == b"%PDF-"


async def test_without_scripts_every_table_is_there_to_read(world: World) -> None:
    pilot = PilotWorld(world)
    await pilot.begin()
    await pilot.count_all(SIZES)
    async with serving(served(pilot.rt)) as url, browser_page() as seen:
        await seen.page.route("**/static/**/*.js*", lambda route: route.abort())
        await seen.page.goto(f"{url}/public/pilot")
        assert await seen.page.locator("details[open] table").count() == 6


async def test_the_province_signs_in_and_takes_the_month_home(world: World, tmp_path: Path) -> None:
    pilot = PilotWorld(world)
    await pilot.begin()
    await world.add_bill(period=date(2026, 9, 1))
    await adoption.roll_up(pilot.rt)
    app = await pilot.add_user()
    async with serving(served(pilot.rt)) as url, browser_page() as seen:
        await sign_in(seen.page, url, app.at(NOW))
        await seen.page.select_option("#month", "2026-09")
        async with seen.page.expect_download() as waiting:
            await seen.page.click("button[value=csv]")
        download = await waiting.value
        assert download.suggested_filename == "ca-mau-2026-2026-09.zip"
        await download.save_as(tmp_path / "month.zip")
    assert differences(str(tmp_path / "month.zip")) == []
    with zipfile.ZipFile(tmp_path / "month.zip") as book:
        texts = [book.read(name).decode("utf-8-sig") for name in book.namelist()]
    assert not any(CUSTOMER in text for text in texts)
    [audited] = await world.rows("SELECT * FROM audit_log WHERE action = 'adoption.exported'")
    assert audited["actor"] == f"user:{NAME}"
