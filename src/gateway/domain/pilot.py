"""A pilot: where, compared with what, how many people by when, and whether it will come to that."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gateway.domain.adoption import MonthTally
from gateway.domain.errors import CallerError
from gateway.domain.forecast import Forecast, Point

MONTHS_FIRST = 3
"""A pilot that has fewer complete months is not judged."""
PERCENT_MIN, PERCENT_MAX = 101, 1_000
CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,39}", re.ASCII)
AREA = re.compile(r"[0-9]{2,5}", re.ASCII)


class PilotUnknown(CallerError):
    """No pilot of this code."""

    code = "pilot_unknown"

    def __init__(self, pilot: str) -> None:
        super().__init__(
            f"there is no pilot '{pilot}'", f"không có chương trình thí điểm '{pilot}'"
        )


class PilotInvalid(CallerError):
    """What is said of a pilot cannot be."""

    code = "pilot_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"this cannot be a pilot: {reason}", f"chương trình thí điểm không hợp lệ: {reason}"
        )


class Outlook(StrEnum):
    """Are we going to reach the target? From best to worst, and two that do not say."""

    REACHED = "reached"
    """The last complete month is at the target or above."""
    ON_COURSE = "on_course"
    """The whole interval of the forecast is at the target or above."""
    LIKELY = "likely"
    """The middle of the forecast is, the lower bound is not."""
    UNLIKELY = "unlikely"
    """Only the upper bound is."""
    OFF_COURSE = "off_course"
    """Not even the upper bound is."""
    MISSED = "missed"
    """The pilot is over, and the last month is below the target."""
    TOO_EARLY = "too_early"
    """Fewer complete months than can be judged, or no baseline."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """What the plan wants by a month: electronic payers in per cent of the baseline."""

    month: date
    percent: int
    name_vi: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Pilot:
    """A pilot as it was agreed. Months are first days; `areas` are codes of units as they began.

    The baseline is the mean of electronic payers over its months; the target is `target_percent`
    of it in the month of `ends_on` (200: twice as many people).
    """

    code: str
    name: str
    areas: tuple[str, ...]
    comparison_areas: tuple[str, ...]
    baseline_from: date
    baseline_to: date
    starts_on: date
    ends_on: date
    target_percent: int
    milestones: tuple[Milestone, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            PilotInvalid: naming what is wrong.
        """
        for holds, reason in (
            (CODE.fullmatch(self.code), "its code is not of a-z, 0-9 and '-'"),
            (0 < len(self.name) <= 200, "its name is empty or over 200 characters"),  # noqa: PLR2004
            (self.areas, "it has no area"),
            (
                all(AREA.fullmatch(code) for code in self.areas + self.comparison_areas),
                "an area's code is two to five digits",
            ),
            (not set(self.areas) & set(self.comparison_areas), "an area cannot be compared with"),
            (
                self.baseline_from <= self.baseline_to < self.starts_on < self.ends_on,
                "the baseline comes first, then the start, then the end",
            ),
            (
                {self.baseline_from.day, self.baseline_to.day, *_days(self.milestones)} == {1},
                "months are given by their first day",
            ),
            (PERCENT_MIN <= self.target_percent <= PERCENT_MAX, "the target is 101 to 1000 %"),
        ):
            if not holds:
                raise PilotInvalid(reason)

    @property
    def first_month(self) -> date:
        """The month in which the pilot began."""
        return self.starts_on.replace(day=1)

    @property
    def last_month(self) -> date:
        """The month whose electronic payers are held against the target."""
        return self.ends_on.replace(day=1)


def _days(milestones: Sequence[Milestone]) -> set[int]:
    return {milestone.month.day for milestone in milestones}


@dataclass(frozen=True, slots=True)
class Progress:
    """How some areas stand against a pilot's target; counts are people.

    `months` are all that are counted; `now` is the last complete one. `baseline` is None where no
    complete month lies in its window; then nothing else is judged.
    """

    baseline: float | None
    target: int | None
    months: tuple[MonthTally, ...]
    now: MonthTally | None
    forecast: Forecast | None
    outlook: Outlook
    gap: int | None
    """People still to be won."""
    gap_per_week: int | None
    """People a week, if each week that is left brings as many; None when none is left."""
    weeks_left: int

    @property
    def ratio(self) -> float | None:
        """Electronic payers now, in multiples of the baseline."""
        if self.now is None or not self.baseline:
            return None
        return self.now.tally.electronic / self.baseline


def baseline_of(pilot: Pilot, months: Sequence[MonthTally]) -> float | None:
    """Give the mean of electronic payers over the complete months of the baseline."""
    counted = [
        month.tally.electronic
        for month in months
        if pilot.baseline_from <= month.month <= pilot.baseline_to and month.is_complete
    ]
    return sum(counted) / len(counted) if counted else None


def progress_of(
    pilot: Pilot, months: Sequence[MonthTally], forecast: Forecast | None, today: date
) -> Progress:
    """Hold some areas' months against the pilot's target, each against its own baseline."""
    complete = [month for month in months if month.is_complete]
    now = complete[-1] if complete else None
    baseline = baseline_of(pilot, months)
    weeks = weeks_left(today, pilot.ends_on)
    if not baseline or now is None:
        none = Outlook.TOO_EARLY
        return Progress(baseline, None, tuple(months), now, forecast, none, None, None, weeks)
    target = math.ceil(round(baseline * pilot.target_percent / 100, 6))
    gap = max(0, target - now.tally.electronic)
    return Progress(
        baseline=baseline,
        target=target,
        months=tuple(months),
        now=now,
        forecast=forecast,
        outlook=_outlook(pilot, target, complete, forecast),
        gap=gap,
        gap_per_week=math.ceil(gap / weeks) if weeks else None,
        weeks_left=weeks,
    )


def _outlook(
    pilot: Pilot, target: int, complete: Sequence[MonthTally], forecast: Forecast | None
) -> Outlook:
    if sum(month.month >= pilot.first_month for month in complete) < MONTHS_FIRST:
        return Outlook.TOO_EARLY
    last = complete[-1]
    if last.tally.electronic >= target:
        return Outlook.REACHED
    if last.month >= pilot.last_month:
        return Outlook.MISSED
    return _foreseen(target, None if forecast is None else forecast.at(pilot.last_month))


def _foreseen(target: int, point: Point | None) -> Outlook:
    if point is None:
        return Outlook.TOO_EARLY
    if point.low >= target:
        return Outlook.ON_COURSE
    if point.middle >= target:
        return Outlook.LIKELY
    return Outlook.UNLIKELY if point.high >= target else Outlook.OFF_COURSE


def weeks_left(today: date, last: date) -> int:
    """Count the weeks from this one to that of the last day, both counted; 0 once it is over.

    A week begins on Monday, as it does in Vietnam.

    >>> weeks_left(date(2026, 11, 29), date(2026, 11, 30)), weeks_left(date(2026, 12, 1),
    ...     date(2026, 11, 30))
    (2, 0)
    """
    if today > last:
        return 0
    first_monday, last_monday = (day - timedelta(days=day.weekday()) for day in (today, last))
    return (last_monday - first_monday).days // 7 + 1


def shares(months: Sequence[MonthTally]) -> Mapping[date, float]:
    """Give the share of electronic payers by month, complete months only."""
    return {month.month: month.tally.electronic_share for month in months if month.is_complete}
