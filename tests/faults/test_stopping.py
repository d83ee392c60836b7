"""SIGTERM: what is in flight is finished, nothing is left half done."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from gateway.embedded import EmbeddedPostgres
from tests.conftest import client_of
from tests.faults.parts import free_port, until
from tests.faults.processes import Api, House, house
from tests.kit.receiver import receiving

CLIENTS = 20


@pytest.fixture
async def at(postgres: EmbeddedPostgres, tmp_path: Path, worker_id: str) -> AsyncIterator[House]:
    async with house(postgres, tmp_path, f"stopping_{worker_id}") as made:
        yield made


async def is_closed(api: Api) -> bool:
    """Say whether newcomers are no longer served; a parent of several leaves them unanswered."""
    async with httpx.AsyncClient(timeout=0.5, trust_env=False, verify=False) as http:  # noqa: S501
        try:
            await http.get(api.url("/health/live"))
        except httpx.TransportError:
            return True
    return False


class Sending:
    """Payments on their way; counts those that have wholly left their client."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.sent = 0

    async def pay(self, bill_id: str) -> httpx.Response:
        async def trace(event: str, _: object) -> None:
            self.sent += event == "http11.send_request_body.complete"

        world = self._api.house.world
        async with httpx.AsyncClient(timeout=30, trust_env=False, verify=False) as http:  # noqa: S501
            return await http.post(
                self._api.url("/v1/payments"),
                json=world.order(bill_id),
                headers=world.headers("bank", f"key-in-flight-{bill_id}"),
                extensions={"trace": trace},
            )

    async def are_all_sent(self) -> bool:
        return self.sent == CLIENTS


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_what_is_in_flight_at_sigterm_is_answered_and_the_exit_is_clean(
    at: House, workers: str
) -> None:
    bills, port = await at.add_bills(CLIENTS), free_port()
    part = at.start("-m", "gateway", "serve", GATEWAY_PORT=str(port), GATEWAY_WORKERS=workers)
    api = Api(part.process, part.log, port, at)
    await until(api.is_up)
    sending = Sending(api)
    holder = await asyncpg.connect(at.url)
    async with holder.transaction():
        await holder.execute("SELECT FROM bills FOR UPDATE")
        paying = [asyncio.create_task(sending.pay(bill_id)) for bill_id in bills]
        await until(sending.are_all_sent)
        api.process.send_signal(signal.SIGTERM)
        await until(lambda: is_closed(api))
    await holder.close()
    answers = await asyncio.gather(*paying)
    assert [answer.status_code for answer in answers] == [201] * CLIENTS
    # One process drains and then ends by the signal that it was sent; a parent of several exits.
    assert await api.ended() in {0, -signal.SIGTERM}
    assert "rror" not in api.log.read_text()


async def test_a_worker_told_to_stop_finishes_its_batch_and_exits_0(
    postgres: EmbeddedPostgres, tmp_path: Path, worker_id: str
) -> None:
    came, go = 0, asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        await go.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def have_all_come() -> bool:
        return came == 5

    async with (
        receiving(answer) as receiver,
        house(postgres, tmp_path, f"batch_{worker_id}", hook_port=receiver.port) as at,
        client_of(at.world.rt) as client,
    ):
        for bill_id in await at.add_bills(5):
            assert (await at.world.pay(client, bill_id)).status_code == 201
        worker = at.start_worker(GATEWAY_WEBHOOK_DEADLINE_S="60")
        await until(have_all_come)
        worker.process.send_signal(signal.SIGTERM)
        go.set()
        assert await worker.ended() == 0
        states = await at.rows("SELECT state, attempts FROM deliveries")
    assert [(row["state"], row["attempts"]) for row in states] == [("delivered", 1)] * 5
