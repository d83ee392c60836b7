"""The tables as SQLAlchemy sees them; `alembic check` holds them against the migrations.

What Alembic cannot compare (partitions, triggers, grants, functions) stands in `migrations/` alone.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import SchemaItem

METADATA = MetaData()


def _text(name: str, *items: SchemaItem, null: bool = False) -> Column[str]:
    return Column(name, Text, *items, nullable=null)


def _code(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Text(collation="C"), primary_key=key, nullable=null)


def _dong(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _at(name: str = "created_at", *, null: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=null)


def _biller(*, key: bool = True) -> Column[int]:
    return Column("biller_id", SmallInteger, primary_key=key, nullable=False)


LEDGER_ACCOUNTS = Table(
    "ledger_accounts",
    METADATA,
    Column("id", Integer, Identity(always=True), primary_key=True),
    _text("code"),
    _text("kind"),
    _at(),
    UniqueConstraint("code", name="ledger_accounts_code_key"),
)
BILLERS = Table(
    "billers",
    METADATA,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    _text("code"),
    Column("payable_account", Integer, ForeignKey("ledger_accounts.id"), nullable=False),
    _at(),
    UniqueConstraint("code", name="billers_code_key"),
)
BILLER_VERSIONS = Table(
    "biller_versions",
    METADATA,
    Column("biller_id", SmallInteger, ForeignKey("billers.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("name"),
    Column("metadata", JSONB, nullable=False),
    _at(),
)
PARTNERS = Table(
    "partners",
    METADATA,
    Column("id", Integer, Identity(always=True), primary_key=True),
    _text("code"),
    _text("name"),
    Column("biller_id", SmallInteger, ForeignKey("billers.id")),
    Column("receivable_account", Integer, ForeignKey("ledger_accounts.id"), nullable=False),
    _at("suspended_at", null=True),
    _at(),
    UniqueConstraint("code", name="partners_code_key"),
)
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Integer, ForeignKey("partners.id"), nullable=False),
    _text("prefix"),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _at("expires_at", null=True),
    _at("revoked_at", null=True),
    _at(),
    UniqueConstraint("digest", name="api_keys_digest_key"),
)
DIRECTORY_VERSION = Table(
    "directory_version",
    METADATA,
    Column("id", Boolean, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
AREAS = Table(
    "areas",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("valid_to", Date),
    _text("name"),
    _text("kind"),
    _text("parent_code", null=True),
    _text("successor_code", null=True),
)
CUSTOMERS = Table(
    "customers",
    METADATA,
    Column("biller_id", SmallInteger, ForeignKey("billers.id"), primary_key=True),
    _code("code", key=True),
    _text("name"),
    _text("address"),
    _text("area_code"),
    _text("segment"),
    _text("agency", null=True),
    _at("updated_at"),
)
BILLS = Table(
    "bills",
    METADATA,
    _biller(),
    _code("id", key=True),
    _code("customer_code"),
    Column("period", Date, nullable=False),
    Column("kwh", Integer),
    _dong("net_dong"),
    _dong("vat_dong"),
    _dong("amount_dong"),
    _dong("paid_dong"),
    Column("issued_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    _text("status"),
    Column("claimed_by", Uuid),
    Column("event_sequence", Integer, nullable=False),
    _at("updated_at"),
    _text("claim", null=True),
    Index("bills_open", "biller_id", "customer_code", postgresql_where=text("status = 'open'")),
    Index("bills_customer", "biller_id", "customer_code", "period"),
)
PAYMENTS = Table(
    "payments",
    METADATA,
    _biller(),
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Integer, nullable=False),
    _code("partner_reference"),
    _text("method"),
    _text("channel"),
    _code("customer_code"),
    _dong("amount_dong"),
    Column("bill_count", SmallInteger, nullable=False),
    Column("claimed_count", SmallInteger, nullable=False),
    _text("status"),
    Column("business_date", Date, nullable=False),
    _at(),
    _at("reversed_at", null=True),
    _text("reversal_reason", null=True),
    _code("provider", null=True),
    _at("expires_at", null=True),
    _at("settled_at", null=True),
    _at("cancel_asked_at", null=True),
    _text("failure", null=True),
    _text("refund", null=True),
    UniqueConstraint("partner_id", "partner_reference", name="payments_partner_reference_key"),
    Index("payments_partner", text("(partner_id::bigint)"), "id"),
    Index("payments_customer", "biller_id", "customer_code", "id"),
)
PAYMENT_BILLS = Table(
    "payment_bills",
    METADATA,
    _biller(),
    Column("payment_id", Uuid, primary_key=True),
    _code("bill_id", key=True),
    Column("period", Date, nullable=False),
    _dong("amount_dong"),
    Column("sequence", Integer),
    Column("reversal_sequence", Integer),
)
IDEMPOTENCY_KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("partner_id", Integer, primary_key=True, autoincrement=False),
    Column("operation", Text, primary_key=True),
    _code("key", key=True),
    Column("month", Date, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("field_digests", LargeBinary, nullable=False),
    Column("status_code", SmallInteger, nullable=False),
    _text("body"),
    Column("resource_id", Uuid),
    _at(),
)
TRANSFERS = Table(
    "transfers",
    METADATA,
    _biller(),
    Column("source", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", BigInteger, nullable=False),
    Column("debit_account", Integer, nullable=False),
    Column("credit_account", Integer, nullable=False),
    _dong("amount_dong"),
    _at(),
)
EVENTS = Table(
    "events",
    METADATA,
    _biller(),
    Column("id", Uuid, primary_key=True),
    _text("type"),
    Column("subject", Uuid, nullable=False),
    _text("body"),
    _at(),
)
WEBHOOK_ENDPOINTS = Table(
    "webhook_endpoints",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("biller_id", SmallInteger, ForeignKey("billers.id"), nullable=False),
    _text("url"),
    Column("event_types", ARRAY(Text), nullable=False),
    _at("disabled_at", null=True),
    _text("disabled_reason", null=True),
    _at(),
    Index("webhook_endpoints_biller", "biller_id"),
)
WEBHOOK_SECRETS = Table(
    "webhook_secrets",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("endpoint_id", Uuid, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _at("expires_at", null=True),
    _at(),
    Index("webhook_secrets_endpoint", "endpoint_id"),
)
DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _biller(key=False),
    Column("event_id", Uuid, nullable=False),
    Column("endpoint_id", Uuid, nullable=False),
    _text("state"),
    _at("due_at"),
    Column("attempts", SmallInteger, nullable=False),
    Column("lease_no", Integer, nullable=False),
    Column("last_status", SmallInteger),
    _text("last_failure", null=True),
    _at("finished_at", null=True),
    Index("deliveries_due", "endpoint_id", "due_at", "id", postgresql_where=text("state = 'due'")),
    Index("deliveries_dead", "endpoint_id", "id", postgresql_where=text("state = 'dead'")),
)
AUDIT_LOG = Table(
    "audit_log",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _at("at"),
    _text("actor"),
    _text("action"),
    _text("subject"),
    Column("detail", JSONB, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
