"""How a pilot is judged: its target, its gap, and what may be promised of it."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.adoption import MonthTally, Tally, months_later
from gateway.domain.forecast import Forecast, Point
from gateway.domain.pilot import (
    Milestone,
    Outlook,
    Pilot,
    PilotInvalid,
    Progress,
    progress_of,
    shares,
    weeks_left,
)

PILOT = Pilot(
    code="wards",
    name="Phường 2 và 5",
    areas=("32011", "32008"),
    comparison_areas=("32017",),
    baseline_from=date(2026, 1, 1),
    baseline_to=date(2026, 3, 1),
    starts_on=date(2026, 4, 1),
    ends_on=date(2026, 12, 31),
    target_percent=200,
)
TODAY = date(2026, 9, 1)


def months(*electronic: int, complete: int | None = None) -> list[MonthTally]:
    """Make months from January on, of a thousand customers each."""
    last = len(electronic) if complete is None else complete
    return [
        MonthTally(
            months_later(date(2026, 1, 1), n), Tally(billed=1_000, electronic=e), (), n < last
        )
        for n, e in enumerate(electronic)
    ]


def drawn(low: int, middle: int, high: int) -> Forecast:
    point = Point(date(2026, 12, 1), low, middle, high)
    return Forecast((point,), 0.9, 6, 0.03, 1.0, 0, 0)


def judged(forecast: Forecast | None, *electronic: int) -> Progress:
    return progress_of(PILOT, months(*electronic), forecast, TODAY)


NOT_THERE = (100, 100, 101, 120, 130, 140)


@pytest.mark.parametrize(
    ("forecast", "outlook"),
    [
        (drawn(201, 210, 220), Outlook.ON_COURSE),
        (drawn(190, 205, 220), Outlook.LIKELY),
        (drawn(170, 190, 205), Outlook.UNLIKELY),
        (drawn(150, 160, 200), Outlook.OFF_COURSE),
        (None, Outlook.TOO_EARLY),
    ],
    ids=lambda value: str(value) if isinstance(value, Outlook) else "",
)
def test_the_outlook_follows_the_interval_of_the_forecast(
    forecast: Forecast | None, outlook: Outlook
) -> None:
    found = judged(forecast, *NOT_THERE)
    assert (found.target, found.outlook) == (201, outlook)


def test_the_target_is_rounded_up_for_nobody_is_two_thirds_of_a_person() -> None:
    assert judged(None, 100, 100, 101).target == 201


def test_a_month_at_the_target_has_reached_it_whatever_is_forecast() -> None:
    found = judged(drawn(1, 2, 3), 100, 100, 100, 120, 130, 200)
    assert (found.outlook, found.gap, found.ratio) == (Outlook.REACHED, 0, 2.0)


def test_a_pilot_that_is_over_below_its_target_has_missed_it() -> None:
    found = progress_of(PILOT, months(*[100] * 12), None, date(2027, 2, 1))
    assert (found.outlook, found.gap, found.gap_per_week) == (Outlook.MISSED, 100, None)


def test_a_month_that_still_grows_is_not_what_stands_now() -> None:
    found = progress_of(PILOT, months(*NOT_THERE, 5, complete=6), drawn(1, 2, 3), TODAY)
    assert found.now is not None
    assert found.now.tally.electronic == 140
    assert date(2026, 7, 1) not in shares(found.months)


def test_a_young_pilot_and_one_without_a_baseline_are_not_judged() -> None:
    assert judged(drawn(1, 2, 3), *NOT_THERE[:5]).outlook is Outlook.TOO_EARLY
    late = replace(PILOT, baseline_from=date(2025, 1, 1), baseline_to=date(2025, 3, 1))
    found = progress_of(late, months(*NOT_THERE), None, TODAY)
    assert (found.baseline, found.target, found.outlook) == (None, None, Outlook.TOO_EARLY)
    assert progress_of(PILOT, [], None, TODAY).now is None


def test_the_gap_is_spread_over_the_weeks_that_are_left() -> None:
    found = judged(None, *NOT_THERE)
    assert (found.gap, found.weeks_left, found.gap_per_week) == (61, 18, 4)


def test_a_week_begins_on_monday() -> None:
    sunday, monday = date(2026, 11, 29), date(2026, 11, 30)
    assert (weeks_left(sunday, sunday), weeks_left(sunday, monday)) == (1, 2)
    assert (weeks_left(monday, monday), weeks_left(monday, sunday)) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code": "Phường 2"}, "code"),
        ({"name": ""}, "name"),
        ({"areas": ()}, "no area"),
        ({"areas": ("32011'",)}, "digits"),
        ({"comparison_areas": ("32008",)}, "compared"),
        ({"baseline_to": date(2026, 4, 1)}, "baseline"),
        ({"baseline_from": date(2026, 1, 2)}, "first day"),
        ({"milestones": (Milestone(date(2026, 6, 30), 150, "vi", "en"),)}, "first day"),
        ({"target_percent": 100}, "target"),
    ],
)
def test_what_cannot_be_a_pilot_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(PilotInvalid, match=says):
        replace(PILOT, **changes)  # type: ignore[arg-type]
