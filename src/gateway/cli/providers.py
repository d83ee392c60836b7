"""Providers, what is in doubt with them, and what a person has to settle."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.flow import run_flow, stop
from gateway.domain import proof
from gateway.domain.ids import from_public, to_public
from gateway.flows import exceptions, operate, timeline
from gateway.kit import registry
from gateway.runtime import Runtime
from gateway.testing.scaffold import scaffold

providers = typer.Typer(help="Providers, and their circuit breakers.")
troubles = typer.Typer(help="What a person has to settle.", no_args_is_help=True)

EXCEPTIONS_SHOWN = 100


@providers.callback(invoke_without_command=True)
def show_providers(
    context: typer.Context,
    *,
    markdown: Annotated[bool, typer.Option(help="Print docs/providers/matrix.md")] = False,
) -> None:
    """Show what each installed provider can do, and which are configured here."""
    if context.invoked_subcommand is not None:
        return
    try:
        found = registry.discover()
        rows = registry.matrix(found.classes())
        configured = () if markdown else found.configured(os.environ)
    except registry.ProviderUnusable as unusable:
        stop(str(unusable))
    if markdown:
        typer.echo(registry.page(rows), nl=False)
        return
    for row in rows:
        state = "configured" if row.code in configured else "not configured"
        typer.echo(f"{row.code} ({row.title}): {state}")
        typer.echo(f"  abilities: {', '.join(row.abilities)}")
        typer.echo(f"  channels:  {', '.join(row.channels)}")


def new_provider(
    name: Annotated[str, typer.Argument(help="The provider's code, lower case")],
    into: Annotated[Path, typer.Option(help="A checkout, or a folder for a wheel")] = Path(),
) -> None:
    """Write a new adapter, its simulator, tests and page; their first run is green."""
    try:
        written = scaffold(name, into)
    except ValueError as refused:
        stop(str(refused))
    for path in written:
        typer.echo(path)
    typer.echo("next: read docs/add-a-provider.md, and run the new test")


@providers.command()
def trip(provider: str, operation: str, reason: str) -> None:
    """Stop calling an operation of a provider, in all processes, until it is reset."""
    _switch(provider, operation, reason, is_tripped=True)
    typer.echo(f"{provider} {operation} is not called any more, within a second everywhere")


@providers.command()
def reset(provider: str, operation: str, reason: str) -> None:
    """Call an operation of a provider again."""
    _switch(provider, operation, reason, is_tripped=False)
    typer.echo(f"{provider} {operation} is called again, within a second everywhere")


def _switch(provider: str, operation: str, reason: str, *, is_tripped: bool) -> None:
    wanted = operate.Switch(provider, operation, reason, is_tripped)
    if not run_flow(lambda rt: operate.switch(rt, wanted, actor="cli")):
        stop(f"no provider '{provider}' was ever configured on this database")


@troubles.command("list")
def list_troubles() -> None:
    """Show the open exceptions, the most urgent first."""
    for row in run_flow(lambda rt: exceptions.list_open(rt, EXCEPTIONS_SHOWN)):
        typer.echo(f"{to_public('exp', row.id)}  due {row.due_on}  {row.owner}  {row.kind}")
        about = to_public("pay", row.payment_id) if row.payment_id else ""
        if row.suspense_id:
            about = f"{about} {to_public('sus', row.suspense_id)}".strip()
        typer.echo(f"  {about}, {row.amount_dong} đồng")
        typer.echo(f"  {row.next_action}")


@troubles.command("close")
def close_trouble(exception: str, by: str, resolution: str) -> None:
    """Close an exception with what was found; this moves no money."""
    exception_id = from_public("exp", exception)
    if exception_id is None or not run_flow(
        lambda rt: exceptions.close(rt, exception_id, closed_by=by, resolution=resolution)
    ):
        stop(f"no open exception is named '{exception}'")
    typer.echo(f"{exception} is closed")


def prove(payment: str) -> None:
    """Print the proof bundle of a payment: all its evidence, hashed in a chain."""
    payment_id = from_public("pay", payment)

    async def act(rt: Runtime) -> bytes | None:
        return None if payment_id is None else await timeline.prove(rt, payment_id)

    bundle = run_flow(act)
    if bundle is None:
        stop(f"no payment is named '{payment}'")
    typer.echo(bundle)


def verify_proof(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A proof bundle")],
) -> None:
    """Check a proof bundle: every hash, every judgement. Needs no database."""
    try:
        found = proof.verify(file.read_bytes())
    except proof.ProofBroken as broken:
        stop(f"the proof does not hold: {broken}")
    typer.echo(f"{found.payment} is proved '{found.status}' by {found.facts} pieces of evidence")
    for attempt in found.disputed:
        typer.echo(f"{attempt} is disputed: its evidence disagrees, and more of it may be to come")
    typer.echo(f"digest {found.digest}")


def add_to(commands: typer.Typer) -> None:
    """Hang these commands into `gateway`."""
    commands.add_typer(providers, name="providers")
    commands.add_typer(troubles, name="exceptions")
    commands.command("new-provider")(new_provider)
    commands.command("proof")(prove)
    commands.command("verify-proof")(verify_proof)
