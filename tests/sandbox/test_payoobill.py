"""The simulated bill side against the facts of the sheet, by a partner who signs by its rules."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.sandbox.payoobill import BillSide
from gateway.sandbox.payoobill_keys import PARTNER_PRIVATE, PAYOO_PUBLIC

CUSTOMER = "PB14010000001"


@dataclass
class Partner:
    http: httpx.AsyncClient

    async def call(self, operation: str, asked: Any, **headers: str) -> dict[str, Any]:
        data = asked if isinstance(asked, str) else json.dumps(asked)
        key = load_pem_private_key(PARTNER_PRIVATE.encode(), None)
        assert isinstance(key, RSAPrivateKey)
        now = datetime.now(UTC).astimezone(timezone(timedelta(hours=7)))
        signed = {
            "PARTNERCODE": "EVNGW",
            "Operation": operation,
            "RequestTime": f"{now:%Y%m%d%H%M%S}",
            "Signature": b64encode(key.sign(data.encode(), PKCS1v15(), SHA256())).decode(),
        }
        answer = await self.http.post("/execute", json={"Data": data}, headers=signed | headers)
        assert answer.status_code == 200
        text: str = answer.json()["Data"]
        public = load_pem_public_key(PAYOO_PUBLIC.encode())
        assert isinstance(public, RSAPublicKey)
        public.verify(b64decode(answer.headers["signature"]), text.encode(), PKCS1v15(), SHA256())
        said: dict[str, Any] = json.loads(text)
        return said

    async def query(self, customer: str = CUSTOMER, **changed: str) -> dict[str, Any]:
        asked = {"UserId": "evngw", "SearchValue": customer, "ProviderId": "EVNSPC"}
        return await self.call("QueryBillBE", {**asked, "ServiceId": "DIEN", **changed})

    async def pay(self, trace: str = "T1", **changed: Any) -> int:
        asked = {"UserId": "evngw", "BillIds": "B1", "ContactPhone": "1900", "SystemTrace": trace}
        asked |= {"TransactionTime": "20261124120000", "ChannelPerform": "PARTNER"}
        said = await self.call("PayBillBE", {**asked, "MoneyTotal": 100_000, **changed})
        return int(said["ReturnCode"])

    async def status(self, trace: str = "T1") -> dict[str, Any]:
        asked = {"SystemTrace": trace, "RequestTime": "x", "TransactionTime": "x"}
        return await self.call("GetTransactionStatusBE", asked)

    async def control(self, path: str, **fields: Any) -> int:
        return (await self.http.post(f"/control/{path}", json=fields)).status_code


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    transport = httpx.ASGITransport(BillSide().application())
    async with httpx.AsyncClient(transport=transport, base_url="http://payoo.test") as http:
        found = Partner(http)
        bill = {"code": "B1", "amount_dong": 100_000, "month": 11, "year": 2026}
        await found.control("owe", customers=[{"code": CUSTOMER, "bills": [bill]}])
        yield found


async def test_a_bill_is_written_as_the_connector_reads_it(partner: Partner) -> None:
    said = await partner.query()
    assert said["ReturnCode"] == 0
    [bill] = said["Bills"]
    assert bill["BillId"] == "B1"
    assert (bill["Month"], bill["MoneyAmount"], bill["CustomerId"]) == (
        "11/2026",
        "100000",
        CUSTOMER,
    )


async def test_a_paid_customer_an_unknown_one_and_a_service_not_sold_have_codes_of_their_own(
    partner: Partner,
) -> None:
    await partner.pay()
    assert (await partner.query())["ReturnCode"] == -106
    assert (await partner.query("PB14019999999"))["ReturnCode"] == 4
    assert (await partner.query(ServiceId="NUOC"))["ReturnCode"] == -10


async def test_a_trace_pays_once_and_another_trace_finds_it_paid(partner: Partner) -> None:
    assert [await partner.pay("T1"), await partner.pay("T1"), await partner.pay("T2")] == [
        0,
        0,
        -111,
    ]


async def test_a_refused_trace_is_not_remembered(partner: Partner) -> None:
    await partner.control("float", dong=1)
    assert await partner.pay() == -7
    assert (await partner.status())["ReturnCode"] == -2
    await partner.control("float", dong=100_000)
    assert await partner.pay() == 0


async def test_code_one_moves_on_as_it_is_asked_about(partner: Partner) -> None:
    await partner.control("next-pay", code=1, asks=1)
    assert [await partner.pay(), await partner.pay()] == [1, 1]
    assert [(await partner.status())["Status"] for _ in range(3)] == [3, 1, 1]
    assert await partner.pay() == 0


async def test_what_breaks_a_rule_is_refused_and_pays_nothing(partner: Partner) -> None:
    assert await partner.pay(MoneyTotal=1) == -4
    assert await partner.pay(MoneyTotal="x") == -1
    assert await partner.pay(ContactPhone="") == -1
    assert await partner.pay(BillIds="B9") == -1
    assert (await partner.call("PayBillBE", "[]"))["ReturnCode"] == -1
    assert (await partner.call("NoSuch", {}))["ReturnCode"] == -1
    assert (await partner.http.get("/control/books")).json()["payments"] == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Signature": "AAAA"}, 2004),
        ({"PARTNERCODE": "OTHER"}, 2004),
        ({"RequestTime": "20200101000000"}, 2001),
        ({"RequestTime": "now"}, 2001),
    ],
)
async def test_a_call_that_is_not_the_partners_of_now_is_refused(
    partner: Partner, headers: dict[str, str], code: int
) -> None:
    assert (await partner.call("QueryBillBE", {}, **headers))["ReturnCode"] == code


async def test_a_control_call_that_is_none_is_refused_and_calm_forgets_the_plans(
    partner: Partner,
) -> None:
    assert await partner.control("next-pay", code="x") == 400
    assert await partner.control("next-pay", code=-3) == 204
    assert await partner.control("calm") == 204
    assert await partner.pay() == 0
    assert (await partner.http.get("/health")).json()["status"] == "ok"
