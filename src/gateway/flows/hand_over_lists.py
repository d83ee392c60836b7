"""Hand-over lists: open bills of an area given to a collector, within caps and the area's plan."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from gateway.domain.biller import Biller, Channel
from gateway.domain.cash_phase_out import Schedule, Stage, cap_on, stage_on
from gateway.domain.cash_refusals import (
    DeviceUnknown,
    ListNotFound,
    NewListsEnded,
    NothingToHandOver,
)
from gateway.domain.clock import business_date
from gateway.domain.errors import Overloaded
from gateway.domain.ids import to_public
from gateway.domain.partner import Caller
from gateway.domain.refusals import ChannelNotAllowed
from gateway.flows import collectors
from gateway.flows.calling import in_rounds
from gateway.flows.idempotency import Answer, Keyed, keep_answer, replay
from gateway.runtime import Runtime
from gateway.store import cash_phase_out as schedules_store
from gateway.store import collectors as collectors_store
from gateway.store import database
from gateway.store import field_cash as receipts_store
from gateway.store import hand_over_lists as store
from gateway.store.collectors import Collector
from gateway.store.database import Raw

PREFIX = "hol"


@dataclass(frozen=True, slots=True)
class HandOverList:
    """A list with its bills and what has come of them."""

    row: store.ListRow
    bills: list[store.HandedBill]
    receipts: list[receipts_store.ListedReceipt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NewList:
    """A list that is asked for; `write` gives its body as it is answered, for ever."""

    collector: str
    area_code: str
    book_code: str
    valid_until: datetime
    customers: tuple[str, ...] | None
    keyed: Keyed
    write: Callable[[HandOverList], str]


async def create(rt: Runtime, caller: Caller, asked: NewList) -> Answer:
    """Hand over the area's open bills that no live list holds, once for a key.

    Raises:
        CollectorUnknown: the caller has none of this code.
        NewListsEnded: the area's schedule has ended new lists.
        NothingToHandOver: no bill is left within the caps.
        ChannelNotAllowed: the biller takes no cash at home.
    """

    async def write(connection: Raw) -> Answer | None:
        made = await _make(rt, connection, caller, asked)
        body = asked.write(made)
        if not await keep_answer(rt, connection, asked.keyed, 201, body):
            raise _Answered
        return Answer(201, body, is_replay=False)

    for _ in range(2):
        stored = await replay(rt, asked.keyed)
        if stored is not None:
            return Answer(stored.status_code, stored.body, is_replay=True)
        try:
            answer = await in_rounds(rt, write)
        except _Answered:
            continue
        if answer is not None:
            return answer
    raise Overloaded


class _Answered(Exception):
    """Somebody has used the key at this moment; what was written is undone."""


async def _make(rt: Runtime, connection: Raw, caller: Caller, asked: NewList) -> HandOverList:
    now = rt.clock.now()
    collector = await collectors.find(connection, asked.collector, caller.partner.id)
    biller = rt.directory.billers_by_id[collector.biller_id]
    if Channel.HOME_CASH not in biller.rules.channels:
        raise ChannelNotAllowed(biller.code, Channel.HOME_CASH)
    await store.lock_area(connection, biller.id, asked.area_code)
    schedule = await schedules_store.one(connection, biller.id, asked.area_code)
    stage = stage_on(schedule, business_date(now))
    if schedule is not None and stage is Stage.ENDED:
        raise NewListsEnded(asked.area_code, schedule.ends_on)
    wanted = store.Wanted(
        biller_id=biller.id,
        area_code=asked.area_code,
        most_dong=await _most(rt, connection, biller, collector, schedule),
        now=now,
        without_phone=stage is Stage.WITHOUT_PHONE,
        customers=asked.customers,
    )
    picked = await store.pick(connection, wanted)
    if not picked:
        raise NothingToHandOver(asked.area_code, _why(wanted))
    row = _row(rt, collector, asked, picked, now)
    await store.add(connection, row, picked)
    return HandOverList(row, await store.bills_of(connection, row.id))


async def _most(
    rt: Runtime, connection: Raw, biller: Biller, collector: Collector, schedule: Schedule | None
) -> int:
    """Give how much the list may hold: the caps as they have shrunk, less today's lists."""
    today = business_date(rt.clock.now())
    # One collector's lists of a day are made one after the other, or two would pass the cap.
    await store.lock_area(connection, biller.id, f"collector:{collector.code}")
    handed = await store.handed_on(connection, collector.id, today)
    per_day = cap_on(collector.per_day_dong, schedule, today) - handed
    return max(0, min(cap_on(collector.per_list_dong, schedule, today), per_day))


def _why(wanted: store.Wanted) -> str:
    if wanted.most_dong == 0:
        return "the collector's caps are reached"
    only = " of customers whose phone is not known" if wanted.without_phone else ""
    return f"no open bill{only} fits into {wanted.most_dong} đồng and stands on no other list"


def _row(
    rt: Runtime,
    collector: Collector,
    asked: NewList,
    picked: list[store.Picked],
    now: datetime,
) -> store.ListRow:
    return store.ListRow(
        id=rt.new_id_at(now),
        biller_id=collector.biller_id,
        collector_id=collector.id,
        area_code=asked.area_code,
        book_code=asked.book_code,
        valid_until=asked.valid_until,
        handed_on=business_date(now),
        bill_count=len(picked),
        amount_dong=sum(bill.amount_dong for bill in picked),
        created_at=now,
        collector=collector.code,
    )


async def read(rt: Runtime, caller: Caller, list_id: UUID) -> HandOverList:
    """Read a list of the caller's collectors with its bills and receipts.

    Raises:
        ListNotFound: there is no such list of the caller's.
    """
    async with database.borrow(rt.pool) as connection:
        row = await store.one(connection, list_id, caller.partner.id)
        if row is None:
            raise ListNotFound(to_public(PREFIX, list_id))
        bills = await store.bills_of(connection, list_id)
        return HandOverList(row, bills, await receipts_store.of_list(connection, list_id))


async def page(
    rt: Runtime, caller: Caller, collector: str | None, before: UUID | None, limit: int
) -> tuple[list[store.ListRow], bool]:
    """Read a page of the caller's lists, the newest first, and say whether more follow."""
    async with database.borrow(rt.pool) as connection:
        rows = await store.page(connection, caller.partner.id, collector, before, limit + 1)
    return rows[:limit], len(rows) > limit


async def device_for(connection: Raw, row: store.ListRow, key_id: str) -> collectors_store.Device:
    """Find a device of a list's collector.

    Raises:
        DeviceUnknown: it is none of theirs.
    """
    found = await collectors_store.device(connection, key_id)
    if found is None or found.collector_id != row.collector_id:
        raise DeviceUnknown(key_id)
    return found
