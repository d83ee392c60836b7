"""Pilots, agencies and which customer codes belong to an agency's people."""

import json
from collections.abc import Sequence
from datetime import date

import asyncpg

from gateway.domain.pilot import Milestone, Pilot
from gateway.store.database import Raw

PUT = """
INSERT INTO pilots AS p (biller_id, code, name, areas, comparison_areas, baseline_from, baseline_to,
    starts_on, ends_on, target_percent, milestones)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb)
ON CONFLICT (biller_id, code) DO UPDATE SET
    name = excluded.name, areas = excluded.areas, comparison_areas = excluded.comparison_areas,
    baseline_from = excluded.baseline_from, baseline_to = excluded.baseline_to,
    starts_on = excluded.starts_on, ends_on = excluded.ends_on,
    target_percent = excluded.target_percent, milestones = excluded.milestones, updated_at = now()
"""
ONE = "SELECT * FROM pilots WHERE biller_id = $1 AND code = $2"
ALL = "SELECT * FROM pilots WHERE biller_id = $1 ORDER BY starts_on, code"
NEWEST = """
SELECT biller_id, code FROM pilots WHERE $1::text IS NULL OR code = $1
ORDER BY starts_on DESC, biller_id, code LIMIT 1
"""

PUT_AGENCIES = """
INSERT INTO agencies AS a (biller_id, code, name)
SELECT $1, g.* FROM unnest($2::text[], $3::text[]) AS g (code, name)
ON CONFLICT (biller_id, code) DO UPDATE SET name = excluded.name WHERE a.name <> excluded.name
"""

# A code that belongs to another agency moves: the newest list is right. Rides customers_pkey and
# agency_members_pkey; as many codes as a chunk has lines. Gives the codes that were new or moved.
PUT_MEMBERS = """
INSERT INTO agency_members AS m (biller_id, customer_code, agency_code)
SELECT $1, g.* FROM unnest($2::text[], $3::text[]) AS g (customer_code, agency_code)
ORDER BY g.customer_code
ON CONFLICT (biller_id, customer_code) DO UPDATE SET
    agency_code = excluded.agency_code, updated_at = now()
WHERE m.agency_code <> excluded.agency_code
RETURNING m.customer_code
"""
# The people whom the biller's own customer file names an agency for; reads the customers whole.
TAKE_NAMED = """
INSERT INTO agency_members AS m (biller_id, customer_code, agency_code)
SELECT $1, c.code, a.code
FROM customers c JOIN agencies a ON a.biller_id = $1 AND a.name = c.agency
WHERE c.biller_id = $1 ORDER BY c.code
ON CONFLICT (biller_id, customer_code) DO UPDATE SET
    agency_code = excluded.agency_code, updated_at = now()
WHERE m.agency_code <> excluded.agency_code
"""
REMOVE_MEMBERS = """
DELETE FROM agency_members WHERE biller_id = $1 AND agency_code = $2
    AND customer_code = ANY ($3::text[])
"""


async def put(connection: Raw, biller_id: int, pilot: Pilot) -> None:
    """Store a pilot, or what is said anew of one."""
    milestones = [
        {"month": str(m.month), "percent": m.percent, "name_vi": m.name_vi, "name_en": m.name_en}
        for m in pilot.milestones
    ]
    await connection.execute(
        PUT,
        biller_id,
        pilot.code,
        pilot.name,
        pilot.areas,
        pilot.comparison_areas,
        pilot.baseline_from,
        pilot.baseline_to,
        pilot.starts_on,
        pilot.ends_on,
        pilot.target_percent,
        json.dumps(milestones, ensure_ascii=False),
    )


async def one(connection: Raw, biller_id: int, code: str) -> Pilot | None:
    """Read a pilot."""
    row = await connection.fetchrow(ONE, biller_id, code)
    return None if row is None else _pilot(row)


async def every(connection: Raw, biller_id: int) -> list[Pilot]:
    """Read a biller's pilots, the first to start first."""
    return [_pilot(row) for row in await connection.fetch(ALL, biller_id)]


async def newest(connection: Raw, code: str | None) -> tuple[int, str] | None:
    """Name the pilot that started last, of this code if one is given: biller's id and code."""
    row = await connection.fetchrow(NEWEST, code)
    return None if row is None else (row["biller_id"], row["code"])


async def put_agencies(connection: Raw, biller_id: int, names: dict[str, str]) -> None:
    """Store agencies by code; a new name replaces the old."""
    await connection.execute(PUT_AGENCIES, biller_id, list(names), list(names.values()))


async def put_members(connection: Raw, biller_id: int, agency_of: dict[str, str]) -> list[str]:
    """Store the agency of each customer code; give the codes that were new or moved."""
    rows = await connection.fetch(PUT_MEMBERS, biller_id, list(agency_of), list(agency_of.values()))
    return [row["customer_code"] for row in rows]


async def take_named(connection: Raw, biller_id: int) -> int:
    """Let customers belong to the agency that the biller's own file names; give how many are new.

    An agency is found by its exact name.
    """
    status = await connection.execute(TAKE_NAMED, biller_id)
    return int(status.rpartition(" ")[2])


async def remove_members(
    connection: Raw, biller_id: int, agency_code: str, codes: Sequence[str]
) -> int:
    """Let customer codes belong to an agency no more; give how many did."""
    status = await connection.execute(REMOVE_MEMBERS, biller_id, agency_code, codes)
    return int(status.rpartition(" ")[2])


def _pilot(row: asyncpg.Record) -> Pilot:
    return Pilot(
        code=row["code"],
        name=row["name"],
        areas=tuple(row["areas"]),
        comparison_areas=tuple(row["comparison_areas"]),
        baseline_from=row["baseline_from"],
        baseline_to=row["baseline_to"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        target_percent=row["target_percent"],
        milestones=tuple(
            Milestone(
                date.fromisoformat(each["month"]),
                each["percent"],
                each["name_vi"],
                each["name_en"],
            )
            for each in json.loads(row["milestones"])
        ),
    )
