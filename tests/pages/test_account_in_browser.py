"""Sign-in in a real browser, by keyboard alone, at the width of a phone."""

import re

import pyotp
import pytest
from axe_playwright_python.async_playwright import Axe

from gateway.app import build
from gateway.domain.user import Role
from gateway.flows import users
from gateway.runtime import Runtime
from tests.pages.browser import browser_page, serving

NAME, PASSWORD = "dung.nt", "mùa nước nổi ở Cà Mau"


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_the_first_sign_in_by_keyboard_on_a_phone(rt: Runtime, lang: str) -> None:
    await users.add(rt, NAME, Role.VIEWER, [], password=PASSWORD, actor="test")
    app = build(lambda: rt)
    app.app.state.runtime = rt  # type: ignore[attr-defined]
    async with serving(app) as url, browser_page() as seen:
        page = seen.page
        await page.set_viewport_size({"width": 390, "height": 800})
        await page.goto(f"{url}/sign-in?lang={lang}")
        await page.focus("#name")
        await page.keyboard.type(NAME)
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/sign-in/app**")
        violations = [await Axe().run(page)]
        secret = re.search(r"\b[A-Z2-7]{32}\b", await page.inner_text("main"))
        assert secret is not None
        await page.focus("#code")
        await page.keyboard.type(pyotp.TOTP(secret[0]).at(rt.clock.now()))
        await page.keyboard.press("Enter")
        await page.wait_for_selector("li code")
        violations.append(await Axe().run(page))
        await page.focus("a.button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/account")
        violations.append(await Axe().run(page))
        assert NAME in await page.inner_text("main")
        assert [v.generate_report() for v in violations if v.violations_count] == []
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
        assert seen.hosts == {"127.0.0.1"}
        assert seen.complaints == []
