"""The books of Payoo's simulated bill side: what is owed, what was paid, a partner's deposit.

No payment is ever forgotten, whatever was answered: they prove that no bill was paid twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

OK, TAKEN, TIMED_OUT, NOT_FOUND, BAD_DATA = 0, 1, -3, -2, -1
NO_BILL, NO_CUSTOMER, PAID_ALREADY = -109, 4, -106
BAD_AMOUNT, FLOAT_EMPTY, LOCKED, PAID_BEFORE = -4, -7, -28, -111
BAD_TIME, BAD_SIGNATURE = 2001, 2004
DOUBTFUL, CLEARED, CANCELLED, PROCESSING, STEP_ONE, FAILED = range(6)
"""Status of a payment."""


class NewBill(BaseModel):
    """A bill as `POST /control/owe` adds it."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    amount_dong: int = Field(gt=0, lt=10**12)
    month: int = Field(ge=1, le=12)
    year: int = Field(ge=2000, le=2100)
    fee_dong: int = Field(default=0, ge=0)
    rule: int = Field(default=0, ge=0, le=9)
    """PaymentRule."""


class NewCustomer(BaseModel):
    """A customer as `POST /control/owe` adds it, with bills to add."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(pattern=r"^[A-Z0-9]{4,20}$")
    name: str = "Nguyễn Văn Án"
    address: str = "12 Nguyễn Trãi, Phường 5, Cà Mau"
    bills: list[NewBill] = Field(default_factory=list)


class PlannedPay(BaseModel):
    """`POST /control/next-pay`: what the next PayBillBE is answered with, and whether it is paid.

    With code 1 it is taken, and its debt is cleared once its status was asked for `asks` times,
    or ends as `ends_as` says.
    """

    model_config = ConfigDict(extra="forbid")

    code: int
    sub_code: int = 0
    is_made: bool = False
    asks: int = Field(default=1, ge=0, le=1000)
    ends_as: int = Field(default=CLEARED, ge=0, le=5)


@dataclass
class Paid:
    """One payment out of the deposit."""

    trace: str
    bill: str
    amount_dong: int
    order_no: str
    status: int
    asks_left: int = 0
    ends_as: int = CLEARED

    @property
    def stands(self) -> bool:
        """Whether its money is gone, or may be."""
        return self.status not in {CANCELLED, FAILED}


@dataclass
class Books:
    """Customers, bills, locks, payments, and what is left of the deposit."""

    float_dong: int = 10**12
    customers: dict[str, NewCustomer] = field(default_factory=dict)
    payments: list[Paid] = field(default_factory=list)
    locks: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    planned: list[PlannedPay] = field(default_factory=list)

    def owe(self, customers: Iterable[NewCustomer]) -> None:
        """Add customers, and bills to those who are there; a known bill stays as it is."""
        for new in customers:
            known = self.customers.setdefault(new.code, new)
            there = {bill.code for bill in known.bills}
            known.bills.extend(bill for bill in new.bills if bill.code not in there)

    def open_bills(self, customer_code: str) -> list[NewBill]:
        """Give what a customer owes, the oldest first."""
        bills = self.customers[customer_code].bills
        gone = {paid.bill for paid in self.payments if paid.stands} | self.elsewhere
        left = [bill for bill in bills if bill.code not in gone]
        return sorted(left, key=lambda bill: (bill.year, bill.month))

    def bill(self, code: str) -> NewBill | None:
        """Find a bill."""
        found = (b for c in self.customers.values() for b in c.bills if b.code == code)
        return next(found, None)

    def paid(self, trace: str) -> Paid | None:
        """Find a payment by its SystemTrace."""
        return next((paid for paid in self.payments if paid.trace == trace), None)

    def pay(self, trace: str, bill_code: str, amount_dong: int, number: int) -> tuple[int, int]:
        """Pay a bill, or refuse; gives ReturnCode and SubReturnCode. A trace counts once."""
        known = self.paid(trace)
        if known is not None and known.stands:
            return (OK if known.status == CLEARED else TAKEN), 0
        planned = self.planned.pop(0) if self.planned else None
        if planned is not None and planned.code not in {OK, TAKEN} and not planned.is_made:
            return planned.code, planned.sub_code
        code = self._refusal(bill_code, amount_dong)
        if code is not None:
            return code, 0
        self.float_dong -= amount_dong
        paid = Paid(trace, bill_code, amount_dong, f"PY{number:010d}", CLEARED)
        if planned is not None and planned.code == TAKEN:
            paid.status, paid.asks_left, paid.ends_as = STEP_ONE, planned.asks, planned.ends_as
        self.payments.append(paid)
        return (planned.code, planned.sub_code) if planned else (OK, 0)

    def _refusal(self, bill_code: str, amount_dong: int) -> int | None:
        bill = self.bill(bill_code)
        if bill is None:
            return BAD_DATA
        if bill.code in self.elsewhere or any(
            p.bill == bill.code and p.stands for p in self.payments
        ):
            return PAID_BEFORE
        if bill.code in self.locks:
            return LOCKED
        if amount_dong != bill.amount_dong:
            return BAD_AMOUNT
        return FLOAT_EMPTY if amount_dong > self.float_dong else None

    def status(self, trace: str) -> Paid | None:
        """Say how a payment stands; one in the works moves on with each question."""
        paid = self.paid(trace)
        if paid is not None and paid.status in {STEP_ONE, PROCESSING}:
            if paid.asks_left > 0:
                paid.asks_left -= 1
                paid.status = PROCESSING
            else:
                paid.status = paid.ends_as
        return paid

    def paid_twice(self) -> list[str]:
        """Name bills for which more than one payment stands."""
        bills = [paid.bill for paid in self.payments if paid.stands]
        return sorted({bill for bill in bills if bills.count(bill) > 1})
