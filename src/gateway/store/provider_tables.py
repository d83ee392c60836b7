"""The tables of payments through providers, as SQLAlchemy sees them; see `tables.py`."""

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
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from gateway.store.tables import METADATA


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _code(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text(collation="C"), primary_key=key, nullable=False)


def _id(name: str = "id", *, key: bool = False, null: bool = False) -> Column[object]:
    return Column(name, Uuid, primary_key=key, nullable=null)


def _at(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=null)


def _biller(*, key: bool = False) -> Column[int]:
    return Column("biller_id", SmallInteger, primary_key=key, nullable=False)


PROVIDERS = Table(
    "providers",
    METADATA,
    _code("code", key=True),
    Column("receivable_account", Integer, ForeignKey("ledger_accounts.id"), nullable=False),
    _at("next_query_at"),
    _at("created_at"),
)
PROVIDER_SWITCHES = Table(
    "provider_switches",
    METADATA,
    Column("provider", Text(collation="C"), ForeignKey("providers.code"), primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("is_tripped", Boolean, nullable=False),
    _text("reason"),
    _at("changed_at"),
)
ATTEMPTS = Table(
    "attempts",
    METADATA,
    _biller(key=True),
    _id(key=True),
    _id("payment_id"),
    Column("number", SmallInteger, nullable=False),
    _code("provider"),
    _code("reference"),
    _text("option", null=True),
    _text("text"),
    Column("amount_dong", BigInteger, nullable=False),
    _text("return_url"),
    _text("notify_url"),
    _text("payer_ip"),
    _text("locale"),
    Column("visibility_s", Integer, nullable=False),
    _text("state"),
    Column("rank", SmallInteger, nullable=False),
    _text("code"),
    _text("provider_id", null=True),
    _text("memory"),
    _text("redirect_url", null=True),
    _text("deeplink", null=True),
    _text("qr_content", null=True),
    Column("negatives", SmallInteger, nullable=False),
    _at("negative_since", null=True),
    _at("due_at", null=True),
    Column("asked", Integer, nullable=False),
    Column("lease_no", Integer, nullable=False),
    _at("created_at"),
    _at("expires_at"),
    _at("doubt_since", null=True),
    _at("settled_at", null=True),
    UniqueConstraint("provider", "reference", name="attempts_reference_key"),
    UniqueConstraint("biller_id", "payment_id", "number", name="attempts_number_key"),
    Index(
        "attempts_live",
        "biller_id",
        "payment_id",
        unique=True,
        postgresql_where=text("state IN ('sent', 'waiting', 'pending', 'unknown')"),
    ),
    Index("attempts_due", "provider", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)
EVIDENCE = Table(
    "evidence",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _biller(),
    _id("attempt_id"),
    Column("rank", SmallInteger, nullable=False),
    _text("source"),
    _text("outcome"),
    _text("code"),
    Column("amount_dong", BigInteger),
    _text("facts"),
    _text("disagrees", null=True),
    _text("rule"),
    _text("state_before"),
    _text("state_after"),
    _id("exchange_id", null=True),
    _id("notification_id", null=True),
    _at("at"),
    Index("evidence_attempt", "biller_id", "attempt_id", "id"),
)
EXCHANGES = Table(
    "exchanges",
    METADATA,
    _id(key=True),
    _biller(),
    _id("attempt_id"),
    _text("operation"),
    _text("method"),
    _text("url"),
    _text("request"),
    Column("request_sha256", LargeBinary, nullable=False),
    _text("fate"),
    _text("reason"),
    Column("status", SmallInteger),
    _text("reply", null=True),
    Column("reply_sha256", LargeBinary),
    _at("started_at"),
    Column("took_ms", Integer, nullable=False),
    Index("exchanges_attempt", "biller_id", "attempt_id", "id"),
)
NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    _id(key=True),
    _biller(),
    _id("attempt_id"),
    _code("provider"),
    _code("key"),
    _text("method"),
    _text("query"),
    Column("body", LargeBinary, nullable=False),
    _text("verdict"),
    _at("received_at"),
    UniqueConstraint("provider", "key", name="notifications_key"),
    Index("notifications_attempt", "biller_id", "attempt_id", "id"),
)
QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _code("provider"),
    _text("reason"),
    _text("method"),
    _text("query"),
    Column("body", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    _at("received_at"),
    Index("quarantine_provider", "provider", "id"),
)
EXCEPTIONS = Table(
    "exceptions",
    METADATA,
    _id(key=True),
    _biller(),
    _id("payment_id"),
    _id("attempt_id"),
    _text("kind"),
    Column("amount_dong", BigInteger, nullable=False),
    _text("owner"),
    _text("next_action"),
    Column("due_on", Date, nullable=False),
    _at("opened_at"),
    _at("closed_at", null=True),
    _text("closed_by", null=True),
    _text("resolution", null=True),
    UniqueConstraint("biller_id", "attempt_id", "kind", name="exceptions_attempt_key"),
    Index("exceptions_open", "due_on", "id", postgresql_where=text("closed_at IS NULL")),
)
