"""What of a pilot's figures anybody may see, and what only those who sign in.

The public table of a month has a row for each area and two columns, electronic payers and all
others, with totals: one grid, whose small cells are hidden with enough else that they cannot be
computed (`suppression`). Two more lines share one total each with it and nothing else: electronic
payers by group of channels, and the others by cash and unsettled; both of all areas together. A
line that would have to hide its total is not told at all, for the grid tells that total. Only
complete months are told: one that still grows would tell of single people from day to day.

Baseline, target and forecast are means of the months, so an area's are told only where no month of
any area is hidden; those of all areas together only where none of their own is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from gateway.domain.adoption import CHANNEL_GROUPS, UNSETTLED, MonthTally, group_of
from gateway.domain.pilot import Progress
from gateway.domain.suppression import suppress

NOT_ELECTRONIC = ("cash", UNSETTLED)
ELECTRONIC_GROUPS = tuple(name for name in CHANNEL_GROUPS if name not in NOT_ELECTRONIC)


@dataclass(frozen=True, slots=True)
class ShownMonth:
    """What is told of a month, in people; None is hidden. `groups` are by group of channels."""

    month: date
    is_complete: bool
    electronic: int | None
    billed: int | None
    groups: Mapping[str, int | None]

    @property
    def electronic_share(self) -> float | None:
        """Electronic payers of all billed customers, 0 to 1."""
        return _share(self.electronic, self.billed)

    @property
    def cash_share(self) -> float | None:
        """Those who settled in cash, of all whose bills are settled, 0 to 1."""
        cash = self.groups.get("cash")
        if cash is None or self.electronic is None:
            return None
        return _share(cash, cash + self.electronic)


@dataclass(frozen=True, slots=True)
class ShownUnit:
    """What is told of an area, or of all together. `progress` holds no counts of months."""

    code: str
    name: str
    months: tuple[ShownMonth, ...]
    progress: Progress | None
    """None: it would tell what is hidden."""

    @property
    def now(self) -> ShownMonth | None:
        """The last complete month."""
        return next((month for month in reversed(self.months) if month.is_complete), None)

    @property
    def ratio(self) -> float | None:
        """Electronic payers now, in multiples of the baseline."""
        baseline = None if self.progress is None else self.progress.baseline
        if self.now is None or self.now.electronic is None or not baseline:
            return None
        return self.now.electronic / baseline


@dataclass(frozen=True, slots=True)
class Unit:
    """An area, or all together, as it is counted."""

    code: str
    name: str
    progress: Progress


def whole_truth(unit: Unit) -> ShownUnit:
    """Give a unit as those who sign in see it: nothing hidden."""
    months = tuple(
        ShownMonth(m.month, m.is_complete, m.tally.electronic, m.tally.billed, _groups(m))
        for m in unit.progress.months
    )
    return ShownUnit(unit.code, unit.name, months, _figures(unit.progress))


def publish(whole: Unit, areas: Sequence[Unit]) -> tuple[ShownUnit, tuple[ShownUnit, ...]]:
    """Give all areas together, and each, as anybody may see them."""
    complete = [month for month in whole.progress.months if month.is_complete]
    by_area = [{month.month: month for month in area.progress.months} for area in areas]
    told = [_publish(month, [known.get(month.month) for known in by_area]) for month in complete]
    every = tuple(total for total, _ in told)
    rows = [tuple(each[place] for _, each in told) for place in range(len(areas))]
    are_told = all(_is_told(months) for months in rows)
    return (
        ShownUnit(
            whole.code, whole.name, every, _figures(whole.progress) if _is_told(every) else None
        ),
        tuple(
            ShownUnit(area.code, area.name, months, _figures(area.progress) if are_told else None)
            for area, months in zip(areas, rows, strict=True)
        ),
    )


def _publish(
    whole: MonthTally, areas: Sequence[MonthTally | None]
) -> tuple[ShownMonth, list[ShownMonth]]:
    """Hide what must be hidden of one month: of all together, and of each area."""
    counts = [
        (0, 0)
        if area is None
        else (area.tally.electronic, area.tally.billed - area.tally.electronic)
        for area in areas
    ]
    *rows, (electronic, others, billed) = suppress(counts)
    groups = _groups(whole)
    shown = _line(groups, ELECTRONIC_GROUPS, electronic) | _line(groups, NOT_ELECTRONIC, others)
    return (
        _complete(whole.month, electronic, billed, shown),
        [_complete(whole.month, row[0], row[2], {}) for row in rows],
    )


def _complete(
    month: date, electronic: int | None, billed: int | None, groups: Mapping[str, int | None]
) -> ShownMonth:
    return ShownMonth(month, is_complete=True, electronic=electronic, billed=billed, groups=groups)


def _line(
    groups: Mapping[str, int], names: Sequence[str], total: int | None
) -> dict[str, int | None]:
    """Hide what must be hidden of a line whose total is told, or not, elsewhere."""
    [[*cells, own_total]] = suppress([[groups[name] for name in names]], has_column_totals=False)
    if total is None or own_total is None:
        return dict.fromkeys(names)
    return dict(zip(names, cells, strict=True))


def _groups(month: MonthTally) -> dict[str, int]:
    found = dict.fromkeys(CHANNEL_GROUPS, 0)
    for channel, customers in month.channels:
        found[group_of(channel)] += customers
    return found


def _is_told(months: Sequence[ShownMonth]) -> bool:
    return all(month.electronic is not None and month.billed is not None for month in months)


def _figures(progress: Progress) -> Progress:
    return replace(progress, months=(), now=None)


def _share(part: int | None, of: int | None) -> float | None:
    return None if part is None or not of else part / of
