"""Real processes for the fault tests: API, worker and the utility's billing system."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from gateway.domain.partner import Mode
from gateway.embedded import EmbeddedPostgres
from gateway.flows import operate
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import bills as bills_store
from gateway.store import database, schema
from tests.faults.parts import Part, free_port, reachable_folder, until
from tests.world import BILLER, CUSTOMER, MASTER_SECRET, World

HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DYING = str(Path(__file__).with_name("dying.py"))
PAGE = 1000
SETTLE_S = 120.0
LEASES_RUN_OUT = "UPDATE deliveries SET due_at = now() WHERE state = 'due'"
ANALYZE = "ANALYZE bills, payments, payment_bills, transfers, events, deliveries, idempotency_keys"
UNDELIVERED = "SELECT FROM deliveries WHERE state <> 'delivered'"
# What `gateway serve` and `gateway worker` become, without loading the command line first.
SERVE = ("-m", "uvicorn", "gateway.app:create_app", "--factory", "--no-access-log")
WORK = ("-m", "gateway.worker")


@dataclass
class Api(Part):
    """The API as a process, and a bank that calls it."""

    port: int
    house: "House"

    async def pay(self, bill_id: str, key: str, **changes: object) -> httpx.Response | None:
        """Pay a bill; None when the line broke before an answer came."""
        body: dict[str, object] = {
            "method": "collected",
            "biller": BILLER,
            "customer_code": CUSTOMER,
            "partner_reference": f"REF-{key}",
            "channel": "mobile_banking",
            "bills": [{"id": bill_id, "amount_dong": 150_000}],
        }
        return await self.post("/v1/payments", body | changes, key)

    async def reverse(self, payment_id: str, key: str) -> httpx.Response | None:
        """Reverse a payment; None when the line broke before an answer came."""
        path = f"/v1/payments/{payment_id}/reversal"
        return await self.post(path, {"reason": "nhầm khách hàng"}, key)

    async def post(self, path: str, body: dict[str, object], key: str) -> httpx.Response | None:
        """Send a request that moves money."""
        headers = self.house.world.headers("bank", key)
        try:
            return await self.house.http.post(self.url(path), json=body, headers=headers)
        except httpx.TransportError:
            return None

    async def get(self, path: str, **params: str) -> httpx.Response:
        """Read something as the bank."""
        headers = self.house.world.headers("bank")
        return await self.house.http.get(self.url(path), params=params, headers=headers)

    async def is_up(self, path: str = "/health/live") -> bool:
        """Say whether it answers 2xx there."""
        return await self.house.answers(self.url(path))

    def url(self, path: str) -> str:
        """Give the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"


@dataclass
class House:
    """One database, and the processes that were started on it."""

    url: str
    folder: Path
    world: World
    hook_port: int
    http: httpx.AsyncClient
    running: list[Part] = field(default_factory=list)

    def start(self, *argv: str, **env: str) -> Part:
        """Start a Python program on this database."""
        log = self.folder / f"{len(self.running)}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, *argv],
                env=os.environ | self._settings() | env,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )
        part = Part(process, log)
        self.running.append(part)
        return part

    async def start_api(self, dies_at: str = "", port: int = 0, **env: str) -> Api:
        """Start the API and wait until it is live."""
        port = port or free_port()
        argv = [DYING, dies_at, "--", "serve"] if dies_at else [*SERVE, "--port", str(port)]
        part = self.start(*argv, **{"GATEWAY_PORT": str(port)} | env)
        api = Api(part.process, part.log, port, self)
        await until(api.is_up)
        return api

    def start_worker(self, dies_at: str = "", **env: str) -> Part:
        """Start a worker."""
        return self.start(*((DYING, dies_at, "--", "worker") if dies_at else WORK), **env)

    async def start_receiver(self) -> Part:
        """Start the billing system."""
        secret = self.folder / "secret"
        secret.write_text(HOOK_SECRET)
        receiver = self.start(
            *("-m", "gateway.sandbox.billing_system", "--faults", "--port", str(self.hook_port)),
            *("--db", str(self.folder / "billing.sqlite"), "--secret-file", str(secret)),
        )
        await until(lambda: self.answers(self.hook_url("/health")))
        return receiver

    def hook_url(self, path: str) -> str:
        """Give an address of the billing system."""
        return f"http://127.0.0.1:{self.hook_port}{path}"

    async def answers(self, url: str) -> bool:
        """Say whether something answers 2xx there."""
        try:
            return (await self.http.get(url)).is_success
        except httpx.TransportError:
            return False

    async def received(self) -> list[dict[str, Any]]:
        """Read what the billing system has applied, all pages."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            params = {"limit": PAGE, "after": after}
            page = (await self.http.get(self.hook_url("/ledger"), params=params)).json()
            found += page["entries"]
            after = page["next"]
        return found

    async def until_delivered(self) -> None:
        """Wait until nothing is left to be told; what must be tried later is tried now."""

        async def is_delivered() -> bool:
            await self.rows(LEASES_RUN_OUT)
            return await self.count(UNDELIVERED) == 0

        await until(is_delivered, SETTLE_S, every_s=0.5)

    async def add_bills(self, count: int) -> list[str]:
        """Make open bills; gives their ids."""
        made = [
            bills_store.NewBill(
                id=f"B-{number:05d}",
                customer_code=CUSTOMER,
                period=date(2026, 10, 1),
                kwh=70,
                net_dong=150_000,
                vat_dong=0,
                amount_dong=150_000,
                issued_on=date(2026, 11, 2),
                due_on=date(2026, 11, 9),
            )
            for number in range(count)
        ]
        async with database.borrow(self.world.rt.pool) as connection:
            await bills_store.upsert(connection, 1, made)
        return [bill.id for bill in made]

    async def rows(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Ask the database."""
        return await self.world.rows(sql, *args)

    async def count(self, sql: str, *args: object) -> int:
        """Count what a query gives."""
        return int((await self.rows(f"SELECT count(*) AS n FROM ({sql}) q", *args))[0]["n"])

    async def survey(self, sql: str) -> list[asyncpg.Record]:
        """Ask about all of a storm: without the service's time limit and its generic plans."""
        surveyor = await asyncpg.connect(self.url)
        try:
            await surveyor.execute(ANALYZE)
            return await surveyor.fetch(sql)
        finally:
            await surveyor.close()

    async def can_ask(self) -> bool:
        """Say whether this process's own connections, which a fault may have cut, are well."""
        try:
            return await self.count("SELECT 1") == 1
        except Exception as error:
            if not database.broke(error):
                raise
            return False

    def stop_all(self) -> None:
        """End every process that was started here."""
        for part in self.running:
            if part.process.poll() is None:
                part.process.kill()
            part.process.wait()

    def _settings(self) -> dict[str, str]:
        return {
            "GATEWAY_DATABASE_URL": self.url,
            "GATEWAY_SECRET_KEY": MASTER_SECRET.decode(),
            "GATEWAY_WEBHOOK_ALLOW_PRIVATE": "true",
            "GATEWAY_WEBHOOK_DEADLINE_S": "2",
            "GATEWAY_POOL_SIZE": "6",
        }


@asynccontextmanager
async def house(
    postgres: EmbeddedPostgres, folder: Path, name: str, hook_port: int = 0
) -> AsyncIterator[House]:
    """Make a database of its own with a biller, a bank, and an endpoint at the billing system."""
    url = postgres.create_database(name)
    await asyncio.to_thread(schema.migrate, url)
    secrets = Secrets.derived_from(MASTER_SECRET)
    rt = Runtime(database_url=url, pool_size=6, secrets=secrets, mode=Mode.TEST, clock=Clock())
    await rt.start()
    world = await World.make(rt)
    async with httpx.AsyncClient(timeout=30, trust_env=False, verify=False) as http:  # noqa: S501
        made = House(url, folder, world, hook_port or free_port(), http)
        target = made.hook_url("/webhooks")
        endpoint = operate.NewEndpoint(BILLER, target, HOOK_SECRET, allow_private=True)
        await operate.add_endpoint(rt, endpoint, actor="test")
        try:
            yield made
        finally:
            made.stop_all()
            await rt.stop()
            postgres.drop_database(name)


@asynccontextmanager
async def house_of_its_own(folder: Path) -> AsyncIterator[tuple[EmbeddedPostgres, House]]:
    """Make a house on a server of its own, which may be killed."""
    with reachable_folder() as home:
        server = EmbeddedPostgres(home / "postgres")
        await asyncio.to_thread(server.start)
        try:
            async with house(server, folder, "house") as made:
                yield server, made
        finally:
            await asyncio.to_thread(server.stop)
