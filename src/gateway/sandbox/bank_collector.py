"""A bank's core, simulated: it debits its customers, asks our door for bills, and pays them there.

What it does on a wire is the wire's own file: `bidvrest`, `bidvxml`, `appotabill`. It keeps books
of its own customers' money: debited, booked at the biller, given back, in doubt. It follows the
answers to the letter, so a wrong answer of ours shows as money that is lost or given twice.
"""

import argparse
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

import httpx
import uvicorn
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.domain.clock import VIETNAM
from gateway.sandbox.rail_faults import Fault, Faults, Planned

TIMEOUT_S = 10.0
Model = TypeVar("Model", bound=BaseModel)


class Verdict(StrEnum):
    """What a code means to the bank."""

    DONE = "done"
    FAILED = "failed"
    """The customer's money goes back."""
    UNKNOWN = "unknown"
    """It stays where it is until the same number is answered, or reconciliation."""


class Money(StrEnum):
    """Where a customer's money is."""

    BOOKED = "booked"
    RETURNED = "returned"
    IN_DOUBT = "in_doubt"


@dataclass
class Transfer:
    """One payment of the bank; its trace never changes, however often it is sent."""

    trace: str
    customer_code: str
    bills: dict[str, int]
    channel: str
    at: datetime
    money: Money = Money.IN_DOUBT
    codes: list[str] = field(default_factory=list)

    @property
    def amount_dong(self) -> int:
        """What the customer was debited."""
        return sum(self.bills.values())


@dataclass(frozen=True)
class Asked:
    """One HTTP request to the gateway; `path` follows `/v1/collections/{wire}/`."""

    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Heard:
    """What an answer says: the code, the bills that it lists, and the biller's own number."""

    code: str
    bills: dict[str, int] = field(default_factory=dict)
    number: str = ""


class Wire(ABC):
    """One protocol, from the bank's side. With a fault a request is signed wrongly."""

    code: ClassVar[str]
    done: ClassVar[frozenset[str]]
    unknown: ClassVar[frozenset[str]]
    channels: ClassVar[Mapping[str, str]]
    """The wire's word for each channel of the bank."""

    @abstractmethod
    def inquire(self, customer_code: str, trace: str, fault: Fault | None) -> Asked:
        """Ask what a customer owes."""

    @abstractmethod
    def pay(self, transfer: Transfer, fault: Fault | None) -> Asked:
        """Pay bills; the same for each repetition."""

    @abstractmethod
    def read(self, body: bytes) -> Heard:
        """Read an answer, after its signature is seen to be right where it has one."""

    def undo(self, transfer: Transfer, trace: str) -> Asked | None:
        """Take a payment back; None where the wire cannot."""
        return None

    def status(self, transfer: Transfer) -> Asked | None:
        """Ask what became of a payment; None where the wire cannot."""
        return None

    def judge(self, heard: Heard) -> Verdict:
        """Say what a code means by the bank's own list; one that is not in it is a failure."""
        if heard.code in self.done:
            return Verdict.DONE
        return Verdict.UNKNOWN if heard.code in self.unknown else Verdict.FAILED


class _Customer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    customer_code: str


class _Payment(_Customer):
    bills: dict[str, int] = Field(min_length=1)
    channel: str = "mobile"
    trace: str | None = None


class _Trace(BaseModel):
    model_config = ConfigDict(extra="forbid")
    trace: str


class BankCore:
    """The bank: an ASGI application whose control calls are what its customers do in its app."""

    def __init__(self, wire: Wire, gateway: str, *, first_trace: int | None = None) -> None:
        self.wire = wire
        self.faults = Faults()
        self.transfers: dict[str, Transfer] = {}
        self.http = httpx.AsyncClient(base_url=gateway, timeout=TIMEOUT_S, trust_env=False)
        # Like a real core's: a new day's run does not begin with numbers that were used.
        started = int(datetime.now(VIETNAM).timestamp() * 10) % 10**9
        self._trace = started if first_trace is None else first_trace

    def application(self) -> Starlette:
        """Make the application."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await self.http.aclose()

        acts = [
            Route("/control/inquire", _taking(_Customer, self._inquire), methods=["POST"]),
            Route("/control/pay", _taking(_Payment, self._pay), methods=["POST"]),
            Route("/control/repeat", _taking(_Trace, self._repeat), methods=["POST"]),
            Route("/control/undo", _taking(_Trace, self._undo), methods=["POST"]),
            Route("/control/status", _taking(_Trace, self._status), methods=["POST"]),
            Route("/control/faults", _taking(Planned, self._plan), methods=["POST"]),
            Route("/control/books", self._books),
            Route("/health", self._health),
        ]
        return Starlette(routes=acts, lifespan=lifespan)

    def next_trace(self) -> str:
        """Give a number that this bank has not used."""
        self._trace += 1
        return f"{self._trace:012d}"

    async def _inquire(self, asked: _Customer) -> Response:
        fault = self.faults.take("query", reference=asked.customer_code)
        request = self.wire.inquire(asked.customer_code, self.next_trace(), fault)
        heard = await self._send(request)
        return JSONResponse(asdict(heard))

    async def _pay(self, asked: _Payment) -> Response:
        """Debit the customer, then pay; the debit is in the books before anything is sent."""
        trace = asked.trace or self.next_trace()
        if asked.channel not in self.wire.channels or trace in self.transfers:
            return Response(status_code=409)
        at = datetime.now(VIETNAM).replace(microsecond=0)
        transfer = Transfer(trace, asked.customer_code, asked.bills, asked.channel, at)
        self.transfers[trace] = transfer
        return await self._try(transfer)

    async def _repeat(self, asked: _Trace) -> Response:
        return await self._try(self.transfers[asked.trace])

    async def _try(self, transfer: Transfer) -> Response:
        fault = self.faults.take("pay", reference=transfer.trace)
        try:
            heard = await self._send(self.wire.pay(transfer, fault))
        except httpx.TransportError:
            return _told(transfer, None)
        if fault is Fault.HANG_AFTER:
            # The biller has answered; the line to us broke.
            return _told(transfer, None)
        self._book(transfer, heard)
        return _told(transfer, heard)

    def _book(self, transfer: Transfer, heard: Heard) -> None:
        transfer.codes.append(heard.code)
        match self.wire.judge(heard):
            case Verdict.DONE:
                transfer.money = Money.BOOKED
            case Verdict.FAILED:
                transfer.money = Money.RETURNED

    async def _undo(self, asked: _Trace) -> Response:
        transfer = self.transfers[asked.trace]
        request = self.wire.undo(transfer, self.next_trace())
        if request is None:
            return Response(status_code=405)
        heard = await self._send(request)
        if self.wire.judge(heard) is Verdict.DONE:
            transfer.money = Money.RETURNED
        return _told(transfer, heard)

    async def _status(self, asked: _Trace) -> Response:
        transfer = self.transfers[asked.trace]
        request = self.wire.status(transfer)
        if request is None:
            return Response(status_code=405)
        heard = await self._send(request)
        self._book(transfer, heard)
        return _told(transfer, heard)

    async def _send(self, asked: Asked) -> Heard:
        answer = await self.http.request(
            asked.method,
            f"/v1/collections/{self.wire.code}/{asked.path}",
            content=asked.body,
            headers=dict(asked.headers),
        )
        return self.wire.read(answer.content)

    async def _plan(self, asked: Planned) -> Response:
        self.faults.plan(asked)
        return Response(status_code=204)

    async def _books(self, _: Request) -> Response:
        kept = self.transfers.values()
        sums = {m: sum(t.amount_dong for t in kept if t.money is m) for m in Money}
        rows = [asdict(t) | {"at": t.at.isoformat()} for t in kept]
        return JSONResponse({"transfers": rows, "dong": sums})

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "transfers": len(self.transfers)})


def _taking(
    model: type[Model], act: Callable[[Model], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            return await act(model.model_validate_json(await request.body()))
        except ValidationError as error:
            return Response(str(error), 400)
        except KeyError:
            return Response(status_code=404)

    return serve


def _told(transfer: Transfer, heard: Heard | None) -> Response:
    """Tell the customer's app; without an answer there is no code."""
    said: dict[str, Any] = {"trace": transfer.trace, "money": transfer.money}
    code, number = (heard.code, heard.number) if heard else (None, "")
    return JSONResponse(said | {"code": code, "number": number})


def serve(wire: Wire, title: str) -> None:
    """Serve a bank on one wire until stopped."""
    parser = argparse.ArgumentParser(description=f"{title}, simulated: the bank's side.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--gateway", required=True, help="where our door is")
    asked = parser.parse_args()
    app = BankCore(wire, asked.gateway).application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)
