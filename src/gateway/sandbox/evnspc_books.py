"""The simulated biller's own books: customers, bills, and a ledger of what was cleared by whom.

The ledger never forgets a clearing, whatever was answered to anybody: it proves that no debt was
cleared twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.clock import business_date

CLEARED, CLEARED_BEFORE, PAID_BY_OTHER, AMOUNT_DIFFERS = "0", "1", "2", "3"
NOT_FOUND, EARLIER_UNPAID, LOCKED, SYSTEM_ERROR = "4", "5", "6", "9"
"""Status of a payment; 6 is ours and in no list: another collector holds the bill."""
CANCELLED, NOTHING_TO_CANCEL, WINDOW_CLOSED, CANCEL_ERROR = "0", "1", "2", "9"

_Dong = Field(gt=0, lt=10**12)
_Code = Field(min_length=1, max_length=32)


class NewBill(BaseModel):
    """A bill as `POST /control/owe` adds it."""

    model_config = ConfigDict(extra="forbid")

    code: str = _Code
    """BillCode, and HoaDonID too."""
    amount_dong: int = _Dong
    month: int = Field(ge=1, le=12)
    year: int = Field(ge=2000, le=2100)
    round: int = Field(default=1, ge=1, le=3)
    """KY: the reading round inside the month."""
    kind: Literal["TD", "VC", "DC", "DD", "TC", "CD"] = "TD"
    """LoaiHDon: electricity, reactive power, services."""
    tax_percent: int = Field(default=8, ge=0, le=20)
    households: int = 1


class NewCustomer(BaseModel):
    """A customer as `POST /control/owe` adds it, with bills to add."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(pattern=r"^P[A-Z][0-9]{11}$")
    name: str = Field(default="Nguyễn Văn Án", min_length=1)
    address: str = "12 Nguyễn Trãi, Phường 5, Cà Mau"
    tax_code: str = ""
    meter: str = "20190012345"
    bills: list[NewBill] = Field(default_factory=list)


@dataclass
class Clearing:
    """One debt cleared, and by whom; a cancelled one stays here with its cancelling."""

    bill: NewBill
    customer_code: str
    bank_id: str
    transaction_code: str
    at: datetime
    cancelled_by: str = ""

    @property
    def stands(self) -> bool:
        """Whether the debt is cleared by this."""
        return not self.cancelled_by


class Books:
    """Customers, bills, locks and clearings."""

    def __init__(self) -> None:
        self.customers: dict[str, NewCustomer] = {}
        self.clearings: list[Clearing] = []
        self.locks: dict[str, str] = {}
        """By bill: the collector who holds it."""

    def owe(self, customers: Iterable[NewCustomer]) -> None:
        """Add customers, and bills to those who are there; a known bill stays as it is."""
        for new in customers:
            known = self.customers.setdefault(new.code, new)
            there = {bill.code for bill in known.bills}
            known.bills.extend(bill for bill in new.bills if bill.code not in there)

    def bill(self, code: str) -> tuple[NewCustomer, NewBill] | None:
        """Find a bill and whose it is."""
        for customer in self.customers.values():
            for bill in customer.bills:
                if bill.code == code:
                    return customer, bill
        return None

    def open_bills(self, customer_code: str) -> list[NewBill]:
        """Give what a customer owes, oldest first."""
        customer = self.customers.get(customer_code)
        bills = customer.bills if customer else []
        unpaid = [bill for bill in bills if self.standing(bill.code) is None]
        return sorted(unpaid, key=_age)

    def standing(self, bill_code: str) -> Clearing | None:
        """Give the clearing of a bill that stands."""
        for clearing in self.clearings:
            if clearing.bill.code == bill_code and clearing.stands:
                return clearing
        return None

    def cleared_twice(self) -> list[str]:
        """Name the bills with more than one clearing that stands: there must be none."""
        standing = [clearing.bill.code for clearing in self.clearings if clearing.stands]
        return sorted({code for code in standing if standing.count(code) > 1})

    def pay(self, asked: "Line", *, customer_code: str, bank_id: str, at: datetime) -> str:
        """Clear one bill; give the status."""
        found = self.bill(asked.bill_code)
        if found is None or found[0].code != customer_code:
            return NOT_FOUND
        bill = found[1]
        before = self.standing(bill.code)
        if before is not None:
            mine = (before.bank_id, before.transaction_code) == (bank_id, asked.transaction_code)
            return CLEARED_BEFORE if mine else PAID_BY_OTHER
        refusal = self._why_not(bill, asked, customer_code, bank_id)
        if refusal is not None:
            return refusal
        clearing = Clearing(bill, customer_code, bank_id, asked.transaction_code, at)
        self.clearings.append(clearing)
        return CLEARED

    def _why_not(
        self, bill: NewBill, asked: "Line", customer_code: str, bank_id: str
    ) -> str | None:
        if self.locks.get(bill.code, bank_id) != bank_id:
            return LOCKED
        if asked.amount_dong != bill.amount_dong:
            return AMOUNT_DIFFERS
        older = [b for b in self.open_bills(customer_code) if _period(b) < _period(bill)]
        return EARLIER_UNPAID if older else None

    def cancel(self, lines: "list[Line]", *, bank_id: str, now: datetime, number: str) -> str:
        """Undo clearings of this bank by their transaction codes, all or none; give the result."""
        named = {(line.bill_code, line.transaction_code): line for line in lines}
        found = [
            clearing
            for clearing in self.clearings
            if clearing.stands
            and clearing.bank_id == bank_id
            and (clearing.bill.code, clearing.transaction_code) in named
        ]
        if not found:
            return NOTHING_TO_CANCEL
        if any(business_date(clearing.at) != business_date(now) for clearing in found):
            return WINDOW_CLOSED
        for clearing in found:
            line = named[clearing.bill.code, clearing.transaction_code]
            if line.amount_dong != clearing.bill.amount_dong:
                return CANCEL_ERROR
        for clearing in found:
            clearing.cancelled_by = number
        return CANCELLED

    def listed(self, bank_id: str, unit: str, days: tuple[date, date]) -> list[Clearing]:
        """Give a bank's clearings of these days, reversed ones too, at units that start so."""
        return [
            clearing
            for clearing in self.clearings
            if clearing.bank_id == bank_id
            and clearing.customer_code.startswith(unit)
            and days[0] <= business_date(clearing.at) <= days[1]
        ]


@dataclass(frozen=True)
class Line:
    """One bill of a request."""

    bill_code: str
    amount_dong: int
    transaction_code: str


def _period(bill: NewBill) -> tuple[int, int]:
    return bill.year, bill.month


def _age(bill: NewBill) -> tuple[int, int, int, str]:
    return bill.year, bill.month, bill.round, bill.code


def tax_of(bill: NewBill) -> tuple[int, int]:
    """Take an amount apart: before tax and tax, which add up to it.

    >>> tax_of(NewBill(code="1", amount_dong=108_000, month=11, year=2026))
    (100000, 8000)
    """
    net = (bill.amount_dong * 100 + (100 + bill.tax_percent) // 2) // (100 + bill.tax_percent)
    return net, bill.amount_dong - net
