"""Field cash and its fading: collectors, tablets, the day's close, schedules, outreach."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.flow import run_flow, stop
from gateway.domain.cash_phase_out import Schedule, Stage, stage_on
from gateway.domain.clock import business_date
from gateway.domain.ids import from_public
from gateway.flows import cash_phase_out, collectors, day_close, outreach
from gateway.flows.access import find_biller
from gateway.flows.operate import PartnerUnknown
from gateway.runtime import Runtime

cash = typer.Typer(help="Cash at the door, and how it fades.", no_args_is_help=True)

Biller = Annotated[str, typer.Option(help="For whose bills")]
Who = Annotated[str, typer.Option("--by", help="Who does it")]


@cash.command()
def collector(
    code: str,
    name: str,
    biller: Biller,
    partner: Annotated[str, typer.Option(help="Whose collector")],
    per_day: Annotated[int, typer.Option(help="Most đồng handed over on a day", min=1)],
    per_list: Annotated[int, typer.Option(help="Most đồng of one list", min=1)],
) -> None:
    """Make a collector, or change the name and caps of one."""
    new = collectors.NewCollector(code, name, biller, partner, per_day, per_list)
    run_flow(lambda rt: collectors.put(rt, new, actor="cli"))
    typer.echo(f"{code} collects for {biller}: at most {per_list} đồng a list, {per_day} a day")


@cash.command()
def device(collector_code: str, key_id: str) -> None:
    """Enrol a tablet; its HMAC secret is shown this once."""
    secret = run_flow(lambda rt: collectors.add_device(rt, collector_code, key_id, actor="cli"))
    typer.echo(secret.hex())


@cash.command()
def revoke_device(key_id: str) -> None:
    """Book nothing more that a tablet sends."""
    run_flow(lambda rt: collectors.revoke_device(rt, key_id, actor="cli"))
    typer.echo(f"{key_id} is revoked; cash on its receipts waits for a person")


@cash.command()
def close_day(
    list_id: Annotated[str, typer.Argument(help="hol_…")],
    total: Annotated[int, typer.Argument(help="The cash that was counted, in đồng", min=0)],
    partner: Annotated[str, typer.Option(help="Whose collector")],
    deposited: Annotated[str | None, typer.Option(help="The slip it was paid in with")] = None,
) -> None:
    """Close a list with the cash that was counted."""
    named = from_public("hol", list_id)
    if named is None:
        stop(f"'{list_id}' names no list")
    asked = day_close.DayClose(named, total, deposited)

    async def act(rt: Runtime) -> str:
        row = await day_close.close(rt, _partner_id(rt, partner), asked)
        differs = (row.cash_total_dong or 0) - (row.receipts_dong or 0)
        return f"{list_id} is closed: {total} đồng counted, receipts {row.receipts_dong}, " + (
            f"{differs:+d} đồng differ; see the exceptions" if differs else "equal"
        )

    typer.echo(run_flow(act))


@cash.command()
def give_back(
    line: Annotated[str, typer.Argument(help="The line in suspense: sus_…")],
    by: Who,
    reason: Annotated[str, typer.Option(help="How it is known that the payer has it")],
) -> None:
    """Write that cash is back in its payer's hand."""
    line_id = from_public("sus", line)
    if line_id is None:
        stop(f"'{line}' names no line; see `gateway suspense`")
    gave = run_flow(lambda rt: day_close.give_back(rt, line_id, by=by, reason=reason))
    typer.echo(f"{gave} đồng are back in the payer's hand")


@cash.command()
def watch(
    on: Annotated[datetime | None, typer.Option(help="As of a day", formats=["%Y-%m-%d"])] = None,
) -> None:
    """Raise an alert for cash that was not paid in by the end of the next day."""
    day = None if on is None else on.date()
    late = run_flow(lambda rt: day_close.watch(rt, day))
    for one in late:
        typer.echo(f"ALERT {one.collector}: {one.amount_dong} đồng of {one.until} and before")
    if not late:
        typer.echo("no cash is overdue")


@cash.command()
def schedule(  # noqa: PLR0913, PLR0917 (the facts of a plan)
    area: str,
    biller: Biller,
    announced: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
    without_phone: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="New lists only for those without one")
    ],
    ends: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="No new lists from then")],
    caps_step: Annotated[int, typer.Option(help="Percent less every 30 days")] = 0,
    complaints_max: Annotated[int, typer.Option(help="More in 30 days pause it")] = 20,
    arrears_max: Annotated[int, typer.Option(help="Percent of open bills overdue")] = 40,
) -> None:
    """Plan how cash ends in an area."""
    plan = Schedule(
        area,
        announced.date(),
        without_phone.date(),
        ends.date(),
        caps_step,
        complaints_max,
        arrears_max,
    )

    async def act(rt: Runtime) -> str:
        found = find_biller(rt, biller)
        kept = await cash_phase_out.put_schedule(rt, found, plan, actor="cli")
        return _told(kept, business_date(rt.clock.now()))

    typer.echo(run_flow(act))


@cash.command()
def schedules(biller: Biller) -> None:
    """Show how cash ends in every area."""

    async def act(rt: Runtime) -> list[str]:
        today = business_date(rt.clock.now())
        found = await cash_phase_out.list_schedules(rt, find_biller(rt, biller))
        return [_told(one, today) for one in found]

    for text in run_flow(act):
        typer.echo(text)


@cash.command()
def pause(area: str, biller: Biller, reason: Annotated[str, typer.Option()], by: Who) -> None:
    """Let an area's schedule stand still."""

    async def act(rt: Runtime) -> str:
        found = find_biller(rt, biller)
        kept = await cash_phase_out.pause(rt, found, area, reason=reason, actor=by)
        return _told(kept, business_date(rt.clock.now()))

    typer.echo(run_flow(act))


@cash.command()
def resume(area: str, biller: Biller, by: Who) -> None:
    """Let an area's schedule go on; what was to come moves by as long as it stood."""

    async def act(rt: Runtime) -> str:
        kept = await cash_phase_out.resume(rt, find_biller(rt, biller), area, actor=by)
        return _told(kept, business_date(rt.clock.now()))

    typer.echo(run_flow(act))


@cash.command()
def complain(
    area: str,
    words: str,
    biller: Biller,
    customer: Annotated[str | None, typer.Option(help="Who complained")] = None,
) -> None:
    """Write a complaint down; enough of them pause the area's schedule."""

    async def act(rt: Runtime) -> None:
        await cash_phase_out.complain(rt, find_biller(rt, biller), area, words, customer)

    run_flow(act)
    typer.echo("it is written down")


@cash.command()
def contacts(file: Path, biller: Biller, by: Who) -> None:
    """Import customer_code,phone,consent_basis from CSV, all or none."""

    async def act(rt: Runtime) -> int:
        return await outreach.import_contacts(rt, find_biller(rt, biller), file, actor=by)

    typer.echo(f"{run_flow(act)} contacts are new or changed")


@cash.command()
def opt_out(customer: str, biller: Biller, by: Who) -> None:
    """Leave a customer out of every campaign from now on."""

    async def act(rt: Runtime) -> None:
        await outreach.opt_out(rt, find_biller(rt, biller), customer, actor=by)

    run_flow(act)
    typer.echo(f"{customer} gets no messages")


@cash.command("outreach")
def export(area: str, file: Path, biller: Biller, by: Who) -> None:
    """Write the phones of an area's cash payers to a new CSV file for a campaign."""

    async def act(rt: Runtime) -> str:
        return str(await outreach.export(rt, find_biller(rt, biller), area, file, actor=by))

    typer.echo(run_flow(act))


def _told(one: Schedule, today: date) -> str:
    stage = stage_on(one, today)
    why = f": {one.pause_reason}" if stage is Stage.PAUSED else ""
    return (
        f"{one.area_code}  {stage}{why}  announced {one.announced_on}, without phone from "
        f"{one.without_phone_from}, no new lists from {one.ends_on}"
    )


def _partner_id(rt: Runtime, code: str) -> int:
    for partner in rt.directory.partners_by_id.values():
        if partner.code == code:
            return partner.id
    raise PartnerUnknown(code)


def add_to(commands: typer.Typer) -> None:
    """Hang these commands into `gateway`."""
    commands.add_typer(cash, name="cash")
