"""Health and metrics: ready only when this process can do its work, and no key is needed to ask."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from httpx import AsyncClient

from gateway.embedded import EmbeddedPostgres
from gateway.runtime import Clock, Runtime
from gateway.store import schema
from gateway.store.revision import HEAD
from tests.conftest import client_of, open_runtime
from tests.world import World


@pytest.fixture(scope="module")
def spare_url(postgres: EmbeddedPostgres, worker_id: str) -> str:
    """A database whose schema these tests may break."""
    url = postgres.create_database(f"spare_{worker_id}")
    schema.migrate(url)
    return url


@pytest.fixture
async def spare(spare_url: str) -> AsyncIterator[Runtime]:
    runtime = open_runtime(spare_url, Clock())
    await runtime.start()
    yield runtime
    await runtime.stop()


async def check(runtime: Runtime) -> tuple[int, str, dict[str, bool]]:
    """Ask whether a process is ready; gives HTTP status, status and each check's result."""
    async with client_of(runtime) as client:
        answer = await client.get("/health/ready")
    told = answer.json()
    return answer.status_code, told["status"], {c["name"]: c["is_well"] for c in told["checks"]}


async def act(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def test_a_process_lives_whatever_its_database_does() -> None:
    away = open_runtime("postgresql://nobody@127.0.0.1:1/none", Clock())
    async with client_of(away) as client:
        answer = await client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})
    await away.stop()


async def test_without_its_database_a_process_is_not_ready() -> None:
    away = open_runtime("postgresql://nobody@127.0.0.1:1/none", Clock())
    assert await check(away) == (503, "not_ready", {"database": False})
    await away.stop()


async def test_behind_its_migrations_a_process_is_not_ready(spare: Runtime, spare_url: str) -> None:
    await act(spare_url, "UPDATE alembic_version SET version_num = '0000'")
    status, told, checks = await check(spare)
    await act(spare_url, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    assert (status, told) == (503, "not_ready")
    assert [name for name, is_well in checks.items() if not is_well] == ["migrations"]


async def test_without_a_place_for_tomorrows_rows_a_process_is_not_ready(
    spare: Runtime, spare_url: str
) -> None:
    tomorrow = spare.clock.now().date() + timedelta(days=1)
    partition = f"events_p{tomorrow:%Y_%m_%d}"
    await act(spare_url, f"ALTER TABLE {partition} RENAME TO away")
    status, told, checks = await check(spare)
    await act(spare_url, f"ALTER TABLE away RENAME TO {partition}")
    assert (status, told) == (503, "not_ready")
    assert [name for name, is_well in checks.items() if not is_well] == ["partitions"]


async def test_before_it_has_read_the_directory_a_process_is_not_ready(spare_url: str) -> None:
    early = open_runtime(spare_url, Clock())
    status, told, checks = await check(early)
    assert (status, told, checks["directory"]) == (503, "not_ready", False)
    await early.stop()


async def test_a_late_delivery_is_shown_but_does_not_stop_payments(
    api: AsyncClient, world: World
) -> None:
    await world.rows(
        "INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at) VALUES"
        " (1, gen_random_uuid(), gen_random_uuid(), now() - interval '1 hour') RETURNING id"
    )
    status, told, checks = await check(world.rt)
    assert (status, told, checks["deliveries"]) == (200, "ready", False)


async def test_a_process_that_can_work_is_ready(world: World) -> None:
    names = (
        *("database", "migrations", "partitions", "directory", "deliveries", "suspense"),
        *("postings", "cash"),
    )
    assert await check(world.rt) == (200, "ready", dict.fromkeys(names, True))


async def test_metrics_tell_requests_times_and_the_money_that_moved(
    api: AsyncClient, world: World
) -> None:
    await world.pay(api, await world.add_bill(), channel="qr")
    await world.pay(api, "HD-NONE")
    answer = await api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'gateway_requests_total{route="POST /v1/payments",status="201"}',
        'gateway_requests_total{route="POST /v1/payments",status="404"}',
        'gateway_request_seconds_bucket{le="0.001",route="POST /v1/payments"}',
        'gateway_problems_total{code="bill_not_found"}',
        'gateway_payments_total{channel="qr"}',
        'gateway_paid_dong_total{channel="qr"}',
        "gateway_deliveries_waiting",
        "gateway_delivery_oldest_due_seconds",
    ):
        assert f"\n{line} " in answer.text, line


async def test_a_repetition_and_a_refusal_are_not_counted_as_money(
    api: AsyncClient, world: World
) -> None:
    async def paid_dong() -> float:
        text = (await api.get("/metrics")).text
        name = 'gateway_paid_dong_total{channel="card"} '
        return sum(float(x.removeprefix(name)) for x in text.splitlines() if x.startswith(name))

    before, bill, key = await paid_dong(), await world.add_bill(), world.new_key()
    order = world.order(bill, channel="card")
    for _ in range(3):
        await api.post("/v1/payments", json=order, headers=world.headers("bank", key))
    await world.pay(api, bill, channel="card")
    assert await paid_dong() == before + 150_000
