"""The checkout in a real browser: by keyboard alone, at both widths, in both languages."""

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import zxingcpp
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page
from pydantic import SecretStr

from gateway.app import build
from gateway.domain.partner import Mode
from gateway.flows import operate
from gateway.flows.checkout import HOUSE_PARTNER
from gateway.kit.attached import Providers
from gateway.providers import momo, vietqr
from gateway.runtime import Clock, Runtime, Secrets
from gateway.sandbox.momo import MoMo as SimulatedMoMo
from gateway.store import database as database_store
from tests.pages.browser import Seen, browser_page, serving
from tests.sandbox.momo import ACCESS, PARTNER, SECRET
from tests.world import CUSTOMER, MASTER_SECRET, World

ACCOUNT = "0501000123456"
GREY = """
async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  let grey = "";
  for (let at = 0; at < data.length; at += 4) grey += String.fromCharCode(data[at]);
  return [image.width, image.height, btoa(grey)];
}
"""
WIDTHS = {"phone": 390, "desktop": 1280}


@dataclass
class Shop:
    """The gateway over real HTTP, its simulated wallet, and a payer's browser."""

    url: str
    rail: str
    rt: Runtime
    world: World
    seen: Seen
    shots: Path
    violations: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        return self.seen.page

    async def look(self, name: str) -> bytes:
        """Hold the page that is open against axe and the width; keep its picture."""
        if self.page.url.startswith(self.url):
            report = await Axe().run(self.page)
            if report.violations_count:
                self.violations.append(f"{name}: {report.generate_report()}")
            width = await self.page.evaluate("document.documentElement.scrollWidth")
            if width > self.page.viewport_size["width"]:  # type: ignore[index]
                self.violations.append(f"{name} is {width} wide")
        return await self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)

    async def press(self, selector: str) -> None:
        """Go to something by the Tab key alone, and press Enter."""
        for _ in range(40):
            await self.page.keyboard.press("Tab")
            if await self.page.evaluate("s => document.activeElement.matches(s)", selector):
                await self.page.keyboard.press("Enter")
                return
        message = f"the keyboard does not reach {selector} on {self.page.url}"
        raise AssertionError(message)

    async def find(self) -> None:
        """Find the bill and agree to pay it, by keyboard."""
        await self.page.goto(f"{self.url}/pay")
        for _ in range(12):
            await self.page.keyboard.press("Tab")
            if await self.page.evaluate("document.activeElement.id") == "code":
                break
        await self.page.keyboard.type(CUSTOMER.lower())
        await self.look("find")
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_selector("input[name=looked_up]", state="attached")
        await self.look("found")
        await self.press("form button")
        await self.page.wait_for_selector("[data-step=choose]")
        await self.look("choose")


@asynccontextmanager
async def gateway(database: str, rail: str) -> AsyncIterator[tuple[Runtime, str]]:
    """Run the gateway with a wallet and VietQR, reached at its own address."""
    wallet = momo.MoMo(
        momo.Config(
            host=rail,
            partner_code=PARTNER,
            access_key=SecretStr(ACCESS),
            secret_key=SecretStr(SECRET),
            deadline_s=5,
            visibility_s=5,
        )
    )
    transfer = vietqr.VietQr(
        vietqr.Config(bank_bin="970436", account=ACCOUNT, account_name="DIEN LUC CA MAU")
    )
    clock = Clock()
    rt = Runtime(
        database_url=database,
        pool_size=8,
        secrets=Secrets.derived_from(MASTER_SECRET),
        mode=Mode.TEST,
        clock=clock,
        providers=Providers([wallet, transfer], now=clock.now),
    )
    app = build(lambda: rt)
    app.app.state.runtime = rt  # type: ignore[attr-defined]
    await rt.start()
    async with serving(app) as url:
        rt.public_url = url
        yield rt, url
    await rt.stop()


@pytest.fixture
async def shop(database: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        seen = await stack.enter_async_context(browser_page())
        simulated = SimulatedMoMo().application()
        await stack.enter_async_context(simulated.router.lifespan_context(simulated))
        rail = await stack.enter_async_context(serving(simulated))
        rt, url = await stack.enter_async_context(gateway(database, rail))
        world = await World.make(rt)
        await operate.put_partner(rt, HOUSE_PARTNER, "Trang", biller=None, actor="test")
        await rt.refresh()
        await world.add_customer(CUSTOMER, 'Nguyễn <img src=x onerror="alert(1)"> Án')
        await world.add_bill(amount_dong=351_000)
        yield Shop(url, rail, rt, world, seen, tmp_path)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_a_bill_is_found_paid_and_its_receipt_checked_by_keyboard_alone(
    shop: Shop, lang: str, width: str
) -> None:
    page = shop.page
    await page.set_viewport_size({"width": WIDTHS[width], "height": 800})
    await page.goto(f"{shop.url}/pay?lang={lang}")
    await shop.find()
    await shop.press("button[value='momo:e_wallet']")
    await page.wait_for_selector("[data-step=pay]")
    await shop.look("pay")
    await shop.press("a.button[href^=http]")
    await page.wait_for_url(f"{shop.rail}/**")
    await shop.press("button.approve")
    await page.wait_for_selector("[data-step=paid]")
    await shop.look("paid")
    text = await page.inner_text("main")
    words = {
        "vi": ("Đã trả xong", "Ba trăm năm mươi mốt nghìn đồng"),
        "en": ("Paid", "Three hundred and fifty-one thousand dong"),
    }
    assert all(word in text for word in words[lang])
    await shop.press("a[href^='/verify?']")
    await page.wait_for_url("**/verify?**")
    await shop.look("verify")
    assert "PB14******001" in await page.inner_text("main")
    assert shop.violations == []
    assert shop.seen.hosts == {"127.0.0.1"}
    assert shop.seen.complaints == []


async def test_the_qr_on_the_screen_is_the_transfer_and_the_page_tells_of_its_end_by_itself(
    shop: Shop,
) -> None:
    page = shop.page
    await page.set_viewport_size({"width": 390, "height": 800})
    await shop.find()
    await shop.press("button[value='vietqr:qr']")
    await page.wait_for_selector("[data-step=pay] svg.qr")
    picture = await shop.look("vietqr")
    tried = await sql(shop.rt, "SELECT qr_content FROM attempts")
    assert await decoded(shop, picture) == tried[0]["qr_content"]
    shown = await page.inner_text("dl.copy")
    assert all(part in shown for part in ("Vietcombank", ACCOUNT, "351.000"))
    box = await page.locator("svg.qr").bounding_box()
    assert box is not None
    assert box["width"] >= 300
    await sql(shop.rt, "UPDATE attempts SET state = 'pending'")
    await sql(shop.rt, "UPDATE payments SET status = 'processing'")
    await page.wait_for_selector("[data-step=wait]")
    await shop.look("wait")
    await sql(shop.rt, "UPDATE attempts SET state = 'unknown'")
    await sql(shop.rt, "UPDATE payments SET status = 'in_doubt'")
    await page.wait_for_selector("[data-step=unknown]")
    await shop.look("unknown")
    assert "Đừng trả lần nữa" in await page.inner_text("main")
    assert await page.locator("button[name=way]").count() == 0
    assert shop.violations == []
    assert (shop.seen.hosts, shop.seen.complaints) == ({"127.0.0.1"}, [])


async def test_without_scripts_the_page_still_pays_and_asks_again(shop: Shop) -> None:
    context = await shop.page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    page = await context.new_page()
    await page.goto(f"{shop.url}/pay?code={CUSTOMER}")
    await page.click("form button")
    await page.click("form button")
    await page.click("button[value='momo:e_wallet']")
    await page.wait_for_selector("[data-step=pay]")
    assert await page.locator("noscript meta[http-equiv=refresh]").count() == 1
    await page.click("a.button[href^=http]")
    await page.click("button.approve")
    await page.wait_for_url(f"{shop.url}/pay/**")
    await page.goto(f"{shop.url}{urlsplit(page.url).path}")
    await page.wait_for_selector("[data-step=paid]")
    await context.close()


async def decoded(shop: Shop, picture: bytes) -> str:
    """Read the one QR in a picture; the browser turns the picture into grey points."""
    page = await shop.page.context.browser.new_page()  # type: ignore[union-attr]
    shot = base64.b64encode(picture).decode()
    side, other, grey = await page.evaluate(GREY, f"data:image/png;base64,{shot}")
    await page.close()
    view = memoryview(base64.b64decode(grey)).cast("B", (other, side))
    (found,) = zxingcpp.read_barcodes(view)
    return str(found.text)


async def sql(rt: Runtime, statement: str) -> list[dict[str, object]]:
    async with database_store.borrow(rt.pool) as connection:
        return [dict(row) for row in await connection.fetch(statement)]
