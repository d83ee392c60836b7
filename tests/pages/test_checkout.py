"""The hosted checkout as a browser without a screen sees it: honest at every step."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from httpx import Response

from gateway.domain.checkout import token_of
from gateway.testing.clock import FrozenClock
from tests.providing.conftest import rt, stage
from tests.providing.stage import Stage
from tests.world import BILLER, CUSTOMER, at_noon

__all__ = ["rt", "stage"]  # fixtures


@pytest.fixture
def clock() -> FrozenClock:
    return at_noon()


async def link(stage: Stage, *bills: str, **changes: object) -> str:
    """Make a link as a partner does; gives its path."""
    asked: dict[str, Any] = {
        "biller": BILLER,
        "customer_code": CUSTOMER,
        "partner_reference": stage.world.new_key(),
        "bills": [{"id": bill, "amount_dong": 150_000} for bill in bills],
    } | changes
    made = await stage.api.post("/v1/checkouts", json=asked, headers=stage.world.headers("wallet"))
    assert made.status_code == 201, made.text
    return str(made.json()["url"]).removeprefix("http://gateway")


async def step(stage: Stage, path: str) -> tuple[str, str]:
    """Look at the page; gives its step and what stands in it."""
    page = await stage.api.get(path)
    assert page.status_code == 200
    found = re.search(r'data-step="(\w+)"', page.text)
    assert found is not None
    return found[1], unescape(page.text)


async def choose(stage: Stage, path: str, way: str = "scripted:e_wallet") -> Response:
    """Press the button of a way on a page that was just opened."""
    _, page = await step(stage, path)
    act = re.search(r'name="act" value="(\w+)"', page)
    assert act is not None, page
    return await stage.api.post(path, data={"way": way, "act": act[1]})


async def payment_of(stage: Stage) -> dict[str, Any]:
    page = await stage.api.get("/v1/payments", headers=stage.world.headers("wallet"))
    return await stage.read(page.json()["data"][0])


async def test_a_payer_sees_the_bill_in_plain_words_and_the_ways_that_work(stage: Stage) -> None:
    path = await link(stage, await stage.world.add_bill())
    now, page = await step(stage, path)
    assert now == "choose"
    for words in ("150.000\xa0₫", "10/2026", "70 kWh", "09/11/2026", "N*** V*** Án", "Phường 5"):
        assert words in page
    assert "Nguyễn Văn" not in page
    assert {'value="scripted:e_wallet"', 'value="closing:e_wallet"'} <= set(
        re.findall(r'value="\w+:\w+"', page)
    )
    english = (await stage.api.get(f"{path}?lang=en")).text
    assert "Pay your electricity bill" in english
    assert "VND\xa0150,000" in english


async def test_the_whole_way_from_the_link_to_the_receipt(stage: Stage) -> None:
    path = await link(stage, await stage.world.add_bill())
    sent = await choose(stage, path)
    assert (sent.status_code, sent.headers["location"]) == (303, path)
    now, page = await step(stage, path)
    assert (now, "http://scripted.test/pay/" in page) == ("pay", True)
    await stage.notify(await payment_of(stage))
    now, page = await step(stage, path)
    assert now == "paid"
    assert "Một trăm năm mươi nghìn đồng" in page
    assert (await payment_of(stage))["id"] in page


async def test_a_bill_that_was_paid_elsewhere_is_not_offered(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    path = await link(stage, bill)
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    now, page = await step(stage, path)
    assert (now, 'name="way"' in page) == ("changed", False)


async def test_a_bill_whose_money_may_be_moving_elsewhere_is_not_offered(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    path = await link(stage, bill)
    stage.says["create"] = httpx.ReadTimeout("silence")
    await stage.begin(bill)
    now, page = await step(stage, path)
    assert (now, "Đừng trả lần nữa" in page) == ("busy", True)


async def test_a_link_that_is_over_begins_nothing_but_still_shows_its_receipt(
    stage: Stage, clock: FrozenClock
) -> None:
    paid, unpaid = [await link(stage, await stage.world.add_bill()) for _ in range(2)]
    await choose(stage, paid)
    await stage.notify(await payment_of(stage))
    clock.move(timedelta(days=1))
    assert (await step(stage, unpaid))[0] == "expired"
    await stage.api.post(unpaid, data={"way": "scripted:e_wallet", "act": "4" * 32})
    assert await stage.count("payments") == 1
    assert (await step(stage, paid))[0] == "paid"


async def test_late_money_is_said_to_be_given_back(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    path = await link(stage, bill)
    await choose(stage, path)
    payment = await payment_of(stage)
    assert (await stage.world.pay(stage.api, bill)).status_code == 201
    await stage.notify(payment)
    assert (await step(stage, path))[0] == "refund"


async def test_the_open_page_is_told_only_of_what_changes(stage: Stage) -> None:
    path = await link(stage, await stage.world.add_bill())
    await choose(stage, path)
    _, page = await step(stage, path)
    asks = re.search(r'hx-get="([^"]+)"', page)
    assert asks is not None
    assert (await stage.api.get(asks[1])).status_code == 204
    await stage.notify(await payment_of(stage))
    news = await stage.api.get(asks[1])
    assert (news.status_code, 'data-step="paid"' in news.text) == (200, True)
    assert "hx-get" not in news.text


async def test_a_link_that_is_not_ours_opens_nothing(stage: Stage) -> None:
    path = await link(stage, await stage.world.add_bill())
    other = token_of(b"another key", stage.rt.new_id())
    unmade = token_of(stage.rt.secrets.pages, stage.rt.new_id())
    for wrong in (path[:-1], path + "A", path[:-2] + "__", f"/pay/{other}", f"/pay/{unmade}"):
        for asks in (stage.api.get, stage.api.post):
            answer = await asks(wrong)
            assert answer.status_code == 404
            assert "không có liên kết thanh toán này" in answer.text


async def test_a_page_about_a_payer_is_kept_and_framed_by_nobody(stage: Stage) -> None:
    page = await stage.api.get(await link(stage, await stage.world.add_bill()))
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"


async def test_markup_in_a_name_or_from_a_provider_is_shown_not_run(stage: Stage) -> None:
    await stage.world.add_customer(CUSTOMER, "<script>alert(1)</script> <b>x</b> <i>An</i>")
    path = await link(stage, await stage.world.add_bill())
    page = (await stage.api.get(path)).text
    assert "&lt;i&gt;An&lt;/i&gt;" in page
    assert "<i>An" not in page
