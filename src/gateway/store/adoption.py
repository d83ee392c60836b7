"""Adoption as it was counted: the reads that reports stand on; `store/rolling.py` counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.adoption import Cell
from gateway.store.database import Raw
from gateway.store.rolling import FIRST_MONTH, LAST_MONTH

# The cells of some months; rides adoption_monthly_pkey. Null areas, segment: all.
READ = """
SELECT month, area_code, segment, channel, customers, new, retained, resumed, relapsed, habitual,
       bills, amount_dong
FROM adoption_monthly
WHERE biller_id = $1 AND month BETWEEN $2 AND $3
  AND ($4::text[] IS NULL OR area_code = ANY ($4))
  AND ($5::text IS NULL OR segment = $5) AND ($6::text IS NULL OR channel = $6)
ORDER BY month, area_code, segment, channel
"""

# The same added up over segments, and over areas unless $7, so that a page need not: the twelfth
# part of the rows, or less.
READ_SUMS = """
SELECT month, CASE WHEN $7::bool THEN area_code ELSE '' END AS area_code, '' AS segment, channel,
       sum(customers)::int AS customers, sum(new)::int AS new, sum(retained)::int AS retained,
       sum(resumed)::int AS resumed, sum(relapsed)::int AS relapsed,
       sum(habitual)::int AS habitual, sum(bills)::int AS bills,
       sum(amount_dong)::bigint AS amount_dong
FROM adoption_monthly
WHERE biller_id = $1 AND month BETWEEN $2 AND $3
  AND ($4::text[] IS NULL OR area_code = ANY ($4))
  AND ($5::text IS NULL OR segment = $5) AND ($6::text IS NULL OR channel = $6)
GROUP BY 1, 2, 4
"""

ROLLED = """
SELECT month, customers, bills, rolled_at FROM adoption_rolled
WHERE biller_id = $1 ORDER BY month
"""

# Agencies of a month with the month before; rides agency_monthly_pkey; one row an agency.
AGENCIES = """
SELECT a.agency_code, g.name, a.customers, a.electronic, a.new, a.relapsed, a.habitual,
       a.unsettled, coalesce(b.electronic, 0) AS electronic_before
FROM agency_monthly a
JOIN agencies g ON g.biller_id = a.biller_id AND g.code = a.agency_code
LEFT JOIN agency_monthly b
    ON b.biller_id = a.biller_id AND b.agency_code = a.agency_code
   AND b.month = (a.month - interval '1 month')::date
WHERE a.biller_id = $1 AND a.month = $2
ORDER BY a.electronic::float8 / a.customers DESC, a.customers DESC, a.agency_code
"""

# What the units of some codes are called: as each code was first used (32002 was Phường 4).
AREA_NAMES = """
SELECT DISTINCT ON (code) code, name FROM areas
WHERE code = ANY ($1::text[]) ORDER BY code, valid_from
"""

FIRST_PAID = """
SELECT first_month, first_at FROM electronic_payers WHERE biller_id = $1 AND customer_code = $2
"""


@dataclass(frozen=True, slots=True)
class RolledMonth:
    """When a month was last counted, and over how many customers and bills."""

    month: date
    customers: int
    bills: int
    rolled_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cells to read; both months inclusive, None means any."""

    first: date = FIRST_MONTH
    last: date = LAST_MONTH
    areas: Sequence[str] | None = None
    segment: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class AgencyRow:
    """How an agency's people pay in a month."""

    agency_code: str
    name: str
    customers: int
    electronic: int
    new: int
    relapsed: int
    habitual: int
    unsettled: int
    electronic_before: int
    """Electronic payers of the month before."""


async def read(connection: Raw, biller_id: int, wanted: Wanted) -> list[Cell]:
    """Read cells in the order of months, areas, segments and channels."""
    rows = await connection.fetch(
        READ,
        biller_id,
        wanted.first,
        wanted.last,
        wanted.areas,
        wanted.segment,
        wanted.channel,
    )
    return [Cell(*row) for row in rows]


async def read_sums(
    connection: Raw, biller_id: int, wanted: Wanted, *, by_area: bool
) -> list[Cell]:
    """Read cells added up over segments, which is then empty, and over areas unless `by_area`."""
    rows = await connection.fetch(
        READ_SUMS,
        biller_id,
        wanted.first,
        wanted.last,
        wanted.areas,
        wanted.segment,
        wanted.channel,
        by_area,
    )
    return [Cell(*row) for row in rows]


async def rolled(connection: Raw, biller_id: int) -> list[RolledMonth]:
    """Read which months are counted, the oldest first."""
    return [RolledMonth(**row) for row in await connection.fetch(ROLLED, biller_id)]


async def agencies(connection: Raw, biller_id: int, month: date) -> list[AgencyRow]:
    """Read a month's agencies, the highest share of electronic payers first."""
    return [AgencyRow(**row) for row in await connection.fetch(AGENCIES, biller_id, month)]


async def area_names(connection: Raw, codes: Sequence[str]) -> dict[str, str]:
    """Name units by their codes."""
    rows = await connection.fetch(AREA_NAMES, codes)
    return {row["code"]: row["name"] for row in rows}


async def first_paid(
    connection: Raw, biller_id: int, customer_code: str
) -> tuple[date | None, datetime | None]:
    """Give the first month and instant in which a customer paid electronically, None for never."""
    row = await connection.fetchrow(FIRST_PAID, biller_id, customer_code)
    return (None, None) if row is None else (row["first_month"], row["first_at"])
