"""Payments as they are read; what writes them is `store/moves.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

import asyncpg

from gateway.domain.payment import PaidLine
from gateway.store.database import ONE_PLAN_EACH, Raw

# One payment by id, at whichever biller; rides payments_pkey, or payments_partner where there are
# few partners. $2 lists all billers.
BY_ID = """
SELECT p.*, l.bill_id, l.period, l.amount_dong AS line_dong,
       coalesce(l.reversal_sequence, l.sequence) AS sequence
FROM payments p JOIN payment_bills l ON l.biller_id = p.biller_id AND l.payment_id = p.id
WHERE p.id = $1 AND p.biller_id = ANY ($2::smallint[])
ORDER BY l.bill_id
"""

# One payment by the partner's own reference; rides payments_partner_reference_key.
BY_REFERENCE = """
SELECT p.id FROM payments p WHERE p.partner_id = $1 AND p.partner_reference = $2
"""

# Ids of one millisecond, at most 100; rides payments_pkey once for each biller.
MADE_BETWEEN = """
SELECT p.id FROM payments p
WHERE p.biller_id = ANY ($3::smallint[]) AND p.id >= $1 AND p.id < $2 LIMIT 100
"""

# A page of payments, newest first; rides payments_partner, payments_customer or payments_pkey;
# at most 101. The cursor is the last id seen: ids follow time. Planned for the filters that it is
# given (ONE_PLAN_EACH): a plan for any of them could ride no index.
LIST = """
WITH page AS (
    SELECT p.* FROM payments p
    WHERE ($1::smallint IS NULL OR p.biller_id = $1)
      AND ($2::bigint IS NULL OR p.partner_id::bigint = $2)
      AND ($3::uuid IS NULL OR p.id < $3)
      AND ($4::text IS NULL OR p.customer_code = $4)
      AND ($5::text IS NULL OR p.channel = $5)
      AND ($6::date IS NULL OR p.business_date >= $6)
      AND ($7::date IS NULL OR p.business_date <= $7)
      AND ($8::bool IS NULL OR (p.reversed_at IS NOT NULL) = $8)
    ORDER BY p.id DESC LIMIT $9
)
SELECT p.*, l.bill_id, l.period, l.amount_dong AS line_dong,
       coalesce(l.reversal_sequence, l.sequence) AS sequence
FROM page p JOIN payment_bills l ON l.biller_id = p.biller_id AND l.payment_id = p.id
ORDER BY p.id DESC, l.bill_id
"""


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment as stored, with its lines (bill id, period, amount, latest event sequence)."""

    biller_id: int
    id: UUID
    partner_id: int
    partner_reference: str
    method: str
    channel: str
    customer_code: str
    amount_dong: int
    status: str
    business_date: date
    created_at: datetime
    reversed_at: datetime | None
    reversal_reason: str | None
    provider: str | None
    expires_at: datetime | None
    failure: str | None
    refund: str | None
    settled_at: datetime | None
    lines: tuple[PaidLine, ...]


async def by_id(connection: Raw, payment_id: UUID, biller_ids: Sequence[int]) -> PaymentRow | None:
    """Read one payment of any partner; the caller decides who may see it."""
    rows = await connection.fetch(BY_ID, payment_id, biller_ids)
    return _payments(rows)[0] if rows else None


async def by_reference(connection: Raw, partner_id: int, reference: str) -> UUID | None:
    """Find the payment that a partner's own reference names."""
    found: UUID | None = await connection.fetchval(BY_REFERENCE, partner_id, reference)
    return found


async def made_between(
    connection: Raw, first: UUID, end: UUID, biller_ids: Sequence[int]
) -> list[UUID]:
    """List the payments whose ids are from `first` on and before `end`, a millisecond later."""
    return [row["id"] for row in await connection.fetch(MADE_BETWEEN, first, end, biller_ids)]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which payments to list. None means any; dates are business dates, both inclusive."""

    biller_id: int | None = None
    partner_id: int | None = None
    before: UUID | None = None
    customer_code: str | None = None
    channel: str | None = None
    from_date: date | None = None
    to_date: date | None = None
    is_reversed: bool | None = None
    limit: int = 20


async def list_page(connection: Raw, wanted: Filter) -> list[PaymentRow]:
    """Read a page of payments, newest first."""
    async with connection.transaction():
        await connection.execute(ONE_PLAN_EACH)
        rows = await connection.fetch(
            LIST,
            wanted.biller_id,
            wanted.partner_id,
            wanted.before,
            wanted.customer_code,
            wanted.channel,
            wanted.from_date,
            wanted.to_date,
            wanted.is_reversed,
            wanted.limit,
        )
    return _payments(rows)


def _payments(rows: Sequence[asyncpg.Record]) -> list[PaymentRow]:
    return [_payment(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


def _payment(rows: Sequence[asyncpg.Record]) -> PaymentRow:
    first = rows[0]
    return PaymentRow(
        biller_id=first["biller_id"],
        id=first["id"],
        partner_id=first["partner_id"],
        partner_reference=first["partner_reference"],
        method=first["method"],
        channel=first["channel"],
        customer_code=first["customer_code"],
        amount_dong=first["amount_dong"],
        status=first["status"],
        business_date=first["business_date"],
        created_at=first["created_at"],
        reversed_at=first["reversed_at"],
        reversal_reason=first["reversal_reason"],
        provider=first["provider"],
        expires_at=first["expires_at"],
        failure=first["failure"],
        refund=first["refund"],
        settled_at=first["settled_at"],
        lines=tuple(
            PaidLine(row["bill_id"], row["period"], row["line_dong"], row["sequence"])
            for row in rows
        ),
    )
