"""What anybody may see tells of no few people, by itself or by sums."""

from collections.abc import Mapping
from datetime import date
from random import Random

import pytest

from gateway.domain.adoption import MonthTally, Tally, months_later
from gateway.domain.pilot import Outlook, Progress
from gateway.domain.published import Unit, publish, whole_truth
from gateway.domain.suppression import LEAST_SHOWN

FIRST = date(2026, 1, 1)
ELECTRONIC = ("internet_banking", "e_wallet", "card", "portal")
Counts = Mapping[str, int]


def a_month(counts: Counts, month: date = FIRST, *, is_complete: bool = True) -> MonthTally:
    electronic = sum(counts.get(channel, 0) for channel in ELECTRONIC)
    cash = counts.get("home_cash", 0)
    billed = sum(counts.values())
    tally = Tally(
        billed=billed, electronic=electronic, cash=cash, unsettled=billed - electronic - cash
    )
    return MonthTally(month, tally, tuple(counts.items()), is_complete)


def a_unit(code: str, *months: MonthTally) -> Unit:
    progress = Progress(100.0, 200, months, months[-1], None, Outlook.LIKELY, 50, 2, 25)
    return Unit(code, code, progress)


def together(*areas: Counts) -> Counts:
    channels = dict.fromkeys(channel for area in areas for channel in area)
    return {channel: sum(area.get(channel, 0) for area in areas) for channel in channels}


def test_large_counts_are_told_as_they_are() -> None:
    wards = [{"e_wallet": 40, "home_cash": 60}, {"e_wallet": 70, "home_cash": 90}]
    whole, areas = publish(
        a_unit("whole", a_month(together(*wards))),
        [a_unit(str(n), a_month(ward)) for n, ward in enumerate(wards)],
    )
    assert [area.months[0].electronic for area in areas] == [40, 70]
    assert (whole.months[0].electronic, whole.months[0].billed) == (110, 260)
    assert whole.months[0].groups["cash"] == 150
    assert whole.progress is not None
    assert areas[0].ratio == pytest.approx(0.4)


def test_a_ward_with_few_payers_takes_the_other_ward_and_every_area_s_figures_with_it() -> None:
    wards = [{"e_wallet": 3, "home_cash": 900}, {"e_wallet": 70, "home_cash": 90}]
    whole, areas = publish(
        a_unit("whole", a_month(together(*wards))),
        [a_unit(str(n), a_month(ward)) for n, ward in enumerate(wards)],
    )
    assert [area.months[0].electronic for area in areas] == [None, None]
    assert [area.progress for area in areas] == [None, None]
    assert whole.months[0].electronic == 73
    assert whole.progress is not None


def test_all_together_so_few_that_they_are_hidden_hide_their_groups_and_figures() -> None:
    ward = {"e_wallet": 3, "home_cash": 900}
    whole, _ = publish(a_unit("whole", a_month(ward)), [a_unit("1", a_month(ward))])
    assert whole.months[0].electronic is None
    assert whole.months[0].groups["intermediary"] is None
    assert whole.progress is None
    assert whole.ratio is None


def test_a_total_that_is_hidden_for_another_s_sake_is_not_told_by_its_groups() -> None:
    wards = [{"e_wallet": 10, "home_cash": 3}, {"e_wallet": 6}]
    whole, _ = publish(
        a_unit("whole", a_month(together(*wards))),
        [a_unit(str(n), a_month(ward)) for n, ward in enumerate(wards)],
    )
    assert (whole.months[0].electronic, whole.months[0].billed) == (None, 19)
    assert set(whole.months[0].groups.values()) == {None}


def test_a_month_that_still_grows_is_not_told() -> None:
    months = (
        a_month({"e_wallet": 50, "home_cash": 50}),
        a_month({"e_wallet": 51, "home_cash": 40}, months_later(FIRST, 1), is_complete=False),
    )
    whole, areas = publish(a_unit("whole", *months), [a_unit("1", *months)])
    assert [month.month for month in whole.months] == [FIRST]
    assert [month.month for month in areas[0].months] == [FIRST]
    assert len(whole_truth(a_unit("1", *months)).months) == 2


def test_what_is_told_carries_no_counts_behind_it() -> None:
    ward = {"e_wallet": 50, "home_cash": 50}
    whole, areas = publish(a_unit("whole", a_month(ward)), [a_unit("1", a_month(ward))])
    for unit in (whole, *areas):
        assert unit.progress is not None
        assert (unit.progress.months, unit.progress.now) == ((), None)


@pytest.mark.parametrize("seed", range(40))
def test_no_hidden_count_is_the_rest_of_a_sum_of_what_is_told(seed: int) -> None:
    random = Random(seed)  # noqa: S311 (repeatable, no secret)
    channels = (*ELECTRONIC, "home_cash", "unsettled")
    top = random.choice((6, 30, 400))
    wards = [
        {channel: random.randrange(top) for channel in channels}
        for _ in range(random.randrange(1, 5))
    ]
    whole, areas = publish(
        a_unit("whole", a_month(together(*wards))),
        [a_unit(str(n), a_month(ward)) for n, ward in enumerate(wards)],
    )
    told = whole.months[0]
    others = None if None in (told.billed, told.electronic) else told.billed - told.electronic
    by_ward = [area.months[0].electronic for area in areas]
    groups = dict(told.groups)
    lines = (
        (by_ward, told.electronic),
        ([area.months[0].billed for area in areas], told.billed),
        ([groups.pop("cash"), groups.pop("unsettled")], others),
        (list(groups.values()), told.electronic),
    )
    for cells, total in lines:
        assert not any(cell is not None and 0 < cell < LEAST_SHOWN for cell in (*cells, total))
        hidden = cells.count(None)
        assert total is None or hidden != 1
