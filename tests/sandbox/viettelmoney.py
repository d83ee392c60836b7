"""A merchant of the simulated Viettel Money: it signs and verifies by the profile."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.sandbox.viettelmoney import ViettelMoney
from gateway.sandbox.viettelmoney_wire import MERCHANT_PRIVATE, VIETTEL_PUBLIC
from tests.sandbox.vnpay import serving

TOKEN = "viettelmoney-sandbox-simulator-token-0001"
_ids = count(1)
_OURS = load_pem_private_key(MERCHANT_PRIVATE.encode(), None)
_THEIRS = load_pem_public_key(VIETTEL_PUBLIC.encode())
assert isinstance(_OURS, ec.EllipticCurvePrivateKey)
assert isinstance(_THEIRS, ec.EllipticCurvePublicKey)
OURS, THEIRS = _OURS, _THEIRS
Said = dict[str, Any]


def sign(body: bytes) -> str:
    return b64encode(OURS.sign(body, ec.ECDSA(SHA256()))).decode()


def is_viettels(body: bytes, signature: str | None) -> bool:
    try:
        THEIRS.verify(b64decode(signature or ""), body, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def agreed(asked: Said) -> Said:
    """A merchant's yes to an order confirmation."""
    return {"code": "00", "message": "ok", "data": asked}


@dataclass(frozen=True)
class Heard:
    said: Said
    is_signed: bool


@dataclass
class Doors:
    """Where the confirmation and the IPNs arrive; each has its answer."""

    answer_question: Callable[[Said], object] = agreed
    answer_ipn: Callable[[Said], object] = lambda _: {"code": "00"}
    questions: list[Heard] = field(default_factory=list)
    ipns: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = (await receive())["body"]
        signature = dict(scope["headers"]).get(b"signature", b"").decode()
        heard = Heard(json.loads(body), is_viettels(body, signature))
        if scope["path"] == "/verify":
            self.questions.append(heard)
            said = self.answer_question(heard.said)
        else:
            self.ipns.put_nowait(heard)
            said = self.answer_ipn(heard.said)
        status, raw = (200, json.dumps(said)) if isinstance(said, dict) else (503, "no")
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": raw.encode()})

    async def next(self) -> Heard:
        return await asyncio.wait_for(self.ipns.get(), 10)


@dataclass
class Merchant:
    rail: ViettelMoney
    http: httpx.AsyncClient
    doors: Doors

    async def call(
        self, path: str, said: object, *, signature: str | None = None, token: str = TOKEN
    ) -> httpx.Response:
        body = json.dumps(said).encode()
        headers = {"authorization": f"Bearer {token}", "signature": signature or sign(body)}
        return await self.http.post(path, content=body, headers=headers)

    async def ask(self, path: str, said: object) -> Said:
        """Make a call whose answer must be signed."""
        answer = await self.call(path, said)
        assert answer.status_code == 200, answer.text
        assert is_viettels(answer.content, answer.headers.get("signature")), answer.text
        return dict(answer.json())

    def order(self, **changed: object) -> Said:
        return {
            "merchantCode": "EVNSPC",
            "orderId": f"att-{next(_ids)}",
            "transAmount": 150_000,
            "description": "Tien dien 10/2026",
            "returnType": "WEB",
            "returnUrl": "https://pay.example/return?keep=1",
            "cancelUrl": "https://pay.example/cancelled",
            "expireAfter": 15,
            **changed,
        }

    async def open(self, **changed: object) -> str:
        asked = self.order(**changed)
        assert (await self.ask("/orders/create", asked))["code"] == "00"
        return str(asked["orderId"])

    async def query(self, reference: str) -> Said:
        asked = {"merchantCode": "EVNSPC", "orderId": reference, "requestId": "r"}
        return await self.ask("/orders/query", asked)

    async def refund(self, reference: str, number: str, own: str, **changed: object) -> Said:
        asked = {
            "merchantCode": "EVNSPC",
            "refundId": own,
            "originalOrderId": reference,
            "originalTransId": number,
            "refundType": 0,
            "transAmount": 150_000,
            "description": "Hoan tien",
            **changed,
        }
        return await self.ask("/refunds/create", asked)

    async def pay(self, reference: str, act: str = "approve") -> str:
        """Press a button of the payer's page; give where the browser goes."""
        answer = await self.http.post(f"/payer/{reference}", content=f"act={act}")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def control(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/control/{path}", json=body)

    def charges(self) -> int:
        return len(self.rail.charges)


def back_of(location: str) -> dict[str, str]:
    """What a browser brings, after the signature over what was added is seen to be right."""
    query = urlsplit(location).query.removeprefix("keep=1&")
    signed, _, _ = query.partition("&signature=")
    fields = dict(parse_qsl(query, keep_blank_values=True))
    assert is_viettels(signed.encode(), fields.pop("signature"))
    return fields


@asynccontextmanager
async def merchant_of(*, over_http: bool = False, **given: Any) -> AsyncIterator[Merchant]:
    """Give a merchant; only over real HTTP can an answer be cut off or hang."""
    doors = Doors()
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(serving(doors))
        urls = {"verify_url": f"{door}/verify", "notify_url": f"{door}/ipn"}
        rail = ViettelMoney(**{**urls, **given})
        app = rail.application()
        stack.push_async_callback(rail._notices.aclose)
        transport, url = None, "http://viettelmoney"
        if over_http:
            url = await stack.enter_async_context(serving(app))
        else:
            transport = httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(
            base_url=url, transport=transport, trust_env=False, timeout=10, follow_redirects=False
        )
        yield Merchant(rail, await stack.enter_async_context(client), doors)
