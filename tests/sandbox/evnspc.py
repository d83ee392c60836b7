"""A partner of the simulated PaymentService: it writes SOAP by hand."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from xml.etree import ElementTree as ET

import httpx

from gateway.sandbox.evnspc import PaymentService
from tests.sandbox.vnpay import serving

SERVICE = "/PaymentEVNSPC/PaymentService.svc"
CUSTOMER = "PB14010012345"
DATE = "2026-11-24T10:00:00+07:00"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"


def texts(name: str, *items: str, kind: str = "string", namespace: str = ARRAYS) -> str:
    """Write an array; its children are in a namespace of their own."""
    inside = "".join(f"<b:{kind}>{item}</b:{kind}>" for item in items)
    return f'<t:{name} xmlns:b="{namespace}">{inside}</t:{name}>'


def bare(text: str) -> ET.Element:
    """Read XML and forget its namespaces, properly."""
    root = ET.fromstring(text)  # noqa: S314 (our own simulator wrote it)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


@dataclass
class Partner:
    service: PaymentService
    http: httpx.AsyncClient
    bank_id: str = "CGTT"

    async def post(self, operation: str, inside: str, **headers: str) -> httpx.Response:
        body = (
            '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
            f'xmlns:t="http://tempuri.org/"><soap:Body><t:{operation}>{inside}</t:{operation}>'
            "</soap:Body></soap:Envelope>"
        )
        whole = {
            "content-type": "text/xml; charset=UTF-8",
            "soapaction": f'"http://tempuri.org/IPaymentService/{operation}"',
            **headers,
        }
        kept = {name: value for name, value in whole.items() if value != "absent"}
        return await self.http.post(SERVICE, content=body.encode(), headers=kept)

    async def call(self, operation: str, inside: str) -> ET.Element:
        """Call, and give the result element."""
        answer = await self.post(operation, inside)
        assert answer.status_code == 200, answer.text
        found = bare(answer.text).find(f"Body/{operation}Response/{operation}Result")
        assert found is not None, answer.text
        return found

    async def fees(self, customer: str = CUSTOMER) -> ET.Element:
        asked = f"<t:BankID>{self.bank_id}</t:BankID><t:CustomerCode>{customer}</t:CustomerCode>"
        return await self.call("GetCustomerFeeInfo", asked)

    def lines(self, bills: list[tuple[str, int, str]], *, day: str, with_codes: bool = True) -> str:
        codes = texts("BillCodes", *(bill for bill, _, _ in bills)) if with_codes else ""
        return (
            f"<t:BankID>{self.bank_id}</t:BankID><t:CustomerCode>{CUSTOMER}</t:CustomerCode>"
            f"{codes}{texts('Amount', *(str(a) for _, a, _ in bills), kind='long')}{day}"
            f"{texts('TransactionCode', *(code for _, _, code in bills))}"
        )

    async def pay(
        self, *bills: tuple[str, int, str], date: str = DATE, with_codes: bool = True
    ) -> list[tuple[str, str]]:
        """Pay bills: code, amount, transaction; give each transaction's status."""
        day = f"<t:PayDate>{date}</t:PayDate>"
        inside = self.lines(list(bills), day=day, with_codes=with_codes)
        result = await self.call("PayBillFeesByCustomerCode", inside)
        return [
            (row.findtext("TransactionCode", ""), row.findtext("Status", ""))
            for row in result.iter("table")
        ]

    async def cancel(self, *bills: tuple[str, int, str], date: str = DATE) -> str:
        day = f"<t:CancelDate>{date}</t:CancelDate>"
        inside = self.lines(list(bills), day=day)
        return (await self.call("CancelBillFeesByCustomerCode", inside)).text or ""

    async def check(self, bill: str) -> dict[str, str] | None:
        asked = (
            f"<t:CustomerCode>{CUSTOMER}</t:CustomerCode><t:HoaDonID>{bill}</t:HoaDonID>"
            f"<t:BankID>{self.bank_id}</t:BankID>"
        )
        rows = rows_of(await self.call("CheckBill", asked))
        return rows[0] if rows else None

    async def paid(self, since: str, until: str, unit: str = "PB1401") -> list[dict[str, str]]:
        asked = (
            f"<t:BankID>{self.bank_id}</t:BankID><t:MaDonViQL>{unit}</t:MaDonViQL>"
            f"<t:TuNgay>{since}</t:TuNgay><t:DenNgay>{until}</t:DenNgay><t:LoaiGiaoDich/>"
        )
        return rows_of(await self.call("GetBillByBank", asked))

    async def control(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/control/{path}", json=body)

    async def owe(self, *bills: tuple[str, int, int], **customer: Any) -> None:
        """Add bills of 2026: code, amount, month."""
        listed = [
            {"code": code, "amount_dong": amount, "month": month, "year": 2026}
            for code, amount, month in bills
        ]
        new = {"code": CUSTOMER, "bills": listed, **customer}
        assert (await self.control("owe", customers=[new])).status_code == 204

    async def fault(self, operation: str, fault: str) -> None:
        assert (await self.control("faults", operation=operation, fault=fault)).status_code == 204

    async def books(self) -> dict[str, Any]:
        return cast("dict[str, Any]", (await self.http.get("/control/books")).json())


def rows_of(result: ET.Element) -> list[dict[str, str]]:
    return [{e.tag: e.text or "" for e in row} for row in result.iter("table")]


@asynccontextmanager
async def partner_of(
    *, over_http: bool = False, now: datetime | None = None
) -> AsyncIterator[Partner]:
    """Give a partner; only over real HTTP can an answer be cut off or hang."""
    service = PaymentService(clock=lambda: now) if now else PaymentService()
    app = service.application()
    async with AsyncExitStack() as stack:
        transport, url = None, "http://evnspc"
        if over_http:
            url = await stack.enter_async_context(serving(app))
        else:
            transport = httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(base_url=url, transport=transport, trust_env=False, timeout=1)
        yield Partner(service, await stack.enter_async_context(client))
