"""The pilot's pages: one for those who sign in, one for everybody; both of counted months alone."""

from dataclasses import dataclass
from datetime import date
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.domain.pilot import PilotUnknown
from gateway.domain.published import ShownUnit, Unit, publish, whole_truth
from gateway.domain.user import User
from gateway.flows import adoption
from gateway.flows.adoption import AgencyReport, PilotReport
from gateway.pages import pilot_charts as charts
from gateway.pages.account import signed_in
from gateway.pages.charts import Chart, Pen
from gateway.pages.pilot_export import may_export
from gateway.pages.site import language_of, runtime_of, site
from gateway.runtime import Runtime

router = APIRouter(include_in_schema=False, tags=["page"])
get = partial(router.add_api_route, methods=["GET", "HEAD"])

PUBLIC, PRIVATE = "/public/pilot", "/pilot"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A pilot as one reader sees it."""

    report: PilotReport
    whole: ShownUnit
    areas: tuple[ShownUnit, ...]
    agencies: AgencyReport | None
    is_public: bool

    def charts(self, pen: Pen) -> list[Chart]:
        pilot, areas = self.report.pilot, self.areas
        found = [
            charts.trend(pen, self.whole),
            charts.plan(pen, pilot, self.whole),
            charts.wards(pen, areas, pilot.last_month),
            charts.ward_shares(pen, areas),
            charts.channels(pen, self.whole),
            charts.cash(pen, [self.whole] if self.is_public else [self.whole, *areas]),
        ]
        return [chart for chart in (*found, *self._private(pen)) if chart is not None]

    def _private(self, pen: Pen) -> list[Chart]:
        counted = self.report.whole
        if self.is_public or counted.now is None:
            return []
        found = [charts.funnel(pen, counted.now), charts.flow(pen, counted.months)]
        if self.agencies is not None and self.agencies.agencies:
            found.append(charts.agencies(pen, self.agencies.agencies))
        return found


async def show_public(request: Request) -> Response:
    """Show the pilot to everybody: no single person, no small group."""
    report = await _newest(runtime_of(request))
    if report is None:
        return await _none(request)
    name = Pen(language_of(request)).word("all_areas")
    whole, areas = publish(_whole(name, report), _areas(report))
    return await _page(request, _Shown(report, whole, areas, None, is_public=True), None)


async def show_private(request: Request) -> Response:
    """Show the pilot to a user, of the areas that are theirs."""
    user = await signed_in(request)
    if isinstance(user, Response):
        return user
    rt = runtime_of(request)
    report = await _newest(rt, user)
    if report is None:
        return await _none(request)
    name = Pen(language_of(request)).word("all_areas")
    whole = whole_truth(_whole(name, report))
    areas = tuple(whole_truth(area) for area in _areas(report))
    return await _page(
        request,
        _Shown(report, whole, areas, await _agencies(rt, user, report), is_public=False),
        user,
    )


get(PUBLIC, show_public)
get(PRIVATE, show_private)


async def _newest(rt: Runtime, user: User | None = None) -> PilotReport | None:
    found = await adoption.newest_pilot(rt)
    if found is None:
        return None
    only = sorted(user.areas) if user is not None and user.areas else None
    try:
        return await adoption.read_pilot(rt, *found, only)
    except PilotUnknown:
        return None


async def _agencies(rt: Runtime, user: User, report: PilotReport) -> AgencyReport | None:
    """Read the agencies, whose people live everywhere: for those who see every area."""
    if user.areas:
        return None
    biller = rt.directory.billers[report.biller]
    return await adoption.read_agencies(rt, biller, report.month)


def _whole(name: str, report: PilotReport) -> Unit:
    return Unit(report.pilot.code, name, report.whole)


def _areas(report: PilotReport) -> list[Unit]:
    return [Unit(area.code, area.name, area.progress) for area in report.areas]


async def _none(request: Request) -> Response:
    return await site().show(request, "pilot_none.html", status=404, is_private=True)


async def _page(request: Request, shown: _Shown, user: User | None) -> Response:
    pen = Pen(language_of(request))
    progress = shown.whole.progress
    last = shown.report.pilot.last_month
    forecast = None if progress is None else progress.forecast
    return await site().show(
        request,
        "pilot.html",
        is_private=not shown.is_public,
        pilot=shown.report.pilot,
        today=shown.report.today,
        counted_at=max((each.rolled_at for each in shown.report.rolled), default=None),
        whole=shown.whole,
        progress=progress,
        forecast=forecast,
        at_end=None if forecast is None else forecast.at(last),
        effect=None if progress is None else shown.report.effect,
        charts=shown.charts(pen),
        points=pen.points,
        user=user,
        months_to_export=_months_to_export(shown, user),
        is_print="print" in request.query_params,
    )


def _months_to_export(shown: _Shown, user: User | None) -> list[date]:
    """Give the complete months, the newest first, to those who may export them."""
    if user is None or not may_export(user, shown.report.pilot):
        return []
    return [month.month for month in reversed(shown.whole.months) if month.is_complete]
