"""How a flow's report becomes what the API answers."""

from collections.abc import Iterable, Sequence

from gateway.api.report_models import (
    Adoption,
    AdoptionCell,
    Agencies,
    AgencyFigures,
    AreaForecast,
    Cash,
    CashMonth,
    Comparison,
    CountedMonth,
    ForecastPoint,
    Forecasts,
    MonthFigures,
    PilotStanding,
    Standing,
)
from gateway.domain.adoption import Cell, MonthTally
from gateway.domain.clock import to_text
from gateway.domain.comparison import Effect
from gateway.domain.forecast import Point
from gateway.domain.pilot import Progress
from gateway.domain.receipt import period_text
from gateway.flows.adoption import AgencyReport, AreaReport, PilotReport, RolledMonth


def adoption(cells: Iterable[Cell], rolled: Iterable[RolledMonth]) -> Adoption:
    """Write cells."""
    return Adoption(
        data=[
            AdoptionCell(
                **{name: getattr(cell, name) for name in AdoptionCell.model_fields}
                | {"month": period_text(cell.month)}
            )
            for cell in cells
        ],
        counted=[
            CountedMonth(
                month=period_text(each.month),
                customers=each.customers,
                bills=each.bills,
                counted_at=to_text(each.rolled_at),
            )
            for each in rolled
        ],
    )


def _figures(month: MonthTally) -> MonthFigures:
    of_tally = MonthFigures.model_fields.keys() - {"month", "is_complete", "channels"}
    return MonthFigures(
        **{name: getattr(month.tally, name) for name in of_tally},
        month=period_text(month.month),
        is_complete=month.is_complete,
        channels=dict(month.channels),
    )


def _standing(report: PilotReport, area: AreaReport | None) -> Standing:
    progress = report.whole if area is None else area.progress
    drawn = progress.forecast
    at_end = None if drawn is None else drawn.at(report.pilot.last_month)
    return Standing(
        area_code=None if area is None else area.code,
        area=None if area is None else area.name,
        outlook=progress.outlook,
        baseline=progress.baseline,
        target=progress.target,
        now=None if progress.now is None else _figures(progress.now),
        ratio=progress.ratio,
        gap=progress.gap,
        gap_per_week=progress.gap_per_week,
        weeks_left=progress.weeks_left,
        at_end=None if at_end is None else _point(at_end),
    )


def standing(report: PilotReport) -> PilotStanding:
    """Write how a pilot stands."""
    return PilotStanding(
        pilot=report.pilot.code,
        name=report.pilot.name,
        month=None if report.month is None else period_text(report.month),
        target_percent=report.pilot.target_percent,
        starts_on=str(report.pilot.starts_on),
        ends_on=str(report.pilot.ends_on),
        whole=_standing(report, None),
        areas=[_standing(report, area) for area in report.areas],
        comparison_areas=[_standing(report, area) for area in report.comparison],
        comparison=None if report.effect is None else _comparison(report.effect),
        months=[_figures(month) for month in report.whole.months],
    )


def _comparison(effect: Effect) -> Comparison:
    return Comparison(
        effect=effect.share,
        standard_error=effect.error,
        placebos=effect.placebos,
        is_beyond_chance=effect.is_beyond_chance,
    )


def forecasts(report: PilotReport) -> Forecasts:
    """Write the forecasts of a pilot's areas, all together first."""
    every: Sequence[AreaReport | None] = (None, *report.areas)
    return Forecasts(
        pilot=report.pilot.code,
        data=[_forecast(area, report.whole if area is None else area.progress) for area in every],
    )


def _forecast(area: AreaReport | None, progress: Progress) -> AreaForecast:
    drawn = progress.forecast
    points = () if drawn is None else drawn.points
    return AreaForecast(
        area_code=None if area is None else area.code,
        area=None if area is None else area.name,
        confidence=None if drawn is None else drawn.confidence,
        months_used=0 if drawn is None else drawn.months_used,
        monthly_growth_of_odds=None if drawn is None else drawn.monthly_growth,
        widening=None if drawn is None else drawn.widening,
        tested=0 if drawn is None else drawn.tested,
        held=0 if drawn is None else drawn.held,
        points=[_point(point) for point in points],
    )


def _point(point: Point) -> ForecastPoint:
    return ForecastPoint(
        month=period_text(point.month), low=point.low, middle=point.middle, high=point.high
    )


def agencies(report: AgencyReport) -> Agencies:
    """Write agencies."""
    return Agencies(
        month=None if report.month is None else period_text(report.month),
        data=[
            AgencyFigures(
                **{
                    name: getattr(row, name)
                    for name in AgencyFigures.model_fields.keys() - {"share"}
                },
                share=row.electronic / row.customers,
            )
            for row in report.agencies
        ],
    )


def cash(months: Iterable[MonthTally]) -> Cash:
    """Write how cash fades."""
    return Cash(
        data=[
            CashMonth(
                month=period_text(month.month),
                is_complete=month.is_complete,
                cash=month.tally.cash,
                home=dict(month.channels).get("home_cash", 0),
                counter=dict(month.channels).get("counter_cash", 0),
                cash_share=month.tally.cash_share,
                relapsed=month.tally.relapsed,
                cash_dong=month.tally.cash_dong,
            )
            for month in months
        ]
    )
