"""What was agreed of the pilot, invented to fit the data: wards 2 and 5, twice as many people.

The first year of the data is the baseline, the pilot began with the second, and it ends a year
after the newest month.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from gateway.domain.adoption import months_later
from gateway.domain.pilot import Milestone, Pilot
from gateway.sandbox import pilot_words
from gateway.sandbox.areas import COMPARISON_WARDS, PILOT_WARDS

YEAR = 12
AGENCIES = {f"cq-{number:02d}": name for number, name in enumerate(pilot_words.AGENCIES, 1)}
"""Names by codes, as the customers' own file names them."""


def agreed(periods: Sequence[date]) -> Pilot | None:
    """Say what was agreed, None where the data is too short for a baseline of a year."""
    if len(periods) <= YEAR:
        return None
    first, last = periods[0], periods[-1]
    return Pilot(
        code="phuong-2-phuong-5",
        name="Thí điểm thanh toán điện tử tại Phường 2 và Phường 5",
        areas=PILOT_WARDS,
        comparison_areas=COMPARISON_WARDS,
        baseline_from=first,
        baseline_to=months_later(first, YEAR - 1),
        starts_on=months_later(first, YEAR),
        ends_on=months_later(last, YEAR + 1) - timedelta(days=1),
        target_percent=200,
        milestones=(
            Milestone(months_later(first, 2 * YEAR), 130, "Cơ quan nhà nước", "Public agencies"),
            Milestone(
                months_later(last, YEAR // 2), 180, "Hết thu tại nhà", "No more collection at home"
            ),
        ),
    )
