"""`gateway users …`: who may sign in."""

import sys
from typing import Annotated

import typer

from gateway.cli.flow import run_flow
from gateway.domain.user import Role
from gateway.flows import users as flow

users = typer.Typer(help="People who sign in.", no_args_is_help=True)


def add_to(commands: typer.Typer) -> None:
    """Add these commands to `gateway`."""
    commands.add_typer(users, name="users")


@users.command("add")
def add_user(
    name: str,
    role: Annotated[Role, typer.Option(help="What the user may do")] = Role.VIEWER,
    area: Annotated[list[str] | None, typer.Option(help="An area's code; none: all")] = None,
    *,
    from_input: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input")
    ] = False,
) -> None:
    """Add a user and print the first password; the app is added at the first sign-in."""
    password = sys.stdin.readline().rstrip("\n") if from_input else None
    chosen = run_flow(
        lambda rt: flow.add(rt, name, role, area or [], password=password, actor="cli")
    )
    typer.echo(f"user {name} is added" + ("" if from_input else f"; first password: {chosen}"))


@users.command("disable")
def disable_user(name: str) -> None:
    """Let a user in no more; every session ends at once."""
    run_flow(lambda rt: flow.disable(rt, name, actor="cli"))
    typer.echo(f"user {name} is disabled")


@users.command("reset")
def reset_user(name: str) -> None:
    """Print a new first password and take the authenticator app away."""
    chosen = run_flow(lambda rt: flow.reset(rt, name, actor="cli"))
    typer.echo(f"user {name}: first password {chosen}")


@users.command("list")
def list_users() -> None:
    """List everybody who may, or might once, sign in."""
    for user, may_enter in run_flow(flow.list_all):
        areas = ",".join(sorted(user.areas)) or "all areas"
        app = "app" if user.has_code else "no app yet"
        state = "" if may_enter else "  DISABLED"
        typer.echo(f"{user.name:<32}{user.role:<10}{areas:<24}{app}{state}")
