"""A merchant of the simulated terminal cloud: it signs by the profile, written again."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

import httpx

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.sandbox.pospush import PosPush
from gateway.testing.served import Door, served

MID, SECRET, SERIAL = "EVNSPC000000001", "pospush-sandbox-simulator-secret-0001", "PAX00000001"
TAKEN = (200, b'{"code":"OK"}')
_ids = count(1)
Json = dict[str, Any]


def mac(*lines: str) -> str:
    return hmac.new(SECRET.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


@dataclass
class Merchant:
    rail: PosPush
    http: httpx.AsyncClient
    door: Door
    notify_url: str

    async def call(self, method: str, path: str, body: Json | None = None, **wrong: str) -> Any:
        """Make a signed call; `wrong` replaces headers."""
        text = "" if body is None else json.dumps(body)
        stamp = wrong.get("stamp", str(int(time.time())))
        headers = {
            "x-merchant": wrong.get("merchant", MID),
            "x-timestamp": stamp,
            "x-signature": wrong.get("signature", mac(method, path, stamp, text)),
        }
        answer = await self.http.request(method, path, content=text.encode(), headers=headers)
        if answer.status_code in {200, 202, 404, 409}:
            given = answer.headers
            due = mac("ANSWER", path, given.get("x-timestamp", ""), answer.text)
            answer.extensions["signed"] = given.get("x-signature") == due
        return answer

    def sale(self, **changed: Any) -> Json:
        return {
            "sale_id": f"att-{next(_ids)}",
            "amount": 150_000,
            "bill_id": "PB14010000123",
            "timeout_s": 60,
            "notify_url": self.notify_url,
            **changed,
        }

    async def push(self, serial: str = SERIAL, **changed: Any) -> str:
        sale = self.sale(**changed)
        answer = await self.call("POST", f"/terminals/{serial}/sales", sale)
        assert (answer.status_code, answer.extensions["signed"]) == (202, True), answer.text
        assert answer.json()["status"] == "PUSHED"
        return cast(str, sale["sale_id"])

    async def tell(self, sale: str) -> Json:
        answer = await self.call("GET", f"/sales/{sale}")
        assert answer.status_code == 200, answer.text
        return cast(Json, answer.json())

    async def back(self, sale: str, kind: str, refund: str, amount: int = 150_000) -> Any:
        return await self.call(
            "POST", f"/sales/{sale}/{kind}", {"refund_id": refund, "amount": amount}
        )

    async def control(self, path: str, **body: Any) -> httpx.Response:
        answer = await self.http.post(f"/control/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer

    async def approved(self, **changed: Any) -> str:
        sale = await self.push(**changed)
        await self.control("payer", reference=sale, act="approve")
        assert (await self.heard())["status"] == "APPROVED"
        return sale

    async def told(self) -> Incoming:
        """Wait for the next callback."""
        return await asyncio.wait_for(self.door.arrived.get(), 10)

    async def heard(self) -> Json:
        """Wait for the next callback, which must be authentic."""
        told = await self.told()
        stamp, body = told.headers.get("x-timestamp", ""), told.body.decode()
        assert told.headers.get("x-signature") == mac("CALLBACK", stamp, body)
        assert told.headers["x-merchant"] == MID
        return cast(Json, json.loads(body))

    async def charges(self) -> list[Json]:
        return cast(list[Json], (await self.http.get("/control/charges")).json()["charges"])


@asynccontextmanager
async def merchant_of(*, over_http: bool = False, **rail: Any) -> AsyncIterator[Merchant]:
    """A merchant and its cloud; only over real HTTP can an answer be cut off."""
    door = Door()
    door.answer = lambda _: Acknowledgement(*TAKEN)
    async with AsyncExitStack() as stack:
        notify_url = await stack.enter_async_context(served(door))
        simulator = PosPush(**rail)
        app = simulator.application()
        stack.push_async_callback(simulator._notices.aclose)
        stack.callback(simulator.stop)
        url = await stack.enter_async_context(served(app)) if over_http else "http://pos"
        transport = None if over_http else httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(base_url=url, transport=transport, trust_env=False, timeout=10)
        http = await stack.enter_async_context(client)
        yield Merchant(simulator, http, door, notify_url)
