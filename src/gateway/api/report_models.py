"""What reports answer, as OpenAPI shows it."""

from pydantic import BaseModel, Field

from gateway.domain.pilot import Outlook


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
