"""The tables of checkouts and of rate limits, as SQLAlchemy sees them; see `tables.py`."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gateway.store import columns
from gateway.store.tables import METADATA

CHECKOUTS = Table(
    "checkouts",
    METADATA,
    columns.uuid(key=True),
    Column("partner_id", Integer, ForeignKey("partners.id"), nullable=False),
    Column("biller_id", SmallInteger, ForeignKey("billers.id"), nullable=False),
    columns.code("partner_reference"),
    columns.code("customer_code"),
    Column("bill_ids", ARRAY(Text), nullable=False),
    Column("amounts_dong", ARRAY(BigInteger), nullable=False),
    Column("return_url", Text),
    columns.at(),
    columns.at("expires_at"),
    UniqueConstraint("partner_id", "partner_reference", name="checkouts_reference_key"),
)
RATE_LIMITS = Table(
    "rate_limits",
    METADATA,
    columns.code("key", key=True),
    columns.at("full_at"),
)
