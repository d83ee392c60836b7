"""Debit files: written once, kept as they are handed over, and what stands in none yet."""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from gateway.store.database import Raw

# What is drawn and stands in no file yet; rides debits_drawn.
UNFILED = """
SELECT attempt_id FROM debits
WHERE biller_id = $1 AND provider = $2 AND state = 'drawn' AND file_id IS NULL
  AND attempt_id = (SELECT a.id FROM attempts a WHERE a.biller_id = $1
                    AND a.id = debits.attempt_id AND a.state = 'sent')
ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
"""
NEXT_NUMBER = """
SELECT coalesce(max(number), 0) + 1 FROM debit_files WHERE provider = $1 AND day = $2
"""
KEEP_FILE = """
WITH kept AS (
    INSERT INTO debit_files (id, biller_id, provider, day, number, name, body, sha256, written_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
)
UPDATE debits SET file_id = $1 WHERE biller_id = $2 AND attempt_id = ANY ($10::uuid[])
  AND state = 'drawn'
"""
IS_RETURNED = """
SELECT EXISTS (SELECT FROM debits
    WHERE biller_id = $1 AND payment_id = $2 AND state = 'returned')
"""
FILES = """
SELECT name, body FROM debit_files WHERE biller_id = $1 AND provider = $2 AND day = $3
ORDER BY number
"""


async def unfiled(connection: Raw, biller_id: int, provider: str, most: int) -> list[UUID]:
    """Lock drawn debits that stand in no file; gives their attempts."""
    rows = await connection.fetch(UNFILED, biller_id, provider, most)
    return [row["attempt_id"] for row in rows]


async def next_number(connection: Raw, provider: str, day: date) -> int:
    """Give the number of the day's next file."""
    number: int = await connection.fetchval(NEXT_NUMBER, provider, day)
    return number


async def keep_file(  # noqa: PLR0913 (the columns of one row)
    connection: Raw,
    *,
    file_id: UUID,
    biller_id: int,
    provider: str,
    day: date,
    number: int,
    name: str,
    body: bytes,
    at: datetime,
    attempts: Sequence[UUID],
) -> None:
    """Keep a file as it is handed over, and mark its debits."""
    await connection.execute(
        KEEP_FILE,
        *(file_id, biller_id, provider, day, number, name, body, sha256(body).digest(), at),
        attempts,
    )


async def files(connection: Raw, biller_id: int, provider: str, day: date) -> dict[str, bytes]:
    """Read the files of a day by name: equal bytes whenever they are handed over."""
    rows = await connection.fetch(FILES, biller_id, provider, day)
    return {row["name"]: row["body"] for row in rows}


async def is_returned(connection: Raw, biller_id: int, payment_id: UUID) -> bool:
    """Say whether a payment's debit was given back by its bank."""
    return bool(await connection.fetchval(IS_RETURNED, biller_id, payment_id))
