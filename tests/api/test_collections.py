"""The door for partners' own protocols: whatever comes, an answer that is no failure of ours."""

from collections.abc import AsyncIterator

import pytest

from gateway.runtime import Clock, Runtime
from tests.api.test_notifications import BODIES
from tests.conftest import client_of
from tests.flows.bank import Bank, open_runtime
from tests.providers.bank_wires import token
from tests.world import World

DOORS = {
    "bidvrest": ("getbill", "paybill", "nothing"),
    "bidvxml": ("message",),
    "keypay": ("dvc/bills/query", "dptracuuthanhtoanhs", "nothing"),
    "appotabill": ("bill/check", "bill/pay", "bill/transaction/x y", "bill/transaction/%00"),
}


@pytest.fixture
async def rt(database: str, clock: Clock) -> AsyncIterator[Runtime]:
    runtime = open_runtime(database, clock)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
async def bank(rt: Runtime) -> AsyncIterator[Bank]:
    async with client_of(rt) as api:
        yield Bank(await World.make(rt), api)


@pytest.mark.parametrize("wire", DOORS)
async def test_no_body_makes_the_door_fail_or_moves_anything(bank: Bank, wire: str) -> None:
    for operation in DOORS[wire]:
        for number, body in enumerate(BODIES):
            for headers in ({}, {"x-appotapay-auth": f"Bearer {token()}"}):
                answer = await bank.api.post(
                    f"/v1/collections/{wire}/{operation}", content=body, headers=headers
                )
                assert answer.status_code < 500, (operation, number, answer.text)
                assert answer.headers["content-type"].startswith(("application/json", "text/xml"))
    assert await bank.world.count("payments") == 0
    assert await bank.world.count("quarantine") > 0


@pytest.mark.parametrize("name", ["nobody", "BIDVREST", "%00", "a" * 500])
async def test_nobody_is_behind_an_unknown_name(bank: Bank, name: str) -> None:
    answer = await bank.api.post(f"/v1/collections/{name}/getbill", content=b"{}")
    assert answer.status_code in {404, 422}
    assert answer.json()["code"] in {"route_unknown", "provider_not_offered"}


async def test_a_body_over_the_limit_is_refused_unread(bank: Bank) -> None:
    answer = await bank.api.post("/v1/collections/bidvrest/paybill", content=b"x" * 65_537)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
async def test_another_method_is_refused(bank: Bank, method: str) -> None:
    answer = await bank.api.request(method, "/v1/collections/bidvrest/paybill")
    assert answer.status_code == 405
