"""A planted effect comes out; what happens in both places does not; chance is called chance."""

from datetime import date

import pytest

from gateway.domain.adoption import months_later
from gateway.domain.comparison import Effect, Windows, compare

FIRST = date(2024, 1, 1)
START = months_later(FIRST, 12)
WINDOWS = Windows(FIRST, months_later(FIRST, 11), START)
WOBBLE = (0.0, 0.004, -0.002, 0.001, -0.004, 0.003)


def shares(effect: float = 0.0, *, months: int = 18, wobbles: bool = False) -> dict[date, float]:
    """Make shares that rise by half a point a month, and by `effect` from the start on."""
    return {
        months_later(FIRST, n): 0.2
        + 0.005 * n
        + (effect if n >= 12 else 0.0)
        + (WOBBLE[n % len(WOBBLE)] if wobbles else 0.0)
        for n in range(months)
    }


def found(pilot: dict[date, float], comparison: dict[date, float]) -> Effect:
    effect = compare(pilot, comparison, WINDOWS)
    assert effect is not None
    return effect


def test_a_planted_effect_comes_out_and_the_common_trend_falls_out() -> None:
    effect = found(shares(0.07, wobbles=True), shares())
    assert effect.share == pytest.approx(0.07, abs=0.003)
    assert effect.error is not None
    assert 0 < effect.error < 0.01
    assert effect.is_beyond_chance
    assert (effect.months_before, effect.months_after) == (12, 6)


def test_where_nothing_happened_the_effect_is_within_chance() -> None:
    effect = found(shares(wobbles=True), shares())
    assert abs(effect.share) < 0.003
    assert effect.is_beyond_chance is False


def test_without_months_enough_for_placebos_no_error_is_claimed() -> None:
    late = Windows(months_later(FIRST, 8), months_later(FIRST, 11), START)
    short = {month: share for month, share in shares(0.05).items() if month >= late.baseline_from}
    effect = compare(short, short, late)
    assert effect is not None
    assert (effect.error, effect.is_beyond_chance) == (None, None)


def test_without_a_month_before_or_after_there_is_nothing_to_compare() -> None:
    assert compare(shares(months=12), shares(months=12), WINDOWS) is None
    assert compare(shares(), {}, WINDOWS) is None
