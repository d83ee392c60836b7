"""What all ways to pay share over HTTP: the bills that are paid, and the payment as it is shown."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.api.fields import AmountDong, BillId
from gateway.api.reading import Strict
from gateway.domain.biller import Channel
from gateway.domain.errors import Fault, RequestInvalid
from gateway.domain.ids import from_public
from gateway.domain.payment import Line, Method
from gateway.domain.posting import LineState
from gateway.domain.progress import Status
from gateway.domain.refusals import PaymentNotFound

BILLS_MAX = 50


class BillToPay(Strict):
    """One bill of a payment."""

    id: BillId = Field(description="The bill's id as the lookup gave it")
    amount_dong: AmountDong = Field(
        description="Whole đồng; must equal what is due, unless the biller takes parts"
    )


class PaidBill(BaseModel):
    """A bill that a payment paid."""

    id: str
    period: str = Field(description="Month of consumption", examples=["2026-10"])
    amount_dong: int
    sequence: int | None = Field(
        description="Gap-free number of this bill's latest event here; null until it is paid"
    )


class PostedBill(BaseModel):
    """One bill's debt at the biller itself."""

    id: str
    status: LineState
    undo: LineState | None = Field(description="Of a reversed payment: the undoing at the biller")
    reference: str | None = Field(description="Our number of it at the biller, once it was sent")
    code: str = Field(description="What the biller said last, as received")


class Posting(BaseModel):
    """Whether the debt is cleared at the biller's own service; apart from the payment's status."""

    status: LineState
    undo: LineState | None
    next_try_at: str | None = Field(description="RFC 3339, UTC; null when nothing is left to do")
    bills: list[PostedBill]


class Payment(BaseModel):
    """A payment. Its webhook `payment.succeeded` carries this same object."""

    id: str = Field(examples=["pay_019a3c84f40070008000000000000001"])
    status: Status
    method: Method
    biller: str
    customer_code: str
    partner: str
    partner_reference: str
    channel: Channel
    amount_dong: int
    business_date: date = Field(description="Day in Asia/Ho_Chi_Minh")
    created_at: str = Field(description="RFC 3339, UTC")
    reversed_at: str | None
    reversal_reason: str | None
    provider: str | None = Field(default=None, description="Only of payments through a provider")
    bills: list[PaidBill]
    posting: Posting | None = Field(
        default=None,
        description="Only when a payment is read, and only of billers that are told by their own "
        "service",
    )


def lines_of(bills: Sequence[BillToPay]) -> tuple[Line, ...]:
    """Order the bills by their ids; the same bill twice is refused."""
    lines = tuple(sorted((Line(b.id, b.amount_dong) for b in bills), key=lambda x: x.bill_id))
    twice = {a.bill_id for a, b in pairwise(lines) if a.bill_id == b.bill_id}
    if twice:
        raise RequestInvalid((Fault("bills", f"names bill '{min(twice)}' twice"),))
    return lines


def payment_id_of(text: str) -> UUID:
    """Read a payment's id; what is none names no payment."""
    payment_id = from_public("pay", text)
    if payment_id is None:
        raise PaymentNotFound(text[:64])
    return payment_id
