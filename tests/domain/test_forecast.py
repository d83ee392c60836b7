"""The forecast finds a planted trend, says how sure it is, and refuses to guess."""

from datetime import date
from math import exp

import pytest

from gateway.domain.adoption import months_later
from gateway.domain.forecast import HORIZON_MAX, Observed, forecast, t_quantile

FIRST = date(2024, 1, 1)
BILLED = 100_000


def history(months: int, *, noise: float = 0.0, billed: int = BILLED) -> list[Observed]:
    """Make months whose log-odds rise by 0.03 each, with a given swing."""
    return [
        Observed(
            months_later(FIRST, n),
            round(billed / (1 + exp(1.5 - 0.03 * n - noise * (-1) ** n))),
            billed,
        )
        for n in range(months)
    ]


def test_a_planted_trend_is_continued() -> None:
    drawn = forecast(history(24), months_later(FIRST, 35))
    assert drawn is not None
    assert (len(drawn.points), drawn.points[0].month) == (12, months_later(FIRST, 24))
    last = drawn.points[-1]
    assert last.middle == pytest.approx(BILLED / (1 + exp(1.5 - 0.03 * 35)), rel=0.002)
    assert drawn.monthly_growth == pytest.approx(exp(0.03) - 1, rel=0.01)


def test_the_interval_holds_the_middle_and_grows_with_distance_and_noise() -> None:
    until = months_later(FIRST, 35)
    calm, rough = forecast(history(24), until), forecast(history(24, noise=0.05), until)
    assert calm is not None
    assert rough is not None
    for drawn in (calm, rough):
        widths = [point.high - point.low for point in drawn.points]
        assert widths == sorted(widths)
        assert all(point.low <= point.middle <= point.high for point in drawn.points)
    assert rough.points[0].high - rough.points[0].low > calm.points[0].high - calm.points[0].low


def test_few_people_are_never_forecast_to_the_person() -> None:
    drawn = forecast(history(12, billed=300), months_later(FIRST, 14))
    assert drawn is not None
    assert all(point.high - point.low >= 10 for point in drawn.points)


def test_a_trend_that_bends_is_given_a_wider_interval_by_its_own_past() -> None:
    bent = [
        *history(12),
        *(Observed(months_later(FIRST, n), 40_000, BILLED) for n in range(12, 18)),
    ]
    drawn = forecast(bent, months_later(FIRST, 20))
    assert drawn is not None
    assert drawn.widening > 1.5
    assert drawn.held < drawn.tested


def test_most_past_forecasts_of_a_straight_trend_held() -> None:
    drawn = forecast(history(24, noise=0.01), months_later(FIRST, 24))
    assert drawn is not None
    assert drawn.held / drawn.tested > 0.8


@pytest.mark.parametrize("share", [0, BILLED], ids=["nobody", "everybody"])
def test_nobody_and_everybody_can_be_continued(share: int) -> None:
    months = [Observed(months_later(FIRST, n), share, BILLED) for n in range(8)]
    drawn = forecast(months, months_later(FIRST, 9))
    assert drawn is not None
    assert 0 <= drawn.points[-1].low <= drawn.points[-1].high <= BILLED


def test_too_few_months_are_not_drawn_on() -> None:
    assert forecast(history(5), months_later(FIRST, 9)) is None
    assert forecast([Observed(FIRST, 0, 0)] * 9, months_later(FIRST, 9)) is None


def test_a_past_month_has_no_point_and_the_distant_future_none_either() -> None:
    past = forecast(history(12), FIRST)
    far = forecast(history(12), date(2099, 1, 1))
    assert past is not None
    assert past.points == ()
    assert far is not None
    assert len(far.points) == HORIZON_MAX
    assert far.at(date(2099, 1, 1)) is None


# Printed values: Abramowitz and Stegun, table 26.10 (one-sided 0.95 and 0.975).
@pytest.mark.parametrize(
    ("probability", "freedom", "printed"),
    [(0.95, 5, 2.015), (0.95, 30, 1.697), (0.975, 4, 2.776), (0.975, 20, 2.086)],
)
def test_quantiles_are_those_that_are_printed(
    probability: float, freedom: int, printed: float
) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(printed, rel=0.005)
