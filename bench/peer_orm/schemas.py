"""What the peer takes and gives."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class BillIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = Field(max_length=40)
    amount_dong: int = Field(gt=0)


class PaymentIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    method: str
    biller: str
    customer_code: str = Field(pattern=r"^PB14[0-9]{9}$")
    partner_reference: str = Field(max_length=64)
    channel: str
    bills: list[BillIn] = Field(min_length=1, max_length=50)


class PaidBill(BaseModel):
    id: str
    period: str
    amount_dong: int
    sequence: int


class PaymentOut(BaseModel):
    id: str
    status: str
    method: str
    biller: str
    customer_code: str
    partner: str
    partner_reference: str
    channel: str
    amount_dong: int
    business_date: date
    created_at: datetime
    reversed_at: datetime | None = None
    reversal_reason: str | None = None
    bills: list[PaidBill]


class BillDue(BaseModel):
    id: str
    period: str
    kwh: int | None
    net_dong: int
    vat_dong: int
    amount_dong: int
    due_dong: int
    issued_on: date
    due_on: date
    is_being_paid: bool


class LookupOut(BaseModel):
    biller: str
    customer_code: str
    name: str
    address: str
    bills: list[BillDue]
    total_due_dong: int
    lookup_token: str
