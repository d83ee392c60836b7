"""`gateway pilots …`, `agencies …` and `report …`: the pilot, its people, and how it stands."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.cli.flow import run_flow, stop
from gateway.domain.adoption import MonthTally
from gateway.domain.errors import CallerError
from gateway.domain.pilot import Milestone, Pilot
from gateway.flows import adoption, agencies, exports
from gateway.flows.access import find_biller
from gateway.flows.adoption import PilotReport
from gateway.kit.spreadsheet import Form
from gateway.runtime import Runtime

pilots = typer.Typer(help="Pilots: areas, baseline, target, plan.", no_args_is_help=True)
agency = typer.Typer(help="Agencies and their people.", no_args_is_help=True)
report = typer.Typer(help="How many pay electronically.", no_args_is_help=True)

Biller = Annotated[str, typer.Option(help="The biller's code")]
Csv = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file, UTF-8")]
Refused = Annotated[Path | None, typer.Option(help="Where refused lines are written")]
PilotCode = Annotated[str | None, typer.Option("--pilot", help="None: the one that began last")]


def add_to(commands: typer.Typer) -> None:
    """Add these commands to `gateway`."""
    commands.add_typer(pilots, name="pilots")
    commands.add_typer(agency, name="agencies")
    commands.add_typer(report, name="report")


class PilotFile(BaseModel):
    """A pilot as its JSON file says it; see `domain/pilot.py` for what each field means."""

    model_config = ConfigDict(extra="forbid")

    code: str
    name: str
    areas: tuple[str, ...]
    comparison_areas: tuple[str, ...]
    baseline_from: date
    baseline_to: date
    starts_on: date
    ends_on: date
    target_percent: int
    milestones: tuple[Milestone, ...] = ()


@pilots.command("put")
def put_pilot(biller: Biller, file: Annotated[Path, typer.Argument(exists=True)]) -> None:
    """Store a pilot as a JSON file describes it (see docs/pilot.md), or what is said anew."""
    try:
        found = PilotFile.model_validate_json(file.read_bytes())
        pilot = Pilot(**{name: getattr(found, name) for name in PilotFile.model_fields})
    except (ValidationError, CallerError) as error:
        stop(str(error))
    run_flow(lambda rt: adoption.put_pilot(rt, find_biller(rt, biller), pilot, actor="cli"))
    typer.echo(f"pilot {pilot.code} is in place")


@pilots.command("list")
def list_pilots(biller: Biller) -> None:
    """List a biller's pilots."""
    for pilot in run_flow(lambda rt: adoption.list_pilots(rt, find_biller(rt, biller))):
        areas = ",".join(pilot.areas)
        typer.echo(f"{pilot.code:<24}{pilot.starts_on} to {pilot.ends_on}  {areas}  {pilot.name}")


@agency.command("import")
def import_members(biller: Biller, file: Csv, report: Refused = None) -> None:
    """Import agencies' customer codes from CSV; refused lines are reported by number."""
    typer.echo(
        run_flow(lambda rt: agencies.import_members(rt, biller, file, actor="cli", report=report))
    )


@agency.command("remove")
def remove_members(biller: Biller, code: str, customers: list[str]) -> None:
    """Let customer codes belong to an agency no more."""
    removed = run_flow(
        lambda rt: agencies.remove_members(
            rt, find_biller(rt, biller), code, customers, actor="cli"
        )
    )
    typer.echo(f"{removed} of {len(customers)} belonged to it, and do no more")


@report.command("rollup")
def roll_up() -> None:
    """Count every month anew that something has happened to."""
    done = run_flow(adoption.roll_up)
    typer.echo(f"{done.months} months counted, {done.changed} cells changed")


@report.command("pilot")
def show_pilot(pilot: PilotCode = None) -> None:
    """Say how a pilot stands."""
    typer.echo("\n".join(_lines(run_flow(lambda rt: _read(rt, pilot)))))


@report.command("adoption")
def export_adoption(
    out: Annotated[Path, typer.Option(help="The file to write")],
    month: Annotated[str | None, typer.Option(help="YYYY-MM; none: the last complete")] = None,
    pilot: PilotCode = None,
    form: Annotated[Form, typer.Option("--format", help="A workbook, or CSV files")] = Form.XLSX,
) -> None:
    """Write a month's figures with definitions, method and raw rows, to be recomputed."""
    first_day = None if month is None else _month(month)

    async def act(rt: Runtime) -> exports.Exported:
        biller, code = await adoption.find_pilot(rt, pilot)
        wanted = exports.Wanted(code, first_day, form)
        return await exports.write(rt, biller, wanted, out, actor="cli")

    done = run_flow(act)
    typer.echo(f"{out}: {done.month:%Y-%m}, {done.customers} customers, {done.rows} raw rows")


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        stop(f"'{text}' is not a month written YYYY-MM")


async def _read(rt: Runtime, pilot: str | None) -> PilotReport:
    biller, code = await adoption.find_pilot(rt, pilot)
    return await adoption.read_pilot(rt, biller, code)


def _lines(found: PilotReport) -> list[str]:
    whole = found.whole
    lines = [f"{found.pilot.name}: {whole.outlook.replace('_', ' ')}"]
    if whole.now is None or whole.baseline is None:
        return [*lines, "no complete month, or none in the baseline"]
    point = None if whole.forecast is None else whole.forecast.at(found.pilot.last_month)
    lines.append(
        f"electronic payers {whole.now.month:%Y-%m}: {whole.now.tally.electronic}, baseline "
        f"{whole.baseline:.1f}, that is {whole.ratio or 0:.2f} times as many; target {whole.target}"
    )
    if point is not None:
        lines.append(
            f"forecast {point.month:%Y-%m}: {point.middle} ({point.low} to {point.high}, "
            f"{whole.forecast.confidence if whole.forecast else 0:.0%})"
        )
    lines.append(f"gap: {whole.gap} people, {whole.gap_per_week} a week, {whole.weeks_left} weeks")
    if found.effect is not None:
        error = "unknown" if found.effect.error is None else f"{found.effect.error:.2%}"
        lines.append(f"against the comparison: {found.effect.share:+.2%} (error {error})")
    lines += [
        f"  {area.code} {area.name}: {area.progress.outlook.replace('_', ' ')}, "
        f"{_now(area.progress.now)} of {area.progress.target}"
        for area in found.areas
    ]
    return lines


def _now(month: MonthTally | None) -> str:
    return "-" if month is None else str(month.tally.electronic)
