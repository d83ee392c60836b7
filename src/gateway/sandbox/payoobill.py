"""Payoo's bill side, simulated: QueryBillBE, PayBillBE, GetTransactionStatusBE.

    python -m gateway.sandbox.payoobill --port 9412

Written from one public connector of a bank, by the profile `payoo-bill-be/1.0`. Where it is silent,
this is ours: an answer's `Signature` is a header over its Data; a call without our partner's
signature is 2004, one whose RequestTime is ten minutes off 2001; a SystemTrace pays once, and a
repetition is answered as the payment stands; a refused one is not remembered.
`POST /control/next-pay` plans code 1 (taken, cleared later), -3 with or without effect, -9 with a
sub-code, and the rest; `/control/lock` is -28, `/control/float` the deposit (-7 once it is gone).
"""

import argparse
import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.domain.clock import VIETNAM
from gateway.sandbox import payoobill_books as books
from gateway.sandbox.payoobill_books import Books, NewBill, NewCustomer, PlannedPay
from gateway.sandbox.payoobill_keys import PARTNER_PUBLIC, PAYOO_PRIVATE
from gateway.sandbox.rail_answers import answer_as
from gateway.sandbox.rail_faults import Fault, Faults, Planned

PARTNER, USER, SERVICE, PROVIDER, CHANNEL = "EVNGW", "evngw", "DIEN", "EVNSPC", "PARTNER"
CLOCK_WINDOW = timedelta(minutes=10)
_OPERATIONS = {"QueryBillBE": "look_up", "PayBillBE": "pay", "GetTransactionStatusBE": "status"}

Said = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)


class Owe(BaseModel):
    """`POST /control/owe`."""

    model_config = ConfigDict(extra="forbid")
    customers: list[NewCustomer]


class OfBill(BaseModel):
    """`POST /control/lock`, `/control/pay-elsewhere`: a bill; `is_on` false gives it back."""

    model_config = ConfigDict(extra="forbid")
    bill: str
    is_on: bool = True


class Deposit(BaseModel):
    """`POST /control/float`."""

    model_config = ConfigDict(extra="forbid")
    dong: int = Field(ge=0)


@dataclass
class BillSide:
    """The simulated bill side of one partner."""

    books: Books = field(default_factory=Books)
    faults: Faults = field(default_factory=Faults)
    is_signed: bool = True
    """Whether answers carry a Signature."""

    def application(self) -> Starlette:
        """Make the application: the one path of Payoo and the control calls."""
        return Starlette(
            routes=[
                Route("/execute", self._execute, methods=["POST"]),
                _control("owe", Owe, lambda asked: self.books.owe(asked.customers)),
                _control("lock", OfBill, lambda asked: _put(self.books.locks, asked)),
                _control("pay-elsewhere", OfBill, lambda asked: _put(self.books.elsewhere, asked)),
                _control(
                    "float", Deposit, lambda asked: setattr(self.books, "float_dong", asked.dong)
                ),
                _control("next-pay", PlannedPay, self.books.planned.append),
                _control("faults", Planned, self.faults.plan),
                Route("/control/calm", self._calm, methods=["POST"]),
                Route("/control/books", self._read_books),
                Route("/health", self._health),
            ]
        )

    async def _execute(self, request: Request) -> Response:
        name = request.headers.get("operation", "")
        data = _data_of(await request.body())
        code = _refusal(request, data)
        asked = _object(data)
        if code is not None or name not in _OPERATIONS or asked is None:
            return self._said({"ReturnCode": books.BAD_DATA if code is None else code}, None)
        reference = str(asked.get("SystemTrace", asked.get("SearchValue", "")))
        fault = self.faults.take(_OPERATIONS[name], reference=reference)

        async def effect() -> Response:
            return self._said(self._effects[name](self, asked, fault), fault)

        return await answer_as(request, fault, effect)

    def _query(self, asked: Said, fault: Fault | None) -> Said:
        code = str(asked.get("SearchValue"))
        about = (asked.get("ServiceId"), asked.get("ProviderId"), asked.get("UserId"))
        if about != (SERVICE, PROVIDER, USER):
            return {"ReturnCode": -10}
        customer = self.books.customers.get(code)
        if customer is None:
            return {"ReturnCode": books.NO_CUSTOMER}
        owed = self.books.open_bills(code)
        if not owed:
            return {"ReturnCode": books.PAID_ALREADY if customer.bills else books.NO_BILL}
        if any(bill.code in self.books.locks for bill in owed):
            return {"ReturnCode": books.LOCKED}
        bills = [_bill(customer, bill) for bill in owed]
        if fault is Fault.OTHER_ORDER:
            bills = [bill | {"CustomerId": "PB00000000000"} for bill in bills]
        return {"ReturnCode": books.OK, "SubReturnCode": 0, "Bills": bills, "Customers": []}

    def _pay(self, asked: Said, fault: Fault | None) -> Said:
        trace, bill = asked.get("SystemTrace"), asked.get("BillIds")
        needed = ("UserId", "ContactPhone", "TransactionTime", "ChannelPerform")
        money = asked.get("MoneyTotal")
        if not (trace and isinstance(bill, str) and isinstance(money, int)):
            return {"ReturnCode": books.BAD_DATA}
        if not all(asked.get(name) for name in needed):
            return {"ReturnCode": books.BAD_DATA}
        number = len(self.books.payments) + 1
        code, sub_code = self.books.pay(str(trace), bill, money, number)
        paid = self.books.paid(str(trace))
        return {
            "ReturnCode": code,
            "SubReturnCode": sub_code,
            "OrderNo": paid.order_no if paid else "",
            "Systemtrace": f"{trace}x" if fault is Fault.OTHER_ORDER else trace,
        }

    def _status(self, asked: Said, _: Fault | None) -> Said:
        if not asked.get("RequestTime") or not asked.get("TransactionTime"):
            return {"ReturnCode": books.BAD_DATA}
        paid = self.books.status(str(asked.get("SystemTrace")))
        if paid is None:
            return {"ReturnCode": books.NOT_FOUND}
        return {"ReturnCode": books.OK, "Status": paid.status, "OrderNo": paid.order_no}

    _effects = {  # noqa: RUF012 (a table of methods)
        "QueryBillBE": _query,
        "PayBillBE": _pay,
        "GetTransactionStatusBE": _status,
    }

    def _said(self, said: Said, fault: Fault | None) -> Response:
        data = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        signed = f"{data} " if fault is Fault.BAD_SIGNATURE else data
        has_signature = self.is_signed and fault is not Fault.UNSIGNED
        headers = {"Signature": sign(signed)} if has_signature else {}
        return JSONResponse({"Data": data}, headers=headers)

    async def _calm(self, _: Request) -> Response:
        self.faults.forget()
        self.books.planned.clear()
        return Response(status_code=204)

    async def _read_books(self, _: Request) -> Response:
        payments = [asdict(paid) for paid in self.books.payments]
        twice, left = self.books.paid_twice(), self.books.float_dong
        return JSONResponse({"payments": payments, "paid_twice": twice, "float_dong": left})

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "customers": len(self.books.customers)})


def sign(data: str) -> str:
    """Sign as Payoo."""
    key = load_pem_private_key(PAYOO_PRIVATE.encode(), None)
    return b64encode(key.sign(data.encode(), PKCS1v15(), SHA256())).decode()  # type: ignore[union-attr,call-arg,arg-type]


def is_partners(data: str, signature: str) -> bool:
    """Say whether the partner signed this."""
    key = load_pem_public_key(PARTNER_PUBLIC.encode())
    try:
        key.verify(b64decode(signature, validate=True), data.encode(), PKCS1v15(), SHA256())  # type: ignore[union-attr,call-arg,arg-type]
    except (ValueError, InvalidSignature):
        return False
    return True


def _refusal(request: Request, data: str) -> int | None:
    headers = request.headers
    if headers.get("partnercode") != PARTNER or not is_partners(data, headers.get("signature", "")):
        return books.BAD_SIGNATURE
    try:
        at = datetime.strptime(headers.get("requesttime", ""), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return books.BAD_TIME
    is_near = abs(datetime.now(UTC) - at.replace(tzinfo=VIETNAM)) < CLOCK_WINDOW
    return None if is_near else books.BAD_TIME


def _data_of(body: bytes) -> str:
    try:
        data = json.loads(body)["Data"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ""
    return data if isinstance(data, str) else ""


def _object(data: str) -> Said | None:
    try:
        asked = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return asked if isinstance(asked, dict) else None


def _bill(customer: NewCustomer, bill: NewBill) -> Said:
    return {
        "BillId": bill.code,
        "ServiceId": SERVICE,
        "ServiceName": "Điện",
        "ProviderId": PROVIDER,
        "ProviderName": "EVN SPC",
        "Month": f"{bill.month:02d}/{bill.year}",
        "MoneyAmount": f"{bill.amount_dong}",
        "PaymentFee": bill.fee_dong,
        "CustomerId": customer.code,
        "CustomerName": customer.name,
        "Address": customer.address,
        "IsPrepaid": False,
        "PaymentRule": bill.rule,
    }


def _put(bills: set[str], asked: OfBill) -> None:
    (bills.add if asked.is_on else bills.discard)(asked.bill)


def _control(name: str, model: type[Model], act: Callable[[Model], object]) -> Route:
    async def serve(request: Request) -> Response:
        try:
            asked = model.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        act(asked)
        return Response(status_code=204)

    handler: Callable[[Request], Awaitable[Response]] = serve
    return Route(f"/control/{name}", handler, methods=["POST"])


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Payoo's bill side, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    asked = parser.parse_args()
    side = BillSide(faults=Faults(seed=asked.seed, rate=asked.rate))
    app = side.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
