"""Choosing how to pay: once for a page, again only after a proved failure."""

import re

import httpx
import pytest
from httpx import Response

from gateway.testing.clock import FrozenClock
from tests.pages.test_checkout import choose, link, step
from tests.providing.conftest import rt, stage
from tests.providing.stage import Stage
from tests.world import at_noon

__all__ = ["rt", "stage"]  # fixtures


@pytest.fixture
def clock() -> FrozenClock:
    return at_noon()


async def give_up(stage: Stage, path: str) -> Response:
    form = {"content-type": "application/x-www-form-urlencoded"}
    return await stage.api.post(f"{path}/give-up", content=b"", headers=form)


async def test_a_button_pressed_twice_begins_once(stage: Stage) -> None:
    path = await link(stage, await stage.world.add_bill())
    _, page = await step(stage, path)
    act = re.search(r'name="act" value="(\w+)"', page)
    assert act is not None
    for way in ("scripted:e_wallet", "scripted:e_wallet", "closing:qr"):
        sent = await stage.api.post(path, data={"way": way, "act": act[1]})
        assert (sent.status_code, sent.headers["location"]) == (303, path)
    assert (await stage.count("attempts"), stage.calls) == (1, ["create"])


async def test_two_pages_of_one_link_begin_one_payment(stage: Stage) -> None:
    path = await link(stage, await stage.world.add_bill())
    for act in ("1" * 32, "2" * 32):
        await stage.api.post(path, data={"way": "scripted:e_wallet", "act": act})
    assert (await stage.count("payments"), await stage.count("attempts")) == (1, 1)


async def test_what_is_in_doubt_is_said_and_cannot_be_paid_again(stage: Stage) -> None:
    stage.says["create"] = httpx.ReadTimeout("silence")
    path = await link(stage, await stage.world.add_bill())
    await choose(stage, path)
    now, page = await step(stage, path)
    assert now == "unknown"
    assert "Đừng trả lần nữa" in page
    assert "Lần hỏi tiếp theo" in page
    assert 'name="way"' not in page
    await stage.api.post(path, data={"way": "closing:qr", "act": "3" * 32})
    assert await stage.count("attempts") == 1


async def test_another_way_is_a_new_attempt_once_the_first_is_proved_not_taken(
    stage: Stage,
) -> None:
    stage.says["create"] = {"outcome": "failed", "code": "99"}
    path = await link(stage, await stage.world.add_bill())
    await choose(stage, path)
    now, page = await step(stage, path)
    assert (now, "Scripted chưa thu tiền" in page) == ("try_again", True)
    stage.says["create"] = {"outcome": "opened"}
    await choose(stage, path, "closing:qr")
    assert (await step(stage, path))[0] == "pay"
    tried = await stage.sql("SELECT provider, state FROM attempts ORDER BY number")
    assert [tuple(row) for row in tried] == [("scripted", "failed"), ("closing", "waiting")]


async def test_what_is_given_up_is_so_only_when_the_rail_proves_it(stage: Stage) -> None:
    path = await link(stage, await stage.world.add_bill())
    await choose(stage, path, "closing:qr")
    stage.says |= {"cancel": {"outcome": "succeeded", "provider_id": "1"}}
    assert (await give_up(stage, path)).status_code == 303
    assert (await step(stage, path))[0] == "paid"
    second = await link(stage, await stage.world.add_bill())
    await choose(stage, second, "closing:qr")
    stage.says |= {"cancel": {"outcome": "failed", "code": "closed"}}
    assert (await give_up(stage, second)).status_code == 303
    assert (await step(stage, second))[0] == "given_up"


async def test_another_site_cannot_press_the_button(stage: Stage) -> None:
    path = await link(stage, await stage.world.add_bill())
    form = {"way": "scripted:e_wallet", "act": "5" * 32}
    for sent_by in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert (await stage.api.post(path, data=form, headers=sent_by)).status_code == 400
    assert await stage.count("payments") == 0


async def test_an_order_that_is_being_closed_says_by_when_and_offers_nothing_before(
    stage: Stage,
) -> None:
    path = await link(stage, await stage.world.add_bill())
    await choose(stage, path)
    await give_up(stage, path)
    now, page = await step(stage, path)
    assert (now, "chậm nhất đến" in page, 'name="way"' in page) == ("wait", True, False)
