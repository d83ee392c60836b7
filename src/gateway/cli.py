"""`gateway …`: the command line; each command calls one flow or starts one process."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar
from uuid import UUID

import typer

from gateway import run
from gateway.app import fastapi_app, openapi_yaml
from gateway.domain.clock import business_date
from gateway.domain.errors import GatewayError
from gateway.domain.partner import Scope
from gateway.domain.signing import SecretMalformed
from gateway.embedded import EmbeddedPostgresError
from gateway.flows import health, imports, operate, seeding
from gateway.kit import logs, registry
from gateway.runtime import Runtime
from gateway.sandbox import pilot
from gateway.sandbox.processes import PartFailed
from gateway.settings import Settings, open_runtime
from gateway.store import schema
from gateway.testing.scaffold import scaffold

Result = TypeVar("Result")

commands = typer.Typer(
    name="gateway",
    help="A payment gateway for utility bills.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bills = typer.Typer(help="A biller's bills.", no_args_is_help=True)
customers = typer.Typer(help="A biller's customers.", no_args_is_help=True)
keys = typer.Typer(help="Partners' API keys.", no_args_is_help=True)
partners = typer.Typer(help="Partners.", no_args_is_help=True)
billers = typer.Typer(help="Billers and their rules.", no_args_is_help=True)
webhooks = typer.Typer(help="Where billers receive their events.", no_args_is_help=True)
commands.add_typer(bills, name="bills")
commands.add_typer(customers, name="customers")
commands.add_typer(keys, name="keys")
commands.add_typer(partners, name="partners")
commands.add_typer(billers, name="billers")
commands.add_typer(webhooks, name="webhooks")

KEEP_ALIVE_S = 75
BACKLOG = 2048

Biller = Annotated[str, typer.Option(help="The biller's code")]
Csv = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file, UTF-8")]
Report = Annotated[Path | None, typer.Option(help="Where refused lines are written")]


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
        run.run(run.plan(data_dir, port, customers, exits=exits))
    except (PartFailed, EmbeddedPostgresError) as failed:
        _stop(str(failed))
    except KeyboardInterrupt:
        _stop("stopped before everything was up")


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
        _stop("GATEWAY_DATABASE_URL is not set")
    schema.migrate(url, revision)
    typer.echo(f"the database is at {revision}")


@commands.command()
def openapi() -> None:
    """Print openapi.yaml."""
    typer.echo(openapi_yaml(fastapi_app(_no_runtime)), nl=False)


@commands.command()
def seed(customers: int = 2_000, months: int = 36, seed: int = 2019) -> None:
    """Write the pilot's data: areas, biller, partners, customers, bills and their history."""

    async def act(rt: Runtime) -> str:
        today = business_date(datetime.now(UTC))
        data = pilot.Pilot(customers=customers, months=months, seed=seed, today=today)
        return str(await seeding.seed(rt, run.pilot_data(data), actor="cli"))

    typer.echo(_run(act))


@bills.command("import")
def import_bills(biller: Biller, file: Csv, report: Report = None) -> None:
    """Import bills from CSV; refused lines are reported by number."""
    typer.echo(_run(lambda rt: imports.import_bills(rt, biller, file, actor="cli", report=report)))


@customers.command("import")
def import_customers(biller: Biller, file: Csv, report: Report = None) -> None:
    """Import customers from CSV; refused lines are reported by number."""
    typer.echo(
        _run(lambda rt: imports.import_customers(rt, biller, file, actor="cli", report=report))
    )


@billers.command("put")
def put_biller(code: str, name: str, rules: Path) -> None:
    """Make a biller, or give it a new version of its rules (a JSON file)."""
    metadata = json.loads(rules.read_text(encoding="utf-8"))
    _run(lambda rt: operate.put_biller(rt, code, name, metadata, actor="cli"))
    typer.echo(f"biller {code} is in place")


@partners.command("put")
def put_partner(code: str, name: str, biller: str | None = None) -> None:
    """Make a partner; --biller when it is that biller's own system."""
    _run(lambda rt: operate.put_partner(rt, code, name, biller=biller, actor="cli"))
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
    made = _run(
        lambda rt: operate.create_key(rt, partner, scopes, expires_at=expires_at, actor="cli")
    )
    typer.echo(made.api_key)


@keys.command("revoke")
def revoke_key(prefix: str) -> None:
    """Revoke the key that starts with PREFIX."""
    if not _run(lambda rt: operate.revoke_key(rt, prefix, actor="cli")):
        _stop(f"no live key starts with '{prefix}'")
    typer.echo(f"{prefix}… is revoked")


@webhooks.command("add")
def add_webhook(biller: str, url: str, secret_file: Path) -> None:
    """Send a biller's events to URL, signed with the whsec_ secret in SECRET_FILE."""
    secret = secret_file.read_text(encoding="utf-8").strip()
    wanted = operate.NewEndpoint(
        biller, url, secret, allow_private=Settings().webhook_allow_private
    )
    made = _run(lambda rt: operate.add_endpoint(rt, wanted, actor="cli"))
    typer.echo(f"endpoint {made} is in place")


@webhooks.command("replay")
def replay_dead(endpoint: UUID) -> None:
    """Send the dead letters of an endpoint again: what it did not take in three days."""
    replayed = _run(lambda rt: operate.replay_dead(rt, endpoint, actor="cli"))
    typer.echo(f"{replayed} dead letters of {endpoint} are due again")


@commands.command()
def providers(
    *,
    markdown: Annotated[bool, typer.Option(help="Print docs/providers/matrix.md")] = False,
) -> None:
    """Show what each installed provider can do, and which are configured here."""
    try:
        found = registry.discover()
        rows = registry.matrix(found.classes())
        configured = () if markdown else found.configured(os.environ)
    except registry.ProviderUnusable as unusable:
        _stop(str(unusable))
    if markdown:
        typer.echo(registry.page(rows), nl=False)
        return
    for row in rows:
        state = "configured" if row.code in configured else "not configured"
        typer.echo(f"{row.code} ({row.title}): {state}")
        typer.echo(f"  abilities: {', '.join(row.abilities)}")
        typer.echo(f"  channels:  {', '.join(row.channels)}")


@commands.command("new-provider")
def new_provider(
    name: Annotated[str, typer.Argument(help="The provider's code, lower case")],
    into: Annotated[Path, typer.Option(help="A checkout, or a folder for a wheel")] = Path(),
) -> None:
    """Write a new adapter, its simulator, tests and page; their first run is green."""
    try:
        written = scaffold(name, into)
    except ValueError as refused:
        _stop(str(refused))
    for path in written:
        typer.echo(path)
    typer.echo("next: read docs/add-a-provider.md, and run the new test")


@commands.command()
def doctor() -> None:
    """Check the database, the schema, the partitions ahead and the delivery queue."""
    checks = _run(health.examine)
    for check in checks:
        typer.echo(f"{'ok  ' if check.is_well else 'FAIL'} {check.name}: {check.detail}")
    if not all(check.is_well or not check.blocks for check in checks):
        raise typer.Exit(1)


def _run(act: Callable[[Runtime], Awaitable[Result]]) -> Result:
    """Run one flow with a runtime of its own, and end with its sentence when it is refused."""
    settings = Settings()
    logs.configure(settings.log_level)

    async def main() -> Result:
        rt = open_runtime(settings)
        await rt.start()
        try:
            return await act(rt)
        finally:
            await rt.stop()

    try:
        return asyncio.run(main())
    except (GatewayError, SecretMalformed, ValueError) as error:
        _stop(str(error))


def _no_runtime() -> Runtime:
    raise RuntimeError


def _stop(sentence: str) -> NoReturn:
    typer.echo(f"gateway: {sentence}", err=True)
    sys.exit(1)
