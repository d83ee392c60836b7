"""How every page is shown."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from httpx import ASGITransport, AsyncClient

from gateway.domain.refusals import PaymentNotFound
from gateway.pages.site import see, site


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    app = FastAPI()

    @app.get("/lost")
    async def lost(request: Request) -> Response:
        return await site().tell(
            request, PaymentNotFound("<b>pay_1"), status=404, may_have_moved=True
        )

    @app.get("/ours")
    async def ours(request: Request) -> Response:
        return await site().tell(
            request, PaymentNotFound("pay_1"), status=503, may_have_moved=False
        )

    @app.post("/done")
    def done() -> Response:
        return see("/lost")

    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://g") as opened:
        yield opened


async def test_the_switch_is_remembered_and_keeps_the_rest_of_the_address(
    client: AsyncClient,
) -> None:
    first = await client.get("/lost?month=2026-11")
    assert 'lang="vi"' in first.text[:60]
    assert 'href="/lost?month=2026-11&amp;lang=en"' in first.text
    english = await client.get("/lost?lang=en")
    assert "lang=en" in english.headers["set-cookie"]
    assert 'lang="en"' in (await client.get("/lost")).text[:60]
    assert 'lang="vi"' in (await client.get("/lost?lang=vi")).text[:60]


async def test_a_language_that_we_do_not_speak_is_vietnamese(client: AsyncClient) -> None:
    assert 'lang="vi"' in (await client.get('/lost?lang="><script>')).text[:60]


async def test_an_error_is_told_to_a_person_and_says_what_it_means_for_the_money(
    client: AsyncClient,
) -> None:
    told = await client.get("/lost?lang=en")
    assert told.status_code == 404
    assert "Do not pay again" in told.text
    assert "<b>" not in told.text
    assert told.headers["cache-control"] == "no-store"
    ours = await client.get("/ours?lang=en")
    assert "No money was moved" in ours.text
    assert "pay_1" not in ours.text


async def test_after_a_post_a_reload_repeats_nothing(client: AsyncClient) -> None:
    done = await client.post("/done")
    assert (done.status_code, done.headers["location"]) == (303, "/lost")
