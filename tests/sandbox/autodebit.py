"""A biller that talks to the simulated bank, signing by hand from the rules of vn-autodebit/0.1."""

import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx

from gateway.sandbox.autodebit import AutoDebit

SECRET = "autodebit-sandbox-simulator-secret-0001"
ACCOUNT = "1900100200300"


def mac(stamp: str, body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()


def a_mandate(mandate_id: str = "M1", **changed: object) -> dict[str, Any]:
    return {
        "mandate_id": mandate_id,
        "bank_bin": "970405",
        "account_no": ACCOUNT,
        "account_name": "NGUYEN VAN AN",
        "customer_code": "PB14010000123",
        "id_no": "096123456789",
        "phone": "84912345678",
        "max_amount": 2_000_000,
        "start": "2026-11-24",
        "channel_registered": "OTP",
        **changed,
    }


def a_debit(debit_id: str = "D1", **changed: object) -> dict[str, Any]:
    debit = {"debit_id": debit_id, "mandate_id": "M1", "bill_id": "HD1", "attempt": 1}
    return {**debit, "amount": 150_000, **changed}


def a_file(*debits: dict[str, Any]) -> bytes:
    lines = "".join(
        f"D|{d['debit_id']}|{d['mandate_id']}|{ACCOUNT}|{d['amount']}|PB14010000123"
        f"|{d['bill_id']}|{d['attempt']}\n"
        for d in debits
    ).encode()
    total = sum(d["amount"] for d in debits)
    return lines + f"T|{len(debits)}|{total}|{sha256(lines).hexdigest()}\n".encode()


@dataclass
class Biller:
    bank: AutoDebit
    http: httpx.AsyncClient
    skew_s: int = 0

    async def send(
        self, method: str, path: str, body: bytes = b"", *, secret: str = SECRET
    ) -> httpx.Response:
        stamp = str(int(time.time()) + self.skew_s)
        headers = {
            "x-client-id": "evn-sandbox",
            "x-timestamp": stamp,
            "x-signature": mac(stamp, body, secret),
        }
        return await self.http.request(method, path, content=body, headers=headers)

    async def post(self, path: str, **fields: object) -> dict[str, Any]:
        return told(await self.send("POST", path, json.dumps(fields).encode()))

    async def get(self, path: str) -> dict[str, Any]:
        return told(await self.send("GET", path))

    async def control(self, path: str, **fields: object) -> dict[str, Any]:
        answer = await self.http.post(f"/control/{path}", json=fields)
        assert answer.status_code < 300, answer.text
        return dict(answer.json()) if answer.content else {}

    async def an_active(self, mandate_id: str = "M1", **changed: object) -> None:
        await self.post("/mandates", **a_mandate(mandate_id, **changed))
        otp = (await self.http.get(f"/control/otps/{mandate_id}")).json()["otp"]
        assert (await self.post(f"/mandates/{mandate_id}/confirm", otp=otp))["state"] == "ACTIVE"

    async def debit(self, debit_id: str = "D1", **changed: object) -> dict[str, Any]:
        return await self.post("/debits", **a_debit(debit_id, **changed))

    def charged(self) -> list[tuple[str, int]]:
        return [(charge.reference, charge.amount_dong) for charge in self.bank.charges]


def told(answer: httpx.Response) -> dict[str, Any]:
    """Read an answer whose signature is the bank's."""
    assert answer.headers["x-signature"] == mac(answer.headers["x-timestamp"], answer.content)
    return dict(answer.json())


@asynccontextmanager
async def a_biller(**bank: Any) -> AsyncIterator[Biller]:
    simulator = AutoDebit(**bank)
    transport = httpx.ASGITransport(simulator.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://bank") as http:
        yield Biller(simulator, http)
