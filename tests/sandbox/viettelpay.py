"""A merchant of the simulated ViettelPay: it signs by Viettel's rules, written again."""

import asyncio
import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from gateway.sandbox.viettelpay import ViettelPay
from tests.sandbox.vnpay import serving

ACCESS, SECRET = "viettelpay-sandbox-access-0001", "viettelpay-sandbox-simulator-secret-0001"
RETURN_URL, CANCEL_URL = "https://pay.example/return?keep=1", "https://pay.example/cancelled"
_ids = count(1)
Fields = dict[str, str]


def mac(*values: str, is_hex: bool = False) -> str:
    made = hmac.new(SECRET.encode(), (ACCESS + "".join(values)).encode(), hashlib.sha1)
    return made.hexdigest() if is_hex else b64encode(made.digest()).decode()


def result_mac(told: Fields, *, is_hex: bool = False) -> str:
    return mac(
        told["billcode"],
        told.get("cust_msisdn", ""),
        told["error_code"],
        told["merchant_code"],
        told["order_id"],
        told["payment_status"],
        told["trans_amount"],
        told["vt_transaction_id"],
        is_hex=is_hex,
    )


def verified(asked: Fields, code: str = "00", amount: str = "150000") -> Fields:
    """A merchant's answer to "verify data", as Viettel asks for it."""
    bill, merchant, order = asked["billcode"], asked["merchant_code"], asked["order_id"]
    return {
        "billcode": bill,
        "merchant_code": merchant,
        "order_id": order,
        "trans_amount": amount,
        "error_code": code,
        "check_sum": mac(bill, code, merchant, order, amount),
    }


def stored(told: Fields, code: str = "00") -> Fields:
    """A merchant's answer to a result."""
    merchant, order = told["merchant_code"], told["order_id"]
    signed = mac(code, merchant, order)
    return {"error_code": code, "merchant_code": merchant, "order_id": order, "check_sum": signed}


@dataclass
class Doors:
    """Where the question and the results arrive; each has its answer."""

    answer_question: Callable[[Fields], object] = verified
    answer_result: Callable[[Fields], object] = stored
    questions: list[Fields] = field(default_factory=list)
    results: asyncio.Queue[Fields] = field(default_factory=asyncio.Queue)
    is_slow: bool = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = (await receive())["body"]
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if scope["path"] == "/verify":
            self.questions.append(fields)
            while self.is_slow and (await receive())["type"] != "http.disconnect":
                pass
            said = self.answer_question(fields)
        else:
            self.results.put_nowait(fields)
            said = self.answer_result(fields)
        status, raw = (200, json.dumps(said)) if isinstance(said, dict) else (503, "no")
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": raw.encode()})

    async def next(self) -> Fields:
        return await asyncio.wait_for(self.results.get(), 10)


@dataclass
class Merchant:
    rail: ViettelPay
    http: httpx.AsyncClient
    doors: Doors

    def order(self, **changed: str) -> Fields:
        """The fields of a payment link; "absent" leaves one out."""
        fields = {
            "billcode": "PB14010000123",
            "command": "PAYMENT",
            "merchant_code": "EVNSPC",
            "order_id": f"att-{next(_ids)}",
            "trans_amount": "150000",
            "version": "2.0",
            "return_url": RETURN_URL,
            **changed,
        }
        return {name: value for name, value in fields.items() if value != "absent"}

    async def visit(self, fields: Fields, **signed: str) -> str:
        """Follow the payment link; give where it leads."""
        names = ("billcode", "command", "merchant_code", "order_id", "trans_amount", "version")
        check_sum = mac(*(fields.get(name, "") for name in names))
        query = urlencode({**fields, "check_sum": check_sum, **signed})
        answer = await self.http.get(f"/PaymentGateway/payment?{query}")
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def open(self, **changed: str) -> str:
        fields = self.order(**changed)
        assert await self.visit(fields) == f"/payer/{fields['order_id']}"
        return fields["order_id"]

    async def pay(self, reference: str, act: str = "approve") -> Fields:
        """Press a button of the payer's page; give what the browser brings back."""
        answer = await self.http.post(f"/payer/{reference}", content=f"act={act}")
        assert answer.status_code == 303, answer.text
        return fields_of(answer)

    async def control(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/control/{path}", json=body)

    async def call(self, names: str, **changed: str) -> httpx.Response:
        """Make a call of the API, signed over `names` unless it brings its own check_sum."""
        fields = {"merchant_code": "EVNSPC", "version": "2.0", **changed}
        signed = mac(*(fields.get(name, "") for name in names.split()))
        data = {"check_sum": signed, **fields}
        return await self.http.post("/PaymentAPI/webresources/postData", data=data)

    async def query(self, reference: str, **changed: str) -> Fields:
        asked = {"cmd": "TRANS_INQUIRY", "order_id": reference, **changed}
        answer = await self.call("cmd merchant_code order_id version", **asked)
        return cast("Fields", answer.json())

    async def refund(self, number: str, own: str, **changed: str) -> Fields:
        asked = {
            "cmd": "REFUND_PAYMENT",
            "order_id": own,
            "originalRequestId": number,
            "refundType": "0",
            "trans_amount": "150000",
            "trans_content": "Hoan tien",
            **changed,
        }
        names = "cmd merchant_code order_id originalRequestId refundType trans_amount version"
        return cast("Fields", (await self.call(names, **asked)).json())

    async def charges(self) -> list[dict[str, Any]]:
        found = (await self.http.get("/control/charges")).json()["charges"]
        return cast("list[dict[str, Any]]", found)


def fields_of(answer: httpx.Response) -> Fields:
    """What a browser brings to where it is sent."""
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query, keep_blank_values=True))


@asynccontextmanager
async def merchant_of(*, over_http: bool = False, **given: Any) -> AsyncIterator[Merchant]:
    """Give a merchant; only over real HTTP can an answer be cut off or hang."""
    doors = Doors()
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(serving(doors))
        urls = {"verify_url": f"{door}/verify", "notify_url": f"{door}/result"}
        rail = ViettelPay(**{**urls, **given})
        app = rail.application()
        stack.push_async_callback(rail._notices.aclose)
        transport, url = None, "http://viettelpay"
        if over_http:
            url = await stack.enter_async_context(serving(app))
        else:
            transport = httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(
            base_url=url, transport=transport, trust_env=False, timeout=10, follow_redirects=False
        )
        yield Merchant(rail, await stack.enter_async_context(client), doors)
