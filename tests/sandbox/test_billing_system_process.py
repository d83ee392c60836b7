"""The billing system as its own process, misbehaving on request and killed at the worst time."""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.kit.hooks import Failure, HookReply, HookSender
from tests.sandbox.billing import CUSTOMER, OLD_SECRET, SECRET, an_event, signed


class Process:
    """The billing system on a port of its own, with the fault switch open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.child: asyncio.subprocess.Process | None = None
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False)
        self.sender = HookSender(deadline_s=5, allow_private=True)

    async def start(self) -> None:
        secrets = self.folder / "secrets.txt"
        secrets.write_text(f"{SECRET.reveal()}\n{OLD_SECRET.reveal()}\n")
        command = ["-m", "gateway.sandbox.billing_system", "--port", str(self.port), "--faults"]
        files = ["--db", str(self.folder / "billing.db"), "--secret-file", str(secrets)]
        log = (self.folder / "log.txt").open("ab")
        self.child = await asyncio.create_subprocess_exec(
            sys.executable, *command, *files, stdout=log, stderr=log
        )
        log.close()
        await self.wait_until_healthy()

    async def wait_until_healthy(self) -> None:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await self.http.get("/health")
                    return
                await asyncio.sleep(0.05)

    async def wait_until_committed(self) -> None:
        async with asyncio.timeout(10):
            while True:
                if await self.entries():
                    return
                await asyncio.sleep(0.01)

    async def stop(self, how: int = signal.SIGTERM) -> None:
        assert self.child is not None
        self.child.send_signal(how)
        await self.child.wait()

    async def post(self, body: bytes, webhook_id: str = "evt_1") -> HookReply:
        headers = signed(body, now=int(time.time()), webhook_id=webhook_id)
        return await self.sender.post(f"http://127.0.0.1:{self.port}/webhooks", headers, body)

    async def misbehave(self, **fault: object) -> None:
        answer = await self.http.post("/control", json=fault)
        assert answer.status_code == 204, answer.text

    async def entries(self) -> int:
        return len((await self.http.get("/ledger")).json()["entries"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def billing(tmp_path: Path) -> AsyncIterator[Process]:
    process = Process(tmp_path)
    await process.start()
    try:
        yield process
    finally:
        await process.stop()
        await process.http.aclose()
        await process.sender.aclose()


async def test_the_gateways_sender_and_the_utilitys_receiver_understand_each_other(
    billing: Process,
) -> None:
    reply = await billing.post(an_event())
    assert (reply.status, reply.delivered) == (204, True)
    answer = await billing.http.get("/cleared", params={"customer_code": CUSTOMER})
    assert len(answer.json()["cleared"]) == 1


async def test_an_answer_lost_after_commit_is_mended_by_the_next_try(billing: Process) -> None:
    await billing.misbehave(answer="drop_after_commit")
    lost = await billing.post(an_event())
    assert (lost.failure, lost.delivered) == (Failure.DROPPED, False)
    assert await billing.entries() == 1
    assert (await billing.post(an_event())).delivered
    assert await billing.entries() == 1


async def test_a_receiver_killed_after_commit_knows_the_webhook_when_it_is_back(
    billing: Process,
) -> None:
    await billing.misbehave(answer="hang_after_commit")
    post = asyncio.create_task(billing.post(an_event()))
    await billing.wait_until_committed()
    await billing.stop(signal.SIGKILL)
    assert not (await post).delivered
    await billing.start()
    assert (await billing.post(an_event())).delivered
    assert await billing.entries() == 1


async def test_a_connection_dropped_before_commit_leaves_nothing(billing: Process) -> None:
    await billing.misbehave(answer="drop")
    assert not (await billing.post(an_event())).delivered
    assert await billing.entries() == 0


async def test_a_receiver_that_hangs_costs_the_deadline_and_nothing_more(billing: Process) -> None:
    await billing.misbehave(answer="hang")
    billing.sender = HookSender(deadline_s=0.3, allow_private=True)
    reply = await billing.post(an_event())
    assert reply.failure is Failure.TIMEOUT
    assert (await billing.post(an_event())).delivered


async def test_a_status_is_answered_as_often_as_asked(billing: Process) -> None:
    await billing.misbehave(answer=503, times=2, retry_after="7")
    replies = [await billing.post(an_event()) for _ in range(3)]
    assert [(r.status, r.retry_after_s) for r in replies] == [(503, 7), (503, 7), (204, None)]
    assert await billing.entries() == 1
