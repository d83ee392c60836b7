"""A merchant of the simulated VNPAY: it signs by VNPAY's rules, written again, and takes IPNs."""

import asyncio
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qsl, quote_plus, urlsplit

import httpx
import uvicorn
from starlette.types import ASGIApp

from gateway.sandbox.vnpay import Vnpay
from gateway.sandbox.vnpay_books import Terminal

SECRET = "vnpay-sandbox-simulator-secret-0001"
RETURN_URL = "https://pay.example/return?keep=1"
_ids = count(1)


def stamp(after: timedelta = timedelta()) -> str:
    moment = datetime.now(UTC) + after
    return moment.astimezone(timezone(timedelta(hours=7))).strftime("%Y%m%d%H%M%S")


def mac(base: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), base.encode(), hashlib.sha512).hexdigest()


def query_of(fields: dict[str, str]) -> str:
    return "&".join(f"{k}={quote_plus(v)}" for k, v in sorted(fields.items()))


def is_signed(fields: dict[str, str], secret: str = SECRET) -> bool:
    rest = {k: v for k, v in fields.items() if k.startswith("vnp_") and k != "vnp_SecureHash"}
    return fields.get("vnp_SecureHash") == mac(query_of(rest), secret)


def pipe_mac(fields: dict[str, str], names: str) -> str:
    return mac("|".join(fields.get(f"vnp_{name}", "") for name in names.split()))


QUERY = "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo"
REFUND = (
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo"
    " TransactionDate CreateBy CreateDate IpAddr OrderInfo"
)
REFUND_ANSWER = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate"
    " TransactionNo TransactionType TransactionStatus OrderInfo"
)
QUERY_ANSWER = f"{REFUND_ANSWER} PromotionCode PromotionAmount"


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve over real HTTP; the socket listens before the server does, so nobody waits."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app, ws="none", log_level="critical", timeout_graceful_shutdown=1, lifespan="on"
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@dataclass
class Inbox:
    """Takes IPNs and answers as it is told; the last answer is repeated."""

    answers: list[tuple[int, bytes]] = field(
        default_factory=lambda: [(200, b'{"RspCode":"00","Message":"Confirm Success"}')]
    )
    queue: asyncio.Queue[dict[str, str]] = field(default_factory=asyncio.Queue)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        assert method == "GET"
        await self.queue.put(dict(parse_qsl(urlsplit(target).query, keep_blank_values=True)))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        size = f"content-length: {len(body)}\r\n" if body else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{size}connection: close\r\n\r\n".encode() + body)
        writer.close()
        await writer.wait_closed()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self._take, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ipn"

    async def next(self) -> dict[str, str]:
        return await asyncio.wait_for(self.queue.get(), 10)

    def is_empty(self) -> bool:
        return self.queue.empty()


@dataclass
class Merchant:
    rail: Vnpay
    http: httpx.AsyncClient
    inbox: Inbox
    orders: dict[str, dict[str, str]] = field(default_factory=dict)

    def order(self, **changed: str) -> dict[str, str]:
        fields = {
            "vnp_Version": "2.1.0",
            "vnp_Command": "pay",
            "vnp_TmnCode": "CGTTDEMO",
            "vnp_Amount": "15000000",
            "vnp_CreateDate": stamp(),
            "vnp_CurrCode": "VND",
            "vnp_IpAddr": "127.0.0.1",
            "vnp_Locale": "vn",
            "vnp_OrderInfo": "Tien dien 10/2026",
            "vnp_OrderType": "other",
            "vnp_ReturnUrl": RETURN_URL,
            "vnp_ExpireDate": stamp(timedelta(minutes=15)),
            "vnp_TxnRef": f"att-{next(_ids)}",
            **changed,
        }
        return {name: value for name, value in fields.items() if value != "absent"}

    async def visit(self, fields: dict[str, str], *, secret: str = SECRET) -> str:
        """Follow the pay URL; give where it leads."""
        query = query_of(fields)
        answer = await self.http.get(
            f"/paymentv2/vpcpay.html?{query}&vnp_SecureHash={mac(query, secret)}"
        )
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def open(self, **changed: str) -> str:
        fields = self.order(**changed)
        reference = fields["vnp_TxnRef"]
        assert await self.visit(fields) == f"/payer/{reference}"
        self.orders[reference] = fields
        return reference

    async def pay(self, reference: str, act: str = "approve") -> dict[str, str]:
        """Press a button of the payer's page; give what the browser brings back."""
        answer = await self.http.post(f"/payer/{reference}", content=f"act={act}")
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def control(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/control/{path}", json=body)

    async def api(self, names: str, fields: dict[str, str]) -> httpx.Response:
        signed = {**fields, "vnp_SecureHash": pipe_mac(fields, names)}
        return await self.http.post(
            "/merchant_webapi/api/transaction",
            json={**signed, **{k: v for k, v in fields.items() if k == "vnp_SecureHash"}},
        )

    def asking(self, reference: str, command: str, **changed: str) -> dict[str, str]:
        order = self.orders.get(reference, {})
        return {
            "vnp_RequestId": f"r{next(_ids)}",
            "vnp_Version": "2.1.0",
            "vnp_Command": command,
            "vnp_TmnCode": "CGTTDEMO",
            "vnp_TxnRef": reference,
            "vnp_OrderInfo": "Hoi giao dich",
            "vnp_TransactionDate": order.get("vnp_CreateDate", stamp()),
            "vnp_CreateDate": stamp(),
            "vnp_IpAddr": "127.0.0.1",
            **changed,
        }

    async def query(self, reference: str, **changed: str) -> dict[str, str]:
        answer = await self.api(QUERY, self.asking(reference, "querydr", **changed))
        return cast("dict[str, str]", answer.json())

    async def refund(self, reference: str, dong: int, kind: str = "03", **changed: str) -> Any:
        more = {
            "vnp_TransactionType": kind,
            "vnp_Amount": str(dong * 100),
            "vnp_TransactionNo": "0",
            "vnp_CreateBy": "gateway",
            **changed,
        }
        answer = await self.api(REFUND, self.asking(reference, "refund", **more))
        return answer.json()

    async def charges(self) -> list[dict[str, Any]]:
        found = (await self.http.get("/control/charges")).json()["charges"]
        return cast("list[dict[str, Any]]", found)


@asynccontextmanager
async def merchant_of(*, over_http: bool = False, **given: Any) -> AsyncIterator[Merchant]:
    """Give a merchant; only over real HTTP can an answer be cut off or hang."""
    inbox = Inbox()
    async with AsyncExitStack() as stack:
        notify_url = await stack.enter_async_context(inbox.open())
        rail = Vnpay(Terminal(notify_url=notify_url), **given)
        app = rail.application()
        stack.push_async_callback(rail._notices.aclose)
        transport, url = None, "http://vnpay"
        if over_http:
            url = await stack.enter_async_context(serving(app))
        else:
            transport = httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(
            base_url=url, transport=transport, trust_env=False, timeout=10, follow_redirects=False
        )
        http = await stack.enter_async_context(client)
        yield Merchant(rail, http, inbox)
