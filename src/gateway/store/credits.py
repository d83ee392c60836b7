"""Credits: money on accounts as facts, and what each of them paid."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import Raw

# Which biller's and which partner's an account is; rides credit_accounts_pkey.
ACCOUNTS = "SELECT * FROM credit_accounts WHERE account = ANY ($1::text[])"
PUT_ACCOUNT = """
INSERT INTO credit_accounts (account, biller_id, partner_id) VALUES ($1, $2, $3)
ON CONFLICT (account) DO UPDATE SET biller_id = excluded.biller_id,
    partner_id = excluded.partner_id
"""

# Records a movement once, by its sender's key and by the bank's own number; no row if it is known.
RECORD = """
INSERT INTO credits (id, biller_id, provider, key, account, virtual_account, bank_reference,
    amount_dong, booked_at, booked_on, text, order_code, body, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT DO NOTHING RETURNING id
"""

# Books a transfer between the receivable of an account's owner and suspense.
BOOK = """
INSERT INTO transfers (biller_id, source, kind, debit_account, credit_account, amount_dong,
    created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

# Writes how much of which credits a payment took.
USE = """
INSERT INTO credit_uses (credit_id, payment_id, kind, amount_dong, at)
SELECT u.credit_id, $1, $2, u.amount_dong, $5
FROM unnest($3::uuid[], $4::bigint[]) u (credit_id, amount_dong)
"""

# The attempts of this biller that order codes name; rides attempts_reference_key.
NAMED_ATTEMPTS = """
SELECT a.reference, a.id FROM attempts a
WHERE a.provider = ANY ($1::text[]) AND a.reference = ANY ($2::text[]) AND a.biller_id = $3
"""
NAMED_CUSTOMERS = "SELECT code FROM customers WHERE biller_id = $1 AND code = ANY ($2::text[])"

# Holds a customer, so that credits of one customer are weighed one after the other.
HOLD_CUSTOMER = "SELECT code FROM customers WHERE biller_id = $1 AND code = $2 FOR NO KEY UPDATE"

# Whether any credit was ever put to an attempt: rides credit_uses_payment, suspense_lines_attempt.
HAS_CREDITS = """
SELECT EXISTS (SELECT FROM credit_uses WHERE payment_id = $2)
    OR EXISTS (SELECT FROM suspense_lines WHERE attempt_id = $1 AND credit_id IS NOT NULL
               AND (closed_at IS NOT NULL OR reason <> 'short'))
"""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account on which money arrives: for which biller, and whose it is."""

    account: str
    biller_id: int
    partner_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CreditRow:
    """One movement as it was told; `body` is the notice that told it, byte for byte."""

    id: UUID
    biller_id: int
    provider: str
    key: str
    account: str
    virtual_account: str | None
    bank_reference: str | None
    amount_dong: int
    booked_at: datetime
    booked_on: date
    text: str
    order_code: str | None
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Booking:
    """One row of the ledger: from the credit to the debit account."""

    biller_id: int
    source: UUID
    kind: str
    debit: int
    credit: int
    amount_dong: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a credit a payment took, in đồng."""

    credit_id: UUID
    amount_dong: int


async def accounts(connection: Raw, named: Sequence[str]) -> dict[str, AccountRow]:
    """Read the accounts of these numbers that are known here."""
    rows = await connection.fetch(ACCOUNTS, named)
    return {row["account"]: AccountRow(**row) for row in rows}


async def put_account(connection: Raw, account: str, biller_id: int, partner_id: int) -> None:
    """Say for which biller money arrives on an account, and in whose name it then pays."""
    await connection.execute(PUT_ACCOUNT, account, biller_id, partner_id)


async def record(connection: Raw, row: CreditRow) -> bool:
    """Write a movement down; False if it is known, under whichever number."""
    return await connection.fetchval(RECORD, *astuple(row)) is not None


async def book(connection: Raw, booking: Booking) -> None:
    """Write a transfer between an account's owner and suspense."""
    await connection.execute(BOOK, *astuple(booking))


async def use(
    connection: Raw, payment_id: UUID, kind: str, uses: Sequence[Use], at: datetime
) -> None:
    """Write which credits a payment took."""
    ids, amounts = [u.credit_id for u in uses], [u.amount_dong for u in uses]
    await connection.execute(USE, payment_id, kind, ids, amounts, at)


async def named_attempts(
    connection: Raw, providers: Sequence[str], codes: Sequence[str], biller_id: int
) -> dict[str, list[UUID]]:
    """Find a biller's attempts that order codes name."""
    found: dict[str, list[UUID]] = {}
    for row in await connection.fetch(NAMED_ATTEMPTS, providers, codes, biller_id):
        found.setdefault(row["reference"], []).append(row["id"])
    return found


async def named_customers(connection: Raw, biller_id: int, codes: Sequence[str]) -> frozenset[str]:
    """Say which of these customers exist."""
    rows = await connection.fetch(NAMED_CUSTOMERS, biller_id, codes)
    return frozenset(row["code"] for row in rows)


async def hold_customer(connection: Raw, biller_id: int, code: str) -> bool:
    """Lock a customer until the transaction ends; False if there is none."""
    return await connection.fetchval(HOLD_CUSTOMER, biller_id, code) is not None


async def has_credits(connection: Raw, attempt_id: UUID, payment_id: UUID) -> bool:
    """Say whether a credit has paid for this attempt, or stood in suspense for it in the end."""
    return bool(await connection.fetchval(HAS_CREDITS, attempt_id, payment_id))
