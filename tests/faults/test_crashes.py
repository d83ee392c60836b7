"""SIGKILL between every two steps of paying, reversing and delivering, on real processes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from gateway.embedded import EmbeddedPostgres
from gateway.store import database, webhooks
from tests.faults.processes import House, house, until

LEASES_RUN_OUT = "UPDATE deliveries SET due_at = now() WHERE state = 'due'"
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
KEY = "key-of-a-crash-test"


@pytest.fixture
async def at(postgres: EmbeddedPostgres, tmp_path: Path, worker_id: str) -> AsyncIterator[House]:
    async with house(postgres, tmp_path, f"crash_{worker_id}") as made:
        yield made


async def assert_paid_once(at: House, bill_id: str) -> None:
    bill = (await at.rows("SELECT * FROM bills WHERE id = $1", bill_id))[0]
    assert (bill["status"], bill["event_sequence"]) == ("paid", 1)
    for table in ("payments", "payment_bills", "transfers", "events", "deliveries"):
        assert await at.count(f"SELECT FROM {table}") == 1, table
    assert await at.count("SELECT FROM idempotency_keys") == 1


async def pay_until_answered(at: House, bill_id: str) -> bytes:
    """Repeat the same request with the same key, as a partner must."""
    await at.start_api()
    answer = await at.pay(bill_id, KEY)
    assert answer is not None
    assert answer.status_code == 201, answer.text
    return answer.content


@pytest.mark.parametrize(
    "step",
    ["pay:body-read", "pay:before-the-statement", "pay:after-the-commit", "pay:half-an-answer"],
)
async def test_an_api_killed_while_paying_pays_once_when_asked_again(at: House, step: str) -> None:
    bill_id = await at.world.add_bill()
    api = await at.start_api(dies_at=step)
    assert await at.pay(bill_id, KEY) is None
    assert api.wait(10) == -9
    first = await pay_until_answered(at, bill_id)
    again = await at.pay(bill_id, KEY)
    assert again is not None
    assert (again.content, again.headers["idempotent-replayed"]) == (first, "true")
    await assert_paid_once(at, bill_id)


async def test_an_api_killed_while_its_statement_waits_leaves_a_truth_that_the_key_tells(
    at: House,
) -> None:
    bill_id = await at.world.add_bill()
    api = await at.start_api()
    holder = await asyncpg.connect(at.url)
    async with holder.transaction():
        await holder.execute("SELECT FROM bills WHERE id = $1 FOR UPDATE", bill_id)
        lost = asyncio.create_task(at.pay(bill_id, KEY))

        async def waits() -> bool:
            return bool(await holder.fetchval(WAITING))

        await until(waits)
        api.kill()
        api.wait()
    await holder.close()
    assert await lost is None
    await pay_until_answered(at, bill_id)
    await assert_paid_once(at, bill_id)


@pytest.mark.parametrize("step", ["reverse:before-the-statement", "reverse:after-the-commit"])
async def test_an_api_killed_while_reversing_reverses_once_when_asked_again(
    at: House, step: str
) -> None:
    bill_id = await at.world.add_bill()
    api = await at.start_api(dies_at=step)
    paid = await at.pay(bill_id, KEY)
    assert paid is not None
    path = f"/v1/payments/{paid.json()['id']}/reversal"
    assert await at.post(path, {"reason": "nhầm"}, "key-of-a-reversal") is None
    assert api.wait(10) == -9
    await at.start_api()
    done = await at.post(path, {"reason": "nhầm"}, "key-of-a-reversal")
    assert done is not None
    assert done.status_code == 201, done.text
    assert await at.count("SELECT FROM transfers WHERE kind = 'reversal'") == 1
    assert await at.count("SELECT FROM events WHERE type = 'payment.reversed'") == 1
    bill = (await at.rows("SELECT * FROM bills WHERE id = $1", bill_id))[0]
    assert (bill["status"], bill["paid_dong"], bill["event_sequence"]) == ("open", 0, 2)


@pytest.mark.parametrize(
    "step",
    [
        "deliver:after-the-claim",
        "deliver:before-the-post",
        "deliver:after-the-post",
        "deliver:before-the-finish",
        "deliver:after-the-finish",
    ],
)
async def test_a_worker_killed_while_delivering_loses_nothing_and_the_biller_applies_it_once(
    at: House, step: str
) -> None:
    bill_id = await at.world.add_bill()
    await at.start_receiver()
    await at.start_api()
    paid = await at.pay(bill_id, KEY)
    assert paid is not None
    assert at.start_worker(dies_at=step).wait(20) == -9
    await at.rows(LEASES_RUN_OUT)
    at.start_worker()

    async def is_delivered() -> bool:
        return await at.count("SELECT FROM deliveries WHERE state <> 'delivered'") == 0

    await until(is_delivered)
    applied = await at.received()
    event = (await at.rows("SELECT id FROM events"))[0]["id"]
    assert [(entry["id"], entry["bill_id"]) for entry in applied] == [(f"evt_{event.hex}", bill_id)]


async def test_a_worker_that_lost_its_lease_changes_nothing(at: House) -> None:
    bill_id = await at.world.add_bill()
    await at.start_receiver()
    await at.start_api()
    assert await at.pay(bill_id, KEY) is not None
    # A sleeper claimed it as number 1, and its lease ran out before it woke.
    await at.rows("UPDATE deliveries SET lease_no = 1, attempts = 1, due_at = now()")
    at.start_worker()

    async def is_delivered() -> bool:
        return await at.count("SELECT FROM deliveries WHERE state <> 'delivered'") == 0

    await until(is_delivered)
    row = (await at.rows("SELECT id FROM deliveries"))[0]
    stale = webhooks.Finish(row["id"], 1, webhooks.DeliveryState.DUE, 0.0, 500, "late")
    lane = database.Lane(at.world.rt.engine, webhooks.FINISH)
    assert await webhooks.finish(lane, [stale]) == 0
    lane.close()
    assert await is_delivered()
