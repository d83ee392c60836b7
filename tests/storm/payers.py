"""Payers in a storm: each begins a payment at some provider and then does as people do."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from gateway.sandbox.provider_play import RailAt
from tests.faults.parts import until
from tests.faults.processes import Api

PATIENCE_S = 90.0
AGAIN_S = 0.3
# What a payer does once the order is open, by weight.
WAYS = {"approve": 62, "decline": 8, "abandon": 8, "slow": 8, "late": 6, "twice": 8}
SURE = {201, 202}
REFUSED = {"bill_being_paid", "bill_already_paid", "partner_reference_used"}


@dataclass(frozen=True)
class Bill:
    """One bill of the storm; amounts differ, so that no answer fits another order by chance."""

    id: str
    customer: str
    amount_dong: int


@dataclass
class Storm:
    """What the payers did and heard."""

    api: Api
    rails: list[RailAt]
    http: httpx.AsyncClient
    dice: Random
    answers: dict[str, bytes] = field(default_factory=dict)
    """The first answer under each key."""
    begun: dict[str, str] = field(default_factory=dict)
    """Payment → bill."""
    ways: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    late: list[tuple[RailAt, str]] = field(default_factory=list)
    """Orders that are paid after the payment has ended."""

    async def run(self, bills: list[Bill], clients: int) -> None:
        """Let the clients pay all bills, one after another."""
        left = iter(bills)

        async def client() -> None:
            for bill in left:
                await self._pay(bill)

        await asyncio.gather(*(client() for _ in range(clients)))

    async def _pay(self, bill: Bill) -> None:
        way = self.dice.choices(list(WAYS), list(WAYS.values()))[0]
        rail = self.dice.choice(self.rails)
        self.ways[way] += 1
        payment = await self._begin(bill, rail, f"storm-key-one-{bill.id}")
        if payment is None:
            return
        await self._act(rail, payment, way)
        if way == "twice":
            await self._another(bill)

    async def _another(self, bill: Bill) -> None:
        """Let somebody else pay the same bill at another rail, or a bank collect it."""
        if self.dice.random() < 0.5:
            key = f"storm-key-bank-{bill.id}"
            await self._settled_answer(key, lambda: self._collect(bill, key))
            return
        rail = self.dice.choice(self.rails)
        payment = await self._begin(bill, rail, f"storm-key-two-{bill.id}")
        if payment is not None:
            await self._act(rail, payment, "approve")

    async def _begin(self, bill: Bill, rail: RailAt, key: str) -> dict[str, Any] | None:
        body = {
            "method": "provider",
            "provider": rail.code,
            "channel": rail.channel,
            "biller": "evnspc-camau",
            "customer_code": bill.customer,
            "partner_reference": key,
            "bills": [{"id": bill.id, "amount_dong": bill.amount_dong}],
            "return_url": "https://portal.example.vn/thanks",
            "payer_ip": "113.160.92.202",
            "expires_in_s": 300,
        }
        answer = await self._settled_answer(key, lambda: self.api.post("/v1/payments", body, key))
        if answer.status_code not in SURE:
            assert answer.json()["code"] in REFUSED, answer.text
            return None
        payment: dict[str, Any] = answer.json()
        self.begun[payment["id"]] = bill.id
        return payment

    async def _collect(self, bill: Bill, key: str) -> httpx.Response | None:
        body = {
            "customer_code": bill.customer,
            "bills": [{"id": bill.id, "amount_dong": bill.amount_dong}],
        }
        return await self.api.pay(bill.id, key, **body)

    async def _settled_answer(self, key: str, ask: Any) -> httpx.Response:
        """Send the same call until it is answered for good; that answer then holds for ever."""
        heard: list[httpx.Response] = []

        async def is_answered() -> bool:
            answer = await ask()
            if answer is None:
                return False
            self.statuses[answer.status_code] += 1
            if answer.status_code >= 500 or answer.json().get("retry") == "same_request":
                assert answer.status_code != 500, answer.text
                return False
            heard.append(answer)
            return True

        await until(is_answered, PATIENCE_S, every_s=AGAIN_S)
        self.answers.setdefault(key, heard[0].content)
        return heard[0]

    async def _act(self, rail: RailAt, payment: dict[str, Any], way: str) -> None:
        action = payment["next_action"]
        if action is not None and action["redirect_url"]:
            await self._visit(action["redirect_url"])
        reference = payment["attempts"][-1]["reference"]
        if way in {"approve", "twice"}:
            await self.payer(rail, reference, "approve")
        elif way == "decline":
            await self.payer(rail, reference, "decline")
        elif way == "slow":
            await self.payer(rail, reference, "process")
            await asyncio.sleep(self.dice.uniform(0.2, 1.0))
            await self.payer(rail, reference, "approve")
        elif way == "late":
            self.late.append((rail, reference))

    async def _visit(self, url: str) -> None:
        try:
            await self.http.get(url, follow_redirects=True)
        except httpx.TransportError:
            return

    async def payer(self, rail: RailAt, reference: str, act: str) -> None:
        """Let the payer act at the provider; an order that is not there cannot be paid."""
        answer = await self.http.post(
            f"{rail.url}/control/payer", json={"reference": reference, "act": act}
        )
        assert answer.status_code in {200, 404}, answer.text
