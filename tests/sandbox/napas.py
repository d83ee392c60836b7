"""A merchant of the simulated NAPAS: it calls and checks by the profile, written again."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import httpx

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.sandbox.napas import Napas
from gateway.testing.served import Door, served

SECRET = "napas-sandbox-simulator-checksum-secret-0001"
TOKEN_FORM = {
    "grant_type": "password",
    "username": "napas-sandbox-user",
    "password": "napas-sandbox-simulator-password-0001",
    "client_id": "napas-sandbox-client",
    "client_secret": "napas-sandbox-simulator-client-secret-0001",
}
FRICTIONLESS, CHALLENGED = "9704 0000 0000 0018", "9704 0000 0000 0026"
TAKEN = (200, b'{"result": "OK"}')
_ids = count(1)
Json = dict[str, Any]


def opened(sealed: Json) -> Json:
    """Check an envelope and give what is in it."""
    due = hashlib.sha256((sealed["data"] + SECRET).encode()).hexdigest()
    assert sealed["checksum"] == due
    return cast(Json, json.loads(base64.b64decode(sealed["data"]))["paymentResult"])


def code_of(said: Json) -> tuple[str, str, str]:
    response = said["response"]
    return said["result"], response["gatewayCode"], response["acquirerCode"]


@dataclass
class Merchant:
    rail: Napas
    http: httpx.AsyncClient
    door: Door
    notify_url: str

    async def authorise(self, **changed: str) -> httpx.Response:
        answer = await self.http.post("/api/oauth/token", data={**TOKEN_FORM, **changed})
        if answer.status_code == 200:
            self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    async def call(
        self, order_id: str, number: str, operation: str, *, merchant: str = "EVNSPC", **body: Any
    ) -> httpx.Response:
        path = f"/api/rest/version/1/merchant/{merchant}/order/{order_id}/transaction/{number}"
        whole = {"apiOperation": operation, "channel": "ECOMMERCE", **body}
        return await self.http.put(path, json=whole)

    def purchase(self, **changed: Any) -> Json:
        return {
            "order": {"amount": 150_000, "currency": "VND", "reference": "Tien dien 11/2026"},
            "inputParameters": {
                "clientIP": "203.0.113.7",
                "deviceId": "web",
                "environment": "WEB",
                "cardScheme": "All",
                "enable3DSecure": True,
            },
            "interaction": {
                "returnUrl": "https://pay.example/return?keep=1",
                "notificationUrl": self.notify_url,
                "locale": "vi",
                "timeoutSeconds": 900,
            },
            **changed,
        }

    async def open(self, **changed: Any) -> str:
        reference = f"att-{next(_ids)}"
        answer = await self.call(
            reference, reference, "PURCHASE_HOSTED", **self.purchase(**changed)
        )
        assert answer.status_code == 200, answer.text
        assert code_of(answer.json()) == ("PENDING", "INITIATED", "")
        return reference

    async def query(self, reference: str, transaction: str = "") -> Json:
        answer = await self.call(reference, transaction or reference, "QUERY")
        assert answer.status_code == 200, answer.text
        return cast(Json, answer.json())

    async def refund(self, reference: str, refund: str, amount: int) -> httpx.Response:
        return await self.call(
            reference,
            refund,
            "REFUND",
            order={"amount": amount, "currency": "VND"},
            transaction={"targetTransactionId": reference},
        )

    async def give_card(self, reference: str, number: str) -> httpx.Response:
        form = {"number": number, "name": "NGUYEN VAN A", "issued": "0321"}
        return await self.http.post(f"/hosted/{reference}", data=form)

    async def pay(self, reference: str, number: str = FRICTIONLESS) -> Json:
        """Give a card on the page; give what the browser brings back."""
        answer = await self.give_card(reference, number)
        assert answer.status_code == 303, answer.text
        query = urlsplit(answer.headers["location"]).query
        return opened(dict(parse_qsl(query)))

    async def control(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/control/{path}", json=body)

    async def told(self) -> Incoming:
        """Wait for the next callback."""
        return await asyncio.wait_for(self.door.arrived.get(), 10)

    async def heard(self) -> Json:
        return opened(json.loads((await self.told()).body))

    async def charges(self) -> list[Json]:
        return cast(list[Json], (await self.http.get("/control/charges")).json()["charges"])


@asynccontextmanager
async def merchant_of(*, over_http: bool = False, **rail: Any) -> AsyncIterator[Merchant]:
    """A merchant with a token; only over real HTTP can an answer be cut off."""
    door = Door()
    door.answer = lambda _: Acknowledgement(*TAKEN)
    async with AsyncExitStack() as stack:
        notify_url = await stack.enter_async_context(served(door))
        simulator = Napas(**rail)
        app = simulator.application()
        stack.push_async_callback(simulator._notices.aclose)
        url = await stack.enter_async_context(served(app)) if over_http else "http://napas"
        transport = None if over_http else httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(base_url=url, transport=transport, trust_env=False, timeout=10)
        merchant = Merchant(simulator, await stack.enter_async_context(client), door, notify_url)
        await merchant.authorise()
        yield merchant
