"""SMS banking: what came in, what was quoted, what goes out. No text is kept but sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from gateway.store.database import Raw

# One sender's messages are answered one after the other, whichever process has them.
LOCK_SENDER = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7))"

# Rides texts_in_pkey.
TEXT_IN = "SELECT sealed FROM texts_in WHERE provider = $1 AND id = $2"
ADD_TEXT_IN = """
INSERT INTO texts_in (provider, id, command, sealed, received_at) VALUES ($1, $2, $3, $4, $5)
"""
# The first answer stays: a repetition is given it, whatever is true by then.
SET_REPLY = """
UPDATE texts_in SET sealed = $3 WHERE provider = $1 AND id = $2 AND sealed IS NULL
"""

# The one quote of a sender that waits for a code; rides sms_quotes_pending.
PENDING = """
SELECT biller_id, id, mandate_id, customer_code, bill_id, amount_dong, otp_hash, tries_left,
    expires_at
FROM sms_quotes WHERE provider = $1 AND sender = $2 AND state = 'quoted'
"""
END_PENDING = """
UPDATE sms_quotes SET state = $3 WHERE provider = $1 AND sender = $2 AND state = 'quoted'
RETURNING id
"""
ADD_QUOTE = """
INSERT INTO sms_quotes (biller_id, id, provider, sender, mandate_id, customer_code, bill_id,
    amount_dong, otp_hash, tries_left, state, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'quoted', $11, $12)
"""
MISS = """
UPDATE sms_quotes SET tries_left = tries_left - 1,
    state = CASE WHEN tries_left <= 1 THEN 'used_up' ELSE state END
WHERE biller_id = $1 AND id = $2 AND state = 'quoted'
"""
CONFIRM = """
UPDATE sms_quotes SET state = 'confirmed', payment_id = $3, confirmed_on = $4, confirmed_at = $5
WHERE biller_id = $1 AND id = $2 AND state = 'quoted'
"""
# How often a sender paid on a day; rides sms_quotes_day.
PAID_ON = """
SELECT count(*) FROM sms_quotes
WHERE provider = $1 AND sender = $2 AND confirmed_on = $3 AND payment_id IS NOT NULL
"""

# Confirmed payments whose end nobody was told of, at most 100; rides sms_quotes_untold.
UNTOLD = """
SELECT q.biller_id, q.id, q.mandate_id, q.customer_code, q.amount_dong, q.payment_id, p.status
FROM sms_quotes q JOIN payments p ON p.biller_id = q.biller_id AND p.id = q.payment_id
WHERE q.provider = $1 AND q.payment_id IS NOT NULL AND q.told_at IS NULL AND q.confirmed_at < $2
  AND p.status IN ('succeeded', 'failed', 'cancelled', 'expired')
ORDER BY q.confirmed_at LIMIT 100
"""
TOLD = """
UPDATE sms_quotes SET told_at = $3 WHERE biller_id = $1 AND id = $2 AND told_at IS NULL
RETURNING id
"""

ADD_TEXT_OUT = """
INSERT INTO texts_out (id, provider, sealed, state, tries, created_at, due_at)
VALUES ($1, $2, $3, 'queued', 0, $4, $4)
"""
# Takes what is due under a lease; what was taken five times and never accepted is given up. At
# most 20; rides texts_out_due; safe from many workers.
CLAIM_OUT = """
UPDATE texts_out t SET tries = t.tries + 1, due_at = $3,
    state = CASE WHEN t.tries >= 5 THEN 'given_up' ELSE 'sending' END
FROM (SELECT id FROM texts_out
      WHERE provider = $1 AND state IN ('queued', 'sending') AND due_at <= $2
      ORDER BY due_at LIMIT 20 FOR UPDATE SKIP LOCKED) d
WHERE t.id = d.id
RETURNING t.id, t.sealed, t.state
"""
SENT = """
UPDATE texts_out SET state = 'sent', centre_id = $2, sent_at = $3, due_at = $4
WHERE id = $1 AND state = 'sending'
"""
REPORT = """
UPDATE texts_out SET state = CASE WHEN state IN ('delivered', 'undelivered') THEN state
        WHEN $3::text = 'underway' THEN state ELSE $3 END, report = $4
WHERE provider = $1 AND centre_id = $2
RETURNING id
"""
# What was sent and never reported on; rides texts_out_due.
UNREPORTED = """
UPDATE texts_out SET state = 'unreported'
WHERE provider = $1 AND state = 'sent' AND centre_id IS NOT NULL AND due_at <= $2
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """A quote that waits for its code."""

    biller_id: int
    id: UUID
    mandate_id: UUID
    customer_code: str
    bill_id: str
    amount_dong: int
    otp_hash: bytes
    tries_left: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuote:
    """A quote as it is written."""

    biller_id: int
    id: UUID
    provider: str
    sender: bytes
    mandate_id: UUID
    customer_code: str
    bill_id: str
    amount_dong: int
    otp_hash: bytes
    tries_left: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Untold:
    """A confirmed payment that has ended."""

    biller_id: int
    id: UUID
    mandate_id: UUID
    customer_code: str
    amount_dong: int
    payment_id: UUID
    status: str


async def lock_sender(connection: Raw, provider: str, sender: bytes) -> None:
    """Let no other message of this sender be answered until the transaction ends."""
    await connection.execute(LOCK_SENDER, f"{provider}:{sender.hex()}")


async def text_in(connection: Raw, provider: str, message_id: str) -> tuple[bytes | None] | None:
    """Give the sealed reply of a message that came before; None if it did not."""
    found = await connection.fetchrow(TEXT_IN, provider, message_id)
    return None if found is None else (found["sealed"],)


async def add_text_in(
    connection: Raw,
    provider: str,
    message_id: str,
    *,
    command: str,
    sealed: bytes | None,
    at: datetime,
) -> None:
    """Write that a message came, with the reply if it is known already."""
    await connection.execute(ADD_TEXT_IN, provider, message_id, command, sealed, at)


async def set_reply(connection: Raw, provider: str, message_id: str, sealed: bytes) -> None:
    """Write the first reply to a message."""
    await connection.execute(SET_REPLY, provider, message_id, sealed)


async def pending(connection: Raw, provider: str, sender: bytes) -> Pending | None:
    """Give the quote that waits for a code of this sender."""
    found = await connection.fetchrow(PENDING, provider, sender)
    return None if found is None else Pending(**found)


async def end_pending(connection: Raw, provider: str, sender: bytes, state: str) -> bool:
    """End the quote that waits; False if none does."""
    return await connection.fetchval(END_PENDING, provider, sender, state) is not None


async def add_quote(connection: Raw, row: NewQuote) -> None:
    """Write a quote; the sender's other one must have ended."""
    await connection.execute(
        ADD_QUOTE,
        *(row.biller_id, row.id, row.provider, row.sender, row.mandate_id, row.customer_code),
        *(row.bill_id, row.amount_dong, row.otp_hash, row.tries_left, row.created_at),
        row.expires_at,
    )


async def miss(connection: Raw, quote: Pending) -> None:
    """Count a wrong code."""
    await connection.execute(MISS, quote.biller_id, quote.id)


async def confirm(
    connection: Raw, quote: Pending, payment_id: UUID, *, on: date, at: datetime
) -> None:
    """Mark a quote as confirmed by its code, with the payment that was begun for it."""
    await connection.execute(CONFIRM, quote.biller_id, quote.id, payment_id, on, at)


async def paid_on(connection: Raw, provider: str, sender: bytes, day: date) -> int:
    """Count a sender's payments of a day."""
    return int(await connection.fetchval(PAID_ON, provider, sender, day))


async def untold(connection: Raw, provider: str, before: datetime) -> Sequence[Untold]:
    """Give what has ended, was confirmed before this instant, and nobody was told of."""
    return [Untold(**row) for row in await connection.fetch(UNTOLD, provider, before)]


async def mark_told(connection: Raw, biller_id: int, quote_id: UUID, at: datetime) -> bool:
    """Mark that a result is being told; False if it is already."""
    return await connection.fetchval(TOLD, biller_id, quote_id, at) is not None


async def add_text_out(
    connection: Raw, text_id: UUID, provider: str, sealed: bytes, at: datetime
) -> None:
    """Queue a message."""
    await connection.execute(ADD_TEXT_OUT, text_id, provider, sealed, at)


async def claim_out(
    connection: Raw, provider: str, now: datetime, lease: timedelta
) -> Sequence[tuple[UUID, bytes, str]]:
    """Take messages that are due: id, sealed, state (sending, or given_up)."""
    return [tuple(row) for row in await connection.fetch(CLAIM_OUT, provider, now, now + lease)]


async def mark_sent(
    connection: Raw, text_id: UUID, centre_id: str, *, at: datetime, report_by: datetime
) -> None:
    """Write that the centre took a message, and by when it must report if it gave a number."""
    await connection.execute(SENT, text_id, centre_id or None, at, report_by)


async def report(connection: Raw, provider: str, centre_id: str, delivery: str, code: str) -> bool:
    """Write a delivery report; False if we sent no such message."""
    found = await connection.fetchval(REPORT, provider, centre_id, delivery, code)
    return found is not None


async def mark_unreported(connection: Raw, provider: str, now: datetime) -> Sequence[UUID]:
    """Mark messages whose report is overdue, and give them."""
    return [row["id"] for row in await connection.fetch(UNREPORTED, provider, now)]
