"""The tables of field cash and of its fading, as SQLAlchemy sees them; see `tables.py`."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from gateway.store import columns
from gateway.store.tables import METADATA


def _collector() -> Column[object]:
    return Column("collector_id", Uuid, ForeignKey("cash_collectors.id"), nullable=False)


def _biller() -> Column[int]:
    return Column("biller_id", SmallInteger, ForeignKey("billers.id"), nullable=False)


CASH_COLLECTORS = Table(
    "cash_collectors",
    METADATA,
    columns.uuid(key=True),
    _biller(),
    Column("partner_id", Integer, ForeignKey("partners.id"), nullable=False),
    columns.code("code"),
    columns.text("name"),
    Column("account", Integer, ForeignKey("ledger_accounts.id"), nullable=False),
    columns.dong("per_day_dong"),
    columns.dong("per_list_dong"),
    columns.at(),
    UniqueConstraint("code", name="cash_collectors_code_key"),
)
CASH_DEVICES = Table(
    "cash_devices",
    METADATA,
    columns.uuid(key=True),
    _collector(),
    columns.code("key_id"),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    columns.at("revoked_at", null=True),
    columns.at(),
    UniqueConstraint("key_id", name="cash_devices_key_id_key"),
)
HAND_OVER_LISTS = Table(
    "hand_over_lists",
    METADATA,
    columns.uuid(key=True),
    columns.biller(key=False),
    _collector(),
    columns.text("area_code"),
    columns.code("book_code"),
    columns.at("valid_until"),
    Column("handed_on", Date, nullable=False),
    Column("bill_count", Integer, nullable=False),
    columns.dong("amount_dong"),
    columns.at(),
    columns.at("closed_at", null=True),
    Column("cash_total_dong", BigInteger),
    Column("receipts_dong", BigInteger),
    columns.code("deposited_ref", null=True),
    Index("hand_over_lists_collector", "collector_id", "id"),
)
HAND_OVER_BILLS = Table(
    "hand_over_bills",
    METADATA,
    Column("list_id", Uuid, ForeignKey("hand_over_lists.id"), primary_key=True),
    columns.code("bill_id", key=True),
    columns.biller(key=False),
    columns.code("customer_code"),
    Column("period", Date, nullable=False),
    columns.dong("amount_dong"),
    Index("hand_over_bills_bill", "biller_id", "bill_id"),
)
CASH_RECEIPTS = Table(
    "cash_receipts",
    METADATA,
    columns.uuid(key=True),
    columns.biller(key=False),
    Column("list_id", Uuid, ForeignKey("hand_over_lists.id"), nullable=False),
    _collector(),
    Column("device_id", Uuid, ForeignKey("cash_devices.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    columns.code("receipt_no"),
    columns.code("bill_id"),
    columns.dong("amount_dong"),
    columns.at("collected_at"),
    Column("taken_on", Date, nullable=False),
    columns.code("gps", null=True),
    columns.text("canonical"),
    Column("digest", LargeBinary, nullable=False),
    columns.code("upload_key"),
    columns.text("result"),
    columns.uuid("payment_id", null=True),
    columns.uuid("suspense_id", null=True),
    columns.at("received_at"),
    UniqueConstraint("device_id", "digest", name="cash_receipts_digest_key"),
    Index("cash_receipts_seq", "device_id", "seq"),
    Index("cash_receipts_no", "device_id", "receipt_no"),
    Index("cash_receipts_list", "list_id", "id"),
    Index("cash_receipts_collector", "collector_id", "taken_on"),
)
CASH_GAPS = Table(
    "cash_gaps",
    METADATA,
    columns.uuid(key=True),
    Column("device_id", Uuid, ForeignKey("cash_devices.id"), nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    columns.code("upload_key"),
    columns.at("seen_at"),
    columns.at("closed_at", null=True),
    Index("cash_gaps_device", "device_id", "first_seq"),
)
CASH_DEPOSITS = Table(
    "cash_deposits",
    METADATA,
    columns.uuid(key=True),
    columns.biller(key=False),
    _collector(),
    columns.code("reference"),
    Column("list_id", Uuid, ForeignKey("hand_over_lists.id")),
    columns.dong("amount_dong"),
    columns.at("deposited_at"),
    UniqueConstraint("collector_id", "reference", name="cash_deposits_reference_key"),
)
CASH_RETURNS = Table(
    "cash_returns",
    METADATA,
    Column("suspense_id", Uuid, ForeignKey("suspense_lines.id"), primary_key=True),
    _collector(),
    columns.dong("amount_dong"),
    columns.text("returned_by"),
    columns.at("returned_at"),
    Index("cash_returns_collector", "collector_id"),
)
CASH_SCHEDULES = Table(
    "cash_schedules",
    METADATA,
    Column("biller_id", SmallInteger, ForeignKey("billers.id"), primary_key=True),
    Column("area_code", Text, primary_key=True),
    Column("announced_on", Date, nullable=False),
    Column("without_phone_from", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("caps_step_percent", SmallInteger, nullable=False),
    Column("complaints_max", Integer, nullable=False),
    Column("arrears_percent_max", SmallInteger, nullable=False),
    Column("paused_on", Date),
    columns.text("pause_reason", null=True),
    columns.at("changed_at"),
)
CASH_CONTACTS = Table(
    "cash_contacts",
    METADATA,
    columns.biller(),
    columns.code("customer_code", key=True),
    columns.code("phone"),
    columns.text("consent_basis"),
    columns.at("changed_at"),
)
CASH_OPT_OUTS = Table(
    "cash_opt_outs",
    METADATA,
    columns.biller(),
    columns.code("customer_code", key=True),
    columns.at("at"),
)
CASH_COMPLAINTS = Table(
    "cash_complaints",
    METADATA,
    columns.uuid(key=True),
    columns.biller(key=False),
    columns.text("area_code"),
    columns.code("customer_code", null=True),
    columns.text("words"),
    columns.at("made_at"),
    Index("cash_complaints_area", "biller_id", "area_code", "made_at"),
)
CASH_ASSISTS = Table(
    "cash_assists",
    METADATA,
    columns.uuid(key=True),
    columns.biller(key=False),
    _collector(),
    columns.code("customer_code"),
    columns.at("assisted_at"),
    columns.uuid("payment_id", null=True),
    columns.at("credited_at", null=True),
    Index("cash_assists_open", "assisted_at", postgresql_where=text("credited_at IS NULL")),
    Index(
        "cash_assists_credited",
        "biller_id",
        "customer_code",
        unique=True,
        postgresql_where=text("credited_at IS NOT NULL"),
    ),
)
