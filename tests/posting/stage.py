"""A stage for a biller with a live source: its books, our side, and the worker's turns."""

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from httpx import AsyncClient, Response

from gateway.flows import posting
from gateway.runtime import Runtime
from gateway.store import database
from tests.posting.double import BillersBooks
from tests.world import BILLER, CUSTOMER, World

RULES: dict[str, object] = {"bills_source": "livebiller", "lookup_deadline_s": 2}
LEASE = timedelta(seconds=20)
_numbers = itertools.count(1)


@dataclass
class LiveStage:
    """Plays the partner who calls us, the biller that we call, and the worker."""

    rt: Runtime
    world: World
    api: AsyncClient
    books: BillersBooks
    bills: list[str] = field(default_factory=list)

    def owe(self, *bill_ids: str, customer: str = CUSTOMER, dong: int = 150_000) -> None:
        """Let a customer owe these bills, a month apart, the first the oldest."""
        self.books.owed[customer] = {
            "name": "Nguyễn Văn Án",
            "address": "12 Nguyễn Trãi, Phường 5",
            "bills": [
                {"id": bill_id, "period": f"2026-{month:02}-01", "dong": dong}
                for month, bill_id in enumerate(bill_ids, start=5)
            ],
        }

    async def look_up(self, customer: str = CUSTOMER) -> Response:
        """Look up what a customer owes."""
        return await self.world.look_up(self.api, customer=customer)

    async def paid(self, *bill_ids: str) -> dict[str, Any]:
        """Owe, look up and pay these bills with collected money; gives the payment."""
        self.owe(*bill_ids)
        assert (await self.look_up()).status_code == 200
        answer = await self.world.pay(self.api, *bill_ids)
        assert answer.status_code == 201, answer.text
        payment: dict[str, Any] = answer.json()
        return payment

    async def turn(self, times: int = 1, rt: Runtime | None = None) -> None:
        """Let every posting be due and a worker take its turns."""
        for _ in range(times):
            await self.due()
            await posting.post_due(rt or self.rt, "livebiller")

    async def due(self) -> None:
        """Let every unfinished posting be due, leases over."""
        await self.sql("UPDATE postings SET due_at = now() WHERE due_at IS NOT NULL")

    async def later(self) -> None:
        """Let the visibility window pass."""
        await self.sql("UPDATE posting_bills SET sent_at = sent_at - interval '1 hour'")

    async def posting_of(self, payment: dict[str, Any]) -> dict[str, Any]:
        """Read a payment's posting as its partner does."""
        answer = await self.world.read(self.api, f"/payments/{payment['id']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["posting"]
        return found

    async def status_of(self, payment: dict[str, Any]) -> tuple[str, str | None]:
        """Give how a payment's posting stands, and its undoing."""
        found = await self.posting_of(payment)
        return found["status"], found["undo"]

    async def exceptions(self) -> list[tuple[str, str, int]]:
        """Give kind, owner and amount of the open exceptions."""
        rows = await self.sql(
            "SELECT kind, owner, amount_dong FROM exceptions WHERE closed_at IS NULL ORDER BY kind"
        )
        return [(row["kind"], row["owner"], row["amount_dong"]) for row in rows]

    async def sql(self, statement: str, *args: object) -> list[Any]:
        """Run a statement and give its rows."""
        async with database.borrow(self.rt.pool) as connection:
            return list(await connection.fetch(statement, *args))


__all__ = ["BILLER", "CUSTOMER", "LEASE", "RULES", "LiveStage"]
