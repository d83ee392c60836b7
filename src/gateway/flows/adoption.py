"""Adoption: counting months anew, and the reports that pages, the API and commands show.

Reports read what was counted, never the bills. A month that something happened to is counted anew
within minutes by any worker (`roll_up`), whatever its age.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.adoption import Cell, MonthTally, is_complete, months_of
from gateway.domain.biller import Biller
from gateway.domain.clock import business_date
from gateway.domain.comparison import Effect, Windows, compare
from gateway.domain.forecast import Observed, forecast
from gateway.domain.pilot import Pilot, PilotUnknown, Progress, progress_of, shares
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import adoption as store
from gateway.store import database, pilots, rolling, upkeep
from gateway.store.adoption import AgencyRow, RolledMonth, Wanted

__all__ = ["AgencyRow", "RolledMonth", "Wanted"]

TURNS_MAX = 1_000
"""Months that one call counts at most; what is left is counted by the next."""


@dataclass(frozen=True, slots=True)
class RollUp:
    """What was counted anew: months (one may be counted again for its neighbours' sake)."""

    months: int
    changed: int
    """Cells that differed from what stood there."""


@dataclass(frozen=True, slots=True)
class AreaReport:
    """A unit's months and how it stands against the pilot's target."""

    code: str
    name: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class PilotReport:
    """A pilot at a glance: `whole` are its areas together, `comparison` the others, unjudged."""

    biller: str
    pilot: Pilot
    today: date
    whole: Progress
    areas: tuple[AreaReport, ...]
    comparison: tuple[AreaReport, ...]
    effect: Effect | None
    rolled: tuple[RolledMonth, ...]
    """When each month was last counted; the oldest first."""

    @property
    def month(self) -> date | None:
        """The last complete month, which the figures of now are of."""
        return None if self.whole.now is None else self.whole.now.month


@dataclass(frozen=True, slots=True)
class AgencyReport:
    """Agencies of a month, the highest share of electronic payers first."""

    month: date | None
    agencies: tuple[AgencyRow, ...]


async def roll_up(rt: Runtime) -> RollUp:
    """Count every month anew that something has happened to, of all billers, the oldest first.

    Each month commits by itself. Safe to repeat and from many workers: they take turns.
    """
    months = changed = 0
    for biller_id in rt.directory.biller_ids:
        async with database.borrow(rt.pool) as connection:
            while months < TURNS_MAX and (due := await rolling.touched(connection, biller_id)):
                done = await rolling.roll(connection, biller_id, due[0], rt.clock.now())
                months, changed = months + 1, changed + done.changed
    if months:
        log.info("adoption.rolled", months=months, changed=changed)
    return RollUp(months, changed)


async def read_cells(rt: Runtime, biller: Biller, wanted: Wanted) -> list[Cell]:
    """Read what was counted, in the order of months, areas, segments and channels."""
    async with database.borrow(rt.pool) as connection:
        return await store.read(connection, biller.id, wanted)


async def read_months(rt: Runtime, biller: Biller, wanted: Wanted) -> tuple[MonthTally, ...]:
    """Read what was counted month by month, all wanted cells together, the oldest first."""
    async with database.borrow(rt.pool) as connection:
        cells = await store.read_sums(connection, biller.id, wanted, by_area=False)
    return months_of(cells, _today(rt))


async def read_rolled(rt: Runtime, biller: Biller) -> list[RolledMonth]:
    """Read when each month was last counted."""
    async with database.borrow(rt.pool) as connection:
        return await store.rolled(connection, biller.id)


async def list_pilots(rt: Runtime, biller: Biller) -> list[Pilot]:
    """Read a biller's pilots, the first to start first."""
    async with database.borrow(rt.pool) as connection:
        return await pilots.every(connection, biller.id)


async def newest_pilot(rt: Runtime, code: str | None = None) -> tuple[Biller, str] | None:
    """Name the pilot that started last, of this code if one is given, and its biller."""
    async with database.borrow(rt.pool) as connection:
        found = await pilots.newest(connection, code)
    if found is None:
        return None
    biller_id, code = found
    return next(b for b in rt.directory.billers.values() if b.id == biller_id), code


async def find_pilot(rt: Runtime, code: str | None = None) -> tuple[Biller, str]:
    """Find a pilot by its code, whosever it is; None: the one that started last.

    Raises:
        PilotUnknown: there is none.
    """
    found = await newest_pilot(rt, code)
    if found is None:
        raise PilotUnknown(code or "")
    return found


async def read_pilot(
    rt: Runtime, biller: Biller, code: str, only: Sequence[str] | None = None
) -> PilotReport:
    """Read how a pilot stands.

    Args:
        rt: the runtime.
        biller: whose pilot.
        code: which pilot.
        only: the areas that the reader may see; the whole is of these alone. None: all.

    Raises:
        PilotUnknown: there is no such pilot, or none of its areas may be seen.
    """
    async with database.borrow(rt.pool) as connection:
        pilot = await pilots.one(connection, biller.id, code)
        if pilot is None:
            raise PilotUnknown(code)
        seen = tuple(area for area in pilot.areas if only is None or area in only)
        if not seen:
            raise PilotUnknown(code)
        everywhere = (*seen, *pilot.comparison_areas)
        wanted = Wanted(areas=everywhere)
        cells = await store.read_sums(connection, biller.id, wanted, by_area=True)
        names = await store.area_names(connection, everywhere)
        rolled = await store.rolled(connection, biller.id)
    return _Assembly(biller.code, pilot, cells, names, _today(rt)).report(seen, tuple(rolled))


@dataclass(frozen=True, slots=True)
class _Assembly:
    biller: str
    pilot: Pilot
    cells: Sequence[Cell]
    names: dict[str, str]
    today: date

    def report(self, seen: Sequence[str], rolled: tuple[RolledMonth, ...]) -> PilotReport:
        by_area: dict[str, list[Cell]] = defaultdict(list)
        for cell in self.cells:
            by_area[cell.area_code].append(cell)
        whole = self._progress([cell for area in seen for cell in by_area[area]])
        others = [cell for area in self.pilot.comparison_areas for cell in by_area[area]]
        windows = Windows(self.pilot.baseline_from, self.pilot.baseline_to, self.pilot.first_month)
        return PilotReport(
            biller=self.biller,
            pilot=self.pilot,
            today=self.today,
            whole=whole,
            areas=tuple(self._area(area, by_area[area]) for area in seen),
            comparison=tuple(
                self._area(area, by_area[area]) for area in self.pilot.comparison_areas
            ),
            effect=compare(shares(whole.months), shares(self._months(others)), windows),
            rolled=rolled,
        )

    def _area(self, code: str, cells: Sequence[Cell]) -> AreaReport:
        return AreaReport(code, self.names.get(code, code), self._progress(cells))

    def _months(self, cells: Sequence[Cell]) -> tuple[MonthTally, ...]:
        return months_of(cells, self.today)

    def _progress(self, cells: Sequence[Cell]) -> Progress:
        months = self._months(cells)
        history = [
            Observed(m.month, m.tally.electronic, m.tally.billed) for m in months if m.is_complete
        ]
        drawn = forecast(history, self.pilot.last_month)
        return progress_of(self.pilot, months, drawn, self.today)


async def read_agencies(rt: Runtime, biller: Biller, month: date | None = None) -> AgencyReport:
    """Read how each agency's people pay in a month; None: the last complete one that is counted."""
    async with database.borrow(rt.pool) as connection:
        if month is None:
            month = _last_complete(await store.rolled(connection, biller.id), _today(rt))
        rows = [] if month is None else await store.agencies(connection, biller.id, month)
    return AgencyReport(month, tuple(rows))


def _last_complete(rolled: Sequence[RolledMonth], today: date) -> date | None:
    complete = [each.month for each in rolled if is_complete(each.month, today)]
    return complete[-1] if complete else None


async def read_first_paid(
    rt: Runtime, biller: Biller, customer_code: str
) -> tuple[date | None, datetime | None]:
    """Give the month and the instant of a customer's first electronic payment, None for never."""
    async with database.borrow(rt.pool) as connection:
        return await store.first_paid(connection, biller.id, customer_code)


async def put_pilot(rt: Runtime, biller: Biller, pilot: Pilot, *, actor: str) -> None:
    """Store a pilot, or what is said anew of one; written to the audit trail."""
    async with database.borrow(rt.pool) as connection, connection.transaction():
        await pilots.put(connection, biller.id, pilot)
        detail: dict[str, object] = {
            "biller": biller.code,
            "areas": list(pilot.areas),
            "target_percent": pilot.target_percent,
            "starts_on": str(pilot.starts_on),
            "ends_on": str(pilot.ends_on),
        }
        await upkeep.audit(connection, upkeep.AuditEntry(actor, "pilot.put", pilot.code, detail))


def _today(rt: Runtime) -> date:
    return business_date(rt.clock.now())
