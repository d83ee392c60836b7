"""Load for the fault tests, and what must be true of its history afterwards."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from random import Random

import httpx

from gateway.domain.ids import to_public
from tests.faults.parts import until
from tests.faults.processes import Api, House

# A bill's numbers, from its payments and its reversals; they must be 1 to n without a gap.
NUMBERS = """
SELECT b.id, b.event_sequence AS last, b.status, b.paid_dong,
       array_agg(n ORDER BY n) AS numbers
FROM payment_bills l
CROSS JOIN unnest(ARRAY[l.sequence, l.reversal_sequence]) n
JOIN bills b ON b.biller_id = l.biller_id AND b.id = l.bill_id
WHERE n IS NOT NULL
GROUP BY b.biller_id, b.id
"""
PAYMENTS = """
SELECT p.id, l.bill_id, p.reversed_at IS NOT NULL AS is_reversed FROM payments p
JOIN payment_bills l ON l.biller_id = p.biller_id AND l.payment_id = p.id
"""
# Each payment has one transfer, one event and one key, and so has each reversal.
SPLIT = """
SELECT source FROM transfers GROUP BY source, kind HAVING count(*) <> 1
UNION ALL SELECT subject FROM events GROUP BY subject, type HAVING count(*) <> 1
UNION ALL SELECT resource_id FROM idempotency_keys
    GROUP BY resource_id, operation HAVING count(*) <> 1
"""
UNTOLD = """
SELECT FROM events e LEFT JOIN deliveries d ON d.biller_id = e.biller_id AND d.event_id = e.id
GROUP BY e.id HAVING count(d.id) <> 1
"""
CLIENTS = 20
SETTLE_S = 60.0


def dice_of(seed: int) -> Random:
    """Give choices that the seed repeats."""
    return Random(seed)  # noqa: S311 (no secret)


class Payers:
    """Clients that pay one bill after another, repeating each call until it is answered for good.

    Some reverse what they have paid, and pay it again. The dice make the same choices each run.
    """

    def __init__(
        self, api: Api, bills: Iterable[str], *, dice: Random, reversing: float = 0.0
    ) -> None:
        self._api = api
        self._bills = iter(bills)
        self._dice = dice
        self._reversing = reversing
        self._enough = asyncio.Event()
        self.first: dict[str, bytes] = {}
        """The first answer that was heard under each key; it is to hold for ever."""
        self.paid: dict[str, str] = {}
        """Payment → bill, as acknowledged."""
        self.reversed: set[str] = set()
        self.statuses: Counter[int] = Counter()

    async def run(self, clients: int = CLIENTS) -> None:
        """Pay until `stop`."""
        await asyncio.gather(*(self._client() for _ in range(clients)))

    def stop(self) -> None:
        """Let every client finish what it has begun."""
        self._enough.set()

    async def repeat_all(self) -> None:
        """Send every payment once more: each must be answered byte for byte as at first."""
        keys = iter([key for key in self.first if key.startswith("pay")])

        async def client() -> None:
            for key in keys:
                answer = await self._api.pay(_bill_of(key), key)
                assert answer is not None, key
                assert answer.content == self.first[key], key
                assert answer.headers["idempotent-replayed"] == "true", key

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def _client(self) -> None:
        while not self._enough.is_set():
            bill_id = next(self._bills)
            payment_id = await self._pay(bill_id, f"pay-first-of:{bill_id}")
            if self._dice.random() < self._reversing:
                await self._reverse(payment_id, f"reversal-of:{bill_id}")
                await self._pay(bill_id, f"pay-again-of:{bill_id}")
            await asyncio.sleep(self._dice.uniform(0, 0.1))

    async def _pay(self, bill_id: str, key: str) -> str:
        await self._until_answered(key, lambda: self._api.pay(bill_id, key))
        payment_id = _id_in(self.first[key])
        self.paid[payment_id] = bill_id
        return payment_id

    async def _reverse(self, payment_id: str, key: str) -> None:
        await self._until_answered(key, lambda: self._api.reverse(payment_id, key))
        self.reversed.add(payment_id)

    async def _until_answered(
        self, key: str, ask: Callable[[], Awaitable[httpx.Response | None]]
    ) -> None:
        async def is_answered() -> bool:
            return self._is_answered(key, await ask())

        await until(is_answered, SETTLE_S, every_s=0.1)

    def _is_answered(self, key: str, answer: httpx.Response | None) -> bool:
        if answer is None:
            return False
        self.statuses[answer.status_code] += 1
        if answer.status_code == 201:
            self.first[key] = answer.content
            return True
        # Nothing here may be refused for good, and nothing may be our own mistake.
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, problem["retry"]) in {
            (503, "same_request"),
            (409, "same_request"),
        }, problem
        assert int(answer.headers["retry-after"]) > 0
        return False


def _bill_of(key: str) -> str:
    return key.partition(":")[2]


def _id_in(body: bytes) -> str:
    return httpx.Response(201, content=body).json()["id"]  # type: ignore[no-any-return]


async def assert_history_holds(at: House, payers: Payers, told: str) -> None:
    """Everything that was acknowledged is there once, and nothing else is.

    Args:
        at: the database, quiet by now.
        payers: what was acknowledged.
        told: how to repeat the run, for the message.
    """
    stored = await at.survey(PAYMENTS)
    assert {to_public("pay", row["id"]): row["bill_id"] for row in stored} == payers.paid, told
    taken_back = {to_public("pay", row["id"]) for row in stored if row["is_reversed"]}
    assert taken_back == payers.reversed, told
    moves = len(payers.paid) + len(payers.reversed)
    assert len(stored) == len(payers.paid), told
    for table in ("transfers", "events", "deliveries", "idempotency_keys"):
        assert await at.world.count(table) == moves, (table, told)
    assert await at.survey(SPLIT) == [], told
    assert await at.survey(UNTOLD) == [], told
    for bill in await at.survey(NUMBERS):
        assert bill["numbers"] == list(range(1, bill["last"] + 1)), (bill, told)
        assert (bill["status"], bill["paid_dong"]) == ("paid", 150_000), (bill, told)
    standing = 150_000 * (len(payers.paid) - len(payers.reversed))
    balances = await at.world.balances()
    assert sum(balances.values()) == 0, told
    assert sorted(value for value in balances.values() if value) == [-standing, standing], told


async def assert_biller_knows(at: House, told: str) -> None:
    """The billing system has taken in every event, each once, and every bill as we have it."""
    await at.until_delivered()
    taken = [(entry["id"], entry["type"]) for entry in await at.received()]
    events = await at.survey("SELECT id, type FROM events")
    assert len(taken) == len(set(taken)), told
    assert set(taken) == {(to_public("evt", row["id"]), row["type"]) for row in events}, told
    applied = {
        (entry["bill_id"], entry["sequence"]): entry["payment_id"] for entry in await at.received()
    }
    for bill in await at.survey(NUMBERS):
        assert all((bill["id"], number) in applied for number in bill["numbers"]), (bill, told)
