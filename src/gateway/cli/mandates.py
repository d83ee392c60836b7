"""Mandates and debit runs on the command line."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.flow import run_flow, stop
from gateway.domain.clock import business_date
from gateway.domain.ids import from_public
from gateway.domain.mandate import Change
from gateway.flows import (
    concluding,
    debit_files,
    debit_reports,
    debit_runs,
    enrolling,
    mandates,
    registering,
)
from gateway.kit.abilities import DebitsMandates
from gateway.kit.messages import Garbled
from gateway.runtime import Runtime

group = typer.Typer(help="Standing permissions to debit.", no_args_is_help=True)
CONSENT_TEXT = (
    "Tôi đồng ý cho ngân hàng trích tài khoản của tôi để thanh toán hóa đơn tiền điện theo mã "
    "khách hàng và hạn mức đã ghi, cho đến khi tôi hủy ủy quyền này."
)
Csv = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file, UTF-8")]
Biller = Annotated[str, typer.Option(help="The biller's code")]
Provider = Annotated[str, typer.Option(help="The bank's code; one of GET /v1/providers")]


@group.command("enrol")
def enrol(  # noqa: PLR0913 (the options of one command)
    file: Csv,
    *,
    agency: Annotated[str, typer.Option(help="Whose employees they are")],
    biller: Biller,
    partner: Annotated[str, typer.Option(help="The partner to whom the mandates belong")],
    provider: Provider,
    bank: Annotated[str, typer.Option(help="The bank's BIN, six digits")],
    consent_file: Annotated[Path | None, typer.Option(help="The text that was signed")] = None,
    text_version: Annotated[str, typer.Option(help="Which version of the text")] = "2026-11",
    report: Annotated[Path | None, typer.Option(help="Where refused lines are written")] = None,
) -> None:
    """Enrol an agency's employees from CSV; refused lines are reported by number."""
    text = CONSENT_TEXT if consent_file is None else consent_file.read_text(encoding="utf-8")
    wanted = enrolling.Agency(biller, partner, provider, bank, agency, text.strip(), text_version)
    typer.echo(run_flow(lambda rt: enrolling.enrol(rt, file, wanted, actor="cli", report=report)))


@group.command("register")
def register(provider: Provider) -> None:
    """Tell a bank of all mandates that it was not told of yet."""
    done = run_flow(lambda rt: registering.register_pending(rt, provider))
    typer.echo(f"{done} mandates are registered at '{provider}' now")


@group.command("change")
def change(mandate: str, to: Change, reason: str) -> None:
    """Change one mandate by hand: what a bank, or a payer at a branch, said on paper."""
    mandate_id = from_public("mdt", mandate)

    async def act(rt: Runtime) -> str:
        row = None if mandate_id is None else await registering.by_id(rt, mandate_id)
        if row is None:
            stop(f"there is no mandate '{mandate}'")
        changed = await mandates.change(rt, row, to, origin="operator", reason=reason)
        return f"{mandate} is {changed.state}"

    typer.echo(run_flow(act))


@group.command("expire")
def expire() -> None:
    """Expire what has ended or was not used for 13 months; the worker does so too."""
    typer.echo(f"{run_flow(mandates.expire_lapsed)} mandates have expired")


def debit_run(  # noqa: PLR0913 (the options of one command)
    biller: Biller,
    provider: Provider,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Which day")] = None,
    results: Annotated[Path | None, typer.Option(help="A bank's result file")] = None,
    out: Annotated[Path, typer.Option(help="Where debit files are written")] = Path(),
    *,
    prepare: Annotated[bool, typer.Option("--prepare", help="Plan and announce")] = False,
    send: Annotated[bool, typer.Option("--send", help="Last look, then send")] = False,
    by_file: Annotated[bool, typer.Option("--file", help="Write the debit file")] = False,
    report: Annotated[bool, typer.Option("--report", help="Show the run")] = False,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Test mode alone: no notice, no day, no cut-off")
    ] = False,
) -> None:
    """Prepare, send, settle or show a day's debits; run it again, it goes on."""
    chosen = day.date() if day is not None else None
    wanted = _Wanted(
        prepare=prepare, send=send, by_file=by_file, report=report, results=results, out=out
    )

    async def act(rt: Runtime) -> list[str]:
        today = business_date(rt.clock.now())
        run = debit_runs.Run(biller, provider, chosen or today, rehearses=rehearse, by_file=by_file)
        return await _act(rt, run, wanted)

    try:
        typer.echo("\n".join(run_flow(act)))
    except Garbled as error:
        stop(str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    prepare: bool
    send: bool
    by_file: bool
    report: bool
    results: Path | None
    out: Path


async def _act(rt: Runtime, run: debit_runs.Run, wanted: _Wanted) -> list[str]:
    said = []
    if wanted.prepare:
        planned = await debit_runs.prepare(rt, run)
        said.append(f"{planned.debits} debits of {planned.amount_dong} đồng planned for {run.day}")
    if wanted.send:
        said.append(str(await debit_runs.send(rt, run)))
    provider = rt.providers[run.provider].provider
    if wanted.by_file or (wanted.send and not isinstance(provider, DebitsMandates)):
        said += await _write_files(rt, run, wanted.out)
    if wanted.results is not None:
        raw = wanted.results.read_bytes()
        today = run.day if run.rehearses else None
        said.append(
            str(await debit_files.take_results(rt, run.biller, run.provider, raw, today=today))
        )
    if wanted.report:
        await concluding.conclude(
            rt, rt.directory.billers[run.biller].id, run.provider, today=run.day
        )
        said += await debit_reports.report(rt, run.biller, run.provider, run.day)
    return said or ["nothing was asked: give --prepare, --send, --results or --report"]


async def _write_files(rt: Runtime, run: debit_runs.Run, out: Path) -> list[str]:
    files = await debit_files.write_file(rt, run.biller, run.provider, run.day)
    for name, body in files.items():
        (out / name).write_bytes(body)
    return [f"{out / name}: {len(body)} bytes" for name, body in files.items()]


def add_to(commands: typer.Typer) -> None:
    """Hang these commands into `gateway`."""
    commands.add_typer(group, name="mandates")
    commands.command("debit-run")(debit_run)
