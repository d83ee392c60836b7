"""What we know of an order that a provider asks about before it charges; reads only."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.database import Raw

# Ends a question that waits for the database longer than a payer waits; for this transaction only.
SOON = "SET LOCAL statement_timeout = '2s'"

# One attempt, its payment, and whether the payment holds every bill and each can be paid with its
# amount, by the rule of settlement's SETTLE; at most 50 bills, in one snapshot and without a lock.
# Rides attempts_pkey, attempts_number_key, payments_pkey, payment_bills_pkey and bills_pkey.
ASKED = """
SELECT a.amount_dong, a.state, a.expires_at, p.status,
       p.cancel_asked_at IS NOT NULL AS is_cancelling,
       a.number = (
           SELECT max(t.number) FROM attempts t
           WHERE t.biller_id = a.biller_id AND t.payment_id = a.payment_id) AS is_newest,
       p.bill_count = (
           SELECT count(*)
           FROM payment_bills l CROSS JOIN LATERAL (
               SELECT * FROM bills WHERE biller_id = l.biller_id AND id = l.bill_id OFFSET 0) b
           WHERE l.biller_id = p.biller_id AND l.payment_id = p.id
             AND b.status = 'open' AND b.claimed_by = p.id AND b.claim IS NOT NULL
             AND (b.amount_dong - b.paid_dong = l.amount_dong
                  OR (l.amount_dong < b.amount_dong - b.paid_dong AND l.amount_dong >= $3::bigint))
       ) AS holds_its_bills
FROM attempts a JOIN payments p ON p.biller_id = a.biller_id AND p.id = a.payment_id
WHERE a.biller_id = $1 AND a.id = $2
"""


@dataclass(frozen=True, slots=True)
class AskedRow:
    """An order as it stands when a provider asks about it."""

    amount_dong: int
    state: str
    expires_at: datetime
    status: str
    is_cancelling: bool
    is_newest: bool
    holds_its_bills: bool


async def hurry(connection: Raw) -> None:
    """Let no statement of this transaction take longer than a payer waits."""
    await connection.execute(SOON)


async def asked_about(
    connection: Raw, biller_id: int, attempt_id: UUID, *, least_part: int
) -> AskedRow | None:
    """Read how the order of an attempt stands.

    Args:
        connection: in a transaction.
        biller_id: the biller's.
        attempt_id: the attempt's.
        least_part: the least part of a bill that may be paid, in đồng.
    """
    row = await connection.fetchrow(ASKED, biller_id, attempt_id, least_part)
    return None if row is None else AskedRow(**row)
