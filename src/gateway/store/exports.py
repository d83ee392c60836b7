"""What an export is made of: a month's cells and its raw rows, both of one snapshot."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

import asyncpg

from gateway.domain.adoption import CASH, Cell
from gateway.store.database import Raw
from gateway.store.rolling import BULK, CELLS, LINES, bit_of

CHUNK_ROWS = 5_000

# Counted from the bills as the roll-up counts, at this moment. $1 to $4 as LINES says; $5 areas.
FIGURES = f"""
WITH {LINES}, {CELLS}
SELECT $2 AS month, cell.* FROM cell WHERE area_code = ANY ($5::text[])
ORDER BY area_code, segment, channel
"""  # noqa: S608 (constants of a file)

# The rows that those figures can be counted from again, without personal data: a customer is a
# number that holds in this export alone ($6 is a secret that nobody keeps), and rows are in the
# order of those numbers, which tells nothing.
RAW = f"""
WITH {LINES}
SELECT left(encode(sha256($6::bytea || convert_to(customer_code, 'UTF8')), 'hex'), 16) AS customer,
       place, area_code, segment, coalesce(agency_code, '') AS agency_code, channel, amount_dong,
       (settled_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS settled_on, month_before, two_before,
       CASE WHEN ever_before THEN first_month END AS first_month
FROM line WHERE area_code = ANY ($5::text[])
ORDER BY customer, place
"""  # noqa: S608 (constants of a file)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of the database, in which a month is read twice and nothing has changed."""

    connection: Raw
    biller_id: int
    month: date
    areas: Sequence[str]

    async def figures(self) -> list[Cell]:
        """Count the month's cells."""
        rows = await self.connection.fetch(FIGURES, *self._arguments())
        return [Cell(**row) for row in rows]

    async def raw(self, secret: bytes) -> AsyncIterator[list[asyncpg.Record]]:
        """Give the raw rows, one a bill, in chunks."""
        cursor = await self.connection.cursor(RAW, *self._arguments(), secret)
        while rows := await cursor.fetch(CHUNK_ROWS):
            yield rows

    def _arguments(self) -> tuple[object, ...]:
        return self.biller_id, self.month, bit_of(self.month), sorted(CASH), self.areas


@asynccontextmanager
async def snapshot(
    connection: Raw, biller_id: int, month: date, areas: Sequence[str]
) -> AsyncIterator[Snapshot]:
    """Open a snapshot of a month; it ends with the context."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(BULK)
        yield Snapshot(connection, biller_id, month, areas)
