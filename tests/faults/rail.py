"""A house with a simulated provider that speaks real HTTP, and what must be true afterwards."""

from dataclasses import dataclass
from typing import Any

import httpx

from gateway.domain.ids import from_public, to_public
from gateway.sandbox.rails import RAILS
from tests.faults.parts import Part, free_port, until
from tests.faults.processes import Api, House
from tests.world import BILLER, CUSTOMER

MOMO = RAILS[0]
DUE = "UPDATE attempts SET due_at = now() WHERE due_at IS NOT NULL"
# As if the order's time were over, and the provider's visibility window as well.
OVER = """
UPDATE attempts SET expires_at = now() - interval '1 hour',
    negative_since = negative_since - interval '1 hour', due_at = now()
WHERE payment_id = $1 AND due_at IS NOT NULL
"""
FINAL = {"succeeded", "failed", "cancelled", "expired"}


@dataclass
class RailHouse:
    """A house, a rail, and the API that is asked again after every restart."""

    at: House
    url: str
    gateway: str
    _api: Api | None = None

    @classmethod
    async def make(cls, at: House) -> "RailHouse":
        """Start the rail and the API."""
        rail, front = free_port(), free_port()
        made = cls(at, f"http://127.0.0.1:{rail}", f"http://127.0.0.1:{front}")
        at.start(*MOMO.arguments(port=rail, gateway=made.gateway))
        await until(lambda: at.answers(f"{made.url}/health"))
        made._api = await at.start_api(port=front, **made.environment())
        return made

    @property
    def api(self) -> Api:
        """The API that stays up."""
        assert self._api is not None
        return self._api

    def environment(self) -> dict[str, str]:
        """Give what tells a process of the rail, and the rail of the API that stays up."""
        return MOMO.environment(rail=self.url) | {"GATEWAY_PUBLIC_URL": self.gateway}

    async def start_dying(self, step: str) -> Api:
        """Start an API that kills itself at a step."""
        return await self.at.start_api(dies_at=step, port=0, **self.environment())

    def start_worker(self, step: str = "") -> Part:
        """Start a worker that asks the rail."""
        return self.at.start_worker(dies_at=step, **self.environment())

    async def begin(self, api: Api, bill_id: str) -> httpx.Response | None:
        """Begin a payment at the rail; None when the line broke before an answer came."""
        body: dict[str, object] = {
            "method": "provider",
            "provider": MOMO.code,
            "channel": MOMO.channel,
            "biller": BILLER,
            "customer_code": CUSTOMER,
            "partner_reference": f"REF-{bill_id}",
            "bills": [{"id": bill_id, "amount_dong": 150_000}],
            "return_url": "https://portal.test/thanks",
            "payer_ip": "113.160.92.202",
        }
        return await api.post("/v1/payments", body, key_of(bill_id))

    async def control(self, what: str, **said: object) -> httpx.Response:
        """Tell the rail what to do."""
        return await self.at.http.post(f"{self.url}/control/{what}", json=said)

    async def knows(self, reference: str) -> bool:
        """Say whether the rail has an order of this reference."""
        orders = (await self.at.http.get(f"{self.url}/control/orders")).json()["orders"]
        return any(order["reference"] == reference for order in orders)

    async def charged(self, reference: str) -> int:
        """Count what the rail has taken for an order."""
        charges = (await self.at.http.get(f"{self.url}/control/charges")).json()["charges"]
        return sum(charge["reference"] == reference for charge in charges)

    async def attempt_of(self, bill_id: str) -> dict[str, Any] | None:
        """Read the attempt at a bill, as it stands in the database."""
        rows = await self.at.rows(
            "SELECT a.* FROM attempts a JOIN payment_bills l ON l.payment_id = a.payment_id"
            " WHERE l.bill_id = $1",
            bill_id,
        )
        assert len(rows) <= 1
        return dict(rows[0]) if rows else None

    async def until_final(self, payment_id: str) -> dict[str, Any]:
        """Let workers ask, the order's end come if nobody pays, and give the payment as it ends."""
        shown: dict[str, Any] = {}

        async def is_final() -> bool:
            nonlocal shown
            shown = (await self.api.get(f"/v1/payments/{payment_id}")).json()
            if shown["status"] not in FINAL:
                await self.at.rows(OVER, from_public("pay", payment_id))
            return shown["status"] in FINAL

        await until(is_final, every_s=0.4)
        return shown


def key_of(bill_id: str) -> str:
    """Give the key under which a bill's payment is begun."""
    return f"crash-begins-{bill_id}-0123"


async def assert_one_truth(house: RailHouse, bill_id: str) -> dict[str, Any]:
    """One attempt, at most one charge, settled if charged and only then, told once, one answer."""
    attempt = await house.attempt_of(bill_id)
    assert attempt is not None
    payment = await house.until_final(to_public("pay", attempt["payment_id"]))
    assert payment["certainty"] == "proved"
    charges = await house.charged(attempt["reference"])
    assert charges == (1 if payment["status"] == "succeeded" else 0)
    source = attempt["payment_id"]
    for table, column in (("transfers", "source"), ("events", "subject")):
        rows = await house.at.rows(f"SELECT 1 FROM {table} WHERE {column} = $1", source)
        assert len(rows) == charges, table
    bill = (await house.at.rows("SELECT * FROM bills WHERE id = $1", bill_id))[0]
    assert bill["status"] == ("paid" if charges else "open")
    assert bill["claim"] is None
    if charges:
        await house.at.until_delivered()
    heard = [entry for entry in await house.at.received() if entry["bill_id"] == bill_id]
    assert [entry["effect"] for entry in heard] == ["applied"] * charges
    await assert_key_answers(house, bill_id, payment["id"])
    return payment


async def assert_key_answers(house: RailHouse, bill_id: str, payment_id: str) -> None:
    """The key names this payment, byte for byte the same each time, and asks the rail nothing."""
    first, again = [await house.begin(house.api, bill_id) for _ in range(2)]
    assert first is not None
    assert again is not None
    assert (first.status_code, again.status_code) in {(201, 201), (202, 202)}
    assert first.json()["id"] == payment_id
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
