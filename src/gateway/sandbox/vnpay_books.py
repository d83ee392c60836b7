"""What the simulated VNPAY keeps: its terminal, its switches, and each order's refunds."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_orders import OrderState, RailOrder


@dataclass(frozen=True)
class Terminal:
    """A merchant's terminal; the defaults are ours, VNPAY publishes none.

    `notify_url` is the IPN address that the merchant registered; without one no IPN is sent.
    """

    code: str = "CGTTDEMO"
    secret: str = "vnpay-sandbox-simulator-secret-0001"  # noqa: S105 (documented, for this sandbox)
    notify_url: str = ""


class Switches(BaseModel):
    """What `POST /control/vnpay` changes.

    `approved` 07 takes the money and calls it suspected. `quiet_s` is how long after one querydr
    every further one is answered 94 (VNPAY: about 300 s). `refunds_end` 09 refuses refunds.
    """

    model_config = ConfigDict(extra="forbid")

    approved: Literal["00", "07"] = "00"
    declined: str = Field(default="24", pattern=r"^[0-9]{2}$")
    refunds_end: Literal["00", "09"] = "00"
    quiet_s: float = Field(default=0.0, ge=0)


@dataclass
class Movement:
    """A payment (01), a whole refund (02) or a partial one (03), as querydr tells it."""

    kind: str
    amount_dong: int
    number: str
    status: str

    def go_on(self, ends: str) -> None:
        """Take a refund one step on: being handled (05), sent to the bank (06), its end."""
        self.status = {"05": "06", "06": ends}.get(self.status, self.status)


@dataclass
class Book:
    """What VNPAY keeps of one order beside its state."""

    order: RailOrder
    pay_date: str = ""
    refunds: list[Movement] = field(default_factory=list)

    def told(self, payment: Movement, number: str) -> Movement:
        """Give the movement that querydr tells: the refund of that number, or the last one."""
        named = [refund for refund in self.refunds if refund.number == number]
        return (named or self.refunds or [payment])[-1]

    def refunded_dong(self) -> int:
        """Give the sum of the refunds that were not refused."""
        return sum(refund.amount_dong for refund in self.refunds if refund.status != "09")

    def why_no_refund(self, kind: str, amount_dong: int) -> str:
        """Give the code that refuses a refund; empty if it is accepted."""
        if self.order.state is not OrderState.PAID:
            return "95"
        if any(refund.status in {"05", "06"} for refund in self.refunds):
            return "94"
        if kind == "02" and self.refunded_dong():
            return "04"
        left = self.order.amount_dong - self.refunded_dong()
        is_right = amount_dong == left if kind == "02" else amount_dong <= left
        return "" if is_right else "93"

    def tell(self, moved: Movement, fault: Fault | None) -> dict[str, str]:
        """Write a movement into an answer's fields."""
        wrong_dong = 1_000 if fault is Fault.WRONG_AMOUNT else 0
        return {
            "vnp_ResponseCode": "00",
            "vnp_Amount": str((moved.amount_dong + wrong_dong) * 100),
            "vnp_OrderInfo": self.order.text,
            "vnp_BankCode": "NCB" if moved.number != "0" else "VNPAY",
            "vnp_PayDate": self.pay_date,
            "vnp_TransactionNo": moved.number,
            "vnp_TransactionType": moved.kind,
            "vnp_TransactionStatus": moved.status,
        }
