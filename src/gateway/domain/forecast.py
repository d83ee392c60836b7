"""A forecast of electronic payers that anybody can recompute with a spreadsheet.

Method: the share of electronic payers of the last months (at most 24, complete ones only) becomes
log-odds, ln(p / (1 - p)), so that it can approach neither 0 nor 1 in a straight line; a line is
laid through them by least squares and drawn on. The interval is the prediction interval of that
regression (Student's t, n - 2 degrees of freedom), widened by how wrong the same method would have
been in the past: it is run again from each earlier month, and if its errors were larger than it
said, by the factor `widening`, every interval is made wider by it. No residual is taken to be
smaller than chance alone makes it (binomial). People are the share of the last month's customers.

The line is Python's own `statistics.linear_regression`. statsmodels or scipy would do the same for
100 MB in each process that asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log, sqrt
from statistics import NormalDist, fmean, linear_regression

from gateway.domain.adoption import months_between, months_later

WINDOW_MONTHS = 24
MONTHS_MIN = 6
HORIZON_MAX = 60
CONFIDENCE = 0.9
AHEAD_TESTED = 3
"""Up to so many months ahead the method is held against its own past."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A complete month: electronic payers among billed customers."""

    month: date
    electronic: int
    billed: int

    @property
    def log_odds(self) -> float:
        """Ln of the odds; half a person is added on both sides, so that 0 and all have some."""
        return log((self.electronic + 0.5) / (self.billed - self.electronic + 0.5))


@dataclass(frozen=True, slots=True)
class Point:
    """A month to come: electronic payers, and the bounds of the interval."""

    month: date
    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The points after the last complete month, and what they rest on.

    `tested` past forecasts were compared with what came; `held` of them lay in their interval.
    """

    points: tuple[Point, ...]
    confidence: float
    months_used: int
    monthly_growth: float
    """Of the odds: 0.04 is four per cent more odds each month."""
    widening: float
    tested: int
    held: int

    def at(self, month: date) -> Point | None:
        """Give the point of a month, None if it is not one of them."""
        return next((point for point in self.points if point.month == month), None)


@dataclass(frozen=True, slots=True)
class _Line:
    slope: float
    intercept: float
    spread: float
    """Standard deviation of the residuals."""
    count: int
    middle: float
    scatter: float
    """Sum of the squared distances from `middle`."""

    def at(self, x: float) -> tuple[float, float]:
        """Give the line's value and the standard error of a new observation there."""
        error = self.spread * sqrt(1 + 1 / self.count + (x - self.middle) ** 2 / self.scatter)
        return self.intercept + self.slope * x, error


def forecast(history: Sequence[Observed], until: date) -> Forecast | None:
    """Draw the trend on to a month; None where there is too little to draw on.

    Args:
        history: complete months in order, without gaps.
        until: the last month wanted; at most HORIZON_MAX after the last of `history`.
    """
    used = [month for month in history if month.billed > 0][-WINDOW_MONTHS:]
    if len(used) < MONTHS_MIN:
        return None
    line, last = _fit(used), used[-1]
    widening, tested, held = _look_back(used)
    reach = t_quantile(0.5 + CONFIDENCE / 2, len(used) - 2) * widening
    ahead = min(months_between(last.month, until), HORIZON_MAX)
    points = tuple(
        _point(line, last, x=len(used) - 1 + step, reach=reach) for step in range(1, ahead + 1)
    )
    growth = exp(line.slope) - 1
    return Forecast(points, CONFIDENCE, len(used), growth, widening, tested, held)


def _point(line: _Line, last: Observed, *, x: int, reach: float) -> Point:
    value, error = line.at(x)
    low, middle, high = (
        round(last.billed / (1 + exp(-odds)))
        for odds in (value - reach * error, value, value + reach * error)
    )
    return Point(months_later(last.month, x - line.count + 1), low, middle, high)


def _fit(used: Sequence[Observed]) -> _Line:
    xs, ys = range(len(used)), [month.log_odds for month in used]
    slope, intercept = linear_regression(xs, ys)
    residuals = sum((y - intercept - slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
    middle = fmean(xs)
    by_chance = fmean(1 / (m.electronic + 0.5) + 1 / (m.billed - m.electronic + 0.5) for m in used)
    spread = sqrt(max(residuals / (len(used) - 2), by_chance))
    return _Line(slope, intercept, spread, len(used), middle, sum((x - middle) ** 2 for x in xs))


def _look_back(used: Sequence[Observed]) -> tuple[float, int, int]:
    """Say how much wider the past asks the interval to be, and how the past forecasts fared."""
    misses = list[float]()
    held = 0
    for known in range(MONTHS_MIN, len(used)):
        line = _fit(used[:known])
        reach = t_quantile(0.5 + CONFIDENCE / 2, known - 2)
        for x in range(known, min(known + AHEAD_TESTED, len(used))):
            value, error = line.at(x)
            miss = abs(used[x].log_odds - value) / error
            misses.append(miss)
            held += miss <= reach
    widening = sqrt(fmean(miss**2 for miss in misses)) if misses else 1.0
    return max(1.0, widening), len(misses), held


def t_quantile(probability: float, freedom: int) -> float:
    """Give a quantile of Student's t by the expansion of Abramowitz and Stegun, 26.7.5.

    Within 0.5 % of the printed tables from four degrees of freedom on.

    >>> [round(t_quantile(0.95, freedom), 3) for freedom in (4, 10, 22)]
    [2.132, 1.812, 1.717]
    """
    x = NormalDist().inv_cdf(probability)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + sum(term / float(freedom) ** n for n, term in enumerate(terms, 1))
