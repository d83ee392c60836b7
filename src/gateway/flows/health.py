"""Health: can this process do its work, and what waits?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.clock import business_date
from gateway.flows import day_close
from gateway.runtime import Runtime
from gateway.store import database, suspense_lists, upkeep, webhooks
from gateway.store import postings as store
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
    """Look at database, schema and partitions, events, postings, suspense and cash in hand."""
    try:
        async with database.borrow(rt.pool) as connection:
            revision = await upkeep.revision(connection)
            tomorrow = rt.clock.now().date() + timedelta(days=1)
            is_covered = await upkeep.covers(connection, tomorrow)
            waiting = await webhooks.backlog(connection)
            stands = await suspense_lists.measure(connection, business_date(rt.clock.now()))
            postings = await store.waiting(connection)
            refused = await store.refused(connection)
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
            detail=f"{sum(part.lines for part in stands)} lines, "
            f"{sum(part.overdue for part in stands)} past their day; see `gateway suspense`",
            blocks=False,
        ),
        _postings(postings, refused),
        Check(
            "cash",
            is_well=not overdue,
            detail=f"{sum(late.amount_dong for late in overdue)} đồng of {len(overdue)} collectors "
            "not paid in by the next day; see `gateway cash watch`",
            blocks=False,
        ),
    ]


def _postings(waiting: Sequence[tuple[str, int, float]], refused: int) -> Check:
    """Say what is paid here and not cleared at its biller, or not undone there."""
    count, oldest_s = sum(n for _, n, _ in waiting), max((age for *_, age in waiting), default=0.0)
    return Check(
        "postings",
        is_well=oldest_s < OLDEST_DUE_MAX_S and not refused,
        detail=f"{count} wait for the biller, the oldest for {max(oldest_s, 0):.0f} s; "
        f"{refused} are with a person",
        blocks=False,
    )
