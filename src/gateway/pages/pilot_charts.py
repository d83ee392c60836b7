"""The charts of the pilot's pages, from what may be shown of it."""

import math
from collections.abc import Sequence
from datetime import date

from gateway.domain.adoption import CHANNEL_GROUPS, MonthTally
from gateway.domain.pilot import Pilot
from gateway.domain.published import ShownMonth, ShownUnit
from gateway.flows.adoption import AgencyRow
from gateway.pages.charts import Chart, Column, Figure, Mark, Pen, people_of

WARD_MARKS: tuple[Mark, ...] = ("line", "dashed", "dotted")
AGENCIES_MAX = 50


def trend(pen: Pen, whole: ShownUnit) -> Chart:
    """Electronic payers by month, drawn on to the end of the pilot, against the target."""
    progress = whole.progress
    target = None if progress is None else progress.target
    forecast = None if progress is None else progress.forecast
    absent = pen.people(None, absent="none")
    goal = pen.people(target, absent="none")
    past = [
        (
            pen.month(month.month, is_complete=month.is_complete),
            (pen.people(month.electronic), absent, absent, absent, goal),
        )
        for month in whole.months
        if month.is_complete
    ]
    ahead = [
        (
            pen.month(point.month),
            (absent, *people_of(pen, (point.middle, point.high, point.low)), goal),
        )
        for point in (() if forecast is None else forecast.points)
    ]
    columns = pen.columns(
        ("electronic", "line"),
        ("forecast", "dashed"),
        ("high", "dotted"),
        ("low", "band"),
        ("target", "dotted"),
    )
    return _by_month(pen, "trend", columns, (*past, *ahead), definition="forecast")


def wards(pen: Pen, areas: Sequence[ShownUnit], last: date) -> Chart:
    """Each area: now, as it is foreseen at the end, and the target; and what is still to be won."""
    columns = pen.columns(
        ("baseline", "untold"),
        ("now", "bar"),
        ("forecast_end", "bar"),
        ("interval", "untold"),
        ("target", "bar"),
        ("gap", "untold"),
        ("per_week", "untold"),
        ("outlook", "untold"),
    )
    rows = tuple((area.name, _ward(pen, area, last)) for area in areas)
    return Chart("wards", "across", "people", pen.word("column_area"), columns, rows, "gap")


def _ward(pen: Pen, area: ShownUnit, last: date) -> tuple[Figure, ...]:
    now = None if area.now is None else area.now.electronic
    progress = area.progress
    if progress is None:
        hidden = pen.people(None)
        return (hidden, pen.people(now), *(hidden for _ in range(6)))
    point = None if progress.forecast is None else progress.forecast.at(last)
    interval = (
        pen.word("none")
        if point is None
        else f"{pen.people(point.low).text} - {pen.people(point.high).text}"
    )
    baseline = None if progress.baseline is None else round(progress.baseline)
    return (
        pen.people(baseline, absent="none"),
        pen.people(now, absent="none"),
        pen.people(None if point is None else point.middle, absent="none"),
        Figure(None, interval),
        pen.people(progress.target, absent="none"),
        pen.people(progress.gap, absent="none"),
        pen.people(progress.gap_per_week, absent="none"),
        Figure(None, pen.word(f"outlook_{progress.outlook}")),
    )


def ward_shares(pen: Pen, areas: Sequence[ShownUnit]) -> Chart:
    """The share of electronic payers by month, a line for each area."""
    return _lines(
        pen,
        "ward_shares",
        [(area.name, {m.month: m.electronic_share for m in _complete(area)}) for area in areas],
    )


def cash(pen: Pen, units: Sequence[ShownUnit]) -> Chart:
    """The share of cash by month, a line for each unit."""
    return _lines(
        pen,
        "cash",
        [(unit.name, {m.month: m.cash_share for m in _complete(unit)}) for unit in units],
        definition="cash",
    )


def _complete(unit: ShownUnit) -> list[ShownMonth]:
    return [month for month in unit.months if month.is_complete]


def _lines(
    pen: Pen,
    name: str,
    lines: Sequence[tuple[str, dict[date, float | None]]],
    definition: str = "electronic",
) -> Chart:
    months = sorted({month for _, shares in lines for month in shares})
    columns = tuple(
        Column(title, WARD_MARKS[place % len(WARD_MARKS)]) for place, (title, _) in enumerate(lines)
    )
    rows = tuple(
        (pen.month(month), tuple(pen.share(shares.get(month)) for _, shares in lines))
        for month in months
    )
    head = pen.word("column_month")
    return Chart(name, "line", "percent", head, columns, rows, definition)


def channels(pen: Pen, whole: ShownUnit) -> Chart:
    """Customers by the group of their channel, by month."""
    columns = tuple(Column(pen.word(f"group_{name}"), "bar") for name in CHANNEL_GROUPS)
    rows = tuple(
        (pen.month(month.month), people_of(pen, [month.groups[name] for name in CHANNEL_GROUPS]))
        for month in _complete(whole)
    )
    head = pen.word("column_month")
    return Chart("channels", "stack", "people", head, columns, rows, "groups")


def funnel(pen: Pen, month: MonthTally) -> Chart:
    """From every billed customer to the habitual ones, of the last complete month."""
    tally = month.tally
    steps = (
        ("billed", tally.billed),
        ("electronic", tally.electronic),
        ("retained", tally.retained),
        ("habitual", tally.habitual),
    )
    rows = tuple(
        (
            pen.word(f"step_{name}"),
            (pen.people(count), pen.share(count / tally.billed if tally.billed else 0.0)),
        )
        for name, count in steps
    )
    columns = (*pen.columns(("people", "bar")), *pen.columns(("of_billed", "untold")))
    head = pen.word("column_step")
    return Chart("funnel", "across", "people", head, columns, rows, "habitual")


def flow(pen: Pen, months: Sequence[MonthTally]) -> Chart:
    """Who is new, stayed, came back, and went back to cash, by month."""
    names = ("new", "retained", "resumed", "relapsed")
    rows = tuple(
        (pen.month(m.month), people_of(pen, [getattr(m.tally, name) for name in names]))
        for m in months
        if m.is_complete
    )
    columns = pen.columns(
        ("new", "bar"), ("retained", "bar"), ("resumed", "bar"), ("relapsed", "untold")
    )
    head = pen.word("column_month")
    return Chart("flow", "stack", "people", head, columns, rows, "habitual")


def agencies(pen: Pen, rows: Sequence[AgencyRow]) -> Chart:
    """Agencies by the share of their people who pay electronically, the highest first."""
    columns = pen.columns(
        ("share", "bar"),
        ("electronic", "untold"),
        ("people", "untold"),
        ("habitual", "untold"),
        ("relapsed", "untold"),
        ("change", "untold"),
    )
    told = tuple(
        (
            f"{place}. {row.name}",
            (
                pen.share(row.electronic / row.customers if row.customers else None),
                *people_of(pen, (row.electronic, row.customers, row.habitual, row.relapsed)),
                Figure(None, f"{row.electronic - row.electronic_before:+d}"),
            ),
        )
        for place, row in enumerate(rows[:AGENCIES_MAX], 1)
    )
    return Chart("agencies", "across", "percent", pen.word("column_agency"), columns, told)


def plan(pen: Pen, pilot: Pilot, whole: ShownUnit) -> Chart | None:
    """The plan's milestones in people, and what came; None where there are none to judge."""
    baseline = None if whole.progress is None else whole.progress.baseline
    if not pilot.milestones or baseline is None:
        return None
    came = {month.month: month.electronic for month in _complete(whole)}
    rows = tuple(
        (
            f"{pen.month(m.month)}: {m.name_vi if pen.language == 'vi' else m.name_en}",
            (
                pen.people(math.ceil(round(baseline * m.percent / 100, 6))),
                pen.people(came.get(m.month), absent="not_yet"),
            ),
        )
        for m in pilot.milestones
    )
    columns = pen.columns(("planned", "bar"), ("electronic", "bar"))
    return Chart("plan", "across", "people", pen.word("column_milestone"), columns, rows, "target")


def _by_month(
    pen: Pen,
    name: str,
    columns: tuple[Column, ...],
    rows: tuple[tuple[str, tuple[Figure, ...]], ...],
    *,
    definition: str,
) -> Chart:
    head = pen.word("column_month")
    return Chart(name, "line", "people", head, columns, rows, definition)
