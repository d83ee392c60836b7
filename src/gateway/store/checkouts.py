"""Checkouts: written once, read by their id."""

from uuid import UUID

import asyncpg

from gateway.domain.checkout import Checkout
from gateway.domain.payment import Line
from gateway.store.database import Raw

# Keeps a checkout; no row if the partner's reference names one already.
PUT = """
INSERT INTO checkouts (id, partner_id, biller_id, partner_reference, customer_code, bill_ids,
    amounts_dong, return_url, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (partner_id, partner_reference) DO NOTHING
RETURNING *
"""

# Each rides its unique key.
BY_ID = "SELECT * FROM checkouts WHERE id = $1"
BY_REFERENCE = "SELECT * FROM checkouts WHERE partner_id = $1 AND partner_reference = $2"


async def put(connection: Raw, checkout: Checkout) -> Checkout | None:
    """Keep a checkout, or give the one that has its partner's reference already.

    None: somebody has taken the reference at this moment, and it is not visible yet.
    """
    row = await connection.fetchrow(
        PUT,
        checkout.id,
        checkout.partner_id,
        checkout.biller_id,
        checkout.partner_reference,
        checkout.customer_code,
        [line.bill_id for line in checkout.lines],
        [line.amount_dong for line in checkout.lines],
        checkout.return_url,
        checkout.created_at,
        checkout.expires_at,
    )
    if row is None:
        return await by_reference(connection, checkout.partner_id, checkout.partner_reference)
    return _checkout(row)


async def by_reference(connection: Raw, partner_id: int, reference: str) -> Checkout | None:
    """Read the checkout that a partner's own reference names."""
    row = await connection.fetchrow(BY_REFERENCE, partner_id, reference)
    return None if row is None else _checkout(row)


async def by_id(connection: Raw, checkout_id: UUID) -> Checkout | None:
    """Read a checkout."""
    row = await connection.fetchrow(BY_ID, checkout_id)
    return None if row is None else _checkout(row)


def _checkout(row: asyncpg.Record) -> Checkout:
    lines = zip(row["bill_ids"], row["amounts_dong"], strict=True)
    return Checkout(
        id=row["id"],
        partner_id=row["partner_id"],
        biller_id=row["biller_id"],
        partner_reference=row["partner_reference"],
        customer_code=row["customer_code"],
        lines=tuple(Line(bill_id, amount_dong) for bill_id, amount_dong in lines),
        return_url=row["return_url"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
