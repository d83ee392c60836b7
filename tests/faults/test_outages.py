"""Postgres away, blinking, or killed under load. Every 2xx holds; nothing is a 500."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from gateway.embedded import EmbeddedPostgres
from tests.faults.parts import free_port, until
from tests.faults.payers import Payers, assert_biller_knows, assert_history_holds, dice_of
from tests.faults.processes import SERVE, WORK, House, house, house_of_its_own
from tests.world import BILLER, CUSTOMER

OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.fixture
async def at(postgres: EmbeddedPostgres, tmp_path: Path, worker_id: str) -> AsyncIterator[House]:
    async with house(postgres, tmp_path, f"outage_{worker_id}") as made:
        yield made


async def test_connections_that_are_cut_under_load_lose_and_double_nothing(at: House) -> None:
    payers = Payers(await at.start_api(), await at.add_bills(3000), dice=dice_of(14))
    paying = asyncio.create_task(payers.run())
    cutter = await asyncpg.connect(at.url)
    for _ in range(16):
        await asyncio.sleep(0.2)
        await cutter.execute(OTHERS)
    await cutter.close()
    payers.stop()
    await paying
    assert payers.statuses[503] > 0, "no cut was felt"
    await until(at.can_ask)
    await payers.repeat_all()
    await assert_history_holds(at, payers, "seed 14")


async def test_a_postmaster_killed_under_load_loses_nothing_that_was_answered(
    tmp_path: Path,
) -> None:
    async with house_of_its_own(tmp_path) as (server, at):
        payers = Payers(await at.start_api(), await at.add_bills(5000), dice=dice_of(15))
        paying = asyncio.create_task(payers.run())
        # SIGQUIT is what `pg_ctl stop -m immediate` sends.
        for how in (signal.SIGKILL, signal.SIGQUIT):
            await asyncio.sleep(1)
            acknowledged = len(payers.paid)
            assert acknowledged > 0
            assert server.pid is not None
            os.kill(server.pid, how)
            await asyncio.to_thread(server.start)

            async def goes_on(acknowledged: int = acknowledged) -> bool:
                return len(payers.paid) > acknowledged + 40

            await until(goes_on)
        payers.stop()
        await paying
        assert payers.statuses[503] > 0, "no death was felt"
        await until(at.can_ask)
        await payers.repeat_all()
        await assert_history_holds(at, payers, "seed 15")


async def test_a_database_that_is_away_is_answered_503_and_all_recover_without_a_restart(
    tmp_path: Path,
) -> None:
    async with house_of_its_own(tmp_path) as (server, at):
        bill_id = await at.world.add_bill()
        await at.start_receiver()
        api, worker = await at.start_api(), at.start_worker()
        await worker.says("upkeep.done")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        paid = await api.pay(bill_id, "key-of-an-outage")
        assert paid is not None
        assert (paid.status_code, paid.json()["code"]) == (503, "outcome_unknown")
        assert paid.headers["content-type"] == "application/problem+json"
        assert paid.json()["money_may_have_moved"] is True
        assert int(paid.headers["retry-after"]) > 0
        looked = await api.get("/v1/bills", biller=BILLER, customer_code=CUSTOMER)
        assert (looked.status_code, looked.json()["code"]) == (503, "database_unavailable")
        assert looked.headers["content-type"] == "application/problem+json"
        assert int(looked.headers["retry-after"]) > 0
        assert (await api.get("/health/ready")).status_code == 503
        assert (await api.get("/health/live")).status_code == 200
        await worker.says("deliveries.interrupted")
        await asyncio.to_thread(server.start)
        await until(lambda: api.is_up("/health/ready"))
        again = await api.pay(bill_id, "key-of-an-outage")
        assert again is not None
        assert again.status_code == 201
        await until(at.can_ask)
        await assert_biller_knows(at, "an outage")
        assert [part.process.poll() for part in (api, worker)] == [None, None]


@pytest.mark.parametrize("part", [SERVE, WORK], ids=["the API", "a worker"])
async def test_what_finds_no_database_does_not_start_and_says_why(
    at: House, tmp_path: Path, part: tuple[str, ...]
) -> None:
    nowhere = f"postgresql://nobody@/x?host={tmp_path}"
    port = ("--port", str(free_port())) if part is SERVE else ()
    lost = at.start(*part, *port, GATEWAY_DATABASE_URL=nowhere)
    assert await lost.ended() > 0
    assert "No such file or directory" in lost.log.read_text()
