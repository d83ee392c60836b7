"""The simulated KeyPay against what is public of it; the client's checksums are written again."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.sandbox.keypay import KeyPay
from gateway.testing.served import Door, served

KEY1, KEY2 = "keypay-simulator-hash-key-1", "keypay-simulator-hash-key-2"
SIX = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
FIVE = ("client_id", "command", "status", "trans_amount", "transaction_id")


def mac(key: str, *values: str) -> str:
    return hmac.new(key.encode(), "|".join(values).encode(), hashlib.sha256).hexdigest()


class Shop:
    """A client of the platform, and the door where its callbacks arrive."""

    def __init__(self, rail: KeyPay, http: httpx.AsyncClient, door: Door, url: str) -> None:
        self.rail, self.http, self.door, self.url = rail, http, door, url

    async def create(self, key: str = KEY1, **changes: Any) -> dict[str, Any]:
        said = {
            "addition_fee": "0",
            "client_id": "EVNSPC",
            "command": "PAY",
            "trans_amount": "99000",
            "transaction_id": "T1",
            "version": "3.0",
            "notify_url": self.url,
            "return_url": "https://portal.example/thanks",
            "bill_info": {"MaHoSo": "HD-10"},
        } | changes
        signed = mac(key, *(str(said[name]) for name in SIX))
        answer = await self.http.post("/api/payment/create", json={**said, "check_sum": signed})
        return dict(answer.json())

    async def query(self, reference: str = "T1", key: str = KEY1) -> dict[str, Any]:
        said = {"client_id": "EVNSPC", "command": "QUERY", "transaction_id": reference}
        body = {**said, "check_sum": mac(key, *said.values())}
        return dict((await self.http.post("/api/payment/query", json=body)).json())

    async def act(self, act: str, fault: str | None = None) -> None:
        if fault:
            await self.http.post("/control/faults", json={"operation": "notify", "fault": fault})
        await self.http.post("/control/payer", json={"reference": "T1", "act": act})

    async def told(self) -> dict[str, Any]:
        return dict(json.loads((await self.door.arrived.get()).body))


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    rail, door = KeyPay(repeat_after_s=(0.0, 0.0)), Door()
    transport = httpx.ASGITransport(app=rail.application())
    async with (
        served(door) as url,
        httpx.AsyncClient(transport=transport, base_url="http://keypay") as http,
    ):
        yield Shop(rail, http, door, url)
        await rail._notices.aclose()


def is_authentic(said: dict[str, Any], key: str = KEY2) -> bool:
    return bool(said["check_sum"] == mac(key, *(str(said[name]) for name in SIX)))


async def test_an_order_is_opened_paid_and_called_back_under_the_second_key(shop: Shop) -> None:
    opened = await shop.create()
    assert (opened["error"], opened["payment_url"]) == ("0", "http://keypay/payer/T1")
    await shop.act("approve")
    said = await shop.told()
    assert (said["status"], said["trans_amount"]) == ("0", "99000")
    assert is_authentic(said)
    assert not is_authentic(said, KEY1)
    assert [charge.amount_dong for charge in shop.rail.charges] == [99_000]


async def test_a_query_signs_its_status(shop: Shop) -> None:
    assert (await shop.query())["status"] == "4"
    await shop.create()
    statuses = [(await shop.query())["status"]]
    for act in ("process", "approve"):
        await shop.act(act)
        statuses.append((await shop.query())["status"])
    assert statuses == ["2", "1", "0"]
    said = await shop.query()
    assert said["check_sum"] == mac(KEY2, *(said[name] for name in FIVE))
    assert (await shop.query(key=KEY2))["error"] == "97"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key": KEY2}, "97"),
        ({"client_id": "OTHER"}, "3"),
        ({"transaction_id": "T" * 21}, "2"),
        ({"trans_amount": "0"}, "4"),
    ],
    ids=["wrong key", "another client", "long id", "no amount"],
)
async def test_a_wrong_order_is_refused(shop: Shop, changes: dict[str, Any], error: str) -> None:
    assert (await shop.create(**changes))["error"] == error
    assert shop.rail.orders == {}


async def test_an_id_is_used_once(shop: Shop) -> None:
    await shop.create()
    assert (await shop.create())["error"] == "2"


async def test_a_callback_that_is_not_thanked_comes_again(shop: Shop) -> None:
    await shop.create()
    await shop.act("approve")
    told = [await shop.told() for _ in range(3)]
    assert told[0] == told[1] == told[2]


async def test_it_can_call_back_under_the_wrong_key_first(shop: Shop) -> None:
    await shop.create()
    await shop.act("approve", "forged")
    first, second = await shop.told(), await shop.told()
    assert (is_authentic(first), is_authentic(first, KEY1)) == (False, True)
    assert is_authentic(second)


async def test_it_can_call_back_with_another_bill_info_that_nobody_signed(shop: Shop) -> None:
    await shop.create()
    await shop.act("approve", "reordered")
    told = [await shop.told() for _ in range(6)]
    assert {said["bill_info"]["MaHoSo"] for said in told} == {"HD-10", "OTHER"}
    assert all(is_authentic(said) for said in told)


async def test_what_is_no_json_is_refused_and_not_an_error(shop: Shop) -> None:
    for body in (b"", b"[]", b"{", b"\xff"):
        answer = await shop.http.post("/api/payment/create", content=body)
        assert (answer.status_code, answer.json()["error"]) == (200, "97")
