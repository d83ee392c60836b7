"""The simulated MoMo's IPN, and the simulator as a process of its own."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from gateway.sandbox.momo import MoMo
from tests.kit.receiver import Answer, Receiver, receiving, replies
from tests.sandbox.momo import NOTICE, Merchant, a_merchant, signature

TAKEN = replies(204)


@asynccontextmanager
async def a_listening_merchant(
    answer: Answer = TAKEN, **rail: Any
) -> AsyncIterator[tuple[Merchant, Receiver]]:
    async with receiving(answer) as receiver, a_merchant(**rail) as merchant:
        yield merchant, receiver


async def told(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """Wait for so many notices."""
    async with asyncio.timeout(10):
        while len(receiver.hits) < count:
            receiver.hit.clear()
            await receiver.hit.wait()
    return [json.loads(hit.body) for hit in receiver.hits]


def is_genuine(notice: dict[str, Any]) -> bool:
    return notice.get("signature") == signature(NOTICE, notice)


@pytest.mark.parametrize(
    ("act", "code"), [("approve", 0), ("decline", 1006), ("process", 7002)], ids=str
)
async def test_every_outcome_is_told_and_signed(act: str, code: int) -> None:
    async with a_listening_merchant() as (merchant, receiver):
        await merchant.create(ipnUrl=receiver.url)
        await merchant.act(act)
        (notice,) = await told(receiver, 1)
    assert is_genuine(notice)
    assert (notice["resultCode"], notice["orderId"], notice["amount"]) == (code, "ORDER-1", 150_000)
    assert (notice["requestId"], notice["extraData"]) == ("create.ORDER-1", "eyJhIjoxfQ==")
    assert notice["orderInfo"] == "Tiền điện tháng 11"


async def test_an_authorisation_is_told() -> None:
    async with a_listening_merchant() as (merchant, receiver):
        await merchant.create(ipnUrl=receiver.url, autoCapture=False)
        await merchant.act("approve")
        (notice,) = await told(receiver, 1)
    assert is_genuine(notice)
    assert notice["resultCode"] == 9000


@pytest.mark.parametrize("status", [200, 500])
async def test_only_204_stops_the_repetition(status: int) -> None:
    async with a_listening_merchant(replies(status), repeat_after_s=[0, 0]) as (merchant, receiver):
        await merchant.create(ipnUrl=receiver.url)
        await merchant.act("approve")
        first, *again = await told(receiver, 3)
    assert again == [first, first]


async def test_a_notice_that_is_taken_or_has_no_repetition_is_sent_once() -> None:
    async with a_listening_merchant(repeat_after_s=[0, 0]) as (merchant, receiver):
        await merchant.create("FIRST", ipnUrl=receiver.url)
        await merchant.create("LAST", ipnUrl=receiver.url)
        await merchant.act("approve", "FIRST")
        await told(receiver, 1)
        await merchant.act("approve", "LAST")
        notices = await told(receiver, 2)
    assert [notice["orderId"] for notice in notices] == ["FIRST", "LAST"]


async def test_a_missing_notice_never_comes_and_a_late_one_when_flushed() -> None:
    async with a_listening_merchant() as (merchant, receiver):
        for order_id, fault in (("MISSING", "missing"), ("LATE", "late"), ("USUAL", None)):
            await merchant.create(order_id, ipnUrl=receiver.url)
            if fault:
                await merchant.plan("notify", fault, reference=order_id)
            await merchant.act("approve", order_id)
        await told(receiver, 1)
        assert (await merchant.http.post("/control/flush")).status_code == 204
        notices = await told(receiver, 2)
    assert [notice["orderId"] for notice in notices] == ["USUAL", "LATE"]
    assert all(map(is_genuine, notices))


@pytest.mark.parametrize(
    ("fault", "count", "genuine", "codes"),
    [
        ("duplicate", 3, [True, True, True], [1006, 1006, 1006]),
        ("forged", 2, [False, True], [0, 1006]),
        ("reordered", 2, [True, True], [1006, 7002]),
        ("bad_signature", 1, [False], [1006]),
        ("unsigned", 1, [False], [1006]),
        ("wrong_amount", 1, [True], [1006]),
        ("other_order", 1, [True], [1006]),
    ],
)
async def test_notices_misbehave(
    fault: str, count: int, genuine: list[bool], codes: list[int]
) -> None:
    async with a_listening_merchant() as (merchant, receiver):
        await merchant.create(ipnUrl=receiver.url)
        await merchant.plan("notify", fault)
        await merchant.act("decline")
        notices = await told(receiver, count)
    assert [is_genuine(notice) for notice in notices] == genuine
    assert [notice["resultCode"] for notice in notices] == codes
    assert ("signature" in notices[0]) is (fault != "unsigned")
    assert (notices[-1]["amount"] == 150_000) is (fault != "wrong_amount")
    assert (notices[-1]["orderId"] == "ORDER-1") is (fault != "other_order")


async def test_a_late_success_is_told_after_the_failure() -> None:
    async with a_listening_merchant() as (merchant, receiver):
        await merchant.create(ipnUrl=receiver.url)
        await merchant.act("decline")
        await told(receiver, 1)
        await merchant.act("approve")
        notices = await told(receiver, 2)
        assert await merchant.charges() == [("ORDER-1", 150_000)]
    assert [notice["resultCode"] for notice in notices] == [1006, 0]


async def test_a_bad_day_is_replayed_by_its_seed() -> None:
    days = [
        [day.take("query", reference=str(number)) for number in range(50)]
        for day in (MoMo(seed=seed, rate=0.5).faults for seed in (7, 7, 8))
    ]
    assert days[0] == days[1] != days[2]


# ── as a process ─────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def a_process(*arguments: str) -> AsyncIterator[Merchant]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-m", "gateway.sandbox.momo", "--port", str(port), *arguments]
    child = await asyncio.create_subprocess_exec(sys.executable, *command)
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=5) as http:
        try:
            await until_healthy(http)
            # The books that count are the process's; these stay empty.
            yield Merchant(MoMo(), http)
        finally:
            child.terminate()
            await child.wait()


async def until_healthy(http: httpx.AsyncClient) -> None:
    for _ in range(600):
        with suppress(httpx.TransportError):
            await http.get("/health")
            return
        await asyncio.sleep(0.05)


async def test_a_process_breaks_off_hangs_and_still_knows_what_it_did() -> None:
    async with a_process("--repeat-after", "0,0", "--window-s", "60") as merchant:
        for fault, broken in (
            ("drop_after", httpx.RemoteProtocolError),
            ("hang_after", httpx.ReadTimeout),
            ("drop_before", httpx.RemoteProtocolError),
        ):
            await merchant.plan("create", fault)
            merchant.http.timeout = httpx.Timeout(5, read=0.3 if "hang" in fault else 5)
            with pytest.raises(broken):
                await merchant.create(fault)
        merchant.http.timeout = httpx.Timeout(5)
        orders = (await merchant.http.get("/control/orders")).json()["orders"]
        assert [order["reference"] for order in orders] == ["drop_after", "hang_after"]
        assert (await merchant.create("drop_before"))["resultCode"] == 0
        await merchant.pay(order_id="drop_after")
        assert await merchant.charges() == [("drop_after", 150_000)]
        assert (await merchant.http.get("/health")).json()["status"] == "ok"


async def test_a_bad_day_charges_each_order_once_at_most() -> None:
    ids = [f"ORDER-{number}" for number in range(12)]
    async with a_process("--seed", "3", "--rate", "0.4") as merchant:
        merchant.http.timeout = httpx.Timeout(5, read=0.3)
        for order_id in ids:
            for _ in range(3):
                with suppress(httpx.TransportError, AssertionError, ValueError):
                    await merchant.create(order_id)
                with suppress(httpx.TransportError, AssertionError):
                    await merchant.pay(order_id=order_id)
        charged = await merchant.charges()
    assert len(charged) == len(set(charged)) > 0
    assert {order_id for order_id, _ in charged} <= set(ids)
