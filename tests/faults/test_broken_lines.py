"""The line to Postgres breaks at one statement: was it committed? The key tells."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from gateway.embedded import EmbeddedPostgres
from tests.faults.parts import until
from tests.faults.processes import Api, House, house
from tests.faults.test_outages import OTHERS
from tests.faults.wire import Break, Wire, wired


@pytest.fixture(scope="module")
async def at(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> AsyncIterator[House]:
    async with house(postgres, tmp_path_factory.mktemp("lines"), f"lines_{worker_id}") as made:
        yield made


@pytest.fixture(scope="module")
async def line(at: House) -> AsyncIterator[tuple[Wire, Api]]:
    """An API whose every statement goes over a line that can break."""
    async with wired(at.url) as (wire, url):
        api = await at.start_api(GATEWAY_DATABASE_URL=url)
        yield wire, api
        api.kill()


def assert_in_doubt(answer: httpx.Response | None) -> None:
    assert answer is not None
    assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
    assert answer.json()["money_may_have_moved"] is True
    assert answer.json()["retry"] == "same_request"


def assert_answered(answer: httpx.Response | None, how: Break) -> None:
    assert answer is not None
    assert answer.status_code == 201
    was_committed = how is not Break.BEFORE
    assert answer.headers.get("idempotent-replayed") == ("true" if was_committed else None)


@pytest.mark.parametrize("how", Break)
async def test_a_payment_whose_line_broke_is_in_doubt_and_the_key_tells(
    at: House, line: tuple[Wire, Api], how: Break
) -> None:
    wire, api = line
    bill_id = await at.world.add_bill()
    key = f"key-over-a-line-{bill_id}"
    wire.break_at(key, how)
    assert_in_doubt(await api.pay(bill_id, key))
    assert wire.broken == 1
    assert_answered(await api.pay(bill_id, key), how)
    paid = await at.rows("SELECT * FROM bills WHERE id = $1", bill_id)
    assert (paid[0]["paid_dong"], paid[0]["event_sequence"]) == (150_000, 1)
    assert await at.count("SELECT FROM payment_bills WHERE bill_id = $1", bill_id) == 1


@pytest.mark.parametrize("how", Break)
async def test_a_reversal_whose_line_broke_is_in_doubt_and_the_key_tells(
    at: House, line: tuple[Wire, Api], how: Break
) -> None:
    wire, api = line
    bill_id = await at.world.add_bill()
    paid = await api.pay(bill_id, f"key-of-payment-{bill_id}")
    assert paid is not None
    payment_id, key = paid.json()["id"], f"key-over-a-line-{bill_id}"
    wire.break_at("nhầm khách hàng", how)
    assert_in_doubt(await api.reverse(payment_id, key))
    assert wire.broken == 1
    assert_answered(await api.reverse(payment_id, key), how)
    bill = (await at.rows("SELECT * FROM bills WHERE id = $1", bill_id))[0]
    assert (bill["status"], bill["paid_dong"], bill["event_sequence"]) == ("open", 0, 2)


async def test_a_session_that_ended_unheard_is_no_mistake_of_ours(
    at: House, line: tuple[Wire, Api]
) -> None:
    """The driver reads that the server ends the session before the line itself is seen to end."""
    wire, api = line
    bills = [await at.world.add_bill() for _ in range(2)]
    assert (await api.pay(bills[0], f"key-before-the-cut-{bills[0]}")) is not None
    wire.hides_ends = True
    cutter = await asyncpg.connect(at.url)
    await cutter.execute(OTHERS)
    await cutter.close()
    statuses = []
    for _ in range(20):
        answer = await api.pay(bills[1], f"key-after-the-cut-{bills[1]}")
        assert answer is not None
        statuses.append(answer.status_code)
        if answer.status_code == 201:
            break
    wire.hides_ends = False
    await until(at.can_ask)
    assert set(statuses[:-1]) <= {503}
    assert statuses[-1] == 201
