"""Customers, as the biller writes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.store.database import Raw

# Writes customers: new ones, and those of whom something changed. Rides customers_pkey; at most
# 1,000 a call.
UPSERT = """
INSERT INTO customers AS c (biller_id, code, name, address, area_code, segment, agency)
SELECT $1::smallint, g.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[]) AS g (code, name, address, area_code, segment, agency)
ORDER BY g.code
ON CONFLICT (biller_id, code) DO UPDATE SET
    name = excluded.name, address = excluded.address, area_code = excluded.area_code,
    segment = excluded.segment, agency = excluded.agency, updated_at = now()
WHERE (c.name, c.address, c.area_code, c.segment, c.agency)
    IS DISTINCT FROM (excluded.name, excluded.address, excluded.area_code, excluded.segment,
                      excluded.agency)
RETURNING true
"""


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A customer as the biller sends it; texts are NFC."""

    code: str
    name: str
    address: str
    area_code: str
    segment: str
    agency: str | None


async def upsert(connection: Raw, biller_id: int, customers: Sequence[NewCustomer]) -> int:
    """Write customers; give how many were new or changed."""
    rows = await connection.fetch(
        UPSERT,
        biller_id,
        [customer.code for customer in customers],
        [customer.name for customer in customers],
        [customer.address for customer in customers],
        [customer.area_code for customer in customers],
        [customer.segment for customer in customers],
        [customer.agency for customer in customers],
    )
    return len(rows)
