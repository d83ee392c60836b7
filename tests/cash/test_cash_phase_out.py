"""Cash that fades: stages, pauses, help that is credited, outreach that leaves people alone."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from httpx import Response

from gateway.domain.cash_phase_out import (
    Schedule,
    Stage,
    cap_on,
    pause,
    resume,
    stage_on,
    why_pause,
)
from gateway.domain.clock import business_date
from gateway.flows import cash_phase_out
from tests.cash.round import AREA, Round
from tests.world import BILLER, CUSTOMER

PLAN = Schedule(AREA, date(2026, 10, 1), date(2026, 12, 1), date(2027, 3, 1), 10, 2, 50)
OTHER = "PB14010000002"


@pytest.mark.parametrize(
    ("day", "stage"),
    [
        (date(2026, 9, 30), Stage.OPEN),
        (date(2026, 10, 1), Stage.ANNOUNCED),
        (date(2026, 12, 1), Stage.WITHOUT_PHONE),
        (date(2027, 3, 1), Stage.ENDED),
    ],
)
def test_each_stage_begins_on_its_day(day: date, stage: Stage) -> None:
    assert stage_on(PLAN, day) is stage


def test_a_resumed_schedule_gives_people_all_the_notice_they_were_promised() -> None:
    stands = pause(PLAN, date(2026, 11, 1), "complaints")
    assert stage_on(stands, date(2027, 6, 1)) is Stage.PAUSED
    again = resume(stands, date(2026, 11, 11))
    assert (again.without_phone_from, again.ends_on) == (date(2026, 12, 11), date(2027, 3, 11))
    assert resume(PLAN, date(2026, 11, 11)) == PLAN
    assert pause(stands, date(2026, 12, 1), "again") == stands


def test_caps_never_fall_below_nothing_and_do_not_shrink_in_a_pause() -> None:
    steep = replace(PLAN, caps_step_percent=60)
    assert cap_on(1_000, steep, date(2026, 12, 30)) == 0
    assert cap_on(1_000, pause(steep, date(2026, 12, 1), "x"), date(2026, 12, 30)) == 1_000
    assert cap_on(1_000, None, date(2026, 12, 30)) == 1_000


@pytest.mark.parametrize(
    ("complaints", "overdue", "is_paused"),
    [(2, 5, False), (3, 0, True), (0, 6, True)],
    ids=["at-the-limits", "complaints", "arrears"],
)
def test_a_schedule_pauses_above_its_limits_and_not_at_them(
    complaints: int,
    overdue: int,
    is_paused: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    why = why_pause(PLAN, complaints=complaints, overdue_bills=overdue, open_bills=10)
    assert (why is not None) is is_paused


async def call(
    tour: Round, method: str, path: str, body: Any = None, who: str = "utility"
) -> Response:
    """Ask as the utility's own system."""
    headers = tour.world.headers(who)
    return await tour.api.request(method, f"/v1/cash-phase-out{path}", json=body, headers=headers)


async def announce(tour: Round, **changes: object) -> Response:
    """Plan ward 5: announced ten days ago."""
    await tour.world.rows(
        "INSERT INTO areas (code, valid_from, name, kind)"
        " VALUES ('32008', '2025-07-01', 'Phường 5', 'ward') ON CONFLICT DO NOTHING"
    )
    today = business_date(tour.now())
    body: dict[str, object] = {
        "announced_on": (today - timedelta(days=10)).isoformat(),
        "without_phone_from": (today + timedelta(days=30)).isoformat(),
        "ends_on": (today + timedelta(days=60)).isoformat(),
        "caps_step_percent": 10,
        "complaints_max": 1,
        "arrears_percent_max": 100,
    }
    return await call(tour, "PUT", f"/areas/{AREA}", body | changes)


async def stage_of(tour: Round) -> str:
    listed = (await call(tour, "GET", "/areas")).json()["data"]
    return str(listed[0]["stage"])


async def test_an_area_is_planned_paused_and_resumed(tour: Round) -> None:
    planned = await announce(tour)
    assert (planned.status_code, planned.json()["stage"]) == (200, "announced")
    paused = await call(tour, "POST", f"/areas/{AREA}/pause", {"reason": "lũ lụt"})
    assert (paused.json()["stage"], paused.json()["pause_reason"]) == ("paused", "lũ lụt")
    await announce(tour, caps_step_percent=20)
    assert await stage_of(tour) == "paused"
    assert (await call(tour, "POST", f"/areas/{AREA}/resume")).json()["stage"] == "announced"


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"ends_on": "2020-01-01"}, 422), ({"caps_step_percent": 101}, 422), ({"x": 1}, 422)],
    ids=["order", "percent", "unknown"],
)
async def test_a_plan_that_cannot_be_is_refused(
    tour: Round, changes: dict[str, object], status: int
) -> None:
    assert (await announce(tour, **changes)).status_code == status
    assert await tour.world.count("cash_schedules") == 0


async def test_an_area_that_nobody_knows_is_not_planned(tour: Round) -> None:
    await announce(tour)
    plan = replace(PLAN, area_code="99999")
    biller = tour.rt.directory.billers[BILLER]
    with pytest.raises(cash_phase_out.ScheduleInvalid, match="no area '99999'"):
        await cash_phase_out.put_schedule(tour.rt, biller, plan, actor="test")


async def test_complaints_above_the_limit_pause_the_area_by_themselves(tour: Round) -> None:
    await announce(tour)
    complaint = {"area_code": AREA, "words": "không ai đến thu", "customer_code": CUSTOMER}
    await call(tour, "POST", "/complaints", complaint)
    assert await stage_of(tour) == "announced"
    await call(tour, "POST", "/complaints", complaint)
    assert await stage_of(tour) == "paused"


async def test_arrears_above_the_limit_pause_the_area_by_themselves(tour: Round) -> None:
    await announce(tour, arrears_percent_max=40)
    await tour.world.add_bill()  # due on 2026-11-09
    await cash_phase_out.watch(tour.rt)
    assert await stage_of(tour) == "paused"
    listed = (await call(tour, "GET", "/areas")).json()["data"][0]
    assert listed["pause_reason"] == "100 % of open bills are overdue, over 40 %"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/areas", None),
        ("GET", f"/cash-payers?area={AREA}", None),
        ("POST", "/complaints", {"area_code": AREA, "words": "x"}),
        ("POST", "/opt-outs", {"customer_code": CUSTOMER}),
    ],
    ids=["areas", "payers", "complaints", "opt-outs"],
)
async def test_a_partner_that_is_not_the_biller_learns_and_changes_nothing(
    tour: Round, method: str, path: str, body: Any
) -> None:
    answer = await call(tour, method, path, body, "bank")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
