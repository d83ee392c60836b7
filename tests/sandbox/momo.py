"""A merchant that talks to the simulated MoMo, signing by hand from MoMo's rules.

Sources: developers.momo.vn/v3; MoMo's public sandbox account. Read 2026-11-24.
"""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from gateway.sandbox.momo import MoMo

PARTNER, ACCESS, SECRET = "MOMO", "F8BBA842ECF85", "K951B6PE1waDMi640xX08PD3vg6EkVlz"
CREATE = "amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId requestType"
CREATED = "amount orderId partnerCode payUrl requestId responseTime resultCode"
QUERY = "orderId partnerCode requestId"
REFUND = "amount description orderId partnerCode requestId transId"
CONFIRM = "amount description orderId partnerCode requestId requestType"
NOTICE = (
    "amount extraData message orderId orderInfo orderType partnerCode payType requestId "
    "responseTime resultCode transId"
)


def signature(names: str, fields: dict[str, Any], *, secret: str = SECRET) -> str:
    base = "&".join([f"accessKey={ACCESS}", *(f"{name}={fields[name]}" for name in names.split())])
    return hmac.new(secret.encode(), base.encode(), sha256).hexdigest()


def an_order(order_id: str = "ORDER-1", **changed: object) -> dict[str, Any]:
    return {
        "partnerCode": PARTNER,
        "requestId": f"create.{order_id}",
        "amount": 150_000,
        "orderId": order_id,
        "orderInfo": "Tiền điện tháng 11",
        "redirectUrl": "https://pay.example/return",
        "ipnUrl": "http://127.0.0.1:9/ipn",
        "requestType": "captureWallet",
        "extraData": "eyJhIjoxfQ==",
        "lang": "vi",
        **changed,
    }


@dataclass
class Merchant:
    momo: MoMo
    http: httpx.AsyncClient
    asked: int = 0

    async def post(self, path: str, names: str, fields: dict[str, Any]) -> httpx.Response:
        signed = {**fields, "signature": signature(names, fields)}
        return await self.http.post(f"/v2/gateway/api/{path}", json=signed)

    async def create(self, order_id: str = "ORDER-1", **changed: object) -> dict[str, Any]:
        return told(await self.post("create", CREATE, an_order(order_id, **changed)))

    async def query(self, order_id: str = "ORDER-1", **changed: object) -> dict[str, Any]:
        return told(await self.post("query", QUERY, self.a_question(order_id, **changed)))

    async def query_refund(self, order_id: str) -> dict[str, Any]:
        return told(await self.post("refund/query", QUERY, self.a_question(order_id)))

    def a_question(self, order_id: str, **changed: object) -> dict[str, Any]:
        self.asked += 1
        more = {"requestId": f"ask.{self.asked}", "orderId": order_id, "lang": "vi"}
        return {"partnerCode": PARTNER, **more, **changed}

    async def refund(
        self, order_id: str, amount: int, trans_id: int, **changed: object
    ) -> dict[str, Any]:
        more = {"amount": amount, "transId": trans_id, "description": "Hoàn", **changed}
        return told(await self.post("refund", REFUND, self.a_question(order_id, **more)))

    async def confirm(
        self, what: str, amount: int = 150_000, order_id: str = "ORDER-1", **changed: object
    ) -> dict[str, Any]:
        more = {"requestType": what, "amount": amount, "description": "", **changed}
        return told(await self.post("confirm", CONFIRM, self.a_question(order_id, **more)))

    async def act(self, act: str, order_id: str = "ORDER-1") -> bool:
        answer = await self.http.post("/control/payer", json={"reference": order_id, "act": act})
        done: bool = answer.json()["done"]
        return done

    async def pay(self, act: str = "approve", order_id: str = "ORDER-1") -> dict[str, str]:
        """Press a button on the payer's page; give what the browser brings back."""
        answer = await self.http.post(f"/payer/{order_id}", content=f"act={act}")
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query, keep_blank_values=True))

    async def plan(self, operation: str, fault: str, **more: object) -> None:
        planned = {"operation": operation, "fault": fault, **more}
        assert (await self.http.post("/control/faults", json=planned)).status_code == 204

    async def charges(self) -> list[tuple[str, int]]:
        rows = (await self.http.get("/control/charges")).json()["charges"]
        return [(row["reference"], row["amount_dong"]) for row in rows]


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    fields = answer.json()
    assert isinstance(fields, dict)
    return fields


@asynccontextmanager
async def a_merchant(**rail: Any) -> AsyncIterator[Merchant]:
    momo = MoMo(**rail)
    app = momo.application()
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://momo") as http,
    ):
        yield Merchant(momo, http)
