"""`gateway …`: the command line; each command calls one flow or starts one process."""

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway import house, run
from gateway.app import fastapi_app, openapi_yaml
from gateway.cli import cash, mandates, pilots, providers, setup, suspense, users
from gateway.cli.flow import no_runtime, run_flow, stop
from gateway.domain.clock import business_date
from gateway.embedded import EmbeddedPostgresError
from gateway.flows import health, seeding
from gateway.kit import logs
from gateway.runtime import Runtime
from gateway.sandbox import pilot
from gateway.sandbox.plays import plays
from gateway.sandbox.processes import PartFailed
from gateway.settings import Settings
from gateway.store import schema

commands = typer.Typer(
    name="gateway",
    help="A payment gateway for utility bills.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
setup.add_to(commands)
providers.add_to(commands)
suspense.add_to(commands)
users.add_to(commands)
mandates.add_to(commands)
pilots.add_to(commands)
cash.add_to(commands)

KEEP_ALIVE_S = 75
BACKLOG = 2048


@commands.command("run")
def run_all(
    data_dir: Annotated[Path | None, typer.Option(help="Where state is kept")] = None,
    port: Annotated[int, typer.Option(help="The API's port, or the next free one")] = 8080,
    customers: Annotated[int, typer.Option(help="Customers of the pilot data")] = 2_000,
    *,
    exits: Annotated[bool, typer.Option("--exit", help="End after the scenario")] = False,
) -> None:
    """Start everything on this machine and show the main job done."""
    logs.configure("WARNING")
    try:
        run.run(house.plan(data_dir, port, customers), exits=exits)
    except (PartFailed, EmbeddedPostgresError) as failed:
        stop(str(failed))
    except KeyboardInterrupt:
        stop("stopped before everything was up")


@commands.command()
def demo(
    channel: Annotated[
        str | None, typer.Argument(help="Which; without one they are listed")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where state is kept")] = None,
    port: Annotated[int, typer.Option(help="The API's port, or the next free one")] = 8080,
    customers: Annotated[int, typer.Option(help="Customers of the pilot data")] = 2_000,
    *,
    stays: Annotated[bool, typer.Option("--stay", help="Keep everything up after it")] = False,
) -> None:
    """Start everything and show one channel from end to end."""
    logs.configure("WARNING")
    found = plays()
    if channel is None:
        for play in found.values():
            typer.echo(f"{play.channel:<18}{play.title}")
        return
    if channel not in found:
        stop(f"no such channel: {channel}; there are {', '.join(found)}")
    try:
        run.demo(house.plan(data_dir, port, customers), found[channel], stays=stays)
    except (PartFailed, EmbeddedPostgresError) as failed:
        stop(str(failed))
    except KeyboardInterrupt:
        stop("stopped before it was shown")


@commands.command()
def serve() -> None:
    """Serve the API on GATEWAY_HOST and GATEWAY_PORT."""
    settings = Settings()
    if settings.workers > 1:
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="gateway-"))
    _become(
        *("uvicorn", "gateway.app:create_app", "--factory", "--no-access-log"),
        *("--http", "gateway.api.one_write:OneWrite"),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--workers", str(settings.workers), "--backlog", str(BACKLOG)),
        *("--proxy-headers", "--forwarded-allow-ips", settings.trusted_proxies),
        *("--log-level", "warning", "--no-server-header"),
        *("--timeout-keep-alive", str(KEEP_ALIVE_S)),
        *("--timeout-graceful-shutdown", str(settings.drain_s)),
    )


@commands.command()
def worker() -> None:
    """Deliver webhooks and keep the house until SIGTERM."""
    _become("gateway.worker")


def _become(module: str, *argv: str) -> NoReturn:
    # A fresh program: the server need not carry what only the command line has loaded.
    os.execv(sys.executable, [sys.executable, "-m", module, *argv])  # noqa: S606


@commands.command()
def migrate(revision: str = "head") -> None:
    """Bring the database to the schema that this code needs."""
    url = Settings().database_url
    if url is None:
        stop("GATEWAY_DATABASE_URL is not set")
    schema.migrate(url, revision)
    typer.echo(f"the database is at {revision}")


@commands.command()
def openapi() -> None:
    """Print openapi.yaml."""
    typer.echo(openapi_yaml(fastapi_app(no_runtime)), nl=False)


@commands.command()
def seed(customers: int = 2_000, months: int = 36, seed: int = 2019) -> None:
    """Write the pilot's data: areas, biller, partners, customers, bills and their history."""

    async def act(rt: Runtime) -> str:
        today = business_date(datetime.now(UTC))
        data = pilot.Pilot(customers=customers, months=months, seed=seed, today=today)
        done = await seeding.seed(rt, house.pilot_data(data), actor="cli")
        await house.begin_pilot(rt, data, actor="cli")
        return str(done)

    typer.echo(run_flow(act))


@commands.command()
def doctor() -> None:
    """Check the database, the schema, the partitions ahead and the delivery queue."""
    checks = run_flow(health.examine)
    for check in checks:
        typer.echo(f"{'ok  ' if check.is_well else 'FAIL'} {check.name}: {check.detail}")
    if not all(check.is_well or not check.blocks for check in checks):
        raise typer.Exit(1)
