"""payOS's payment links, simulated: create, query, cancel; each link has a virtual account.

The numbers of errors other than "00" are the simulator's own, as the documentation lists few.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox.bank_qr import write_qr
from gateway.sandbox.bank_wire import Movement, sign_payos, vietnam

Json = dict[str, Any]
OK, EXISTS, BAD_SIGNATURE, NO_LINK, BAD_REQUEST = "00", "231", "201", "101", "20"
SIGNED = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
BIN = "970454"


@dataclass
class Link:
    """One payment link."""

    order_code: int
    amount_dong: int
    description: str
    created_at: datetime
    expires_at: datetime | None
    id: str
    virtual_account: str
    cancelled: str | None = None
    moved: list[Movement] = field(default_factory=list)

    @property
    def paid_dong(self) -> int:
        """What came for it so far."""
        return sum(moved.amount_dong for moved in self.moved)

    def status(self, now: datetime) -> str:
        """Say where it stands; what came is said before what was cancelled or expired."""
        if self.paid_dong >= self.amount_dong:
            return "PAID"
        if self.cancelled is not None:
            return "CANCELLED"
        if self.paid_dong:
            return "UNDERPAID"
        is_over = self.expires_at is not None and now >= self.expires_at
        return "EXPIRED" if is_over else "PENDING"


@dataclass
class PayOs:
    """The links of one merchant. Credentials are the simulator's own."""

    now: Callable[[], datetime]
    checksum_key: str
    account: str
    client_id: str = "payos-sandbox-client-0001"
    api_key: str = "payos-sandbox-api-key-0001"
    links: dict[int, Link] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    """Faults to answer the next calls with: error, html, bad_signature."""

    def routes(self) -> list[Route]:
        """Give payOS's own paths."""
        path = "/v2/payment-requests"
        return [
            Route(path, self._create, methods=["POST"]),
            Route(f"{path}/{{name}}", self._query, methods=["GET"]),
            Route(f"{path}/{{name}}/cancel", self._cancel, methods=["POST"]),
        ]

    def link_of(self, virtual_account: str | None) -> Link | None:
        """Find the link that a virtual account belongs to."""
        found = (link for link in self.links.values() if link.virtual_account == virtual_account)
        return next(found, None)

    async def _create(self, request: Request) -> Response:
        if not self._knows(request):
            return Response(status_code=401)
        asked = await _body(request)
        if not _is_whole(asked):
            return self._say(BAD_REQUEST, "Thông tin không hợp lệ", None)
        text = "&".join(f"{name}={asked[name]}" for name in SIGNED)
        due = hmac.new(self.checksum_key.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(due, str(asked.get("signature", "")).lower()):
            return self._say(BAD_SIGNATURE, "Chữ ký không hợp lệ", None)
        if asked["orderCode"] in self.links:
            return self._say(EXISTS, "Đơn thanh toán đã tồn tại", None)
        link = self._open(asked)
        return self._say(OK, "success", self._created(link, str(request.base_url)))

    def _open(self, asked: Json) -> Link:
        number = len(self.links) + 1
        expired = asked.get("expiredAt")
        link = Link(
            order_code=asked["orderCode"],
            amount_dong=asked["amount"],
            description=asked["description"],
            created_at=self.now(),
            expires_at=datetime.fromtimestamp(expired, tz=self.now().tzinfo) if expired else None,
            id=hashlib.sha256(str(asked["orderCode"]).encode()).hexdigest()[:32],
            virtual_account=f"V3CAS{number:08d}",
        )
        self.links[link.order_code] = link
        return link

    def _created(self, link: Link, base: str) -> Json:
        return {
            "bin": BIN,
            "accountNumber": link.virtual_account,
            "accountName": "EVN CA MAU",
            "amount": link.amount_dong,
            "description": link.description,
            "orderCode": link.order_code,
            "currency": "VND",
            "paymentLinkId": link.id,
            "status": "PENDING",
            "checkoutUrl": f"{base}web/{link.id}",
            "qrCode": write_qr(BIN, link.virtual_account, link.amount_dong, link.description),
        }

    async def _query(self, request: Request) -> Response:
        link = self._named(request)
        if not self._knows(request):
            return Response(status_code=401)
        if link is None:
            return self._say(NO_LINK, "Mã thanh toán không tồn tại", None)
        return self._say(OK, "success", self._told(link))

    async def _cancel(self, request: Request) -> Response:
        link = self._named(request)
        if not self._knows(request):
            return Response(status_code=401)
        if link is None:
            return self._say(NO_LINK, "Mã thanh toán không tồn tại", None)
        if link.status(self.now()) != "PAID":
            link.cancelled = str((await _body(request)).get("cancellationReason", ""))
        return self._say(OK, "success", self._told(link))

    def _told(self, link: Link) -> Json:
        return {
            "id": link.id,
            "orderCode": link.order_code,
            "amount": link.amount_dong,
            "amountPaid": link.paid_dong,
            "amountRemaining": max(link.amount_dong - link.paid_dong, 0),
            "status": link.status(self.now()),
            "createdAt": link.created_at.isoformat(),
            "transactions": [
                {
                    "reference": moved.reference,
                    "amount": moved.amount_dong,
                    "accountNumber": self.account,
                    "description": moved.text,
                    "transactionDateTime": vietnam(moved.at),
                    "virtualAccountName": None,
                    "virtualAccountNumber": moved.virtual_account,
                    "counterAccountBankId": None,
                    "counterAccountBankName": None,
                    "counterAccountName": None,
                    "counterAccountNumber": None,
                }
                for moved in link.moved
            ],
            "cancellationReason": link.cancelled,
            "canceledAt": None,
        }

    def _knows(self, request: Request) -> bool:
        told = (request.headers.get("x-client-id"), request.headers.get("x-api-key"))
        return told == (self.client_id, self.api_key)

    def _named(self, request: Request) -> Link | None:
        name = request.path_params["name"]
        found = (link for link in self.links.values() if name in {str(link.order_code), link.id})
        return next(found, None)

    def _say(self, code: str, desc: str, data: Json | None) -> Response:
        fault = self.answers.pop(0) if self.answers else ""
        if fault == "error":
            return Response(status_code=500)
        if fault == "html":
            return Response("<!doctype html><p>Bao tri</p>", media_type="text/html")
        said: Json = {"code": code, "desc": desc, "data": data}
        if data is not None:
            key = "not-ours" if fault == "bad_signature" else self.checksum_key
            said["signature"] = sign_payos(key, data)
        return JSONResponse(said)


def _is_whole(asked: Json) -> bool:
    texts = all(isinstance(asked.get(n), str) for n in ("cancelUrl", "description", "returnUrl"))
    numbers = all(type(asked.get(name)) is int for name in ("amount", "orderCode"))
    return texts and numbers and asked["amount"] > 0 and 0 < asked["orderCode"] < 2**53


async def _body(request: Request) -> Json:
    try:
        said = json.loads(await request.body())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
