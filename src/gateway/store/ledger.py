"""The ledger as it is read: rows of a source, balances, and whether the books balance."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.database import Raw

# The rows of one payment; rides transfers_pkey.
OF_SOURCE = """
SELECT t.id, t.kind, d.code AS debit, c.code AS credit, t.amount_dong, t.created_at
FROM transfers t
JOIN ledger_accounts d ON d.id = t.debit_account
JOIN ledger_accounts c ON c.id = t.credit_account
WHERE t.biller_id = ANY ($1::smallint[]) AND t.source = $2
ORDER BY t.id
"""

# Balances of all accounts, debits less credits; scans the ledger, for operators.
BALANCES = """
SELECT a.code, coalesce(sum(m.amount), 0)::bigint AS balance_dong
FROM ledger_accounts a LEFT JOIN (
    SELECT debit_account AS account, amount_dong AS amount FROM transfers
    UNION ALL SELECT credit_account, -amount_dong FROM transfers) m ON m.account = a.id
GROUP BY a.code ORDER BY a.code
"""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One ledger row: an amount in đồng from the credit to the debit account."""

    id: int
    kind: str
    debit: str
    credit: str
    amount_dong: int
    created_at: datetime


async def of_source(connection: Raw, biller_ids: list[int], source: UUID) -> list[Transfer]:
    """Read what a payment posted."""
    return [Transfer(**row) for row in await connection.fetch(OF_SOURCE, biller_ids, source)]


async def balances(connection: Raw) -> dict[str, int]:
    """Give each account's balance, debits less credits; they sum to zero."""
    return {row["code"]: row["balance_dong"] for row in await connection.fetch(BALANCES)}
