"""Invented histories of how bills were paid, and what must be counted of them, by brute force.

The oracle knows nothing of SQL, of bits or of roll-ups: it looks at every bill, every time.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from gateway.domain.adoption import CASH, months_later
from gateway.store import database
from tests.world import World

FIRST = date(2026, 1, 1)
WARDS = ("32011", "32008", "32017")
CHANNELS = ("mobile_banking", "e_wallet", "portal", "home_cash", "counter_cash")
NEW_PAYMENT = """
INSERT INTO payments (biller_id, id, partner_id, partner_reference, method, channel, customer_code,
    amount_dong, bill_count, claimed_count, status, business_date, created_at)
VALUES (1, $1::uuid, 1, $1::uuid::text, 'collected', $2, $3, $4, 1, 1, 'succeeded', '2026-11-24',
    $5)
"""
NEW_BILL = """
INSERT INTO bills (biller_id, id, customer_code, period, kwh, net_dong, vat_dong, amount_dong,
    issued_on, due_on) VALUES (1, $1, $2, $3, 1, $4, 0, $4, $3, $3)
"""
NEW_CUSTOMER = """
INSERT INTO customers (biller_id, code, name, address, area_code, segment)
VALUES (1, $1, 'Nguyễn Văn An', 'Cà Mau', $2, $3)
"""
PAY = """
UPDATE bills SET status = 'paid', paid_dong = amount_dong, claimed_by = $2
WHERE biller_id = 1 AND id = $1
"""
REOPEN = """
UPDATE bills SET status = 'open', paid_dong = 0, claimed_by = NULL WHERE biller_id = 1 AND id = $1
"""
CANCEL = "UPDATE bills SET status = 'cancelled' WHERE biller_id = 1 AND id = $1"
JOIN_AGENCY = """
INSERT INTO agency_members (biller_id, customer_code, agency_code) VALUES (1, $1, $2)
ON CONFLICT (biller_id, customer_code) DO UPDATE SET agency_code = excluded.agency_code
"""
Counts = dict[tuple[date, str, str, str], tuple[int, ...]]


@dataclass
class Bill:
    """A bill as the oracle sees it; `paid` is its channel and instant."""

    id: str
    customer: str
    month: date
    amount_dong: int
    paid: tuple[str, datetime] | None = None
    is_cancelled: bool = False


@dataclass
class History:
    """What has happened so far, in memory and in the database alike."""

    world: World
    seed: int
    bills: list[Bill] = field(default_factory=list)
    areas: dict[str, str] = field(default_factory=dict)
    segments: dict[str, str] = field(default_factory=dict)
    agencies: dict[str, str] = field(default_factory=dict)
    minutes: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 (invented data, not a secret)

    async def begin(self, *, customers: int, months: int) -> None:
        """Make customers, agencies and one or two bills of each month."""
        await self._do("INSERT INTO agencies VALUES (1, 'so-y-te', 'Y tế'), (1, 'so-ct', 'CT')")
        for index in range(customers):
            code = f"PB1499{index:07d}"
            self.areas[code] = self.random.choice(WARDS)
            self.segments[code] = self.random.choice(("household", "business"))
            await self.add_customer(code)
            for back in range(months):
                for _ in range(self.random.choice((0, 1, 1, 1, 2))):
                    await self.add_bill(code, months_later(FIRST, back))

    async def add_customer(self, code: str) -> None:
        """Make a customer whose area and segment are chosen."""
        await self._do(NEW_CUSTOMER, code, self.areas[code], self.segments[code])

    async def add_bill(self, customer: str, month: date) -> Bill:
        """Make an open bill."""
        bill = Bill(f"B-{len(self.bills)}", customer, month, 1_000 + len(self.bills))
        self.bills.append(bill)
        await self._do(NEW_BILL, bill.id, customer, month, bill.amount_dong)
        return bill

    async def step(self) -> None:
        """Let something happen, in whatever month."""
        bill = self.random.choice(self.bills)
        match self.random.randrange(12):
            case 0:
                await self.change_customer(bill.customer)
            case 1:
                await self.add_bill(bill.customer, bill.month)
            case 2 if bill.paid is None and not bill.is_cancelled:
                bill.is_cancelled = True
                await self._do(CANCEL, bill.id)
            case 3 | 4 | 5 if bill.paid is not None:
                await self.reverse(bill)
            case _ if bill.paid is None and not bill.is_cancelled:
                await self.pay(bill, self.random.choice(CHANNELS))
            case _:
                pass

    async def pay(self, bill: Bill, channel: str) -> None:
        """Settle a bill, later than anything before."""
        self.minutes += 1
        at = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(minutes=self.minutes)
        payment: UUID = uuid4()
        bill.paid = (channel, at)
        await self._do(NEW_PAYMENT, payment, channel, bill.customer, bill.amount_dong, at)
        await self._do(PAY, bill.id, payment)

    async def reverse(self, bill: Bill) -> None:
        """Undo what settled a bill."""
        bill.paid = None
        await self._do(REOPEN, bill.id)

    async def change_customer(self, code: str) -> None:
        """Give a customer another segment, or an agency."""
        if self.random.random() < 0.5:
            self.segments[code] = self.random.choice(("household", "business"))
            sql = "UPDATE customers SET segment = $2 WHERE biller_id = 1 AND code = $1"
            await self._do(sql, code, self.segments[code])
        else:
            self.agencies[code] = self.random.choice(("so-y-te", "so-ct"))
            await self._do(JOIN_AGENCY, code, self.agencies[code])

    async def _do(self, sql: str, *arguments: object) -> None:
        async with database.borrow(self.world.rt.pool) as connection:
            await connection.execute(sql, *arguments)

    # ── the oracle ───────────────────────────────────────────────────────────────────────────────

    def of(self, customer: str, month: date) -> list[Bill]:
        """Give a customer's bills of a month that stand."""
        return [
            bill
            for bill in self.bills
            if (bill.customer, bill.month) == (customer, month) and not bill.is_cancelled
        ]

    def is_electronic(self, customer: str, month: date) -> bool:
        """Say whether one of the bills is settled, and not in cash."""
        return any(b.paid and b.paid[0] not in CASH for b in self.of(customer, month))

    def way(self, customer: str, month: date) -> str:
        """Say what the customer's way of the month is."""
        paid = [b.paid for b in self.of(customer, month) if b.paid]
        electronic = [each for each in paid if each[0] not in CASH]
        first = min(electronic or paid, key=lambda each: each[1], default=None)
        return "unsettled" if first is None else first[0]

    def first_month(self, customer: str) -> date | None:
        """Say when the customer was electronic for the first time."""
        months = sorted({bill.month for bill in self.bills if bill.customer == customer})
        return next((month for month in months if self.is_electronic(customer, month)), None)

    def counts(self) -> Counts:
        """Count everything: customers, new, retained, resumed, relapsed, habitual, bills, đồng."""
        found: dict[tuple[date, str, str, str], list[int]] = defaultdict(lambda: [0] * 8)
        for customer, month in {(bill.customer, bill.month) for bill in self.bills}:
            if not (bills := self.of(customer, month)):
                continue
            whose = (month, self.areas[customer], self._segment(customer))
            cell = found[*whose, self.way(customer, month)]
            for place, counts in enumerate(self._classes(customer, month)):
                cell[place] += counts
            for bill in bills:
                through = found[*whose, bill.paid[0] if bill.paid else "unsettled"]
                through[6] += 1
                through[7] += bill.amount_dong
        return {key: tuple(cell) for key, cell in found.items()}

    def _classes(self, customer: str, month: date) -> tuple[bool, ...]:
        now = self.is_electronic(customer, month)
        before, two_before = (
            self.is_electronic(customer, months_later(month, -back)) for back in (1, 2)
        )
        first = self.first_month(customer)
        ever = first is not None and first < month
        is_cash = self.way(customer, month) in CASH
        return (
            True,
            now and not ever,
            now and before,
            now and ever and not before,
            is_cash and before,
            now and before and two_before,
        )

    def _segment(self, customer: str) -> str:
        return "public_employee" if customer in self.agencies else self.segments[customer]
