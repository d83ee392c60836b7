"""What reports answer: models, and how a flow's report becomes one."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, Field

from gateway.domain.adoption import Cell, MonthTally
from gateway.domain.clock import to_text
from gateway.domain.comparison import Effect
from gateway.domain.forecast import Point
from gateway.domain.pilot import Outlook, Progress
from gateway.domain.receipt import period_text
from gateway.flows.adoption import AgencyReport, AreaReport, PilotReport, RolledMonth


class AdoptionCell(BaseModel):
    """What was counted of one month, area, segment and channel."""

    month: str
    area_code: str
    segment: str
    channel: str
    customers: int = Field(description="Whose way of the month the channel is")
    new: int = Field(description="Never electronic before")
    retained: int = Field(description="Electronic in the month before, too")
    resumed: int = Field(description="Electronic earlier, not in the month before")
    relapsed: int = Field(description="Electronic in the month before, in cash now")
    habitual: int = Field(description="Electronic in this month and in both before it")
    bills: int = Field(description="Settled through the channel; open ones for `unsettled`")
    amount_dong: int


class CountedMonth(BaseModel):
    """When a month was last counted."""

    month: str
    customers: int
    bills: int
    counted_at: str


class Adoption(BaseModel):
    """Figures in the order of months, areas, segments and channels."""

    data: list[AdoptionCell]
    counted: list[CountedMonth]


class MonthFigures(BaseModel):
    """A month of some areas together; people, unless it says đồng."""

    month: str
    is_complete: bool = Field(description="Its bills had a whole month to be paid")
    billed: int
    electronic: int
    electronic_share: float
    new: int
    retained: int
    resumed: int
    relapsed: int
    habitual: int
    cash: int
    unsettled: int
    cash_share: float = Field(description="Of those whose bills are settled")
    electronic_dong: int
    cash_dong: int
    channels: dict[str, int] = Field(description="Customers by channel")


class ForecastPoint(BaseModel):
    """Electronic payers of a month to come, with the bounds of the interval."""

    month: str
    low: int
    middle: int
    high: int


class AreaForecast(BaseModel):
    """The forecast of an area, or of all (`area_code` null); empty where too little is known."""

    area_code: str | None
    area: str | None
    confidence: float | None
    months_used: int
    monthly_growth_of_odds: float | None
    widening: float | None = Field(description="By which its own past errors widen the interval")
    tested: int = Field(description="Past forecasts that were compared with what came")
    held: int = Field(description="Of those, how many lay in their interval")
    points: list[ForecastPoint]


class Forecasts(BaseModel):
    """Forecasts up to the pilot's last month."""

    pilot: str
    data: list[AreaForecast]


class Standing(BaseModel):
    """How areas stand against the target; people. Null where it cannot be said yet."""

    area_code: str | None = Field(description="Null: all areas of the pilot together")
    area: str | None
    outlook: Outlook
    baseline: float | None
    target: int | None
    now: MonthFigures | None = Field(description="The last complete month")
    ratio: float | None = Field(description="Now in multiples of the baseline")
    gap: int | None
    gap_per_week: int | None = Field(description="Weeks begin on Monday; this one counts")
    weeks_left: int
    at_end: ForecastPoint | None = Field(description="The forecast of the pilot's last month")


class Comparison(BaseModel):
    """By how much the share grew more than in the comparison areas; shares are 0 to 1."""

    effect: float
    standard_error: float | None = Field(description="From placebos; null: too few")
    placebos: int
    is_beyond_chance: bool | None


class PilotStanding(BaseModel):
    """A pilot at a glance."""

    pilot: str
    name: str
    month: str | None
    target_percent: int
    starts_on: str
    ends_on: str
    whole: Standing
    areas: list[Standing]
    comparison_areas: list[Standing]
    comparison: Comparison | None
    months: list[MonthFigures]


class AgencyFigures(BaseModel):
    """How an agency's people pay in a month."""

    agency_code: str
    name: str
    customers: int
    electronic: int
    electronic_before: int = Field(description="In the month before")
    share: float
    new: int
    relapsed: int
    habitual: int
    unsettled: int


class Agencies(BaseModel):
    """Agencies of a month, the highest share first."""

    month: str | None
    data: list[AgencyFigures]


class CashMonth(BaseModel):
    """Cash in a month."""

    month: str
    is_complete: bool
    cash: int
    home: int = Field(description="Collected at home")
    counter: int
    cash_share: float = Field(description="Of those whose bills are settled")
    relapsed: int
    cash_dong: int


class Cash(BaseModel):
    """How cash fades, the oldest month first."""

    data: list[CashMonth]


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
