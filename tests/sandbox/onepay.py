"""A merchant of the simulated OnePay: it signs by OnePay's rules, written again."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from gateway.sandbox.onepay import OnePay
from tests.sandbox.vnpay import Inbox, serving

# OnePay's public test merchant.
SECRET = "6D0870CDE5F24F34F3915FB0045120DB"
RETURN_URL = "https://pay.example/return?keep=1"
TAKEN = (200, b"responsecode=1&desc=confirm-success")
_ids = count(1)
# A payment link of that merchant, as OnePay's samples in PHP, Python and JavaScript print it with
# its hash (published by merchants, read 2026-11-24).
PUBLISHED = {
    "AgainLink": "https://mtf.onepay.vn/client/qt/",
    "Title": "PHP VPC 3-Party",
    "vpc_AccessCode": "6BEB2546",
    "vpc_Amount": "10000000",
    "vpc_CardList": "VC",
    "vpc_Command": "pay",
    "vpc_Currency": "VND",
    "vpc_Customer_Email": "test@onepay.vn",
    "vpc_Customer_Id": "test",
    "vpc_Customer_Phone": "84987654321",
    "vpc_Locale": "vn",
    "vpc_MerchTxnRef": "TEST_1706240061",
    "vpc_Merchant": "TESTONEPAY",
    "vpc_OrderInfo": "Ma Don Hang",
    "vpc_ReturnURL": "https://portal.lanit.com.vn:4083/sessYBzPl9UJVn4bm2uE/index.php"
    "?act=payment&process_payment=onepay",
    "vpc_TicketNo": "192.168.166.149",
    "vpc_Version": "2",
}
PUBLISHED_HASH = "11396C01BC33F204691399900DED2D34AB4F9499FF0BA1651E6F7A1F19DAFE3B"


def mac(fields: dict[str, str], secret: str = SECRET) -> str:
    """The names by ASCII, so T before a: vpc_MerchTxnRef, vpc_Merchant."""
    signed = sorted(n for n in fields if n[:4] == "vpc_" or n[:5] == "user_")
    kept = [f"{n}={fields[n]}" for n in signed if n != "vpc_SecureHash" and fields[n] != ""]
    key = bytes.fromhex(secret)
    return hmac.new(key, "&".join(kept).encode(), hashlib.sha256).hexdigest().upper()


def is_signed(fields: dict[str, str]) -> bool:
    return fields.get("vpc_SecureHash") == mac(fields)


def fields_of(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


@dataclass
class Merchant:
    rail: OnePay
    http: httpx.AsyncClient
    inbox: Inbox
    notify_url: str

    def order(self, **changed: str) -> dict[str, str]:
        """The fields of a payment link; names come without `vpc_`, and "absent" leaves one out."""
        fields = {
            "vpc_Version": "2",
            "vpc_Command": "pay",
            "vpc_Currency": "VND",
            "vpc_Locale": "vn",
            "vpc_AccessCode": "6BEB2546",
            "vpc_Merchant": "TESTONEPAY",
            "vpc_MerchTxnRef": f"att-{next(_ids)}",
            "vpc_OrderInfo": "Tiền điện 10/2026",
            "vpc_Amount": "15000000",
            "vpc_ReturnURL": RETURN_URL,
            "vpc_TicketNo": "203.0.113.7",
            "vpc_CallbackURL": self.notify_url,
            **{f"vpc_{name}": value for name, value in changed.items()},
        }
        return {name: value for name, value in fields.items() if value != "absent"}

    async def visit(self, fields: dict[str, str], *, secret: str = SECRET) -> str:
        """Follow the payment link; give where it leads."""
        query = urlencode({**fields, "vpc_SecureHash": mac(fields, secret)})
        answer = await self.http.get(f"/paygate/vpcpay.op?{query}")
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def open(self, **changed: str) -> str:
        fields = self.order(**changed)
        reference = fields["vpc_MerchTxnRef"]
        assert await self.visit(fields) == f"/payer/{reference}"
        return reference

    async def pay(self, reference: str, act: str = "approve") -> dict[str, str]:
        """Press a button of the payer's page; give what the browser brings back."""
        answer = await self.http.post(f"/payer/{reference}", content=f"act={act}")
        assert answer.status_code == 303, answer.text
        return fields_of(urlsplit(answer.headers["location"]).query)

    async def control(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"/control/{path}", json=body)

    async def call(self, path: str, **changed: str) -> httpx.Response:
        """Make a call of the API, signed unless it brings its own SecureHash."""
        account = {"Merchant": "TESTONEPAY", "AccessCode": "6BEB2546", "Version": "2"}
        whole = {**account, "User": "op01", "Password": "op123456", **changed}
        fields = {f"vpc_{n}": v for n, v in whole.items() if v != "absent"}
        return await self.http.post(
            f"/msp/api/v1/vpc/{path}", data={"vpc_SecureHash": mac(fields), **fields}
        )

    async def query(self, reference: str, **changed: str) -> dict[str, str]:
        asked = {"Command": "queryDR", "MerchTxnRef": reference, **changed}
        return fields_of((await self.call("invoices/queries", **asked)).text)

    async def refund(self, reference: str, dong: int, own: str, **changed: str) -> dict[str, str]:
        asked = {
            "Command": "refund",
            "MerchTxnRef": own,
            "OrgMerchTxnRef": reference,
            "Amount": str(dong * 100),
            "Operator": "gateway",
            **changed,
        }
        return fields_of((await self.call("refunds", **asked)).text)

    async def charges(self) -> list[dict[str, Any]]:
        found = (await self.http.get("/control/charges")).json()["charges"]
        return cast("list[dict[str, Any]]", found)

    async def orders(self) -> list[dict[str, Any]]:
        found = (await self.http.get("/control/orders")).json()["orders"]
        return cast("list[dict[str, Any]]", found)


@asynccontextmanager
async def merchant_of(*, over_http: bool = False, **given: Any) -> AsyncIterator[Merchant]:
    """Give a merchant; only over real HTTP can an answer be cut off or hang."""
    inbox = Inbox(answers=[TAKEN])
    async with AsyncExitStack() as stack:
        notify_url = await stack.enter_async_context(inbox.open())
        rail = OnePay(**given)
        app = rail.application()
        stack.push_async_callback(rail._notices.aclose)
        transport, url = None, "http://onepay"
        if over_http:
            url = await stack.enter_async_context(serving(app))
        else:
            transport = httpx.ASGITransport(app=app)
        client = httpx.AsyncClient(
            base_url=url, transport=transport, trust_env=False, timeout=10, follow_redirects=False
        )
        http = await stack.enter_async_context(client)
        yield Merchant(rail, http, inbox, notify_url)
