"""Cash at the door fades by an area's schedule, and stands still when people suffer from it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from gateway.domain import cash_phase_out as rules
from gateway.domain.biller import Biller
from gateway.domain.cash_phase_out import COMPLAINT_DAYS, Schedule
from gateway.domain.cash_refusals import ScheduleInvalid, ScheduleNotFound
from gateway.domain.clock import business_date
from gateway.flows.calling import in_rounds
from gateway.kit import metrics
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import cash_phase_out as store
from gateway.store import database, outreach, upkeep
from gateway.store.database import Raw

BY_THE_HOUSE = "gateway"


async def put_schedule(rt: Runtime, biller: Biller, schedule: Schedule, *, actor: str) -> Schedule:
    """Write an area's schedule, or change one; a pause that stands goes on standing.

    Raises:
        ScheduleInvalid: its days are not in order, or there is no such area.
    """
    rules.check(schedule)

    async def write(connection: Raw) -> Schedule:
        if not await store.has_area(connection, schedule.area_code):
            why = f"there is no area '{schedule.area_code}'"
            raise ScheduleInvalid(why)
        stands = await store.hold(connection, biller.id, schedule.area_code)
        kept = schedule
        if stands is not None:
            kept = replace(schedule, paused_on=stands.paused_on, pause_reason=stands.pause_reason)
        await store.put(connection, biller.id, kept)
        await _audit(connection, actor, "cash_schedule.put", kept)
        return kept

    return await in_rounds(rt, write)


async def list_schedules(rt: Runtime, biller: Biller) -> list[Schedule]:
    """Read a biller's schedules."""
    async with database.borrow(rt.pool) as connection:
        return await store.schedules(connection, biller.id)


async def pause(rt: Runtime, biller: Biller, area: str, *, reason: str, actor: str) -> Schedule:
    """Let an area's schedule stand still; lists are made as before it.

    Raises:
        ScheduleNotFound: the area has none.
    """
    today = business_date(rt.clock.now())
    return await _change(
        rt, biller, area, lambda s: rules.pause(s, today, reason), actor, "cash_schedule.paused"
    )


async def resume(rt: Runtime, biller: Biller, area: str, *, actor: str) -> Schedule:
    """Let an area's schedule go on; what was to come moves by as long as it stood.

    Raises:
        ScheduleNotFound: the area has none.
    """
    today = business_date(rt.clock.now())
    return await _change(
        rt, biller, area, lambda s: rules.resume(s, today), actor, "cash_schedule.resumed"
    )


async def _change(
    rt: Runtime,
    biller: Biller,
    area: str,
    change: Callable[[Schedule], Schedule],
    actor: str,
    action: str,
) -> Schedule:
    async def write(connection: Raw) -> Schedule:
        stands = await store.hold(connection, biller.id, area)
        if stands is None:
            raise ScheduleNotFound(area)
        changed = change(stands)
        if changed != stands:
            await store.put(connection, biller.id, changed)
            await _audit(connection, actor, action, changed)
        return changed

    return await in_rounds(rt, write)


async def complain(
    rt: Runtime, biller: Biller, area: str, words: str, customer_code: str | None = None
) -> None:
    """Write a complaint of an area down; enough of them let its schedule stand still."""
    now = rt.clock.now()
    complaint = store.Complaint(rt.new_id_at(now), biller.id, area, customer_code, words, now)
    async with database.borrow(rt.pool) as connection:
        await store.complain(connection, complaint)
    await watch_area(rt, biller, area)


async def watch_area(rt: Runtime, biller: Biller, area: str) -> str | None:
    """Pause an area's schedule if complaints or arrears are over its limits; says why."""
    now = rt.clock.now()
    today = business_date(now)
    async with database.borrow(rt.pool) as connection:
        schedule = await store.one(connection, biller.id, area)
        if schedule is None or not _is_under_way(schedule, today):
            return None
        since = now - timedelta(days=COMPLAINT_DAYS)
        weighs = await store.pressure(connection, biller.id, area, since=since, today=today)
    why = rules.why_pause(
        schedule,
        complaints=weighs.complaints,
        overdue_bills=weighs.overdue_bills,
        open_bills=weighs.open_bills,
    )
    if why is not None:
        log.warning("cash_schedule.paused", area=area, why=why)
        await pause(rt, biller, area, reason=why, actor=BY_THE_HOUSE)
    return why


def _is_under_way(schedule: Schedule, today: date) -> bool:
    stage = rules.stage_on(schedule, today)
    return stage not in (rules.Stage.OPEN, rules.Stage.PAUSED)


async def watch(rt: Runtime) -> None:
    """Pause what must stand still, credit help, and count who has come back to cash."""
    relapsed = 0
    since = relapse_since(rt)
    for biller in rt.directory.billers.values():
        for schedule in await list_schedules(rt, biller):
            await watch_area(rt, biller, schedule.area_code)
            wanted = outreach.Wanted(
                biller.id,
                schedule.area_code,
                rules.CASH_CHANNELS,
                limit=10**6,
                electronic_since=since,
            )
            relapsed += await _count(rt, wanted)
    metrics.CASH_RELAPSES.set(relapsed)
    await credit_assists(rt)


async def _count(rt: Runtime, wanted: outreach.Wanted) -> int:
    async with database.borrow(rt.pool) as connection:
        return await outreach.count(connection, wanted)


async def credit_assists(rt: Runtime) -> int:
    """Credit collectors with the first electronic payments that followed their help."""
    within = timedelta(days=rules.ASSIST_DAYS)

    async def write(connection: Raw) -> int:
        return await outreach.credit(connection, rules.CASH_CHANNELS, rt.clock.now(), within)

    return await in_rounds(rt, write)


def relapse_since(rt: Runtime) -> date:
    """Give the day since which an electronic payment makes cash a relapse."""
    return business_date(rt.clock.now()) - timedelta(days=30 * rules.ELECTRONIC_MONTHS)


async def _audit(connection: Raw, actor: str, action: str, schedule: Schedule) -> None:
    detail: dict[str, object] = {
        "ends_on": schedule.ends_on.isoformat(),
        "paused_on": None if schedule.paused_on is None else schedule.paused_on.isoformat(),
        "reason": schedule.pause_reason,
    }
    entry = upkeep.AuditEntry(actor, action, schedule.area_code, detail)
    await upkeep.audit(connection, entry)
