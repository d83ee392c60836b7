"""What is written of a report: months as the API writes them, nothing where nothing is known."""

from datetime import date

from gateway.api import report_answers as answers
from gateway.domain.adoption import MonthTally, Tally
from gateway.domain.comparison import Effect
from gateway.domain.pilot import Outlook, Pilot, Progress
from gateway.flows.adoption import AgencyReport, AreaReport, PilotReport

MONTH = MonthTally(
    date(2026, 9, 1),
    Tally(billed=10, electronic=4, cash=6),
    (("home_cash", 6), ("portal", 4)),
    is_complete=True,
)
PILOT = Pilot(
    code="wards",
    name="Phường 2",
    areas=("32011",),
    comparison_areas=(),
    baseline_from=date(2026, 1, 1),
    baseline_to=date(2026, 3, 1),
    starts_on=date(2026, 4, 1),
    ends_on=date(2026, 12, 31),
    target_percent=200,
)
PROGRESS = Progress(2.0, 4, (MONTH,), MONTH, None, Outlook.REACHED, 0, 0, 6)
REPORT = PilotReport(
    biller="b",
    pilot=PILOT,
    today=date(2026, 11, 24),
    whole=PROGRESS,
    areas=(AreaReport("32011", "Phường 2", PROGRESS),),
    comparison=(),
    effect=Effect(0.1, None, 0, 1, 1),
    rolled=(),
)


def test_a_pilot_is_written_with_its_month_and_without_a_forecast_that_is_not_there() -> None:
    found = answers.standing(REPORT)
    assert (found.month, found.whole.area_code, found.areas[0].area) == (
        "2026-09",
        None,
        "Phường 2",
    )
    assert found.whole.at_end is None
    assert found.months[0].channels == {"home_cash": 6, "portal": 4}
    assert found.comparison is not None
    assert (found.comparison.standard_error, found.comparison.is_beyond_chance) == (None, None)


def test_a_forecast_that_cannot_be_drawn_is_an_empty_one() -> None:
    [whole, area] = answers.forecasts(REPORT).data
    assert (whole.points, whole.confidence, area.area_code) == ([], None, "32011")


def test_cash_is_written_by_where_it_was_taken() -> None:
    [month] = answers.cash([MONTH]).data
    assert (month.home, month.counter, month.cash_share) == (6, 0, 0.6)


def test_no_agencies_are_an_empty_list() -> None:
    assert answers.agencies(AgencyReport(None, ())).data == []
