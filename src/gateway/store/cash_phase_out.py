"""The schedules by which cash fades, and what the rules of their pausing look at."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from gateway.domain.cash_phase_out import Schedule
from gateway.store.database import Raw

_COLUMNS = (
    "area_code, announced_on, without_phone_from, ends_on, caps_step_percent, complaints_max, "
    "arrears_percent_max, paused_on, pause_reason"
)
PUT = """
INSERT INTO cash_schedules (biller_id, area_code, announced_on, without_phone_from, ends_on,
    caps_step_percent, complaints_max, arrears_percent_max, paused_on, pause_reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (biller_id, area_code) DO UPDATE SET announced_on = excluded.announced_on,
    without_phone_from = excluded.without_phone_from, ends_on = excluded.ends_on,
    caps_step_percent = excluded.caps_step_percent, complaints_max = excluded.complaints_max,
    arrears_percent_max = excluded.arrears_percent_max, paused_on = excluded.paused_on,
    pause_reason = excluded.pause_reason, changed_at = now()
"""
ONE = f"SELECT {_COLUMNS} FROM cash_schedules WHERE biller_id = $1 AND area_code = $2"  # noqa: S608
HOLD = ONE + " FOR UPDATE"
ALL = f"SELECT {_COLUMNS} FROM cash_schedules WHERE biller_id = $1 ORDER BY area_code"  # noqa: S608
HAS_AREA = "SELECT EXISTS (SELECT FROM areas WHERE code = $1)"
COMPLAIN = """
INSERT INTO cash_complaints (id, biller_id, area_code, customer_code, words, made_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
# Rides cash_complaints_area.
COMPLAINTS = """
SELECT count(*) FROM cash_complaints WHERE biller_id = $1 AND area_code = $2 AND made_at > $3
"""
# Reads an area's open bills, once in ten minutes.
ARREARS = """
SELECT count(*) AS open_bills, count(*) FILTER (WHERE b.due_on < $3) AS overdue_bills
FROM customers c JOIN bills b ON b.biller_id = c.biller_id AND b.customer_code = c.code
WHERE c.biller_id = $1 AND c.area_code = $2 AND b.status = 'open'
"""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What somebody of an area complained of; `customer_code` if it is known."""

    id: UUID
    biller_id: int
    area_code: str
    customer_code: str | None
    words: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Pressure:
    """What weighs on an area."""

    complaints: int
    open_bills: int
    overdue_bills: int


async def put(connection: Raw, biller_id: int, schedule: Schedule) -> None:
    """Write an area's schedule."""
    await connection.execute(
        PUT,
        biller_id,
        schedule.area_code,
        schedule.announced_on,
        schedule.without_phone_from,
        schedule.ends_on,
        schedule.caps_step_percent,
        schedule.complaints_max,
        schedule.arrears_percent_max,
        schedule.paused_on,
        schedule.pause_reason,
    )


async def one(connection: Raw, biller_id: int, area_code: str) -> Schedule | None:
    """Read an area's schedule."""
    return _schedule(await connection.fetchrow(ONE, biller_id, area_code))


async def hold(connection: Raw, biller_id: int, area_code: str) -> Schedule | None:
    """Lock an area's schedule."""
    return _schedule(await connection.fetchrow(HOLD, biller_id, area_code))


async def schedules(connection: Raw, biller_id: int) -> list[Schedule]:
    """Read all schedules of a biller."""
    return [Schedule(**row) for row in await connection.fetch(ALL, biller_id)]


async def has_area(connection: Raw, code: str) -> bool:
    """Say whether there is, or was, an area of this code."""
    return bool(await connection.fetchval(HAS_AREA, code))


async def complain(connection: Raw, complaint: Complaint) -> None:
    """Write a complaint down."""
    await connection.execute(
        COMPLAIN,
        complaint.id,
        complaint.biller_id,
        complaint.area_code,
        complaint.customer_code,
        complaint.words,
        complaint.made_at,
    )


async def pressure(
    connection: Raw, biller_id: int, area_code: str, *, since: datetime, today: date
) -> Pressure:
    """Count an area's complaints since an instant, its open bills and those that are overdue."""
    complaints = await connection.fetchval(COMPLAINTS, biller_id, area_code, since)
    bills = await connection.fetchrow(ARREARS, biller_id, area_code, today)
    return Pressure(
        complaints, bills["open_bills"] if bills else 0, bills["overdue_bills"] if bills else 0
    )


def _schedule(row: asyncpg.Record | None) -> Schedule | None:
    return None if row is None else Schedule(**row)
