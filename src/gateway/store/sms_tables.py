"""The tables of SMS banking, as SQLAlchemy sees them; see `tables.py`."""

from sqlalchemy import Column, Date, Index, LargeBinary, SmallInteger, Table, text

from gateway.store import columns
from gateway.store.tables import METADATA

TEXTS_IN = Table(
    "texts_in",
    METADATA,
    columns.code("provider", key=True),
    columns.code("id", key=True),
    columns.text("command"),
    Column("sealed", LargeBinary),
    columns.at("received_at"),
)
SMS_QUOTES = Table(
    "sms_quotes",
    METADATA,
    columns.biller(),
    columns.uuid(key=True),
    columns.code("provider"),
    Column("sender", LargeBinary, nullable=False),
    columns.uuid("mandate_id"),
    columns.code("customer_code"),
    columns.code("bill_id"),
    columns.dong("amount_dong"),
    Column("otp_hash", LargeBinary, nullable=False),
    Column("tries_left", SmallInteger, nullable=False),
    columns.text("state"),
    columns.at("created_at"),
    columns.at("expires_at"),
    Column("confirmed_on", Date),
    columns.at("confirmed_at", null=True),
    columns.uuid("payment_id", null=True),
    columns.at("told_at", null=True),
    Index(
        "sms_quotes_pending",
        "provider",
        "sender",
        unique=True,
        postgresql_where=text("state = 'quoted'"),
    ),
    Index(
        "sms_quotes_day",
        "provider",
        "sender",
        "confirmed_on",
        postgresql_where=text("payment_id IS NOT NULL"),
    ),
    Index(
        "sms_quotes_untold",
        "provider",
        "confirmed_at",
        postgresql_where=text("payment_id IS NOT NULL AND told_at IS NULL"),
    ),
)
TEXTS_OUT = Table(
    "texts_out",
    METADATA,
    columns.uuid(key=True),
    columns.code("provider"),
    Column("sealed", LargeBinary, nullable=False),
    columns.text("state"),
    Column("tries", SmallInteger, nullable=False),
    columns.code("centre_id", null=True),
    columns.text("report", null=True),
    columns.at("created_at"),
    columns.at("due_at"),
    columns.at("sent_at", null=True),
    Index(
        "texts_out_due",
        "provider",
        "due_at",
        postgresql_where=text("state IN ('queued', 'sending', 'sent')"),
    ),
    Index(
        "texts_out_centre",
        "provider",
        "centre_id",
        unique=True,
        postgresql_where=text("centre_id IS NOT NULL"),
    ),
)
