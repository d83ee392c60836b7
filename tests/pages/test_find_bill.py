"""Find my bill: what a stranger with a customer code may learn, and how often."""

import re
from html import unescape

import pytest
from httpx import Response

from gateway.domain.limit import LOOKUPS_OF_ADDRESS, LOOKUPS_OF_CODE
from gateway.flows import operate
from gateway.flows.checkout import HOUSE_PARTNER
from gateway.testing.clock import FrozenClock
from tests.pages.test_checkout import choose, step
from tests.providing.conftest import rt
from tests.providing.conftest import stage as bare_stage
from tests.providing.stage import Stage
from tests.world import BILLER, CUSTOMER, at_noon

__all__ = ["bare_stage", "rt"]  # fixtures


@pytest.fixture
def clock() -> FrozenClock:
    return at_noon()


@pytest.fixture
async def stage(bare_stage: Stage) -> Stage:
    """The stage, with the house's own partner."""
    await operate.put_partner(bare_stage.rt, HOUSE_PARTNER, "Trang", biller=None, actor="test")
    await bare_stage.rt.refresh()
    return bare_stage


async def find(stage: Stage, code: str = CUSTOMER, **fields: str) -> Response:
    return await stage.api.post("/pay", data={"biller": BILLER, "code": code} | fields)


def form(page: Response) -> dict[str, str]:
    """Read the hidden fields of the form on a page."""
    return {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    }


async def begin(stage: Stage, **changes: str) -> Response:
    return await stage.api.post("/pay/start", data=form(await find(stage)) | changes)


async def test_a_code_shows_masked_name_and_area_only_and_leads_to_the_checkout(
    stage: Stage,
) -> None:
    await stage.world.add_bill()
    page = await find(stage, " pb14 o1.OO-00 001 ")
    assert page.status_code == 200
    assert "N*** V*** Án" in page.text
    assert not {"Nguyễn Văn", "Nguyễn Trãi"} & set(re.findall(r"Nguyễn \w+", page.text))
    begun = await stage.api.post("/pay/start", data=form(page))
    assert begun.status_code == 303
    path = begun.headers["location"]
    await choose(stage, path)
    assert (await step(stage, path))[0] == "pay"


async def test_consent_given_twice_makes_one_checkout(stage: Stage) -> None:
    await stage.world.add_bill()
    fields = form(await find(stage))
    sent = [await stage.api.post("/pay/start", data=fields) for _ in range(2)]
    assert sent[0].headers["location"] == sent[1].headers["location"]
    assert await stage.count("checkouts") == 1


async def test_only_the_oldest_of_several_bills_may_be_chosen(stage: Stage) -> None:
    for _ in range(2):
        await stage.world.add_bill()
    path = (await begin(stage, bills="oldest")).headers["location"]
    assert "150.000\xa0₫" in (await step(stage, path))[1]
    whole = (await begin(stage)).headers["location"]
    assert "300.000\xa0₫" in (await step(stage, whole))[1]


async def test_who_owes_nothing_is_told_so(stage: Stage) -> None:
    page = await find(stage)
    assert (page.status_code, "Không còn nợ" in page.text) == (200, True)
    assert "/pay/start" not in page.text


@pytest.mark.parametrize(("typed", "status"), [("PB14019999999", 404), ("12", 422), ("", 422)])
async def test_a_code_of_nobody_is_told_so_and_stays_to_be_mended(
    stage: Stage, typed: str, status: int
) -> None:
    page = await find(stage, typed)
    assert (page.status_code, 'role="alert"' in page.text) == (status, True)
    assert f'name="code" value="{typed}"' in page.text


async def test_markup_in_the_code_is_shown_not_run(stage: Stage) -> None:
    attack = '"><script>alert(1)</script>'
    for page in (await find(stage, attack), await stage.api.get("/pay", params={"code": attack})):
        assert "<script>alert" not in page.text
        assert "&#34;&gt;&lt;script&gt;" in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"looked_up": "x"},
        {"code": "PB14010000002"},
        {"act": "short"},
        {"biller": "another-biller"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_only_what_was_shown_is_paid(stage: Stage, changes: dict[str, str]) -> None:
    await stage.world.add_bill()
    assert (await begin(stage, **changes)).status_code in {400, 422}
    assert await stage.count("checkouts") == 0


async def test_one_address_cannot_try_codes_without_end(stage: Stage, clock: FrozenClock) -> None:
    codes = [f"PB1401{number:07d}" for number in range(2, LOOKUPS_OF_ADDRESS.burst + 2)]
    assert {(await find(stage, code)).status_code for code in codes} == {404}
    refused = await find(stage)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert "N***" not in refused.text
    clock.move(LOOKUPS_OF_ADDRESS.share)
    assert (await find(stage)).status_code == 200


async def test_one_code_cannot_be_watched_without_end(stage: Stage) -> None:
    for _ in range(LOOKUPS_OF_CODE.burst):
        assert (await find(stage)).status_code == 200
    assert (await find(stage)).status_code == 429


async def test_where_no_house_partner_stands_nothing_is_looked_up(bare_stage: Stage) -> None:
    for page in (await bare_stage.api.get("/pay"), await find(bare_stage)):
        assert "chưa tự tìm hóa đơn được" in page.text
        assert "N***" not in page.text
