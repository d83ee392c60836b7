"""Exports: a month as the province can recompute it, with definitions, method and raw rows.

Figures and raw rows are of one snapshot, so they agree whatever is paid meanwhile; the history and
the forecast are what was rolled up, as the report says when. No personal data: a customer is a
number that holds in one file alone.
"""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

from gateway.domain.adoption import Cell, tally_of
from gateway.domain.biller import Biller
from gateway.domain.clock import to_text
from gateway.domain.errors import CallerError
from gateway.flows import adoption
from gateway.flows.adoption import PilotReport
from gateway.kit.spreadsheet import Book, Form, Row, open_book
from gateway.runtime import Runtime
from gateway.store import database, upkeep
from gateway.store import exports as store

__all__ = ["Exported", "Form", "NothingToExport", "Wanted", "write"]

SECRET_BYTES = 32
FIGURES = (
    *("area_code", "area", "segment", "channel", "customers", "new", "retained", "resumed"),
    *("relapsed", "habitual", "bills", "amount_dong"),
)
MONTHS = (
    *("area_code", "area", "month", "is_complete", "billed", "electronic", "share", "new"),
    *("retained", "resumed", "relapsed", "habitual", "cash", "unsettled", "cash_share"),
    *("electronic_dong", "cash_dong"),
)
TARGETS = ("area_code", "area", "baseline", "target", "now", "gap", "gap_per_week", "outlook")
FORECAST = ("area_code", "area", "month", "low", "middle", "high")
RAW = (
    *("customer", "place", "area_code", "segment", "agency_code", "channel", "amount_dong"),
    *("settled_on", "electronic_month_before", "electronic_two_before", "first_electronic_before"),
)

# One at a time in a process: each holds a connection, and a core while it compresses.
_turn = asyncio.Semaphore(1)


class NothingToExport(CallerError):
    """No complete month is counted, or none was asked that has figures."""

    code = "nothing_to_export"

    def __init__(self, pilot: str) -> None:
        super().__init__(
            f"nothing of '{pilot}' is counted for this month",
            f"chưa có số liệu của '{pilot}' cho tháng này",
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export. `month` None: the last complete one. `only`: areas that may be seen."""

    pilot: str
    month: date | None = None
    form: Form = Form.XLSX
    only: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: customers counted, and raw rows, one a bill."""

    month: date
    customers: int
    rows: int


async def write(rt: Runtime, biller: Biller, wanted: Wanted, path: Path, *, actor: str) -> Exported:
    """Write a month of a pilot and of its comparison areas to a file; audited.

    Raises:
        PilotUnknown: there is no such pilot, or none of its areas may be seen.
        NothingToExport: the month has no bills there.
    """
    report = await adoption.read_pilot(rt, biller, wanted.pilot, wanted.only)
    month = wanted.month or report.month
    if month is None:
        raise NothingToExport(wanted.pilot)
    seen = [area.code for area in (*report.areas, *report.comparison)]
    async with _turn, database.borrow(rt.pool) as connection:
        async with store.snapshot(connection, biller.id, month, seen) as snapshot:
            cells = await snapshot.figures()
            if not cells:
                raise NothingToExport(wanted.pilot)
            with open_book(path, wanted.form) as book:
                rows = await _Writing(rt, report, month, cells, book).write(snapshot)
        done = Exported(month, tally_of(cells).billed, rows)
        detail: dict[str, object] = {
            "month": str(month),
            "areas": seen,
            "rows": rows,
            "form": wanted.form,
        }
        entry = upkeep.AuditEntry(actor, "adoption.exported", wanted.pilot, detail)
        await upkeep.audit(connection, entry)
    return done


@dataclass(frozen=True, slots=True)
class _Writing:
    rt: Runtime
    report: PilotReport
    month: date
    cells: list[Cell]
    book: Book

    async def write(self, snapshot: store.Snapshot) -> int:
        await asyncio.to_thread(self._write_figures)
        self.book.begin("raw", RAW)
        secret, written = secrets.token_bytes(SECRET_BYTES), 0
        async for chunk in snapshot.raw(secret):
            # In a thread, for to compress takes a core and others are being answered.
            await asyncio.to_thread(self.book.add, [tuple(row.values()) for row in chunk])
            written += len(chunk)
        self.book.begin("counts", ("what", "rows"))
        self.book.add([("raw rows, one a bill", written), ("figures", len(self.cells))])
        return written

    def _write_figures(self) -> None:
        for name, header, rows in (
            ("about", ("what", "value"), self._about()),
            ("definitions", ("tiếng Việt", "English"), _definitions()),
            ("figures", FIGURES, self._figures()),
            ("months", MONTHS, self._months()),
            ("targets", TARGETS, self._targets()),
            ("forecast", FORECAST, self._forecast()),
        ):
            self.book.begin(name, header)
            self.book.add(rows)

    def _about(self) -> Iterable[Row]:
        pilot, effect = self.report.pilot, self.report.effect
        total = tally_of(self.cells)
        yield "pilot", pilot.name
        yield "code", pilot.code
        yield "biller", self.report.biller
        yield "month", f"{self.month:%Y-%m}"
        yield "made at", to_text(self.rt.clock.now())
        rolled = [to_text(each.rolled_at) for each in self.report.rolled[-1:]]
        yield "history rolled up at", *rolled
        yield "pilot areas", ",".join(area.code for area in self.report.areas)
        yield "comparison areas", ",".join(area.code for area in self.report.comparison)
        yield "baseline", f"{pilot.baseline_from:%Y-%m} to {pilot.baseline_to:%Y-%m}"
        yield "starts, ends", f"{pilot.starts_on} to {pilot.ends_on}"
        yield "target, per cent of the baseline", pilot.target_percent
        yield "billed customers in all areas here", total.billed
        yield "electronic payers in all areas here", total.electronic
        if effect is not None:
            yield "effect against the comparison, share", effect.share
            yield "its standard error", effect.error
            yield "placebos", effect.placebos

    def _figures(self) -> Iterable[Row]:
        for cell in self.cells:
            yield (
                *(cell.area_code, self._names()[cell.area_code], cell.segment, cell.channel),
                *(cell.customers, cell.new, cell.retained, cell.resumed, cell.relapsed),
                *(cell.habitual, cell.bills, cell.amount_dong),
            )

    def _names(self) -> dict[str, str]:
        return {area.code: area.name for area in (*self.report.areas, *self.report.comparison)}

    def _months(self) -> Iterable[Row]:
        for area in (*self.report.areas, *self.report.comparison):
            for each in area.progress.months:
                t = each.tally
                yield (
                    *(area.code, area.name, f"{each.month:%Y-%m}", each.is_complete, t.billed),
                    *(t.electronic, t.electronic_share, t.new, t.retained, t.resumed),
                    *(t.relapsed, t.habitual, t.cash, t.unsettled, t.cash_share),
                    *(t.electronic_dong, t.cash_dong),
                )

    def _targets(self) -> Iterable[Row]:
        whole = ("all", "all pilot areas", self.report.whole)
        for code, name, p in (whole, *((a.code, a.name, a.progress) for a in self.report.areas)):
            now = None if p.now is None else p.now.tally.electronic
            yield code, name, p.baseline, p.target, now, p.gap, p.gap_per_week, p.outlook

    def _forecast(self) -> Iterable[Row]:
        whole = ("all", "all pilot areas", self.report.whole)
        for code, name, p in (whole, *((a.code, a.name, a.progress) for a in self.report.areas)):
            for point in () if p.forecast is None else p.forecast.points:
                yield code, name, f"{point.month:%Y-%m}", point.low, point.middle, point.high


@cache
def _definitions() -> tuple[Row, ...]:
    text = files("gateway.flows").joinpath("definitions.txt").read_text(encoding="utf-8")
    return tuple(tuple(line.split(" | ", 1)) for line in text.splitlines() if line)
