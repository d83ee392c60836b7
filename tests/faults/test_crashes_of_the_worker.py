"""SIGKILL between every two steps of delivering, and a worker that wakes after its lease."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from gateway.domain.ids import to_public
from gateway.embedded import EmbeddedPostgres
from tests.conftest import client_of
from tests.faults.parts import until
from tests.faults.processes import LEASES_RUN_OUT, UNDELIVERED, House, house
from tests.kit.receiver import receiving

ROW = "SELECT * FROM deliveries"


@pytest.fixture(scope="module")
async def at(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> AsyncIterator[House]:
    """A house with a billing system; payments are made by an API in this process."""
    folder = tmp_path_factory.mktemp("workers")
    async with house(postgres, folder, f"workers_{worker_id}") as made:
        await made.start_receiver()
        yield made


async def pay(at: House) -> str:
    """Pay a new bill and give the id of its event."""
    bill_id = await at.world.add_bill()
    async with client_of(at.world.rt) as client:
        paid = await at.world.pay(client, bill_id)
    assert paid.status_code == 201
    newest = await at.rows("SELECT id FROM events ORDER BY id DESC LIMIT 1")
    return to_public("evt", newest[0]["id"])


async def assert_told_once(at: House, event: str) -> None:
    """Nothing is left due, and the biller has applied the event once, however often it came."""
    next_worker = at.start_worker()
    await at.until_delivered()
    next_worker.kill()
    effects = [entry["effect"] for entry in await at.received() if entry["id"] == event]
    assert effects == ["applied"]


@pytest.mark.parametrize(
    "step",
    [
        "deliver:after-the-claim",
        "deliver:before-the-post",
        "deliver:after-the-2xx-is-read",
        "deliver:before-the-finish",
        "deliver:after-the-finish",
    ],
)
async def test_a_worker_killed_while_delivering_loses_nothing_and_the_biller_applies_it_once(
    at: House, step: str
) -> None:
    event = await pay(at)
    assert await at.start_worker(dies_at=step).has_died()
    is_open = await at.count(UNDELIVERED)
    assert is_open == (0 if step == "deliver:after-the-finish" else 1)
    await assert_told_once(at, event)


@pytest.mark.parametrize("answer", ["hang_after_commit", "hang"])
async def test_a_worker_killed_while_it_waits_for_the_answer_asks_again(
    at: House, answer: str
) -> None:
    event = await pay(at)
    fault = httpx.Request("POST", "http://x", json={"answer": answer, "times": 1})
    await at.http.post(at.hook_url("/control"), content=fault.content)
    before = len(await at.received())
    worker = at.start_worker(GATEWAY_WEBHOOK_DEADLINE_S="60")
    if answer == "hang_after_commit":

        async def has_committed() -> bool:
            return len(await at.received()) > before

        await until(has_committed)
    else:

        async def is_claimed() -> bool:
            return await at.count(f"{UNDELIVERED} AND lease_no > 0") == 1

        await until(is_claimed)
    worker.kill()
    assert await at.count(UNDELIVERED) == 1
    await assert_told_once(at, event)


class Gate:
    """A receiver that holds each answer until it is let go."""

    def __init__(self) -> None:
        self.came = 0
        self.go = [asyncio.Event(), asyncio.Event()]

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        go = self.go[self.came]
        self.came += 1
        await go.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def until_came(self, count: int) -> None:
        async def have_come() -> bool:
            return self.came == count

        await until(have_come)


async def the_row(at: House) -> asyncpg.Record:
    return (await at.rows(ROW))[0]


async def test_a_worker_that_slept_past_its_lease_changes_nothing_when_it_wakes(
    postgres: EmbeddedPostgres, tmp_path: Path, worker_id: str
) -> None:
    gate, patient = Gate(), {"GATEWAY_WEBHOOK_DEADLINE_S": "60"}
    async with (
        receiving(gate.answer) as receiver,
        house(postgres, tmp_path, f"sleeper_{worker_id}", hook_port=receiver.port) as at,
    ):
        await pay(at)
        sleeper = at.start_worker(**patient)
        await gate.until_came(1)
        sleeper.process.send_signal(signal.SIGSTOP)
        await at.rows(LEASES_RUN_OUT)
        at.start_worker(**patient)
        await gate.until_came(2)
        before = await the_row(at)
        assert (before["state"], before["lease_no"]) == ("due", 2)
        gate.go[0].set()
        sleeper.process.send_signal(signal.SIGCONT)
        await sleeper.says("deliveries.lease_lost")
        assert await the_row(at) == before
        gate.go[1].set()
        await at.until_delivered()
        after = await the_row(at)
        assert (after["state"], after["lease_no"], after["attempts"]) == ("delivered", 2, 2)
