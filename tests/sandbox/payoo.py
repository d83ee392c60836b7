"""A merchant of the simulated Payoo: it signs by Payoo's rules, written again."""

import hashlib
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx
from starlette.applications import Starlette

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.sandbox.payoo import Payoo
from gateway.testing.served import Door, served

KEY = "payoo-sandbox-simulator-key-0001"
CREDENTIALS = {
    "APIUsername": "evn_sandbox_api",
    "APIPassword": "payoo-sandbox-simulator-password-0001",
    "APISignature": "payoo-sandbox-simulator-signature-0001",
}
SHOP_ID = 691
DOMAIN = "https://pay.example"
RETURN_URL = "https://pay.example/return?keep=1"
API = "/BusinessRestAPI.svc"
DESCRIPTION = "Thanh toán tiền điện tháng 11/2026 cho khách hàng PB14010000123"
_ids = count(1)


def sha(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


def vietnam(after: timedelta = timedelta(), form: str = "%Y%m%d%H%M%S") -> str:
    return (datetime.now(UTC) + after).astimezone(timezone(timedelta(hours=7))).strftime(form)


def order_xml(elements: dict[str, str]) -> str:
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
    return f"<shops><shop>{body}</shop></shops>"


@dataclass
class Merchant:
    rail: Payoo
    http: httpx.AsyncClient
    door: Door
    notify_url: str

    def order(self, **changed: str | None) -> dict[str, str]:
        fields = {
            "session": "s1",
            "username": "evn_sandbox",
            "shop_id": str(SHOP_ID),
            "shop_title": "EVN",
            "shop_domain": DOMAIN,
            "shop_back_url": quote(RETURN_URL, safe=""),
            "order_no": f"att{next(_ids)}",
            "order_cash_amount": "150000",
            "order_ship_date": vietnam(form="%d/%m/%Y"),
            "order_ship_days": "1",
            "order_description": quote(DESCRIPTION, safe=""),
            "notify_url": quote(self.notify_url, safe=""),
            "validity_time": vietnam(timedelta(minutes=15)),
            "JsonResponse": "TRUE",
            **changed,
        }
        return {name: value for name, value in fields.items() if value is not None}

    async def create(
        self, elements: dict[str, str], data: str | None = None, **sent: str
    ) -> dict[str, Any]:
        """Sign and post a form; `sent` replaces fields after signing."""
        text = order_xml(elements) if data is None else data
        form = {"data": text, "checksum": sha(KEY + text), "refer": DOMAIN, **sent}
        answer = await self.http.post("/v2/paynow/order/create", data=form)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        if said["result"] == "success":
            raw = answer.text.split('"order":', 1)[1].removesuffix("}")
            said["is_signed"] = said["checksum"] == sha(KEY + raw)
        return said

    async def open(self, **changed: str | None) -> str:
        elements = self.order(**changed)
        said = await self.create(elements)
        assert said["result"] == "success", said
        return elements["order_no"]

    async def api(self, call: str, asked: dict[str, Any], **sent: Any) -> dict[str, Any]:
        """Sign and send; `sent` replaces the envelope's parts after signing."""
        data = json.dumps(asked)
        body = {"RequestData": data, "Signature": sha(KEY + data), **sent.pop("body", {})}
        headers = {**CREDENTIALS, **sent.pop("headers", {})}
        answer = await self.http.post(f"{API}/{call}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        whole = answer.json()
        said: dict[str, Any] = json.loads(whole["ResponseData"])
        said["is_signed"] = whole.get("Signature") == sha(KEY + whole["ResponseData"])
        return said

    async def query(self, order_no: str, **changed: Any) -> dict[str, Any]:
        day = vietnam(form="%Y%m%d")
        asked = {"OrderId": order_no, "ShopId": SHOP_ID, "PurchaseDate": day, **changed}
        return await self.api("GetOrderInfo", asked)

    async def status(self, order_no: str) -> int:
        said = await self.query(order_no)
        assert said["ResponseCode"] == 0, said
        return int(said["OrderStatus"])

    async def cancel(self, order_no: str, **changed: Any) -> int:
        asked = {"ShopID": SHOP_ID, "OrderID": order_no, "NewStatus": 3, "UpdateLog": "x"}
        return int((await self.api("CancelOrder", {**asked, **changed}))["ResponseCode"])

    async def refund(self, order_no: str, money: Any, **changed: Any) -> dict[str, Any]:
        asked = {"OrderNo": order_no, "Money": money, "Description": "x", "ActionType": 2}
        asked["PurchaseDate"] = vietnam(form="%Y%m%d")
        return await self.api("refund", {**asked, **changed})

    async def pay(self, order_no: str, act: str = "approve") -> dict[str, str]:
        """Press a button of the payer's page; give what the browser brings back."""
        answer = await self.http.post(f"/payer/{order_no}", content=f"act={act}")
        assert answer.status_code == 303, answer.text
        location = answer.headers["location"]
        assert location.startswith(RETURN_URL)
        return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))

    async def paid(self, **changed: str | None) -> str:
        """An order that was paid and its notification taken."""
        order_no = await self.open(**changed)
        await self.pay(order_no)
        await self.door.arrived.get()
        return order_no

    async def notified(self) -> dict[str, Any]:
        """A JSON notification: its envelope, and its facts under `said`."""
        whole: dict[str, Any] = json.loads(b64decode(await self._notify_data()))
        return {**whole, "said": json.loads(whole["ResponseData"])}

    async def notified_xml(self) -> tuple[ET.Element, ET.Element]:
        """An XML notification: its package and its data."""
        package = ET.fromstring(await self._notify_data())  # noqa: S314 (our own simulator's)
        data = b64decode(package.findtext("Data") or "").decode()
        return package, ET.fromstring(data)  # noqa: S314

    async def _notify_data(self) -> str:
        incoming = await self.door.arrived.get()
        return dict(parse_qsl(incoming.body.decode(), strict_parsing=True))["NotifyData"]

    async def control(self, path: str, **body: Any) -> int:
        return (await self.http.post(f"/control/{path}", json=body)).status_code

    async def charges(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/control/charges")).json()["charges"]
        return found


def is_from(whole: dict[str, Any], address: str) -> bool:
    """Say whether a JSON notification is signed for this sender's address."""
    return whole.get("Signature") == sha(KEY + whole["ResponseData"] + address)


def answers(*bodies: bytes) -> Any:
    """Answer notifications with these bodies, the last one for ever."""
    left = list(bodies)

    def answer(_: Incoming) -> Acknowledgement:
        return Acknowledgement(200, left.pop(0) if len(left) > 1 else left[0], "text/plain")

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
        rail = Payoo(**given)
        self.provider, self.door = rail.application(), Door()
        self.door.answer = answers(b"NOTIFY_RECEIVED")
        async with self.provider.router.lifespan_context(self.provider):
            yield Merchant(rail, self.http, self.door, f"{self.door_url}/notify?shop=1")


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
