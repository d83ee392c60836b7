import asyncio
from pathlib import Path

import asyncpg
from httpx import AsyncClient

from gateway.embedded import EmbeddedPostgres
from gateway.flows import operate
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.worker import _every, _sleep, work
from tests.faults.parts import free_port, until
from tests.faults.processes import house
from tests.kit.receiver import receiving, replies
from tests.world import BILLER, MASTER_SECRET, World

HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


async def test_a_loop_outlives_a_turn_that_fails() -> None:
    stop, turns = asyncio.Event(), 0

    async def turn() -> None:
        nonlocal turns
        turns += 1
        if turns == 3:
            stop.set()
        message = "the database is away"
        raise OSError(message)

    await asyncio.wait_for(_every(0.001, turn, stop), 5)
    assert turns == 3


async def test_a_sleeping_loop_wakes_when_it_is_told_to_stop() -> None:
    stop = asyncio.Event()
    sleeping = asyncio.create_task(_sleep(3600, stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(sleeping, 5)


async def test_a_worker_whose_connections_are_cut_goes_on_delivering(
    database: str, rt: Runtime, world: World, api: AsyncClient
) -> None:
    settings = Settings.model_validate(
        {
            "database_url": database,
            "secret_key": MASTER_SECRET.decode(),
            "webhook_allow_private": True,
        }
    )
    stop = asyncio.Event()

    async with receiving(replies(204)) as receiver:

        async def hit(count: int) -> None:
            async def are_hit() -> bool:
                return len(receiver.hits) == count

            await until(are_hit)

        endpoint = operate.NewEndpoint(BILLER, receiver.url, HOOK_SECRET, allow_private=True)
        await operate.add_endpoint(rt, endpoint, actor="test")
        working = asyncio.create_task(work(settings, stop))
        for round_ in (1, 2):
            bill_id, key = await world.add_bill(), world.new_key()
            body, headers = world.order(bill_id), world.headers("bank", key)

            async def is_paid(body: object = body, headers: dict[str, str] = headers) -> bool:
                answer = await api.post("/v1/payments", json=body, headers=headers)
                return answer.status_code == 201

            await until(is_paid)
            await hit(round_)
            if round_ == 1:
                cutter = await asyncpg.connect(database)
                await cutter.execute(OTHERS)
                await cutter.close()
                await until(lambda: can_ask(world))
        stop.set()
        await asyncio.wait_for(working, 20)


async def can_ask(world: World) -> bool:
    """The connections of the test itself were cut as well."""
    try:
        return await world.count("bills") >= 0
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False


async def test_a_worker_shows_its_backlog_to_prometheus(
    postgres: EmbeddedPostgres, tmp_path: Path, worker_id: str
) -> None:
    async with house(postgres, tmp_path, f"metrics_{worker_id}") as at:
        port = free_port()
        at.start_worker(GATEWAY_WORKER_METRICS_PORT=str(port))
        url = f"http://127.0.0.1:{port}/metrics"
        await until(lambda: at.answers(url))
        shown = (await at.http.get(url)).text
    assert "\ngateway_deliveries_waiting 0.0\n" in shown
