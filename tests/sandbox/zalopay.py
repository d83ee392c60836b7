"""A merchant of the simulated ZaloPay: it signs by ZaloPay's rules, written again."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from starlette.applications import Starlette

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.sandbox.zalopay import ZaloPay
from gateway.testing.served import Door, served

APP_ID = 2553
KEY1, KEY2 = "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL", "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz"
RETURN_URL = "https://pay.example/return?keep=1"
BASES = {
    "create": "app_id app_trans_id app_user amount app_time embed_data item",
    "query": "app_id app_trans_id KEY1",
    "cancel": "app_id app_trans_id KEY1",
    "refund": "app_id zp_trans_id amount description timestamp",
    "query_refund": "app_id m_refund_id timestamp",
}
_ids = count(1)


def now_ms(after: timedelta = timedelta()) -> int:
    return int((datetime.now(UTC) + after).timestamp() * 1000)


def day(after: timedelta = timedelta()) -> str:
    moment = datetime.now(UTC) + after
    return moment.astimezone(timezone(timedelta(hours=7))).strftime("%y%m%d")


def mac(key: str, *parts: object) -> str:
    base = "|".join(map(str, parts))
    return hmac.new(key.encode(), base.encode(), hashlib.sha256).hexdigest()


def mac_of(operation: str, fields: dict[str, Any], names: str = "") -> str:
    known = {**fields, "KEY1": KEY1}
    return mac(KEY1, *(known[name] for name in (names or BASES[operation]).split()))


@dataclass
class Merchant:
    rail: ZaloPay
    http: httpx.AsyncClient
    door: Door
    notify_url: str
    numbers: dict[str, str] = field(default_factory=dict)

    def order(self, **changed: Any) -> dict[str, Any]:
        fields = {
            "app_id": APP_ID,
            "app_user": "gateway",
            "app_trans_id": f"{day()}_att{next(_ids)}",
            "app_time": now_ms(),
            "expire_duration_seconds": 900,
            "amount": 150_000,
            "description": "Tiền điện 10/2026",
            "item": "[]",
            "embed_data": json.dumps({"redirecturl": RETURN_URL}),
            "callback_url": self.notify_url,
            **changed,
        }
        return {name: value for name, value in fields.items() if value is not None}

    async def call(self, operation: str, fields: dict[str, Any], **sent: Any) -> dict[str, Any]:
        """Sign and send; `sent` replaces fields after signing."""
        signed = {**fields, "mac": mac_of(operation, fields), **sent}
        answer = await self.http.post(f"/v2/{operation}", json=signed)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def open(self, **changed: Any) -> str:
        fields = self.order(**changed)
        said = await self.call("create", fields)
        assert said["return_code"] == 1, said
        return str(fields["app_trans_id"])

    async def query(self, reference: str) -> dict[str, Any]:
        return await self.call("query", {"app_id": APP_ID, "app_trans_id": reference})

    async def cancel(self, reference: str) -> dict[str, Any]:
        return await self.call("cancel", {"app_id": APP_ID, "app_trans_id": reference})

    async def pay(self, reference: str, act: str = "approve") -> dict[str, str]:
        """Press a button of the payer's page; give what the browser brings back."""
        answer = await self.http.post(f"/payer/{reference}", content=f"act={act}")
        assert answer.status_code == 303, answer.text
        location = answer.headers["location"]
        assert location.startswith(RETURN_URL)
        return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))

    async def paid(self, amount: int = 150_000, **changed: Any) -> str:
        """An order that was paid, its callback taken; its zp_trans_id is remembered."""
        reference = await self.open(amount=amount, **changed)
        await self.pay(reference)
        self.numbers[reference] = str(json.loads((await self.callback())["data"])["zp_trans_id"])
        return reference

    async def callback(self) -> dict[str, Any]:
        incoming = await self.door.arrived.get()
        fields: dict[str, Any] = json.loads(incoming.body)
        return fields

    def refund_of(self, reference: str, amount: int, **changed: Any) -> dict[str, Any]:
        return {
            "app_id": APP_ID,
            "m_refund_id": f"{day()}_{APP_ID}_{next(_ids):010}",
            "zp_trans_id": self.numbers.get(reference, "0"),
            "amount": amount,
            "timestamp": now_ms(),
            "description": "Hoàn tiền",
            **changed,
        }

    async def query_refund(self, m_refund_id: str) -> dict[str, Any]:
        fields = {"app_id": APP_ID, "m_refund_id": m_refund_id, "timestamp": now_ms()}
        return await self.call("query_refund", fields)

    async def control(self, path: str, **body: Any) -> int:
        return (await self.http.post(f"/control/{path}", json=body)).status_code

    async def charges(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/control/charges")).json()["charges"]
        return found


def detail(said: dict[str, Any]) -> tuple[int, int]:
    return said["return_code"], said["sub_return_code"]


def answers(*codes: int) -> Any:
    """Answer callbacks with these return_codes, the last one for ever."""
    left = list(codes)

    def answer(_: Incoming) -> Acknowledgement:
        code = left.pop(0) if len(left) > 1 else left[0]
        body = json.dumps({"return_code": code, "return_message": ""}).encode()
        return Acknowledgement(200, body, "application/json")

    return answer


@dataclass
class Stage:
    """Two servers that outlive a test: the provider's and the merchant's, each with its own app.

    Starting and stopping one costs half a second, so the tests of a module share them.
    """

    http: httpx.AsyncClient
    door_url: str = ""
    provider: Starlette = field(default_factory=Starlette)
    door: Door = field(default_factory=Door)

    @asynccontextmanager
    async def merchant(self, **given: Any) -> AsyncIterator[Merchant]:
        """A new simulator and its merchant."""
        rail = ZaloPay(**given)
        self.provider, self.door = rail.application(), Door()
        self.door.answer = answers(1)
        async with self.provider.router.lifespan_context(self.provider):
            yield Merchant(rail, self.http, self.door, f"{self.door_url}/callback")


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        stage = Stage(http)

        async def provider(scope: Any, receive: Any, send: Any) -> None:
            app = stage.door if scope["type"] == "lifespan" else stage.provider
            await app(scope, receive, send)

        async def merchant(scope: Any, receive: Any, send: Any) -> None:
            await stage.door(scope, receive, send)

        async with served(merchant) as stage.door_url, served(provider) as url:
            http.base_url = httpx.URL(url)
            yield stage
