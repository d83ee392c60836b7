"""Sign-in as pages: what a browser is given, and what it cannot be made to do."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from httpx import AsyncClient, Response

from gateway.domain.user import Role
from gateway.flows import users
from gateway.runtime import Runtime
from gateway.testing.clock import FrozenClock
from tests.conftest import client_of

NAME, PASSWORD = "dung.nt", "mùa nước nổi ở Cà Mau"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 24, 2, 0, tzinfo=UTC))


@dataclass
class Browser:
    """A browser without a screen: keeps cookies and reads the token out of forms."""

    rt: Runtime
    http: AsyncClient
    app: pyotp.TOTP | None = None

    async def post(self, path: str, **fields: str) -> Response:
        return await self.http.post(path, data=fields)

    async def token(self, path: str) -> str:
        found = re.search(
            r'name="form_token" value="([0-9a-f]+)"', (await self.http.get(path)).text
        )
        assert found is not None
        return found[1]

    async def give_password(self, onward: str = "/account") -> Response:
        return await self.post("/sign-in", name=NAME, password=PASSWORD, next=onward)

    async def enrol(self) -> Response:
        await self.give_password()
        page = (await self.http.get("/sign-in/app")).text
        secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)
        assert secret is not None
        self.app = pyotp.TOTP(secret[1])
        return await self.give_code("/sign-in/app")

    async def give_code(self, path: str = "/sign-in/code") -> Response:
        assert self.app is not None
        token = await self.token(path)
        code = self.app.at(self.rt.clock.now())
        return await self.post(path, form_token=token, code=code, next="/account")


@pytest.fixture
async def browser(rt: Runtime) -> AsyncIterator[Browser]:
    await users.add(rt, NAME, Role.VIEWER, ["32011"], password=PASSWORD, actor="test")
    async with client_of(rt) as http:
        yield Browser(rt, http)


async def test_a_stranger_is_sent_to_sign_in_and_comes_back_to_where_they_wanted(
    browser: Browser,
) -> None:
    sent = await browser.http.get("/account?changed=1")
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        "/sign-in?next=%2Faccount%3Fchanged%3D1",
    )
    page = await browser.http.get(sent.headers["location"])
    assert 'name="next" value="/account?changed=1"' in page.text


async def test_the_first_sign_in_ends_with_an_app_and_recovery_codes(browser: Browser) -> None:
    given = await browser.give_password("/pilot")
    assert given.headers["location"] == "/sign-in/app?next=%2Fpilot"
    page = await browser.enrol()
    assert len(re.findall(r"<li><code>[0-9a-f]{20}</code>", page.text)) == 10
    assert page.headers["cache-control"] == "no-store"
    account = await browser.http.get("/account?lang=en")
    assert "dung.nt" in account.text
    assert "32011" in account.text


async def test_the_session_is_a_cookie_that_scripts_cannot_read_and_changes_on_the_way_in(
    browser: Browser,
) -> None:
    await browser.enrol()
    token = await browser.token("/account")
    await browser.post("/sign-out", form_token=token)
    assert isinstance(browser.rt.clock, FrozenClock)
    browser.rt.clock.move(timedelta(seconds=30))
    half_in = await browser.give_password()
    planted = half_in.cookies["session"]
    done = await browser.give_code()
    assert done.headers["location"] == "/account"
    assert done.cookies["session"] != planted
    for flag in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert flag in done.headers["set-cookie"]


async def test_half_a_sign_in_opens_no_page(browser: Browser) -> None:
    await browser.give_password()
    assert (await browser.http.get("/account")).status_code == 303


@pytest.mark.parametrize("path", ["/account/password", "/sign-out", "/sign-in/app"])
async def test_a_post_without_the_page_s_own_token_does_nothing(
    browser: Browser, path: str
) -> None:
    await browser.enrol()
    for token in ({}, {"form_token": "0" * 64}):
        refused = await browser.post(path, old=PASSWORD, new="rừng đước, rừng mắm", **token)
        assert refused.status_code == 400
        assert "text/html" in refused.headers["content-type"]
    assert (await browser.http.get("/account")).status_code == 200


async def test_a_wrong_password_is_told_without_saying_what_was_wrong(browser: Browser) -> None:
    pages = []
    for name, password in ((NAME, "a wrong one"), ("nobody", PASSWORD)):
        refused = await browser.post("/sign-in", name=name, password=password, next="/account")
        assert refused.status_code == 401
        pages.append(refused.text)
    assert pages[0] == pages[1]


async def test_what_was_typed_is_never_written_into_a_page_as_markup(browser: Browser) -> None:
    attack = '"><script>alert(1)</script>'
    page = await browser.post("/sign-in", name=attack, password=attack, next=attack)
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_signing_in_leads_to_no_other_site(browser: Browser, onward: str) -> None:
    given = await browser.give_password(onward)
    assert given.headers["location"] == "/sign-in/app?next=%2Faccount"


async def test_guessing_is_answered_429_with_the_time_to_wait(browser: Browser) -> None:
    for _ in range(7):
        answer = await browser.post("/sign-in", name=NAME, password="a wrong one", next="/")
    assert answer.status_code == 429
    assert "giây" in answer.text


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/sign-in/app", "/account"])
async def test_no_page_of_an_account_can_be_framed(browser: Browser, path: str) -> None:
    await browser.enrol()
    headers = (await browser.http.get(path)).headers
    if "content-security-policy" in headers:
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


async def test_over_https_the_cookie_is_bound_to_this_host(browser: Browser) -> None:
    browser.rt.public_url = "https://pay.example.vn"
    given = await browser.give_password()
    assert "__Host-session=" in given.headers["set-cookie"]
    assert "Secure" in given.headers["set-cookie"]
