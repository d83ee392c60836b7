"""What an operator sets up: billers and their bills, partners, keys, webhooks."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from gateway.cli.flow import run_flow, stop
from gateway.domain.paid_list import Verdict
from gateway.domain.partner import Scope
from gateway.flows import imports, operate, paid_lists
from gateway.settings import Settings

bills = typer.Typer(help="A biller's bills.", no_args_is_help=True)
customers = typer.Typer(help="A biller's customers.", no_args_is_help=True)
keys = typer.Typer(help="Partners' API keys.", no_args_is_help=True)
partners = typer.Typer(help="Partners.", no_args_is_help=True)
billers = typer.Typer(help="Billers and their rules.", no_args_is_help=True)
webhooks = typer.Typer(help="Where billers receive their events.", no_args_is_help=True)

Biller = Annotated[str, typer.Option(help="The biller's code")]
Csv = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file, UTF-8")]
Report = Annotated[Path | None, typer.Option(help="Where refused lines are written")]


@bills.command("import")
def import_bills(biller: Biller, file: Csv, report: Report = None) -> None:
    """Import bills from CSV; refused lines are reported by number."""
    typer.echo(
        run_flow(lambda rt: imports.import_bills(rt, biller, file, actor="cli", report=report))
    )


@customers.command("import")
def import_customers(biller: Biller, file: Csv, report: Report = None) -> None:
    """Import customers from CSV; refused lines are reported by number."""
    typer.echo(
        run_flow(lambda rt: imports.import_customers(rt, biller, file, actor="cli", report=report))
    )


@billers.command("put")
def put_biller(code: str, name: str, rules: Path) -> None:
    """Make a biller, or give it a new version of its rules (a JSON file)."""
    metadata = json.loads(rules.read_text(encoding="utf-8"))
    run_flow(lambda rt: operate.put_biller(rt, code, name, metadata, actor="cli"))
    typer.echo(f"biller {code} is in place")


@billers.command("paid")
def compare_paid(
    biller: Biller,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Business day")],
) -> None:
    """Hold a live biller's own list of a day's payments against ours; status 1 if they differ."""
    lines = run_flow(lambda rt: paid_lists.compare_day(rt, biller, day.date()))
    for line in lines:
        amounts = f"{_dong(line.our_dong)} here, {_dong(line.their_dong)} there"
        typer.echo(f"{line.verdict:<15} {line.bill_id}  {line.reference}  {amounts}")
    counts = Counter(line.verdict for line in lines)
    typer.echo(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    if set(counts) - {Verdict.MATCHED, Verdict.REVERSED}:
        raise typer.Exit(1)


def _dong(amount: int | None) -> str:
    return "nothing" if amount is None else f"{amount} đồng"


@partners.command("put")
def put_partner(code: str, name: str, biller: str | None = None) -> None:
    """Make a partner; --biller when it is that biller's own system."""
    run_flow(lambda rt: operate.put_partner(rt, code, name, biller=biller, actor="cli"))
    typer.echo(f"partner {code} is in place")


@keys.command("create")
def create_key(
    partner: str,
    scope: Annotated[list[Scope] | None, typer.Option(help="May be given several times")] = None,
    days: Annotated[int | None, typer.Option(help="Days until the key expires")] = None,
) -> None:
    """Give a partner an API key; its text is shown this once."""
    scopes = scope or [Scope.LOOKUP, Scope.PAY, Scope.REVERSE, Scope.READ]
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    made = run_flow(
        lambda rt: operate.create_key(rt, partner, scopes, expires_at=expires_at, actor="cli")
    )
    typer.echo(made.api_key)


@keys.command("revoke")
def revoke_key(prefix: str) -> None:
    """Revoke the key that starts with PREFIX."""
    if not run_flow(lambda rt: operate.revoke_key(rt, prefix, actor="cli")):
        stop(f"no live key starts with '{prefix}'")
    typer.echo(f"{prefix}… is revoked")


@webhooks.command("add")
def add_webhook(biller: str, url: str, secret_file: Path) -> None:
    """Send a biller's events to URL, signed with the whsec_ secret in SECRET_FILE."""
    secret = secret_file.read_text(encoding="utf-8").strip()
    wanted = operate.NewEndpoint(
        biller, url, secret, allow_private=Settings().webhook_allow_private
    )
    made = run_flow(lambda rt: operate.add_endpoint(rt, wanted, actor="cli"))
    typer.echo(f"endpoint {made} is in place")


@webhooks.command("replay")
def replay_dead(endpoint: UUID) -> None:
    """Send the dead letters of an endpoint again: what it did not take in three days."""
    replayed = run_flow(lambda rt: operate.replay_dead(rt, endpoint, actor="cli"))
    typer.echo(f"{replayed} dead letters of {endpoint} are due again")


def add_to(commands: typer.Typer) -> None:
    """Hang these commands into `gateway`."""
    for name, group in (
        ("bills", bills),
        ("customers", customers),
        ("keys", keys),
        ("partners", partners),
        ("billers", billers),
        ("webhooks", webhooks),
    ):
        commands.add_typer(group, name=name)
