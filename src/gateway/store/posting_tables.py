"""The tables of postings and of live billers, as SQLAlchemy sees them; see `tables.py`."""

from sqlalchemy import Column, Date, Index, Integer, Table, UniqueConstraint, text

from gateway.store import columns
from gateway.store.tables import METADATA

LIVE_CUSTOMERS = Table(
    "live_customers",
    METADATA,
    columns.biller(),
    columns.code("customer_code", key=True),
    columns.at("as_of"),
)
LIVE_BILLS = Table(
    "live_bills",
    METADATA,
    columns.biller(),
    columns.code("bill_id", key=True),
    columns.text("memory"),
)
POSTINGS = Table(
    "postings",
    METADATA,
    columns.biller(),
    columns.uuid("payment_id", key=True),
    columns.code("source"),
    columns.code("customer_code"),
    columns.at("paid_at"),
    columns.at("since"),
    columns.at("due_at", null=True),
    Column("tried", Integer, nullable=False),
    Column("lease_no", Integer, nullable=False),
    Index("postings_due", "source", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index(
        "postings_customer",
        "biller_id",
        "customer_code",
        "payment_id",
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index("postings_paid", "biller_id", "paid_at"),
)
POSTING_BILLS = Table(
    "posting_bills",
    METADATA,
    columns.biller(),
    columns.uuid("payment_id", key=True),
    columns.code("bill_id", key=True),
    columns.uuid("id"),
    Column("period", Date, nullable=False),
    columns.dong("amount_dong"),
    columns.text("memory"),
    columns.code("reference", null=True),
    columns.text("state"),
    columns.text("undo", null=True),
    columns.text("code"),
    columns.at("sent_at", null=True),
    UniqueConstraint("biller_id", "reference", name="posting_bills_reference_key"),
    Index("posting_bills_bill", "biller_id", "bill_id"),
)
