"""What must be true after a storm: our books against the providers' own."""

from collections import Counter
from typing import Any

from tests.faults.processes import House
from tests.storm.payers import Storm

COLLECTED = """
SELECT t.amount_dong FROM transfers t JOIN payments p ON p.id = t.source
WHERE p.method = 'collected' AND t.kind = 'payment'
"""
OVERPAID = """
SELECT l.bill_id FROM payment_bills l JOIN payments p ON p.biller_id = l.biller_id
    AND p.id = l.payment_id WHERE p.status = 'succeeded' AND p.reversed_at IS NULL
GROUP BY l.bill_id HAVING count(*) > 1
"""
LOST_HOLD = """
SELECT b.id FROM bills b JOIN payments p ON p.id = b.claimed_by
WHERE b.claim IS NOT NULL AND p.status IN ('succeeded', 'failed', 'cancelled', 'expired')
"""


class Truth:
    """Holds our books against the providers' own, and both against what was promised."""

    def __init__(self, at: House, storm: Storm, strikes: Counter[str], told: str) -> None:
        self._at = at
        self._storm = storm
        self._strikes = strikes
        self._told = told

    async def holds(self) -> dict[str, Any]:
        """Check every promise; give the figures.

        Raises:
            AssertionError: naming the seed and what is not as promised.
        """
        charged = await self._charges()
        attempts = await self._at.rows("SELECT * FROM attempts")
        wrong = self._wrong(charged, attempts)
        assert not wrong, f"{self._told}: resolved wrongly {wrong}"
        await self._money_is_where_it_must_be(charged, attempts)
        await self._answers_hold()
        await self._biller_knows()
        return await self._figures(charged, attempts, wrong)

    async def _charges(self) -> dict[str, int]:
        """Give what the providers took, by our reference: at most once each."""
        found: dict[str, int] = {}
        for rail in self._storm.rails:
            answer = await self._at.http.get(f"{rail.url}/control/charges")
            for charge in answer.json()["charges"]:
                assert charge["reference"] not in found, f"{self._told}: charged twice {charge}"
                found[charge["reference"]] = charge["amount_dong"]
        return found

    def _wrong(self, charged: dict[str, int], attempts: list[Any]) -> list[str]:
        """Name every attempt whose state is not what its provider's ledger says.

        One that is disputed is shown as such and has an owner: nothing was guessed of it.
        """
        known = {attempt["reference"] for attempt in attempts}
        return [
            *(f"{reference} is charged and unknown here" for reference in set(charged) - known),
            *(
                f"{a['provider']} {a['reference']} is {a['state']}"
                for a in attempts
                if a["state"] != "conflicted"
                and (a["state"] == "succeeded") != (a["reference"] in charged)
            ),
        ]

    async def _money_is_where_it_must_be(
        self, charged: dict[str, int], attempts: list[Any]
    ) -> None:
        taken = {a["reference"]: a for a in attempts if a["state"] == "succeeded"}
        rows = await self._at.rows("SELECT source, kind, amount_dong FROM transfers")
        settled = {row["source"] for row in rows if row["kind"] == "payment"}
        late = {row["source"] for row in rows if row["kind"] == "late_payment"}
        owned = {
            row["attempt_id"]
            for row in await self._at.rows(
                "SELECT attempt_id FROM exceptions WHERE kind = 'late_money' AND owner <> ''"
            )
        }
        for reference, attempt in taken.items():
            is_late, is_settled = attempt["id"] in late, attempt["payment_id"] in settled
            assert is_late or is_settled, f"{self._told}: {reference} is nowhere in the books"
            assert not is_late or attempt["id"] in owned, f"{self._told}: {reference} has no owner"
        total = sum(charged[reference] for reference in taken)
        moved = sum(
            row["amount_dong"] for row in rows if row["kind"] in {"payment", "late_payment"}
        ) - sum(row["amount_dong"] for row in await self._at.rows(COLLECTED))
        assert moved == total, f"{self._told}: the books say {moved}, the providers {total}"
        assert not await self._at.rows(OVERPAID), f"{self._told}: a bill was paid twice"
        assert not await self._at.rows(LOST_HOLD), f"{self._told}: a bill is held by what ended"

    async def _answers_hold(self) -> None:
        for key, first in self._storm.answers.items():
            stored = await self._at.rows("SELECT body FROM idempotency_keys WHERE key = $1", key)
            if stored:
                assert stored[0]["body"].encode() == first, f"{self._told}: {key}"

    async def _biller_knows(self) -> None:
        events = await self._at.rows("SELECT subject FROM events WHERE type = 'payment.succeeded'")
        told = [f"pay_{row['subject'].hex}" for row in events]
        assert len(told) == len(set(told)), f"{self._told}: an event was written twice"
        received = [entry["payment_id"] for entry in await self._at.received()]
        assert sorted(received) == sorted(told), f"{self._told}: the billing system differs"

    async def _figures(
        self, charged: dict[str, int], attempts: list[Any], wrong: list[str]
    ) -> dict[str, Any]:
        waits = sorted(
            (a["settled_at"] - a["doubt_since"]).total_seconds()
            for a in attempts
            if a["doubt_since"] is not None and a["settled_at"] is not None
        )
        ranks = Counter(int(a["rank"]) for a in attempts if a["state"] == "succeeded")
        return {
            "seed": self._told,
            "payments": len(attempts),
            "charged": len(charged),
            "states": dict(Counter(a["state"] for a in attempts)),
            "ways": dict(self._storm.ways),
            "strikes": dict(self._strikes),
            "http": {str(k): v for k, v in self._storm.statuses.items()},
            "doubts": len(waits),
            "certainty_p50_s": waits[len(waits) // 2] if waits else None,
            "certainty_p95_s": waits[int(len(waits) * 0.95)] if waits else None,
            "succeeded_by_rank": {str(k): v for k, v in ranks.items()},
            "late_money": await self._at.count("SELECT FROM transfers WHERE kind = 'late_payment'"),
            "wrong_resolutions": len(wrong),
        }
