"""Reports over HTTP: for the biller's own key, about nobody in particular, never a 5xx."""

from datetime import date
from pathlib import Path

import pytest
from httpx import AsyncClient, Response

from gateway.domain.partner import Scope
from gateway.domain.pilot import Pilot
from gateway.flows import adoption
from gateway.sandbox.recompute import differences
from tests.history import FIRST, History
from tests.world import BILLER, World

PILOT = Pilot(
    code="wards",
    name="Phường 2 và 5",
    areas=("32011", "32008"),
    comparison_areas=("32017",),
    baseline_from=FIRST,
    baseline_to=date(2026, 2, 1),
    starts_on=date(2026, 3, 1),
    ends_on=date(2027, 3, 31),
    target_percent=200,
)
REPORTS = ("adoption", "pilot", "forecast", "agencies", "cash", "export")


@pytest.fixture
async def history(world: World) -> History:
    """A pilot with a history that is rolled up."""
    history = History(world, 7)
    await history.begin(customers=8, months=7)
    for _ in range(40):
        await history.step()
    await adoption.put_pilot(world.rt, world.rt.directory.billers[BILLER], PILOT, actor="test")
    await adoption.roll_up(world.rt)
    return history


async def ask(
    world: World, api: AsyncClient, report: str, partner: str = "utility", **query: str
) -> Response:
    named = {"pilot": "wards"} if report in {"pilot", "forecast", "export"} else {}
    params = {"biller": BILLER} | named | query
    headers = world.headers(partner)
    return await api.get(f"/v1/reports/{report}", params=params, headers=headers)


async def test_the_cells_of_an_area_and_its_months_are_those_that_were_counted(
    history: History, api: AsyncClient
) -> None:
    answer = await ask(
        history.world, api, "adoption", area="32011", from_month="2026-02", to_month="2026-03"
    )
    wanted = {date(2026, 2, 1), date(2026, 3, 1)}
    truth = {
        key: n for key, n in history.counts().items() if key[0] in wanted and key[1] == "32011"
    }
    found = answer.json()["data"]
    assert {(c["month"], c["segment"], c["channel"]): c["customers"] for c in found} == {
        (f"{key[0]:%Y-%m}", key[2], key[3]): counts[0] for key, counts in truth.items()
    }
    assert len(answer.json()["counted"]) == 7


async def test_a_channel_and_a_segment_can_be_asked_for(history: History, api: AsyncClient) -> None:
    answer = await ask(history.world, api, "adoption", channel="portal", segment="household")
    cells = answer.json()["data"]
    assert cells
    assert {(c["channel"], c["segment"]) for c in cells} == {("portal", "household")}


async def test_the_headline_says_whether_we_are_going_to_double(
    history: History, api: AsyncClient
) -> None:
    standing = (await ask(history.world, api, "pilot")).json()
    assert (standing["name"], standing["target_percent"]) == ("Phường 2 và 5", 200)
    assert [area["area_code"] for area in standing["areas"]] == ["32011", "32008"]
    assert standing["whole"]["outlook"] in {"reached", "on_course", "likely", "unlikely"} | {
        *("off_course", "too_early")
    }
    whole = standing["whole"]
    assert whole["gap"] == max(0, whole["target"] - whole["now"]["electronic"])


async def test_forecast_cash_and_agencies_are_answered(history: History, api: AsyncClient) -> None:
    forecasts = (await ask(history.world, api, "forecast")).json()["data"]
    assert [each["area_code"] for each in forecasts] == [None, "32011", "32008"]
    assert all(p["low"] <= p["middle"] <= p["high"] for p in forecasts[0]["points"])
    months = (await ask(history.world, api, "cash")).json()["data"]
    assert len(months) == 7
    assert all(m["home"] + m["counter"] == m["cash"] for m in months)
    agencies = (await ask(history.world, api, "agencies")).json()
    assert all(0 <= each["share"] <= 1 for each in agencies["data"])


@pytest.mark.parametrize("form", ["xlsx", "csv"])
async def test_a_download_is_recomputed_to_the_same_figures(
    history: History, api: AsyncClient, tmp_path: Path, form: str
) -> None:
    answer = await ask(history.world, api, "export", format=form, month="2026-03")
    assert answer.status_code == 200
    assert 'filename="wards-2026-03.' in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    path = tmp_path / "got"
    path.write_bytes(answer.content)
    assert differences(str(path)) == []


@pytest.mark.parametrize("report", REPORTS)
async def test_another_partner_is_told_that_there_is_no_such_biller(
    world: World, api: AsyncClient, report: str
) -> None:
    answer = await ask(world, api, report, partner="bank")
    assert (answer.status_code, answer.json()["code"]) == (404, "biller_unknown")


@pytest.mark.parametrize("report", REPORTS)
async def test_a_key_without_the_scope_is_refused(
    world: World, api: AsyncClient, report: str
) -> None:
    await world.add_key("reader", "utility", Scope.READ)
    answer = await ask(world, api, report, partner="reader")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("report", "query", "status", "code"),
    [
        ("adoption", {"from_month": "2026-13"}, 422, "request_invalid"),
        ("adoption", {"area": "32'11"}, 422, "request_invalid"),
        ("adoption", {"channel": "gold"}, 422, "request_invalid"),
        ("adoption", {"unknown": "1"}, 422, "request_invalid"),
        ("export", {"format": "pdf"}, 422, "request_invalid"),
        ("export", {"month": "2031-01"}, 404, "nothing_to_export"),
        ("pilot", {"pilot": "nowhere"}, 404, "pilot_unknown"),
    ],
)
async def test_what_cannot_be_answered_is_said(
    world: World,
    api: AsyncClient,
    report: str,
    query: dict[str, str],
    status: int,
    code: str,
) -> None:
    await adoption.put_pilot(world.rt, world.rt.directory.billers[BILLER], PILOT, actor="test")
    answer = await ask(world, api, report, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_before_anything_is_counted_reports_are_empty(world: World, api: AsyncClient) -> None:
    assert (await ask(world, api, "adoption")).json() == {"data": [], "counted": []}
    assert (await ask(world, api, "cash")).json() == {"data": []}
    assert (await ask(world, api, "agencies")).json() == {"month": None, "data": []}
    await adoption.put_pilot(world.rt, world.rt.directory.billers[BILLER], PILOT, actor="test")
    standing = (await ask(world, api, "pilot")).json()
    assert (standing["month"], standing["whole"]["outlook"]) == (None, "too_early")
    assert (await ask(world, api, "export")).json()["code"] == "nothing_to_export"
