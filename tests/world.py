"""Builders: a small world of billers, partners and bills, in which tests name only what matters."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

import asyncpg
from httpx import AsyncClient, Response

from gateway.domain.clock import VIETNAM, business_date
from gateway.domain.partner import Scope
from gateway.flows import operate
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import customers as customers_store
from gateway.store import database, upkeep
from gateway.testing.clock import FrozenClock

MASTER_SECRET = b"a documented secret of the tests only, not of any deployment"
BILLER = "evnspc-camau"
PATTERN = "PB(14|19)[0-9]{9}"
CUSTOMER = "PB14010000001"
MOVED = ("payments", "payment_bills", "transfers", "idempotency_keys", "events", "deliveries")
_numbers = itertools.count(1)


def at_noon() -> FrozenClock:
    """Give a clock that stands at today's noon in Vietnam: no test meets a cut-off by chance."""
    today = business_date(datetime.now(UTC))
    return FrozenClock(datetime.combine(today, time(12), tzinfo=VIETNAM).astimezone(UTC))


@dataclass
class World:
    """Keys of the partners; `bank` and `wallet` pay, `utility` is the biller's own system."""

    rt: Runtime
    keys: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def make(cls, rt: Runtime, **rules: object) -> "World":
        """Make the biller and its partners."""
        world = cls(rt)
        await operate.put_biller(
            rt, BILLER, "Điện lực Cà Mau", {"customer_code_pattern": PATTERN} | rules, actor="test"
        )
        await world.add_partner("utility", biller=BILLER)
        for partner in ("bank", "wallet"):
            await world.add_partner(partner)
        await world.add_customer(CUSTOMER)
        await rt.refresh()
        return world

    async def add_partner(self, code: str, biller: str | None = None) -> None:
        """Make a partner with a key of all scopes."""
        await operate.put_partner(self.rt, code, code.title(), biller=biller, actor="test")
        made = await operate.create_key(self.rt, code, list(Scope), expires_at=None, actor="test")
        self.keys[code] = made.api_key

    async def add_biller(self, code: str) -> None:
        """Make another biller, with its own system as a partner of the same code."""
        await operate.put_biller(
            self.rt, code, code, {"customer_code_pattern": PATTERN}, actor="test"
        )
        await self.add_partner(code, biller=code)
        await self.rt.refresh()

    async def set_rules(self, **rules: object) -> None:
        """Give the biller a new version of its rules, known at once."""
        await operate.put_biller(
            self.rt,
            BILLER,
            "Điện lực Cà Mau",
            {"customer_code_pattern": PATTERN} | rules,
            actor="test",
        )
        await self.rt.refresh()

    async def add_customer(self, code: str, name: str = "Nguyễn Văn Án") -> None:
        """Make a customer of ward 5."""
        async with database.borrow(self.rt.pool) as connection:
            customer = customers_store.NewCustomer(
                code, name, "12 Nguyễn Trãi, Phường 5", "32008", "household", None
            )
            await customers_store.upsert(connection, 1, [customer])

    async def add_bill(
        self,
        bill_id: str | None = None,
        *,
        customer: str = CUSTOMER,
        amount_dong: int = 150_000,
        period: date = date(2026, 10, 1),
    ) -> str:
        """Make an open bill; gives its id."""
        bill_id = bill_id or f"HD-{next(_numbers)}"
        bill = bills_store.NewBill(
            id=bill_id,
            customer_code=customer,
            period=period,
            kwh=70,
            net_dong=amount_dong,
            vat_dong=0,
            amount_dong=amount_dong,
            issued_on=date(2026, 11, 2),
            due_on=date(2026, 11, 9),
        )
        async with database.borrow(self.rt.pool) as connection:
            await bills_store.upsert(connection, 1, [bill])
        return bill_id

    def headers(self, partner: str, key: str | None = None) -> dict[str, str]:
        """Give the headers of a partner's request."""
        headers = {"authorization": f"Bearer {self.keys[partner]}"}
        return headers | ({"idempotency-key": key} if key else {})

    async def pay(
        self,
        api: AsyncClient,
        *bill_ids: str,
        partner: str = "bank",
        key: str | None = None,
        amount_dong: int = 150_000,
        **changes: object,
    ) -> Response:
        """Pay bills of CUSTOMER, `amount_dong` each."""
        number = next(_numbers)
        body: dict[str, object] = {
            "method": "collected",
            "biller": BILLER,
            "customer_code": CUSTOMER,
            "partner_reference": f"REF-{number}",
            "channel": "mobile_banking",
            "bills": [{"id": bill_id, "amount_dong": amount_dong} for bill_id in bill_ids],
        } | changes
        headers = self.headers(partner, key or f"key-of-a-test-{number:08d}")
        return await api.post("/v1/payments", json=body, headers=headers)

    async def reverse(
        self,
        api: AsyncClient,
        payment_id: str,
        *,
        partner: str = "bank",
        key: str | None = None,
        reason: str = "nhầm khách hàng",
    ) -> Response:
        """Reverse a payment."""
        headers = self.headers(partner, key or f"key-of-a-test-{next(_numbers):08d}")
        return await api.post(
            f"/v1/payments/{payment_id}/reversal", json={"reason": reason}, headers=headers
        )

    def order(
        self, *bill_ids: str, amount_dong: int = 150_000, **changes: object
    ) -> dict[str, object]:
        """Give the body of a payment of bills of CUSTOMER, `amount_dong` each."""
        return {
            "method": "collected",
            "biller": BILLER,
            "customer_code": CUSTOMER,
            "partner_reference": f"REF-{next(_numbers)}",
            "channel": "mobile_banking",
            "bills": [{"id": bill_id, "amount_dong": amount_dong} for bill_id in bill_ids],
        } | changes

    def new_key(self) -> str:
        """Give an idempotency key that no test has used."""
        return f"key-of-a-test-{next(_numbers):08d}"

    async def look_up(
        self, api: AsyncClient, *, customer: str = CUSTOMER, partner: str = "bank"
    ) -> Response:
        """Look up what a customer owes."""
        params = {"biller": BILLER, "customer_code": customer}
        return await api.get("/v1/bills", params=params, headers=self.headers(partner))

    async def cancel(
        self, api: AsyncClient, bill_id: str, *, partner: str = "utility", biller: str = BILLER
    ) -> Response:
        """Withdraw a bill."""
        path = f"/v1/billers/{biller}/bills/{bill_id}/cancel"
        return await api.post(path, headers=self.headers(partner))

    async def read(self, api: AsyncClient, path: str, partner: str = "bank") -> Response:
        """GET something under /v1."""
        return await api.get(f"/v1{path}", headers=self.headers(partner))

    async def add_key(
        self, name: str, partner: str, *scopes: Scope, expires_at: datetime | None = None
    ) -> None:
        """Give a partner a second key, known to `headers` as `name`."""
        made = await operate.create_key(
            self.rt, partner, list(scopes), expires_at=expires_at, actor="test"
        )
        self.keys[name] = made.api_key
        await self.rt.refresh()

    async def open_days(self, around: date) -> None:
        """Make the partitions of the days from `around` on, for a clock that stands there."""
        async with database.borrow(self.rt.pool) as connection:
            await upkeep.make_partitions(connection, around)

    async def moved(self) -> dict[str, int]:
        """Count everything that a move of money leaves behind."""
        counted = {table: await self.count(table) for table in MOVED}
        bills = await self.rows(
            "SELECT coalesce(sum(paid_dong), 0)::bigint AS paid_dong,"
            " coalesce(sum(event_sequence), 0) AS told FROM bills"
        )
        return counted | {name: int(value) for name, value in bills[0].items()}

    async def balances(self) -> dict[str, int]:
        """Give each ledger account's debits less its credits, in đồng."""
        rows = await self.rows(
            "SELECT a.code, sum(CASE WHEN t.debit_account = a.id THEN t.amount_dong"
            " ELSE -t.amount_dong END)::bigint AS dong FROM transfers t"
            " JOIN ledger_accounts a ON a.id IN (t.debit_account, t.credit_account)"
            " GROUP BY a.code"
        )
        return {row["code"]: int(row["dong"]) for row in rows}

    async def rows(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Ask the database as it is."""
        async with database.borrow(self.rt.pool) as connection:
            return await connection.fetch(sql, *args)

    async def count(self, table: str) -> int:
        """Count a table's rows."""
        found = await self.rows(f"SELECT count(*) AS n FROM {table}")
        return int(found[0]["n"])
