"""payOS's links, simulated: signed by hand, from payOS's documents."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway.sandbox.bank_credits import BankCredits, Transfer
from gateway.sandbox.bank_qr import read_qr

KEY = "payos-sandbox-simulator-checksum-key-0001"
HEADERS = {"x-client-id": "payos-sandbox-client-0001", "x-api-key": "payos-sandbox-api-key-0001"}


@dataclass
class Merchant:
    """Calls payOS, and lets payers pay."""

    bank: BankCredits
    http: httpx.AsyncClient

    async def create(self, **changes: Any) -> Any:
        """Ask for a link of 150,000 đồng."""
        said: dict[str, Any] = {
            "orderCode": 77,
            "amount": 150_000,
            "description": "EVN 77",
            "returnUrl": "https://pay.example/r?a=1",
            "cancelUrl": "https://pay.example/c",
        } | changes
        names = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
        text = "&".join(f"{name}={said[name]}" for name in names)
        said = {
            "signature": hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
        } | said
        return (await self.http.post("/v2/payment-requests", json=said, headers=HEADERS)).json()

    async def status(self, name: str = "77") -> str:
        """Ask where a link stands."""
        answer = await self.http.get(f"/v2/payment-requests/{name}", headers=HEADERS)
        return str(answer.json()["data"]["status"])

    async def cancel(self) -> Any:
        """Close the link."""
        path = "/v2/payment-requests/77/cancel"
        body = {"cancellationReason": "x"}
        return (await self.http.post(path, json=body, headers=HEADERS)).json()

    def pay(self, qr: str, amount_dong: int) -> Any:
        """Scan the link's QR and send an amount; gives the webhook's data."""
        asked = Transfer(qr=qr, amount_dong=amount_dong)
        (notice,) = self.bank.notices(self.bank.book(asked), asked)
        return json.loads(notice.told.body)["data"]


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    """A merchant of the simulated payOS."""
    bank = BankCredits("http://door/{teller}")
    transport = httpx.ASGITransport(bank.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://payos") as http:
        yield Merchant(bank, http)


async def test_a_link_is_opened_and_its_answer_is_signed(merchant: Merchant) -> None:
    said = await merchant.create()
    data = said["data"]
    text = "&".join(f"{name}={data[name]}" for name in sorted(data))
    assert said["signature"] == hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert (said["code"], data["orderCode"], data["status"]) == ("00", 77, "PENDING")
    assert read_qr(data["qrCode"]).account == data["accountNumber"]


async def test_a_link_that_is_paid_in_parts_is_underpaid_until_it_is_paid(
    merchant: Merchant,
) -> None:
    link = (await merchant.create())["data"]
    told = merchant.pay(link["qrCode"], 100_000)
    assert (told["orderCode"], told["amount"], told["paymentLinkId"]) == (
        *(77, 100_000, link["paymentLinkId"]),
    )
    assert await merchant.status() == "UNDERPAID"
    assert merchant.pay(link["qrCode"], 50_000)["amount"] == 50_000
    assert await merchant.status(link["paymentLinkId"]) == "PAID"
    assert (await merchant.cancel())["data"]["status"] == "PAID"


async def test_a_cancelled_link_stays_so_and_an_order_code_opens_one_link(
    merchant: Merchant,
) -> None:
    await merchant.create()
    assert (await merchant.create())["code"] == "231"
    assert (await merchant.cancel())["data"]["status"] == "CANCELLED"
    assert await merchant.status() == "CANCELLED"


async def test_a_link_expires(merchant: Merchant) -> None:
    await merchant.create(expiredAt=1)
    assert await merchant.status() == "EXPIRED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"amount": "150000"}, "20"), ({"amount": 0}, "20"), ({"signature": "0" * 64}, "201")],
)
async def test_what_is_not_whole_or_not_signed_opens_nothing(
    merchant: Merchant, changes: dict[str, Any], code: str
) -> None:
    said = await merchant.create(**changes)
    assert (said["code"], said["data"]) == (code, None)


async def test_a_stranger_and_a_link_that_is_none_are_refused(merchant: Merchant) -> None:
    path = "/v2/payment-requests/99"
    assert (await merchant.http.get(path)).status_code == 401
    assert (await merchant.http.get(path, headers=HEADERS)).json()["code"] == "101"


async def test_payos_misbehaves_when_it_is_told_to(merchant: Merchant) -> None:
    await merchant.create()
    await merchant.http.post("/control/answers", content="error,html,bad_signature")
    path = "/v2/payment-requests/77"
    answers = [await merchant.http.get(path, headers=HEADERS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 200, 200, 200]
    assert answers[1].text.startswith("<!doctype")
    assert answers[2].json()["signature"] != answers[3].json()["signature"]
