"""The control calls of the simulated PaymentService: owe, pay elsewhere, lock, misbehave, books."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox.evnspc_books import CLEARED, Books, Line, NewCustomer
from gateway.sandbox.rail_faults import Faults, Planned

Model = TypeVar("Model", bound=BaseModel)


class Owe(BaseModel):
    """`POST /control/owe`: customers and bills to add."""

    model_config = ConfigDict(extra="forbid")

    customers: list[NewCustomer]


class PayElsewhere(BaseModel):
    """`POST /control/pay-elsewhere`: another collector clears a bill."""

    model_config = ConfigDict(extra="forbid")

    bill: str
    bank_id: str = "VCB"
    transaction_code: str = "VCB0000000001"


class Lock(BaseModel):
    """`POST /control/lock`: another collector holds a bill, or gives it back (null)."""

    model_config = ConfigDict(extra="forbid")

    bill: str
    held_by: str | None = "VCB"


def controls(books: Books, faults: Faults, now: Callable[[], datetime]) -> list[Route]:
    """Give the control routes, and /health."""
    desk = _Desk(books, faults, now)

    async def calm(_: Request) -> Response:
        faults.forget()
        return Response(status_code=204)

    async def read_books(_: Request) -> Response:
        return JSONResponse(_books(books))

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "customers": len(books.customers)})

    return [
        Route("/control/owe", _taking(Owe, desk.owe), methods=["POST"]),
        Route(
            "/control/pay-elsewhere", _taking(PayElsewhere, desk.pay_elsewhere), methods=["POST"]
        ),
        Route("/control/lock", _taking(Lock, desk.lock), methods=["POST"]),
        Route("/control/faults", _taking(Planned, desk.plan), methods=["POST"]),
        Route("/control/calm", calm, methods=["POST"]),
        Route("/control/books", read_books),
        Route("/health", health),
    ]


@dataclass(frozen=True)
class _Desk:
    """What the control calls do."""

    books: Books
    faults: Faults
    now: Callable[[], datetime]

    def owe(self, asked: Owe) -> Response:
        self.books.owe(asked.customers)
        return Response(status_code=204)

    def pay_elsewhere(self, asked: PayElsewhere) -> Response:
        found = self.books.bill(asked.bill)
        if found is None:
            return Response(status_code=404)
        line = Line(asked.bill, found[1].amount_dong, asked.transaction_code)
        status = self.books.pay(
            line, customer_code=found[0].code, bank_id=asked.bank_id, at=self.now()
        )
        return JSONResponse({"status": status}, 200 if status == CLEARED else 409)

    def lock(self, asked: Lock) -> Response:
        if asked.held_by is None:
            self.books.locks.pop(asked.bill, None)
        else:
            self.books.locks[asked.bill] = asked.held_by
        return Response(status_code=204)

    def plan(self, asked: Planned) -> Response:
        self.faults.plan(asked)
        return Response(status_code=204)


def _taking(
    model: type[Model], act: Callable[[Model], Response]
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            asked = model.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return act(asked)

    return serve


def _books(books: Books) -> dict[str, object]:
    """Write the ledger: every clearing, standing or cancelled, and what was cleared twice."""
    return {
        "clearings": [
            {
                "bill": clearing.bill.code,
                "customer_code": clearing.customer_code,
                "amount_dong": clearing.bill.amount_dong,
                "bank_id": clearing.bank_id,
                "transaction_code": clearing.transaction_code,
                "cancelled_by": clearing.cancelled_by or None,
            }
            for clearing in books.clearings
        ],
        "owed_dong": sum(
            bill.amount_dong for code in books.customers for bill in books.open_bills(code)
        ),
        "cleared_twice": books.cleared_twice(),
    }
