"""The service's tables as an ORM maps them."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, DateTime, Identity, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All models."""

    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), str: Text, int: BigInteger}


class Customer(Base):
    __tablename__ = "customers"
    biller_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[str]
    area_code: Mapped[str]


class Bill(Base):
    __tablename__ = "bills"
    biller_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    customer_code: Mapped[str]
    period: Mapped[date] = mapped_column(Date)
    kwh: Mapped[int | None]
    net_dong: Mapped[int]
    vat_dong: Mapped[int]
    amount_dong: Mapped[int]
    paid_dong: Mapped[int]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    status: Mapped[str]
    claimed_by: Mapped[UUID | None]
    event_sequence: Mapped[int]
    updated_at: Mapped[datetime]
    claim: Mapped[str | None]


class Payment(Base):
    __tablename__ = "payments"
    biller_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[int]
    partner_reference: Mapped[str]
    method: Mapped[str]
    channel: Mapped[str]
    customer_code: Mapped[str]
    amount_dong: Mapped[int]
    bill_count: Mapped[int] = mapped_column(SmallInteger)
    claimed_count: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str]
    business_date: Mapped[date]
    created_at: Mapped[datetime]


class PaymentBill(Base):
    __tablename__ = "payment_bills"
    biller_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    bill_id: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[date]
    amount_dong: Mapped[int]
    sequence: Mapped[int]


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"
    partner_id: Mapped[int] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    field_digests: Mapped[bytes] = mapped_column(LargeBinary)
    status_code: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[str]
    resource_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


class Transfer(Base):
    __tablename__ = "transfers"
    biller_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    source: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    debit_account: Mapped[int]
    credit_account: Mapped[int]
    amount_dong: Mapped[int]
    created_at: Mapped[datetime]


class Event(Base):
    __tablename__ = "events"
    biller_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str]
    subject: Mapped[UUID]
    body: Mapped[str]
    created_at: Mapped[datetime]


class Endpoint(Base):
    __tablename__ = "webhook_endpoints"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    biller_id: Mapped[int] = mapped_column(SmallInteger)
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    disabled_at: Mapped[datetime | None]


class Delivery(Base):
    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    biller_id: Mapped[int] = mapped_column(SmallInteger)
    event_id: Mapped[UUID]
    endpoint_id: Mapped[UUID]
    due_at: Mapped[datetime]
