"""The tables of the pilot and of adoption, as SQLAlchemy sees them; see `tables.py`."""

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB

from gateway.store import columns
from gateway.store.tables import BILLS, METADATA

BITS = 1202
"""Months from January 2000 on, after two that are never set."""

Index(
    "bills_period",
    BILLS.c.biller_id,
    BILLS.c.period,
    postgresql_using="brin",
    postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _month() -> Column[object]:
    return Column("month", Date, primary_key=True)


ADOPTION_TOUCHED = Table(
    "adoption_touched",
    METADATA,
    columns.biller(key=False),
    Column("month", Date, nullable=False),
)
ADOPTION_ROLLED = Table(
    "adoption_rolled",
    METADATA,
    columns.biller(),
    _month(),
    _count("customers"),
    _count("bills"),
    columns.at("rolled_at"),
)
ADOPTION_MONTHLY = Table(
    "adoption_monthly",
    METADATA,
    columns.biller(),
    _month(),
    columns.code("area_code", key=True),
    columns.code("segment", key=True),
    columns.code("channel", key=True),
    *map(_count, ("customers", "new", "retained", "resumed", "relapsed", "habitual", "bills")),
    columns.dong("amount_dong"),
)
AGENCY_MONTHLY = Table(
    "agency_monthly",
    METADATA,
    columns.biller(),
    _month(),
    columns.code("agency_code", key=True),
    *map(_count, ("customers", "electronic", "new", "relapsed", "habitual", "unsettled")),
)
ELECTRONIC_PAYERS = Table(
    "electronic_payers",
    METADATA,
    columns.biller(),
    columns.code("customer_code", key=True),
    Column("months", BIT(BITS), nullable=False),
    Column("first_month", Date),
    columns.at("first_at", null=True),
)
CUSTOMER_UNITS = Table(
    "customer_units",
    METADATA,
    columns.biller(),
    columns.code("customer_code", key=True),
    Column("since", Date, primary_key=True),
    columns.text("area_code"),
)
AGENCIES = Table(
    "agencies",
    METADATA,
    Column("biller_id", SmallInteger, ForeignKey("billers.id"), primary_key=True),
    columns.code("code", key=True),
    columns.text("name"),
    columns.at(),
)
AGENCY_MEMBERS = Table(
    "agency_members",
    METADATA,
    columns.biller(),
    columns.code("customer_code", key=True),
    columns.code("agency_code"),
    columns.at("updated_at"),
    ForeignKeyConstraint(["biller_id", "agency_code"], ["agencies.biller_id", "agencies.code"]),
)
PILOTS = Table(
    "pilots",
    METADATA,
    Column("biller_id", SmallInteger, ForeignKey("billers.id"), primary_key=True),
    columns.code("code", key=True),
    columns.text("name"),
    Column("areas", ARRAY(Text), nullable=False),
    Column("comparison_areas", ARRAY(Text), nullable=False),
    Column("baseline_from", Date, nullable=False),
    Column("baseline_to", Date, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("target_percent", Integer, nullable=False),
    Column("milestones", JSONB, nullable=False),
    columns.at("updated_at"),
)
