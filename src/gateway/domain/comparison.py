"""Did the pilot do it? Difference-in-differences against wards where there was none.

Method: each month the share of electronic payers in the comparison wards is taken from the share
in the pilot wards; the effect is how much that distance has grown, the mean of the months since
the start less the mean of the months of the baseline. What would have happened anyway happens in
both, and falls out.

Its standard error comes from placebos: before the start there was no pilot, so an "effect" that is
computed there, in the same way, for every pair of neighbouring windows (each a third of those
months long), is nothing but chance. The standard error is the root of their mean square. With two
wards on each side no textbook formula holds. The windows overlap and are shorter than the real
ones, so the error is rather too large than too small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import fmean

PLACEBOS_MIN = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """By how much the share grew more in the pilot wards; shares are 0 to 1.

    `error` is its standard error; None where the time before the start is too short for placebos.
    """

    share: float
    error: float | None
    placebos: int
    months_before: int
    months_after: int

    @property
    def is_beyond_chance(self) -> bool | None:
        """Whether the effect is more than twice its standard error; None if that is not known."""
        return None if self.error is None else abs(self.share) > 2 * self.error


@dataclass(frozen=True, slots=True)
class Windows:
    """The months of the baseline, both inclusive, and the first month of the pilot."""

    baseline_from: date
    baseline_to: date
    start: date


def compare(
    pilot: Mapping[date, float], comparison: Mapping[date, float], windows: Windows
) -> Effect | None:
    """Compare shares by month; None where either side lacks a month before or after."""
    distance = {
        month: pilot[month] - comparison[month] for month in sorted(pilot.keys() & comparison)
    }
    before = [
        value
        for month, value in distance.items()
        if windows.baseline_from <= month <= windows.baseline_to
    ]
    after = [value for month, value in distance.items() if month >= windows.start]
    if not before or not after:
        return None
    quiet = [value for month, value in distance.items() if month < windows.start]
    placebos = _placebos(quiet)
    has_error = len(placebos) >= PLACEBOS_MIN
    error = sqrt(fmean(placebo**2 for placebo in placebos)) if has_error else None
    return Effect(fmean(after) - fmean(before), error, len(placebos), len(before), len(after))


def _placebos(quiet: Sequence[float]) -> list[float]:
    """Give the effect of a pilot that never was, for each pair of neighbouring windows."""
    width = len(quiet) // 3
    if width == 0:
        return []
    return [
        fmean(quiet[at + width : at + 2 * width]) - fmean(quiet[at : at + width])
        for at in range(len(quiet) - 2 * width + 1)
    ]
