"""A bank at which payers send money to our account, and which tells of it by notices."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

from httpx import Response

from tests.crediting.telling import ACCOUNT
from tests.providing.scripted import sign
from tests.providing.stage import Stage
from tests.world import CUSTOMER

SHARE = 150_000
_numbers = itertools.count(1)

LEFT = """
SELECT coalesce(sum(amount_dong), 0)::bigint FROM suspense_lines WHERE closed_at IS NULL
"""
USED = "SELECT coalesce(sum(amount_dong), 0)::bigint FROM credit_uses WHERE kind = $1"
CAME = "SELECT coalesce(sum(amount_dong), 0)::bigint FROM credits"
# A bill that two payments have paid, and money that is to go back more than once or not at all.
TWICE = """
SELECT bill_id FROM payment_bills WHERE sequence IS NOT NULL AND reversal_sequence IS NULL
GROUP BY bill_id HAVING count(*) > 1
"""
UNCARED = """
SELECT l.id FROM suspense_lines l
LEFT JOIN refund_instructions r ON r.suspense_id = l.id AND r.state = 'due'
LEFT JOIN exceptions x ON x.closed_at IS NULL
    AND (x.suspense_id = l.id OR (x.attempt_id = l.attempt_id AND l.credit_id IS NULL))
WHERE l.closed_at IS NULL AND (x.id IS NULL OR l.owner = ''
    OR (l.reason IN ('over', 'second_transfer', 'late')) <> (r.id IS NOT NULL)
    OR r.amount_dong <> l.amount_dong)
"""


@dataclass
class Bank:
    """Sends money to our account and tells of it."""

    stage: Stage

    def credit(self, amount_dong: int = SHARE, text: str = CUSTOMER, **said: object) -> Any:
        """Give one movement as a notice tells it."""
        number = next(_numbers)
        return {
            "key": f"k{number}",
            "amount_dong": amount_dong,
            "account": ACCOUNT,
            "virtual_account": None,
            "bank_reference": f"FT26328{number:06d}",
            "text": text,
            "order_code": None,
            "at": "2026-11-24T03:00:00+00:00",
        } | said

    async def tell(self, *moved: Any, code: str = "telling", **changes: str) -> Response:
        """Tell of movements by one notice."""
        raw = json.dumps(moved).encode()
        headers = {"signature": sign(raw)} | changes
        return await self.stage.api.post(f"/v1/credits/{code}", content=raw, headers=headers)

    async def send(self, amount_dong: int = SHARE, text: str = CUSTOMER, **said: object) -> None:
        """Send money and tell of it; the notice is taken."""
        told = await self.tell(self.credit(amount_dong, text, **said))
        assert (told.status_code, told.text) == (200, "recorded")

    async def opened(self, *bills: str, **changes: object) -> dict[str, Any]:
        """Begin a payment with an order code; gives it."""
        said = {"provider": "coded", "channel": "qr"} | changes
        return await self.stage.opened(*bills, **said)

    @staticmethod
    def code_of(payment: dict[str, Any]) -> str:
        """Give a payment's order code."""
        return str(payment["attempts"][-1]["reference"])

    async def lines(self) -> list[tuple[str, int]]:
        """Give the open lines of suspense, oldest first: why, and how much."""
        rows = await self.stage.sql(
            "SELECT reason, amount_dong FROM suspense_lines WHERE closed_at IS NULL ORDER BY id"
        )
        return [tuple(row) for row in rows]

    async def refunds(self) -> list[int]:
        """Give the refunds that are due, oldest first."""
        rows = await self.stage.sql(
            "SELECT amount_dong FROM refund_instructions WHERE state = 'due' ORDER BY id"
        )
        return [row[0] for row in rows]

    async def bill(self, bill_id: str) -> str:
        """Give a bill's status."""
        rows = await self.stage.sql("SELECT status FROM bills WHERE id = $1", bill_id)
        return str(rows[0][0])

    async def assert_kept(self) -> None:
        """Hold the books: every đồng that came has paid a bill once, or stands with an owner."""
        came, left, paid, known = [
            (await self.stage.sql(sql, *args))[0][0]
            for sql, args in ((CAME, ()), (LEFT, ()), (USED, ("paid",)), (USED, ("recognised",)))
        ]
        balances = await self.stage.world.balances()
        late = await self.stage.sql(
            "SELECT coalesce(sum(amount_dong), 0)::bigint FROM suspense_lines"
            " WHERE credit_id IS NULL AND closed_at IS NULL"
        )
        assert came == paid + known + left - late[0][0]
        assert sum(balances.values()) == 0
        assert -balances.get("suspense:payer", 0) == left
        assert balances.get("receivable:utility", 0) == came - known
        assert await self.stage.sql(TWICE) == []
        assert await self.stage.sql(UNCARED) == []
