"""Cash at the door fades: an area's schedule, its stages, shrinking caps, and when it pauses."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from gateway.domain.cash_refusals import ScheduleInvalid

CAPS_STEP_DAYS = 30
PERCENT = 100
ASSIST_DAYS = 30
"""A first electronic payment within so many days of help is the helper's."""
COMPLAINT_DAYS = 30
ELECTRONIC_MONTHS = 3
"""Who paid electronically within so many months and now pays cash has relapsed."""
CASH_CHANNELS = ("counter_cash", "home_cash")


class Stage(StrEnum):
    """How far cash at the door has faded in an area."""

    OPEN = "open"
    """Nothing is announced yet."""
    ANNOUNCED = "announced"
    WITHOUT_PHONE = "without_phone"
    """New lists hold only customers whose phone is not known."""
    ENDED = "ended"
    """No new lists."""
    PAUSED = "paused"
    """Complaints or arrears rose: lists are made as before, until somebody resumes."""


class ConsentBasis(StrEnum):
    """Why a customer may be written to (Decree 13/2023/NĐ-CP asks for one)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"


@dataclass(frozen=True, slots=True)
class Schedule:
    """An area's plan; days are Vietnamese, percents whole. `paused_on`: since when it stands."""

    area_code: str
    announced_on: date
    without_phone_from: date
    ends_on: date
    caps_step_percent: int
    complaints_max: int
    arrears_percent_max: int
    paused_on: date | None = None
    pause_reason: str | None = None


def check(schedule: Schedule) -> None:
    """Hold a schedule against itself.

    Raises:
        ScheduleInvalid: its days are not in order, or a figure is out of bounds.
    """
    if not schedule.announced_on <= schedule.without_phone_from <= schedule.ends_on:
        why = "announced_on, without_phone_from and ends_on must follow each other"
        raise ScheduleInvalid(why)
    if not 0 <= schedule.caps_step_percent <= PERCENT:
        why = "caps_step_percent is 0 to 100"
        raise ScheduleInvalid(why)
    if schedule.complaints_max < 0 or not 0 <= schedule.arrears_percent_max <= PERCENT:
        why = "complaints_max is 0 or more and arrears_percent_max 0 to 100"
        raise ScheduleInvalid(why)


def stage_on(schedule: Schedule | None, day: date) -> Stage:
    """Say how far cash has faded on a Vietnamese day."""
    if schedule is None or day < schedule.announced_on:
        return Stage.OPEN
    if schedule.paused_on is not None and day >= schedule.paused_on:
        return Stage.PAUSED
    if day >= schedule.ends_on:
        return Stage.ENDED
    return Stage.WITHOUT_PHONE if day >= schedule.without_phone_from else Stage.ANNOUNCED


def cap_on(cap_dong: int, schedule: Schedule | None, day: date) -> int:
    """Give what is left of a cap: a step less for each 30 days since the announcement, in đồng.

    >>> plan = Schedule("32008", date(2026, 10, 1), date(2026, 12, 1), date(2027, 3, 1), 10, 5, 20)
    >>> cap_on(1_000_000, plan, date(2026, 9, 30)), cap_on(1_000_000, plan, date(2026, 12, 1))
    (1000000, 800000)
    """
    if schedule is None or stage_on(schedule, day) in (Stage.OPEN, Stage.PAUSED):
        return cap_dong
    steps = (day - schedule.announced_on) // timedelta(days=CAPS_STEP_DAYS)
    return cap_dong * max(0, PERCENT - steps * schedule.caps_step_percent) // PERCENT


def pause(schedule: Schedule, day: date, reason: str) -> Schedule:
    """Stop a schedule from a day on; one that stands already stays as it is."""
    if schedule.paused_on is not None:
        return schedule
    return replace(schedule, paused_on=day, pause_reason=reason)


def resume(schedule: Schedule, day: date) -> Schedule:
    """Let a schedule go on; the days that were to come move by as long as it stood."""
    paused_on = schedule.paused_on
    if paused_on is None:
        return schedule
    stood = max(timedelta(), day - paused_on)

    def moved(planned: date) -> date:
        return planned + stood if planned >= paused_on else planned

    return replace(
        schedule,
        without_phone_from=moved(schedule.without_phone_from),
        ends_on=moved(schedule.ends_on),
        paused_on=None,
        pause_reason=None,
    )


def why_pause(
    schedule: Schedule, *, complaints: int, overdue_bills: int, open_bills: int
) -> str | None:
    """Say why a schedule must stand still, None if it need not.

    Arrears are the overdue share of the area's open bills.
    """
    if complaints > schedule.complaints_max:
        return f"{complaints} complaints in {COMPLAINT_DAYS} days, over {schedule.complaints_max}"
    arrears = overdue_bills * PERCENT // open_bills if open_bills else 0
    if arrears > schedule.arrears_percent_max:
        return f"{arrears} % of open bills are overdue, over {schedule.arrears_percent_max} %"
    return None


def mask_phone(phone: str) -> str:
    """Show the last three digits only.

    >>> mask_phone("0912345678")
    '*******678'
    """
    return "*" * (len(phone) - 3) + phone[-3:]
