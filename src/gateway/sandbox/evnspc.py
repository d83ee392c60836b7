"""EVN SPC's PaymentService, simulated: debts, clearing, cancelling, CheckBill, lists, receipts.

    python -m gateway.sandbox.evnspc --port 9411

Written from what is public; evnspc_wire.py names it. Where the sources are silent, this is ours: a
partner is an unknown BankID until `--bank-ids` names it (SOAP fault); arrays of unequal length are
a fault; a bill that another collector holds is answered Status 6, which is in no list; without
BillCodes (older interface) the amounts are held against the open bills, oldest first; a clearing is
cancelled on its own Vietnamese day by the service's clock, whatever CancelDate says; CheckBill of
an unpaid bill and an unknown receipt are empty tables; LoaiGiaoDich filters nothing.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import uvicorn
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.sandbox import evnspc_wire as wire
from gateway.sandbox.evnspc_books import Books, Line
from gateway.sandbox.evnspc_control import controls
from gateway.sandbox.evnspc_rows import (
    bill_info,
    customer_fields,
    day_of,
    local,
    paid_row,
    receipt_row,
)
from gateway.sandbox.rail_answers import answer_as
from gateway.sandbox.rail_faults import Fault, Faults

PATHS = ("/PaymentEVNSPC/PaymentService.svc", "/Gateway/TGTT/PaymentService.svc")
BANK_IDS = "CGTT,VCB,BIDV,AGRIBANK"
_XML = "text/xml; charset=utf-8"
_NAMES = {
    "GetCustomerFeeInfo": "look_up",
    "PayBillFeesByCustomerCode": "pay",
    "CancelBillFeesByCustomerCode": "cancel",
    "CheckBill": "check",
    "GetBillByBank": "list",
}
_KINDS = {"GetPhieuThuTienDien": {"TD"}, "GetPhieuThuCSPK": {"VC"}}


class Switches(BaseModel):
    """What `POST /control/evnspc` changes.

    `is_older` leaves BillCode out of BillInfo and adds InvoiceBookId and Description. `as_text`
    puts the XML of every result into an xs:string. `ahead_s` moves the service's clock.
    """

    model_config = ConfigDict(extra="forbid")

    is_older: bool = False
    as_text: bool = False
    ahead_s: int = Field(default=0, ge=0, le=10 * 86_400)


@dataclass
class PaymentService:
    """The simulated service: an ASGI application with its books."""

    bank_ids: frozenset[str] = frozenset(BANK_IDS.split(","))
    books: Books = field(default_factory=Books)
    faults: Faults = field(default_factory=Faults)
    switches: Switches = field(default_factory=Switches)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self._cancellings = 0

    def application(self) -> Starlette:
        """Make the application: the service's paths and the control calls."""
        routes = [Route(path, self._serve, methods=["GET", "POST"]) for path in PATHS]
        switch = Route("/control/evnspc", self._switch, methods=["POST"])
        return Starlette(routes=[*routes, switch, *controls(self.books, self.faults, self.now)])

    def now(self) -> datetime:
        """Give the service's clock."""
        return self.clock() + timedelta(seconds=self.switches.ahead_s)

    async def _switch(self, request: Request) -> Response:
        try:
            self.switches = Switches.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)

    async def _serve(self, request: Request) -> Response:
        if request.method == "GET":
            if request.url.query.lower() not in {"wsdl", "singlewsdl"}:
                return Response("PaymentService Service", media_type="text/html")
            return Response(wire.wsdl(str(request.url.replace(query=""))), media_type=_XML)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if media_type != "text/xml":
            return Response(status_code=415)
        try:
            asked = wire.read(await request.body(), request.headers.get("soapaction"))
        except wire.Fault as fault:
            return _fault(fault)
        return await self._misbehave(request, asked)

    async def _misbehave(self, request: Request, asked: wire.Asked) -> Response:
        operation = _NAMES.get(asked.operation, "receipt")
        fault = self.faults.take(operation, reference=asked.text("CustomerCode"))

        async def effect() -> Response:
            try:
                result = self._results[asked.operation](self, asked, fault)
            except wire.Fault as refused:
                return _fault(refused)
            written = wire.answer(asked.operation, result, as_text=self.switches.as_text)
            return Response(written, media_type=_XML)

        if fault in {Fault.ERROR_BEFORE, Fault.ERROR_AFTER}:
            if fault is Fault.ERROR_AFTER:
                await effect()
            return _fault(wire.Fault(code="a:InternalServiceFault", text="Object reference"))
        return await answer_as(request, fault, effect)

    # ── operations ───────────────────────────────────────────────────────────────────────────

    def _bank_of(self, asked: wire.Asked) -> str:
        bank_id = asked.text("BankID")
        if bank_id not in self.bank_ids:
            raise wire.Fault(text="BankID is not valid")
        return bank_id

    def _look_up(self, asked: wire.Asked, fault: Fault | None) -> str:
        self._bank_of(asked)
        customer = self.books.customers.get(asked.text("CustomerCode"))
        bills = self.books.open_bills(customer.code) if customer else []
        written = [bill_info(bill, is_older=self.switches.is_older) for bill in bills]
        if fault is Fault.WRONG_AMOUNT:
            written = [bill | {"Amount": 1} for bill in written]
        fields = customer_fields(customer)
        if fault is Fault.OTHER_ORDER:
            fields["CustomerCode"] = "PB14999999999"
        return wire.customer(fields, written)

    def _lines(self, asked: wire.Asked) -> list[Line]:
        amounts = asked.longs("Amount")
        codes, transactions = asked.arrays.get("BillCodes"), asked.arrays.get("TransactionCode", [])
        if codes is None:
            # The older interface names no bills: the amounts are held against the oldest ones.
            codes = [bill.code for bill in self.books.open_bills(asked.text("CustomerCode"))]
            codes = codes[: len(amounts)]
            codes += [""] * (len(amounts) - len(codes))
        if not len(codes) == len(amounts) == len(transactions) > 0 or not all(transactions):
            raise wire.Fault(text="BillCodes, Amount and TransactionCode do not match")
        return [Line(*line) for line in zip(codes, amounts, transactions, strict=True)]

    def _pay(self, asked: wire.Asked, _: Fault | None) -> str:
        bank_id = self._bank_of(asked)
        wire.instant(asked.text("PayDate"))
        statuses = [
            (
                line.transaction_code,
                self.books.pay(
                    line,
                    customer_code=asked.text("CustomerCode"),
                    bank_id=bank_id,
                    at=self.now(),
                ),
            )
            for line in self._lines(asked)
        ]
        return wire.table({"TransactionCode": code, "Status": said} for code, said in statuses)

    def _cancel(self, asked: wire.Asked, _: Fault | None) -> str:
        bank_id = self._bank_of(asked)
        wire.instant(asked.text("CancelDate"))
        self._cancellings += 1
        number = f"HUY{self._cancellings:08d}"
        return self.books.cancel(
            self._cancelled(asked), bank_id=bank_id, now=self.now(), number=number
        )

    def _cancelled(self, asked: wire.Asked) -> list[Line]:
        if "BillCodes" in asked.arrays:
            return self._lines(asked)
        amounts, transactions = asked.longs("Amount"), asked.arrays.get("TransactionCode", [])
        return [
            Line(clearing.bill.code, amount_dong, transaction)
            for amount_dong, transaction in zip(amounts, transactions, strict=False)
            for clearing in self.books.clearings
            if clearing.transaction_code == transaction
        ]

    def _check(self, asked: wire.Asked, fault: Fault | None) -> str:
        self._bank_of(asked)
        found = self.books.standing(asked.text("HoaDonID"))
        if found is None or found.customer_code != asked.text("CustomerCode"):
            return wire.table([])
        amount = 1 if fault is Fault.WRONG_AMOUNT else found.bill.amount_dong
        row = {
            "CUSTOMERCODE": found.customer_code,
            "HOADONID": "0" if fault is Fault.OTHER_ORDER else found.bill.code,
            "AMOUNT": amount,
            "PAYDATE": local(found.at),
            "POSID": found.bank_id,
        }
        return wire.table([row])

    def _list(self, asked: wire.Asked, _: Fault | None) -> str:
        bank_id = self._bank_of(asked)
        days = (day_of(asked.text("TuNgay")), day_of(asked.text("DenNgay")))
        found = self.books.listed(bank_id, asked.text("MaDonViQL"), days)
        return wire.table(
            paid_row(self.books.customers[clearing.customer_code], clearing) for clearing in found
        )

    def _receipt(self, asked: wire.Asked, _: Fault | None) -> str:
        bank_id = self._bank_of(asked)
        found = self.books.standing(asked.text("HoaDonID"))
        kinds = _KINDS.get(asked.operation, {"DC", "DD", "TC", "CD"})
        due = (bank_id, asked.text("TransactionCode"), wire.amount(asked.text("SoTien")))
        if found is None or found.bill.kind not in kinds:
            return wire.table([])
        if due != (found.bank_id, found.transaction_code, found.bill.amount_dong):
            return wire.table([])
        return wire.table([receipt_row(self.books.customers[found.customer_code], found)])

    _results = {  # noqa: RUF012 (a table of methods)
        "GetCustomerFeeInfo": _look_up,
        "PayBillFeesByCustomerCode": _pay,
        "CancelBillFeesByCustomerCode": _cancel,
        "CheckBill": _check,
        "GetBillByBank": _list,
        "GetPhieuThuTienDien": _receipt,
        "GetPhieuThuTienDichVu": _receipt,
        "GetPhieuThuCSPK": _receipt,
    }


def _fault(fault: wire.Fault) -> Response:
    return Response(wire.fault(fault.code, fault.text), 500, media_type=_XML)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="EVN SPC's PaymentService, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bank-ids", default=BANK_IDS, help="the partners, with commas")
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    asked = parser.parse_args()
    service = PaymentService(
        bank_ids=frozenset(asked.bank_ids.split(",")),
        faults=Faults(seed=asked.seed, rate=asked.rate),
    )
    app = service.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
