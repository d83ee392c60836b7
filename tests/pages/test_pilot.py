"""The pilot's pages: one for everybody, one for those who sign in, each no more than is due."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from httpx import AsyncClient

from gateway.domain.pilot import Outlook
from gateway.pages.charts import Pen
from gateway.pages.words import catalogue
from gateway.testing.clock import FrozenClock
from tests.conftest import client_of
from tests.pages.pilot_world import (
    MONTHS,
    NAME,
    NOW,
    PASSWORD,
    PILOT,
    WARD_2,
    WARD_5,
    WARD_6,
    PilotWorld,
    growing,
)
from tests.world import World

SIZES = {WARD_2: 1_900, WARD_5: 2_400, WARD_6: 1_300}


class Tables(HTMLParser):
    """Reads a page's tables: by name, then by row, the cells' texts; and values that are drawn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, list[str]]] = {}
        self.drawn: dict[str, dict[str, list[str | None]]] = {}
        self._name = self._row = ""
        self._into: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "table":
            self._name = (facts["id"] or "").removesuffix("-table")
            self.tables[self._name], self.drawn[self._name] = {}, {}
        elif tag == "th" and facts.get("scope") == "row":
            self._into = "row"
        elif tag == "td":
            self._into = "cell"
            self.drawn[self._name][self._row].append(facts.get("data-value"))

    def handle_data(self, data: str) -> None:
        if self._into == "row":
            self._row = data
            self.tables[self._name][data], self.drawn[self._name][data] = [], []
        elif self._into == "cell":
            self.tables[self._name][self._row].append(data)
        self._into = None


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
async def pilot(world: World) -> PilotWorld:
    made = PilotWorld(world)
    await made.begin()
    return made


@pytest.fixture
async def http(pilot: PilotWorld) -> AsyncIterator[AsyncClient]:
    async with client_of(pilot.rt) as opened:
        yield opened


async def sign_in(pilot: PilotWorld, http: AsyncClient, *areas: str) -> None:
    app = await pilot.add_user(*areas)
    await http.post("/sign-in", data={"name": NAME, "password": PASSWORD, "next": "/pilot"})
    page = (await http.get("/sign-in/code")).text
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert token is not None
    fields = {"form_token": token[1], "code": app.at(NOW), "next": "/pilot"}
    done = await http.post("/sign-in/code", data=fields)
    assert done.headers["location"] == "/pilot"


def electronic(area: str, month: date) -> int:
    told = growing(month, SIZES[area])
    return told["internet_banking"] + told["e_wallet"] + told["card"]


async def test_a_stranger_signs_in_first(http: AsyncClient) -> None:
    sent = await http.get("/pilot")
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=%2Fpilot")


async def test_without_a_pilot_both_pages_say_so(world: World) -> None:
    async with client_of(world.rt) as opened:
        page = await opened.get("/public/pilot")
        assert page.status_code == 404
        assert catalogue()["pilot.none_title"]["vi"] in page.text


async def test_the_number_of_both_wards_together_is_told_to_everybody(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    await pilot.count_all(SIZES)
    page = await http.get("/public/pilot?lang=en")
    assert page.status_code == 200
    last = MONTHS[-2]
    shown = f"{electronic(WARD_2, last) + electronic(WARD_5, last):,}"
    rows = Tables(page.text).tables
    assert rows["trend"]["Sep 2026"][0] == shown
    assert f'<a href="#def-electronic">{shown}</a>' in page.text
    assert rows["wards"]["Phường 2"][1] == f"{electronic(WARD_2, last):,}"
    assert "Oct 2026" not in rows["channels"]


async def test_what_is_drawn_is_what_the_table_says(pilot: PilotWorld, http: AsyncClient) -> None:
    await pilot.count_all(SIZES)
    page = Tables((await http.get("/public/pilot?lang=en")).text)
    assert set(page.tables) >= {"trend", "plan", "wards", "ward_shares", "channels", "cash"}
    for name, rows in page.tables.items():
        for row, texts in rows.items():
            for text, value in zip(texts, page.drawn[name][row], strict=True):
                if value is not None:
                    assert float(text.replace(",", "").rstrip("%")) == float(value)


async def test_the_forecast_reaches_the_pilot_s_last_month(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    await pilot.count_all(SIZES)
    trend = Tables((await http.get("/public/pilot?lang=en")).text).tables["trend"]
    assert list(trend)[-1] == "Jun 2027"
    middle, high, low = (int(text.replace(",", "")) for text in trend["Jun 2027"][1:4])
    assert low < middle < high


async def test_small_counts_of_a_ward_are_told_only_within_those_of_all(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    month = MONTHS[-3]
    await pilot.count_all({WARD_5: 2_400})
    await pilot.count_all({WARD_2: 1_900}, [each for each in MONTHS if each != month])
    unique = {"internet_banking": 611, "e_wallet": 97, "card": 3, "counter_cash": 7_013}
    await pilot.count(WARD_2, month, unique | {"unsettled": 2})
    page = (await http.get("/public/pilot?lang=en")).text
    channels = Tables(page).tables["channels"]["Aug 2026"]
    assert channels[2] != "hidden"  # cards of both wards together are many
    await sign_in(pilot, http)
    own = Tables((await http.get("/pilot?lang=en")).text).tables
    assert own["trend"]["Aug 2026"][0] == f"{711 + electronic(WARD_5, month):,}"


async def test_a_ward_with_few_payers_hides_itself_and_whatever_would_tell_it(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    await pilot.count_all(SIZES, MONTHS[:-4])
    for month in MONTHS[-4:]:
        await pilot.count(WARD_2, month, {"e_wallet": 4, "home_cash": 1_871})
        await pilot.count(WARD_5, month, {"e_wallet": 1_733, "home_cash": 2_917})
    page = (await http.get("/public/pilot?lang=en")).text
    tables = Tables(page).tables
    assert tables["ward_shares"]["Sep 2026"] == ["hidden", "hidden"]
    assert tables["wards"]["Phường 2"] == ["hidden"] * 8
    assert tables["wards"]["Phường 5"][2:] == ["hidden"] * 6
    assert tables["trend"]["Sep 2026"][0] == "1,737"
    for hidden in (1_871, 1_733, 2_917):
        assert not re.search(rf"\b(?:{hidden}|{hidden:,})\b", page)
    assert not re.search(r'>4<|"4"', page)


async def test_a_group_of_channels_with_few_people_is_hidden_with_another(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    for month in MONTHS:
        for area in (WARD_2, WARD_5):
            counts = {"e_wallet": 90, "internet_banking": 300, "card": 1, "home_cash": 700}
            await pilot.count(area, month, counts)
    page = (await http.get("/public/pilot?lang=en")).text
    row = Tables(page).tables["channels"]["Sep 2026"]
    assert row == ["600", "hidden", "hidden", "0", "1,400", "0"]
    assert 'data-value="2"' not in page
    assert ">180<" not in page


async def test_a_user_sees_only_the_areas_that_are_theirs(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    await pilot.count_all(SIZES)
    await sign_in(pilot, http, WARD_5)
    page = (await http.get("/pilot?lang=en")).text
    assert "Phường 2<" not in page
    tables = Tables(page).tables
    assert tables["trend"]["Sep 2026"][0] == f"{electronic(WARD_5, MONTHS[-2]):,}"
    assert "agencies" not in tables


async def test_a_user_of_other_areas_sees_no_pilot(pilot: PilotWorld, http: AsyncClient) -> None:
    await pilot.count_all(SIZES)
    await sign_in(pilot, http, "32099")
    page = await http.get("/pilot")
    assert page.status_code == 404
    assert f"{electronic(WARD_5, MONTHS[-2])}" not in page.text


async def test_the_private_page_is_kept_by_no_cache(pilot: PilotWorld, http: AsyncClient) -> None:
    await pilot.count_all(SIZES)
    await sign_in(pilot, http)
    page = await http.get("/pilot")
    assert page.headers["cache-control"] == "no-store"
    assert "'unsafe-inline'" not in page.headers["content-security-policy"]
    assert {"funnel", "flow"} <= set(Tables(page.text).tables)


async def test_a_pilot_with_nothing_counted_is_shown_as_too_early(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    page = await http.get("/public/pilot?lang=en")
    assert page.status_code == 200
    assert "Too early to say" in page.text
    assert "Nothing is counted yet." in page.text


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_a_name_of_a_pilot_is_never_markup(pilot: PilotWorld, lang: str) -> None:
    await pilot.put(replace(PILOT, name="<script>alert(1)</script>"))
    async with client_of(pilot.rt) as opened:
        page = await opened.get(f"/public/pilot?lang={lang}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_every_outlook_says_itself_and_what_it_means() -> None:
    for outlook in Outlook:
        assert Pen("vi").word(f"outlook_{outlook}")
        assert Pen("en").word(f"means_{outlook}")


async def test_only_who_sees_every_area_is_offered_the_export(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    await pilot.count_all(SIZES)
    await sign_in(pilot, http, WARD_5, WARD_2)
    assert "/pilot/export" not in (await http.get("/pilot")).text
    assert (await http.get("/pilot/export?month=2026-09")).status_code == 404


async def test_an_export_is_not_for_strangers(http: AsyncClient) -> None:
    sent = await http.get("/pilot/export?month=2026-09&form=csv")
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/sign-in?next=%2Fpilot%2Fexport")


@pytest.mark.parametrize("query", ["month=2026-13", "month=%00", "form=exe", "month=2026-9"])
async def test_an_export_that_cannot_be_is_not_there(
    pilot: PilotWorld, http: AsyncClient, query: str
) -> None:
    await sign_in(pilot, http)
    assert (await http.get(f"/pilot/export?{query}")).status_code == 404


async def test_a_month_without_bills_is_said_to_a_person(
    pilot: PilotWorld, http: AsyncClient
) -> None:
    await sign_in(pilot, http)
    told = await http.get("/pilot/export?month=2026-09&lang=en")
    assert told.status_code == 404
    assert "nothing of 'ca-mau-2026' is counted" in told.text.replace("&#39;", "'")
