"""Real processes for the fault tests: API, worker and the utility's billing system."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from gateway.domain.partner import Mode
from gateway.embedded import EmbeddedPostgres
from gateway.flows import operate
from gateway.runtime import Clock, Runtime, Secrets
from gateway.store import schema
from tests.world import BILLER, CUSTOMER, MASTER_SECRET, World

HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DYING = str(Path(__file__).with_name("dying.py"))
PATIENCE_S = 30.0


@dataclass
class House:
    """One database, and the processes that were started on it."""

    url: str
    folder: Path
    world: World
    hook_port: int
    port: int = 0
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *argv: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a Python program on this database."""
        log = (self.folder / "log").open("ab")
        part = subprocess.Popen(
            [sys.executable, *argv],
            env=os.environ
            | {
                "GATEWAY_DATABASE_URL": self.url,
                "GATEWAY_SECRET_KEY": MASTER_SECRET.decode(),
                "GATEWAY_PORT": str(self.port),
                "GATEWAY_WEBHOOK_ALLOW_PRIVATE": "true",
                "GATEWAY_WEBHOOK_DEADLINE_S": "2",
                "GATEWAY_POOL_SIZE": "6",
            }
            | env,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        log.close()
        self.running.append(part)
        return part

    async def start_api(self, dies_at: str | None = None) -> subprocess.Popen[bytes]:
        """Start the API and wait until it is live."""
        self.port = self.port or free_port()
        if dies_at is None:
            api = self.start("-m", "gateway", "serve")
        else:
            api = self.start(DYING, dies_at, "serve")
        await until(lambda: self.is_up("/health/live"))
        return api

    def start_worker(self, dies_at: str | None = None) -> subprocess.Popen[bytes]:
        """Start a worker."""
        if dies_at is None:
            return self.start("-m", "gateway", "worker")
        return self.start(DYING, dies_at, "worker")

    async def start_receiver(self) -> subprocess.Popen[bytes]:
        """Start the billing system."""
        secret = self.folder / "secret"
        secret.write_text(HOOK_SECRET)
        receiver = self.start(
            *("-m", "gateway.sandbox.billing_system", "--port", str(self.hook_port)),
            *("--db", str(self.folder / "billing.sqlite"), "--secret-file", str(secret)),
        )
        await until(lambda: answers(f"http://127.0.0.1:{self.hook_port}/health"))
        return receiver

    async def is_up(self, path: str) -> bool:
        """Say whether the API answers 2xx there."""
        return await answers(f"http://127.0.0.1:{self.port}{path}")

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

    async def post(self, path: str, body: dict[str, object], key: str) -> httpx.Response | None:
        """Send a request that moves money."""
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            try:
                return await http.post(
                    f"http://127.0.0.1:{self.port}{path}",
                    json=body,
                    headers=self.world.headers("bank", key),
                )
            except httpx.TransportError:
                return None

    async def received(self) -> list[dict[str, Any]]:
        """Read what the billing system has applied, all pages."""
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            answer = await http.get(
                f"http://127.0.0.1:{self.hook_port}/ledger", params={"limit": 1000}
            )
        found: list[dict[str, Any]] = answer.json()["entries"]
        return found

    async def rows(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Ask the database."""
        return await self.world.rows(sql, *args)

    async def count(self, sql: str) -> int:
        """Count what a query gives."""
        return int((await self.rows(f"SELECT count(*) AS n FROM ({sql}) q"))[0]["n"])

    def stop_all(self) -> None:
        """End every process that was started here."""
        for part in self.running:
            if part.poll() is None:
                part.kill()
            part.wait()


@asynccontextmanager
async def house(postgres: EmbeddedPostgres, folder: Path, name: str) -> AsyncIterator[House]:
    """Make a database of its own with a biller, a bank, and an endpoint at the billing system."""
    url = postgres.create_database(name)
    await asyncio.to_thread(schema.migrate, url)
    secrets = Secrets.derived_from(MASTER_SECRET)
    rt = Runtime(database_url=url, pool_size=6, secrets=secrets, mode=Mode.TEST, clock=Clock())
    await rt.start()
    made = House(url, folder, await World.make(rt), free_port())
    target = f"http://127.0.0.1:{made.hook_port}/webhooks"
    endpoint = operate.NewEndpoint(BILLER, target, HOOK_SECRET, allow_private=True)
    await operate.add_endpoint(rt, endpoint, actor="test")
    try:
        yield made
    finally:
        made.stop_all()
        await rt.stop()
        postgres.drop_database(name)


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def answers(url: str) -> bool:
    """Say whether something answers 2xx there."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
        try:
            return (await http.get(url)).is_success
        except httpx.TransportError:
            return False


async def until(condition: Any, patience_s: float = PATIENCE_S) -> None:
    """Wait for what another process does."""
    async with asyncio.timeout(patience_s):
        while not await condition():  # noqa: ASYNC110 (another process gives no event)
            await asyncio.sleep(0.05)
