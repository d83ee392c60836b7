"""Mandates: made, changed with what changed them, and found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from gateway.store.database import Raw

COLUMNS = """
m.biller_id, m.id, m.partner_id, m.customer_code, m.provider, m.reference, m.bank,
m.account_masked, m.sealed, m.max_debit_dong, m.max_month_dong, m.day_of_month, m.retry_days,
m.starts_on, m.ends_on, m.state, m.suspended_by, m.reason, m.provider_id, m.agency,
m.consent_given_by, m.consent_given_at, m.consent_channel, m.consent_text_version,
m.consent_text, m.consent_sha256, m.consent_evidence, m.failed_months, m.lapses_on,
m.registered_at, m.created_at
"""

# Makes one mandate; no row if the customer has a live one (mandates_live) or none of the code
# exists. Rides customers_pkey.
INSERT = """
INSERT INTO mandates (biller_id, id, partner_id, customer_code, provider, reference, bank,
    account_masked, sealed, max_debit_dong, max_month_dong, day_of_month, retry_days, starts_on,
    ends_on, state, agency, consent_given_by, consent_given_at, consent_channel,
    consent_text_version, consent_text, consent_sha256, consent_evidence, lapses_on, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24, $25, $26
WHERE EXISTS (SELECT FROM customers c WHERE c.biller_id = $1 AND c.code = $4)
ON CONFLICT (biller_id, customer_code)
    WHERE state NOT IN ('cancelled', 'rejected', 'expired') DO NOTHING
RETURNING id
"""
HAS_CUSTOMER = "SELECT EXISTS (SELECT FROM customers WHERE biller_id = $1 AND code = $2)"

# The live mandate of a customer; rides mandates_live.
LIVE_OF = f"""
SELECT {COLUMNS} FROM mandates m
WHERE m.biller_id = $1 AND m.customer_code = $2
  AND m.state NOT IN ('cancelled', 'rejected', 'expired')
"""  # noqa: S608 (a constant of this file)
BY_ID = f"""
SELECT {COLUMNS} FROM mandates m WHERE m.biller_id = ANY ($2::smallint[]) AND m.id = $1
"""  # noqa: S608 (a constant of this file)
BY_IDS = f"""
SELECT {COLUMNS} FROM mandates m WHERE m.biller_id = $1 AND m.id = ANY ($2::uuid[])
"""  # noqa: S608 (a constant of this file)
BY_REFERENCE = f"""
SELECT {COLUMNS} FROM mandates m WHERE m.provider = $1 AND m.reference = $2
"""  # noqa: S608 (a constant of this file)
HOLD = f"""
SELECT {COLUMNS} FROM mandates m WHERE m.biller_id = $1 AND m.id = $2 FOR UPDATE
"""  # noqa: S608 (a constant of this file)

# A page of mandates, newest first; rides mandates_pkey backwards; at most 101.
LIST = f"""
SELECT {COLUMNS} FROM mandates m
WHERE m.biller_id = ANY ($1::smallint[]) AND ($2::int IS NULL OR m.partner_id = $2)
  AND ($3::uuid IS NULL OR m.id < $3) AND ($4::text IS NULL OR m.customer_code = $4)
  AND ($5::text IS NULL OR m.state = $5)
ORDER BY m.id DESC LIMIT $6
"""  # noqa: S608 (a constant of this file)

# Moves a held mandate and writes why, tells the biller; a source that was heard before moves
# nothing (mandate_events_source_key breaks).
CHANGE = """
WITH moved AS (
    UPDATE mandates SET state = $3, suspended_by = $4, reason = $5,
        failed_months = CASE WHEN $3 = 'active' THEN 0 ELSE failed_months END,
        ask_at = CASE WHEN $3 = 'pending_bank' THEN $10::timestamptz END, asked = 0
    WHERE biller_id = $1 AND id = $2 AND state = $6
    RETURNING biller_id, id
), noted AS (
    INSERT INTO mandate_events (biller_id, mandate_id, change, state_before, state_after, origin,
        reason, source_key, at)
    SELECT biller_id, id, $7, $6, $3, $8, $5, $9, $10 FROM moved
), told AS (
    INSERT INTO events (biller_id, id, type, subject, body, created_at)
    SELECT biller_id, $11, $12, id, $13, $10 FROM moved
), fanned AS (
    INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at)
    SELECT m.biller_id, $11, e.id, now()
    FROM moved m JOIN webhook_endpoints e ON e.biller_id = m.biller_id
    WHERE e.disabled_at IS NULL AND $12 = ANY (e.event_types)
)
SELECT id FROM moved
"""
WAS_HEARD = """
SELECT EXISTS (SELECT FROM mandate_events
    WHERE biller_id = $1 AND mandate_id = $2 AND source_key = $3)
"""
REGISTERED = """
UPDATE mandates SET registered_at = coalesce(registered_at, $3),
    ask_at = CASE WHEN registered_at IS NULL AND state = 'pending_bank' THEN $3 ELSE ask_at END,
    provider_id = coalesce($4, provider_id)
WHERE biller_id = $1 AND id = $2
"""
EVENTS_OF = """
SELECT change, state_before, state_after, origin, reason, at FROM mandate_events
WHERE biller_id = $1 AND mandate_id = $2 ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class MandateRow:
    """A mandate as stored."""

    biller_id: int
    id: UUID
    partner_id: int
    customer_code: str
    provider: str
    reference: str
    bank: str
    account_masked: str
    sealed: bytes
    max_debit_dong: int
    max_month_dong: int | None
    day_of_month: int | None
    retry_days: int
    starts_on: date
    ends_on: date | None
    state: str
    suspended_by: str | None
    reason: str
    provider_id: str | None
    agency: str | None
    consent_given_by: str
    consent_given_at: datetime
    consent_channel: str
    consent_text_version: str
    consent_text: str
    consent_sha256: bytes
    consent_evidence: str
    failed_months: int
    lapses_on: date
    registered_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    """One change of a mandate."""

    change: str
    state_before: str
    state_after: str
    origin: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """What CHANGE writes beside the mandate's own numbers."""

    change: str
    after: str
    suspended_by: str | None
    reason: str
    origin: str
    source_key: str | None
    at: datetime
    event_id: UUID
    event_type: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which mandates to list; `partner_id` None: all of these billers."""

    biller_ids: Sequence[int]
    partner_id: int | None
    before: UUID | None
    customer_code: str | None
    state: str | None
    limit: int


async def insert(connection: Raw, row: MandateRow) -> bool:
    """Make a mandate; False if its customer has a live one, or does not exist."""
    made = await connection.fetchval(
        INSERT,
        *(row.biller_id, row.id, row.partner_id, row.customer_code, row.provider, row.reference),
        *(row.bank, row.account_masked, row.sealed, row.max_debit_dong, row.max_month_dong),
        *(row.day_of_month, row.retry_days, row.starts_on, row.ends_on, row.state, row.agency),
        *(row.consent_given_by, row.consent_given_at, row.consent_channel),
        *(row.consent_text_version, row.consent_text, row.consent_sha256, row.consent_evidence),
        *(row.lapses_on, row.created_at),
    )
    return made is not None


async def has_customer(connection: Raw, biller_id: int, code: str) -> bool:
    """Say whether the biller has this customer."""
    return bool(await connection.fetchval(HAS_CUSTOMER, biller_id, code))


async def live_of(connection: Raw, biller_id: int, customer_code: str) -> MandateRow | None:
    """Read the live mandate of a customer."""
    return _mandate(await connection.fetchrow(LIVE_OF, biller_id, customer_code))


async def by_id(connection: Raw, mandate_id: UUID, biller_ids: Sequence[int]) -> MandateRow | None:
    """Read one mandate of any partner; the caller decides who may see it."""
    return _mandate(await connection.fetchrow(BY_ID, mandate_id, biller_ids))


async def by_ids(connection: Raw, biller_id: int, ids: Sequence[UUID]) -> dict[UUID, MandateRow]:
    """Read mandates by their ids."""
    rows = await connection.fetch(BY_IDS, biller_id, ids)
    return {row["id"]: MandateRow(**row) for row in rows}


async def by_reference(connection: Raw, provider: str, reference: str) -> MandateRow | None:
    """Read a mandate by our reference at its bank."""
    if "\x00" in reference:
        return None  # Postgres keeps it in no text
    return _mandate(await connection.fetchrow(BY_REFERENCE, provider, reference))


async def hold(connection: Raw, biller_id: int, mandate_id: UUID) -> MandateRow | None:
    """Lock a mandate until the transaction ends."""
    return _mandate(await connection.fetchrow(HOLD, biller_id, mandate_id))


async def find(connection: Raw, wanted: Filter) -> list[MandateRow]:
    """Read a page of mandates, newest first."""
    rows = await connection.fetch(
        LIST,
        *(wanted.biller_ids, wanted.partner_id, wanted.before, wanted.customer_code),
        *(wanted.state, wanted.limit),
    )
    return [MandateRow(**row) for row in rows]


async def change(connection: Raw, held: MandateRow, row: ChangeRow) -> bool:
    """Move a held mandate; False if somebody moved it first.

    Raises:
        asyncpg.UniqueViolationError: this source was heard before; nothing was kept.
    """
    moved = await connection.fetchval(
        CHANGE,
        *(held.biller_id, held.id, row.after, row.suspended_by, row.reason, held.state),
        *(row.change, row.origin, row.source_key, row.at, row.event_id, row.event_type, row.body),
    )
    return moved is not None


async def was_heard(connection: Raw, row: MandateRow, source_key: str) -> bool:
    """Say whether this source has changed the mandate before."""
    return bool(await connection.fetchval(WAS_HEARD, row.biller_id, row.id, source_key))


async def registered(
    connection: Raw, row: MandateRow, at: datetime, provider_id: str | None
) -> None:
    """Write that the bank has the mandate, and its number of it."""
    await connection.execute(REGISTERED, row.biller_id, row.id, at, provider_id)


async def events_of(connection: Raw, row: MandateRow) -> list[EventRow]:
    """Read all changes of a mandate, the oldest first."""
    return [EventRow(**found) for found in await connection.fetch(EVENTS_OF, row.biller_id, row.id)]


def _mandate(row: asyncpg.Record | None) -> MandateRow | None:
    return None if row is None else MandateRow(**row)
