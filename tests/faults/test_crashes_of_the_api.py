"""SIGKILL between every two steps of paying, refusing and reversing, on real processes.

One quiet house for the module: the API that is asked again, a worker and the billing system. Each
test starts one more API, which dies; what it leaves must be whole for its one bill.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from gateway.domain.ids import from_public, to_public
from gateway.embedded import EmbeddedPostgres
from tests.faults.parts import until
from tests.faults.processes import Api, House, house

WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@pytest.fixture(scope="module")
async def at(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("crashes")
    async with house(postgres, folder, f"crash_{worker_id}") as made:
        await made.start_receiver()
        made.start_worker()
        yield made


@pytest.fixture(scope="module")
async def api(at: House) -> Api:
    """The API that is asked again: what a partner reaches after the restart."""
    return await at.start_api()


def key_of(bill_id: str, what: str = "pays") -> str:
    return f"crash-{what}-{bill_id}-0123"


async def assert_told(at: House, bill_id: str, payment_id: str, *kinds: str) -> None:
    """One transfer and one event of each kind, numbered 1 to n; the biller applied each once."""
    source = from_public("pay", payment_id)
    transfers = await at.rows("SELECT FROM transfers WHERE source = $1", source)
    events = await at.rows("SELECT id, type FROM events WHERE subject = $1 ORDER BY id", source)
    assert len(transfers) == len(kinds)
    assert [event["type"] for event in events] == [f"payment.{kind}" for kind in kinds]
    lines = await at.rows("SELECT * FROM payment_bills WHERE bill_id = $1", bill_id)
    assert [line["payment_id"] for line in lines] == [source]
    numbers = [lines[0]["sequence"], lines[0]["reversal_sequence"]][: len(kinds)]
    assert numbers == list(range(1, len(kinds) + 1))
    bill = (await at.rows("SELECT * FROM bills WHERE id = $1", bill_id))[0]
    assert (bill["event_sequence"], bill["status"]) == (
        len(kinds),
        "open" if "reversed" in kinds else "paid",
    )
    await at.until_delivered()
    heard = [
        (entry["id"], entry["sequence"], entry["effect"])
        for entry in await at.received()
        if entry["bill_id"] == bill_id
    ]
    told = [(to_public("evt", event["id"]), n) for n, event in enumerate(events, 1)]
    assert sorted(heard, key=lambda entry: entry[1]) in (
        [(*event, "applied") for event in told],
        # The reversal may overtake the payment; the billing system then keeps the newer.
        [(*event, "applied" if event[1] == len(told) else "outdated") for event in told],
    )


async def twice(answer: httpx.Response | None, again: httpx.Response | None) -> httpx.Response:
    """The second answer is the first, byte for byte."""
    assert answer is not None
    assert again is not None
    assert (again.status_code, again.content) == (answer.status_code, answer.content)
    assert again.headers["idempotent-replayed"] == "true"
    return answer


@pytest.mark.parametrize(
    "step",
    [
        "pay:body-read",
        "pay:before-the-statement",
        "pay:after-the-commit",
        "pay:before-the-answer",
    ],
)
async def test_an_api_killed_while_paying_pays_once_when_asked_again(
    at: House, api: Api, step: str
) -> None:
    bill_id = await at.world.add_bill()
    dying = await at.start_api(dies_at=step)
    assert await dying.pay(bill_id, key_of(bill_id)) is None
    assert await dying.has_died()
    answer = await twice(
        await api.pay(bill_id, key_of(bill_id)), await api.pay(bill_id, key_of(bill_id))
    )
    assert answer.status_code == 201
    await assert_told(at, bill_id, answer.json()["id"], "succeeded")


async def half_an_answer(api: Api, path: str, key: str, body: bytes) -> tuple[bytes, bytes]:
    """Send a request on a bare socket; give the head and whatever came of the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    headers = api.house.world.headers("bank", key) | {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
    got = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(4096):
            got += piece
    writer.close()
    head, _, rest = bytes(got).partition(b"\r\n\r\n")
    return head, rest


async def test_an_api_killed_in_the_middle_of_its_answer_is_asked_again_and_gives_the_same(
    at: House, api: Api
) -> None:
    bill_id = await at.world.add_bill()
    key, order = key_of(bill_id), at.world.order(bill_id)
    request = httpx.Request("POST", "http://x", json=order).content
    dying = await at.start_api(dies_at="pay:half-an-answer")
    head, half = await half_an_answer(dying, "/v1/payments", key, request)
    assert await dying.has_died()
    assert head.startswith(b"HTTP/1.1 201 ")
    answer = await api.post("/v1/payments", order, key)
    assert answer is not None
    assert answer.headers["idempotent-replayed"] == "true"
    assert half == answer.content[: len(answer.content) // 2]
    await assert_told(at, bill_id, answer.json()["id"], "succeeded")


async def test_a_reversal_killed_in_the_middle_of_its_answer_gives_the_same_when_asked_again(
    at: House, api: Api
) -> None:
    bill_id = await at.world.add_bill()
    paid = await api.pay(bill_id, key_of(bill_id))
    assert paid is not None
    path, key = f"/v1/payments/{paid.json()['id']}/reversal", key_of(bill_id, "reverses")
    dying = await at.start_api(dies_at="reverse:half-an-answer")
    head, half = await half_an_answer(dying, path, key, b'{"reason":"late"}')
    assert await dying.has_died()
    assert head.startswith(b"HTTP/1.1 201 ")
    answer = await api.post(path, {"reason": "late"}, key)
    assert answer is not None
    assert answer.headers["idempotent-replayed"] == "true"
    assert half == answer.content[: len(answer.content) // 2]
    await assert_told(at, bill_id, paid.json()["id"], "succeeded", "reversed")


@pytest.mark.parametrize(
    "step",
    [
        "reverse:body-read",
        "reverse:before-the-statement",
        "reverse:after-the-commit",
        "reverse:before-the-answer",
    ],
)
async def test_an_api_killed_while_reversing_reverses_once_when_asked_again(
    at: House, api: Api, step: str
) -> None:
    bill_id = await at.world.add_bill()
    paid = await api.pay(bill_id, key_of(bill_id))
    assert paid is not None
    payment_id, key = paid.json()["id"], key_of(bill_id, "reverses")
    dying = await at.start_api(dies_at=step)
    assert await dying.reverse(payment_id, key) is None
    assert await dying.has_died()
    answer = await twice(await api.reverse(payment_id, key), await api.reverse(payment_id, key))
    assert answer.status_code == 201
    await assert_told(at, bill_id, payment_id, "succeeded", "reversed")


@pytest.mark.parametrize("step", ["refuse:before-it-is-kept", "refuse:after-it-is-kept"])
async def test_an_api_killed_while_refusing_refuses_for_good_when_asked_again(
    at: House, api: Api, step: str
) -> None:
    bill_id = await at.world.add_bill()
    paid = await api.pay(bill_id, key_of(bill_id))
    assert paid is not None
    dying = await at.start_api(dies_at=step)
    late = key_of(bill_id, "is-late")
    assert await dying.pay(bill_id, late) is None
    assert await dying.has_died()
    answer = await twice(await api.pay(bill_id, late), await api.pay(bill_id, late))
    assert (answer.status_code, answer.json()["code"]) == (409, "bill_already_paid")
    await assert_told(at, bill_id, paid.json()["id"], "succeeded")


@contextlib.asynccontextmanager
async def held(at: House, row: str) -> AsyncIterator[None]:
    """Hold a row until the block ends."""
    holder = await asyncpg.connect(at.url)
    try:
        async with holder.transaction():
            await holder.execute(f"SELECT FROM {row} FOR UPDATE")
            yield
    finally:
        await holder.close()


async def until_waiting(at: House, count: int) -> None:
    # Not the house's own connections: the service may not see what others wait for.
    watcher = await asyncpg.connect(at.url)

    async def wait() -> bool:
        return int(await watcher.fetchval(WAITING)) == count

    await until(wait)
    await watcher.close()


async def test_an_api_killed_while_its_payment_waits_in_postgres_leaves_one_truth(
    at: House, api: Api
) -> None:
    bill_id = await at.world.add_bill()
    lost = await at.start_api()
    async with held(at, f"bills WHERE id = '{bill_id}'"):
        unheard = asyncio.create_task(lost.pay(bill_id, key_of(bill_id)))
        await until_waiting(at, 1)
        lost.kill()
        assert await unheard is None
        # The dead one's statement still waits for the bill, and now its repetition behind it.
        asked = asyncio.create_task(api.pay(bill_id, key_of(bill_id)))
        await until_waiting(at, 2)
    answer = await twice(await asked, await api.pay(bill_id, key_of(bill_id)))
    assert answer.status_code == 201
    await assert_told(at, bill_id, answer.json()["id"], "succeeded")


async def test_an_api_killed_while_its_reversal_waits_in_postgres_leaves_one_truth(
    at: House, api: Api
) -> None:
    bill_id = await at.world.add_bill()
    paid = await api.pay(bill_id, key_of(bill_id))
    assert paid is not None
    payment_id, key = paid.json()["id"], key_of(bill_id, "reverses")
    lost = await at.start_api()
    async with held(at, f"payments WHERE id = '{from_public('pay', payment_id)}'"):
        unheard = asyncio.create_task(lost.reverse(payment_id, key))
        await until_waiting(at, 1)
        lost.kill()
        assert await unheard is None
        asked = asyncio.create_task(api.reverse(payment_id, key))
        await until_waiting(at, 2)
    answer = await twice(await asked, await api.reverse(payment_id, key))
    assert answer.status_code == 201
    await assert_told(at, bill_id, payment_id, "succeeded", "reversed")
