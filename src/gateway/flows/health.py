"""Health: can this process do its work, and what waits?"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.clock import business_date
from gateway.flows import day_close
from gateway.runtime import Runtime
from gateway.store import database, suspense_lists, upkeep, webhooks
from gateway.store.revision import HEAD

OLDEST_DUE_MAX_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. A failing check that does not block is a warning."""

    name: str
    is_well: bool
    detail: str
    blocks: bool = True


async def examine(rt: Runtime) -> list[Check]:
    """Look at the database, schema, partitions ahead, undelivered events, suspense and cash."""
    try:
        async with database.borrow(rt.pool) as connection:
            revision = await upkeep.revision(connection)
            tomorrow = rt.clock.now().date() + timedelta(days=1)
            is_covered = await upkeep.covers(connection, tomorrow)
            waiting = await webhooks.backlog(connection)
            stands = await suspense_lists.measure(connection, business_date(rt.clock.now()))
        overdue = await day_close.find_overdue(rt, business_date(rt.clock.now()))
    except Exception as error:
        if not database.broke(error):
            raise
        return [Check("database", is_well=False, detail=type(error).__name__)]
    return [
        Check("database", is_well=True, detail="answers"),
        Check("migrations", is_well=revision == HEAD, detail=f"at {revision}, code needs {HEAD}"),
        Check("partitions", is_well=is_covered, detail=f"rows of {tomorrow} have a place"),
        Check(
            "directory",
            is_well=rt.has_fresh_directory(),
            detail="compared with the database lately",
        ),
        Check(
            "deliveries",
            is_well=waiting.age_s < OLDEST_DUE_MAX_S,
            detail=f"{waiting.waiting} wait, the oldest is due for {max(waiting.age_s, 0):.0f} s",
            blocks=False,
        ),
        Check(
            "suspense",
            is_well=not any(part.overdue for part in stands),
            detail=f"{sum(part.amount_dong for part in stands)} đồng in "
            f"{sum(part.lines for part in stands)} lines, "
            f"{sum(part.overdue for part in stands)} past their day; see `gateway suspense`",
            blocks=False,
        ),
        Check(
            "cash",
            is_well=not overdue,
            detail=f"{sum(late.amount_dong for late in overdue)} đồng of {len(overdue)} collectors "
            "not paid in by the next day; see `gateway cash watch`",
            blocks=False,
        ),
    ]
