"""The tables of people who sign in, as SQLAlchemy sees them; see `tables.py`."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gateway.store import columns
from gateway.store.tables import METADATA

USERS = Table(
    "users",
    METADATA,
    columns.uuid(key=True),
    columns.code("name"),
    columns.text("role"),
    Column("areas", ARRAY(Text), nullable=False),
    columns.text("password"),
    Column("secret", LargeBinary),
    Column("last_step", BigInteger, nullable=False),
    columns.at("disabled_at", null=True),
    columns.at(),
    UniqueConstraint("name", name="users_name_key"),
)
RECOVERY_CODES = Table(
    "recovery_codes",
    METADATA,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    columns.text("stage"),
    columns.at(),
    columns.at("seen_at"),
    columns.at("expires_at"),
    Index("sessions_user", "user_id"),
    Index("sessions_expires", "expires_at"),
)
SIGN_IN_TRIES = Table(
    "sign_in_tries",
    METADATA,
    columns.code("key", key=True),
    Column("count", Integer, nullable=False),
    columns.at("last_at"),
    columns.at("next_at"),
)
