"""Where payers meet: one real house with the other side of every channel, and its books."""

import asyncio
import itertools
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from gateway.house import DEMO_KEYS, House
from gateway.sandbox.field_device import FieldDevice
from gateway.sandbox.plays import plays
from gateway.sandbox.plays.vietqr import ACCOUNT
from gateway.sandbox.rails import MORE_RAILS, RAILS, RailPart

Json = dict[str, Any]
TERMINALS = tuple(f"WARD5-{number:02d}" for number in range(1, 41))
PATIENCE_S = 45.0
SMS_MOST_DONG = 2_000_000
PARTNERS = ("vietbank", "saigonpay")
"""Who asks for the first payer and for the second one."""
COLLECTORS_HOUSE = "evnspc-camau"
COLLECTORS_KEY = DEMO_KEYS[COLLECTORS_HOUSE]
COLLECTORS = ("pair-an", "pair-binh")
"""Who takes cash at the door of the first payer and of the second one."""
CAP_DONG = "1000000000"

# Customers who owe exactly one bill that every channel may pay, and have never tried to.
DEBTORS = """
SELECT b.customer_code, min(b.id) AS bill_id, min(b.amount_dong - b.paid_dong) AS due_dong
FROM bills b
WHERE b.status = 'open' AND NOT EXISTS (SELECT FROM payment_bills l WHERE l.bill_id = b.id)
GROUP BY b.customer_code
HAVING count(*) = 1 AND min(b.amount_dong - b.paid_dong) BETWEEN 20000 AND $1::bigint
ORDER BY b.customer_code
"""


@dataclass(frozen=True, slots=True)
class Bill:
    """A fresh customer's one open bill."""

    customer_code: str
    id: str
    amount_dong: int


def parts() -> list[RailPart]:
    """Give the simulator of each channel; the counters have a terminal for each race."""
    found = {part.code: part for play in plays().values() for part in play.parts}
    found |= {part.code: part for part in (*RAILS, *MORE_RAILS) if part.code in WANTED}
    pos = found["pospush"]
    found["pospush"] = replace(pos, config={**pos.config, "terminals": ",".join(TERMINALS)})
    return [found[code] for code in WANTED]


WANTED = (
    *("bidvrest", "bidvxml", "autodebit", "smsbanking", "momo", "viettelpay"),
    *("onepay", "napas", "pospush", "bank_credits", "keypay"),
)


class Street:
    """The house as its neighbours see it, and its database as an auditor does."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.http = httpx.Client(timeout=30.0, trust_env=False)
        self.rails = {rail.code: rail.url for rail in house.rails}
        self.lock = Lock()
        self.terminals = itertools.cycle(TERMINALS)
        self.phones: dict[str, str] = {}
        utility = house.stage.biller
        house.command("credit-account", ACCOUNT, "--biller", utility, "--partner", utility)
        self.tablets = [self._enrol(collector) for collector in COLLECTORS]
        self._debtors = iter(self.sql(DEBTORS, SMS_MOST_DONG))

    def _enrol(self, collector: str) -> FieldDevice:
        """Make a collector with a tablet."""
        house, key_id = self.house, f"tab-{collector}"
        own = ("--biller", house.stage.biller, "--partner", COLLECTORS_HOUSE)
        caps = ("--per-day", CAP_DONG, "--per-list", CAP_DONG)
        house.command("cash", "collector", collector, "Chị Ấn", *own, *caps)
        secret = house.command("cash", "device", collector, key_id)
        return FieldDevice(key_id, bytes.fromhex(secret.strip()))

    def next_bill(self) -> Bill:
        """Give a bill that nobody has touched."""
        row = next(self._debtors)
        return Bill(row["customer_code"], row["bill_id"], row["due_dong"])

    def sql(self, statement: str, *args: object) -> list[asyncpg.Record]:
        """Ask the database as it is."""

        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.house.environment["GATEWAY_DATABASE_URL"])
            try:
                return list(await connection.fetch(statement, *args))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def await_rows(self, statement: str, *args: object) -> list[asyncpg.Record]:
        """Ask the database until it gives a row."""
        until = monotonic() + PATIENCE_S
        while not (found := self.sql(statement, *args)) and monotonic() < until:
            sleep(0.3)
        return found

    def post(self, path: str, body: Json, partner: str) -> httpx.Response:
        """Call the gateway as a partner."""
        headers = {
            "authorization": f"Bearer {DEMO_KEYS[partner]}",
            "idempotency-key": str(uuid4()),
        }
        return self.http.post(f"{self.house.stage.gateway}{path}", json=body, headers=headers)

    def control(self, rail: str, path: str, **body: object) -> Json:
        """Let somebody act at a simulator."""
        answer = self.http.post(f"{self.rails[rail]}/control/{path}", json=body)
        answer.raise_for_status()
        found: Json = answer.json() if answer.content else {}
        return found

    def books(self, rail: str, path: str = "charges") -> Json:
        """Read a simulator's own books."""
        answer = self.http.get(f"{self.rails[rail]}/control/{path}")
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def told(self) -> dict[str, list[str]]:
        """Give what the billing system was told, event by event, of each bill."""
        told: dict[str, list[str]] = {}
        after = 0
        while True:
            url = f"{self.house.stage.billing_system}/ledger"
            page = self.http.get(url, params={"after": after, "limit": 1000}).json()
            for entry in page["entries"]:
                told.setdefault(entry["bill_id"], []).append(entry["type"])
            if page["next"] is None:
                return told
            after = page["next"]


def order(street: Street, bill: Bill, **how: object) -> Json:
    """Write the body of a payment of one bill."""
    return {
        "biller": street.house.stage.biller,
        "customer_code": bill.customer_code,
        "partner_reference": f"PAIR-{uuid4().hex[:16].upper()}",
        "bills": [{"id": bill.id, "amount_dong": bill.amount_dong}],
        **how,
    }
