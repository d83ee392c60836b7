"""The whole house on one machine, from Postgres to the billing system, as `gateway run` starts it.

One process for each part, as in production; they end with this one.
"""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from gateway.domain.clock import business_date
from gateway.domain.ids import from_public
from gateway.domain.partner import Scope
from gateway.domain.signing import HmacSecret
from gateway.domain.user import Role
from gateway.embedded import EmbeddedPostgres, default_state_dir
from gateway.flows import checkout, demo_users, operate, seeding
from gateway.flows.demo_users import DemoUser
from gateway.runtime import Runtime
from gateway.sandbox import areas, pilot, pilot_plan, scenario
from gateway.sandbox.processes import LOOPBACK, PartFailed, await_up, free_port, process
from gateway.sandbox.provider_play import RailAt
from gateway.sandbox.rails import RailPart
from gateway.settings import Settings, open_runtime
from gateway.store import database, imports, ledger, schema

# Public test credentials of the demo; a gateway in live mode refuses them by their prefix.
DEMO_KEYS = {
    "vietbank": "sk_test_demo_vietbank_7Qm2kX9bT4wLr8Zp3NcVgY6s",
    "saigonpay": "sk_test_demo_saigonpay_5Hd8jR2nW7xKq4Bt9MzFvC3p",
    "evnspc-camau": "sk_test_demo_camau_8Jf3tP6yL2sXw9Gd4RnHbV7k",
}
# Public test credentials too: anybody may read them, and no gateway in live mode lets them in.
DEMO_PASSWORD, DEMO_SECRET = "rung-duoc-nam-can-demo", "GATEWAYDEMOGATEWAYDEMOGATEWAYDEM"
DEMO_USERS = (
    DemoUser("demo.so-cong-thuong", Role.VIEWER, (), DEMO_PASSWORD, DEMO_SECRET),
    DemoUser("demo.dien-luc", Role.UTILITY, (), DEMO_PASSWORD, DEMO_SECRET),
    DemoUser("demo.phuong-5", Role.VIEWER, ("32008",), DEMO_PASSWORD, DEMO_SECRET),
)
RULES: dict[str, object] = {
    "customer_code_pattern": "PB(14|19)[0-9]{9}",
    "amount_rule": "exact",
    "oldest_first": True,
    "channel_max_dong": {"sms_banking": 2_000_000},
    "reversal_cutoff": "22:00",
}
READER = [Scope.LOOKUP, Scope.PAY, Scope.REVERSE, Scope.READ]
SCOPES = {
    "evnspc-camau": [
        *(Scope.LOOKUP, Scope.READ, Scope.BILLS, Scope.REPORTS, Scope.CASH, Scope.OUTREACH)
    ],
}

say: Callable[[str], None] = print


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and where."""

    data_dir: Path
    port: int
    customers: int


@dataclass(frozen=True, slots=True)
class House:
    """What is up: where it is reached, and how its commands are run."""

    stage: scenario.Stage
    rails: Sequence[RailAt]
    environment: Mapping[str, str]
    """What `gateway …` needs to reach the same database and providers."""

    def command(self, *argv: str) -> str:
        """Run `gateway …` as an operator would, and give what it printed.

        Raises:
            PartFailed: it ended with anything but 0.
        """
        done = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", "gateway", *argv],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = f"gateway {' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}"
            raise PartFailed(message)
        return done.stdout


def plan(data_dir: Path | None, port: int, customers: int) -> Plan:
    """Choose the folder that is used when none is named."""
    chosen = data_dir or Settings().data_dir or default_state_dir()
    return Plan(chosen, port, customers)


@contextmanager
def open_house(wanted: Plan, rails: Sequence[RailPart]) -> Iterator[House]:
    """Start everything, with these simulated providers, and end it all at the end.

    Raises:
        PartFailed: a part did not start.
    """
    # A shell's background job ignores SIGINT, and SIGTERM would leave the parts behind.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    wanted.data_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as parts:
        settings = _settings(wanted, parts)
        say("Migrating the database and writing the pilot's data …")
        schema.migrate(settings.database_url or "")
        yield _start(wanted, settings, rails, parts)


def _settings(wanted: Plan, parts: ExitStack) -> Settings:
    settings = Settings()
    if settings.database_url is None:
        postgres = EmbeddedPostgres(wanted.data_dir / "postgres")
        say(f"Starting Postgres in {wanted.data_dir / 'postgres'} …")
        url = parts.enter_context(postgres).url
    else:
        url = settings.database_url
    key_file = settings.secret_key_file or _secret_file(wanted.data_dir / "secret.key", _random)
    return settings.model_copy(
        update={
            "database_url": url,
            "secret_key_file": key_file,
            "port": _port(wanted.port),
            "webhook_allow_private": True,
        }
    )


def _start(
    wanted: Plan, settings: Settings, simulated: Sequence[RailPart], parts: ExitStack
) -> House:
    hook_port = _port(settings.port + 1)
    hook_secret = _secret_file(
        wanted.data_dir / "billing-system.whsec", lambda: HmacSecret.generate().reveal()
    )
    data = _pilot(wanted)
    secret = hook_secret.read_text(encoding="utf-8").strip()
    asyncio.run(_seed(settings, data, f"http://{LOOPBACK}:{hook_port}/webhooks", secret))
    logs = wanted.data_dir / "logs"
    logs.mkdir(exist_ok=True)
    gateway = f"http://{LOOPBACK}:{settings.port}"
    env = _environment(settings)
    rails = _start_rails(simulated, gateway, hook_port + 1, env, logs, parts)
    receiver = [
        *("-m", "gateway.sandbox.billing_system", "--port", str(hook_port)),
        *(
            "--db",
            str(wanted.data_dir / "billing-system.sqlite"),
            "--secret-file",
            str(hook_secret),
        ),
    ]
    say("Starting the API, the worker, a billing system and the simulated providers …")
    parts.enter_context(process("billing-system", receiver, env, logs))
    parts.enter_context(process("worker", ["-m", "gateway", "worker"], env, logs))
    parts.enter_context(process("api", ["-m", "gateway", "serve"], env, logs))
    billing_system = f"http://{LOOPBACK}:{hook_port}"
    await_up(f"{billing_system}/health", logs / "billing-system.log")
    await_up(f"{gateway}/health/ready", logs / "api.log")
    for rail in rails:
        await_up(f"{rail.url}/health", logs / f"{rail.code}.log")
    stage = scenario.Stage(
        gateway=gateway,
        billing_system=billing_system,
        biller=pilot.BILLER.code,
        bank_key=DEMO_KEYS["vietbank"],
        wallet_key=DEMO_KEYS["saigonpay"],
        customers=data.ward_5(),
        ledger_of=lambda payment_id: asyncio.run(_ledger(settings, payment_id)),
    )
    return House(stage, rails, env)


def _start_rails(
    simulated: Sequence[RailPart],
    gateway: str,
    first_port: int,
    env: dict[str, str],
    logs: Path,
    parts: ExitStack,
) -> list[RailAt]:
    """Start the providers' simulators, and tell `env` how the gateway reaches them."""
    found = []
    port = first_port - 1
    for part in simulated:
        port = _port(port + 1)
        url = f"http://{LOOPBACK}:{port}"
        argv = part.arguments(port=port, gateway=gateway)
        parts.enter_context(process(part.code, argv, dict(env), logs))
        env.update(part.environment(rail=url))
        found.append(RailAt(part.code, part.title, part.channel, url))
    return found


def pilot_data(data: pilot.Pilot) -> seeding.PilotData:
    """Hand the sandbox's pilot to the flow that writes it; the two are strangers."""
    return seeding.PilotData(
        areas=[imports.AreaRow(**asdict(area)) for area in areas.AREAS],
        biller=pilot.BILLER.code,
        biller_name=pilot.BILLER.name,
        rules=RULES,
        partners={partner.code: partner.name for partner in pilot.PARTNERS}
        | {checkout.HOUSE_PARTNER: "Trang thanh toán"},
        first_period=data.periods[0],
        customers=data.customers(),
        bills=data.bills(),
        ways=data.ways(),
    )


async def begin_pilot(rt: Runtime, data: pilot.Pilot, *, actor: str) -> None:
    """Hand the pilot that was agreed, and the agencies, to the flow that begins it."""
    await seeding.begin_pilot(
        rt, pilot.BILLER.code, pilot_plan.agreed(data.periods), pilot_plan.AGENCIES, actor=actor
    )


def _pilot(wanted: Plan) -> pilot.Pilot:
    return pilot.Pilot(customers=wanted.customers, today=business_date(datetime.now(UTC)))


async def _seed(settings: Settings, data: pilot.Pilot, url: str, secret: str) -> None:
    rt = open_runtime(settings)
    await rt.start()
    try:
        await seeding.seed(rt, pilot_data(data), actor="run")
        await begin_pilot(rt, data, actor="run")
        await _add_demo_keys(rt)
        for user in DEMO_USERS:
            await demo_users.put(rt, user, actor="run")
        endpoint = operate.NewEndpoint(pilot.BILLER.code, url, secret, allow_private=True)
        await operate.put_endpoint(rt, endpoint, actor="run")
    finally:
        await rt.stop()


async def _add_demo_keys(rt: Runtime) -> None:
    for partner, api_key in DEMO_KEYS.items():
        await operate.put_key(rt, partner, api_key, SCOPES.get(partner, READER), actor="run")


async def _ledger(settings: Settings, payment_id: str) -> list[str]:
    rt = open_runtime(settings)
    await rt.start()
    source = from_public("pay", payment_id) or UUID(int=0)
    try:
        async with database.borrow(rt.pool) as connection:
            rows = await ledger.of_source(connection, rt.directory.biller_ids, source)
    finally:
        await rt.stop()
    return [f"{row.kind}: {row.debit} → {row.credit} {row.amount_dong} ₫" for row in rows]


def _environment(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "GATEWAY_DATABASE_URL": settings.database_url or "",
        "GATEWAY_SECRET_KEY_FILE": str(settings.secret_key_file),
        "GATEWAY_PORT": str(settings.port),
        "GATEWAY_WEBHOOK_ALLOW_PRIVATE": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _port(wanted: int) -> int:
    port = free_port(wanted)
    if port != wanted:
        say(f"Port {wanted} is taken; using {port}.")
    return port


def _secret_file(path: Path, make: Callable[[], str]) -> Path:
    if not path.exists():
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(make())
    return path


def _random() -> str:
    return secrets.token_urlsafe(48)
