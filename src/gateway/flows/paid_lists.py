"""T+1 at a live biller: its own list of what we have paid on a day, held against our postings."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from gateway.domain.clock import VIETNAM
from gateway.domain.errors import BillerNotAnswering, CallerError
from gateway.domain.paid_list import Compared, Ours, Theirs, compare
from gateway.domain.posting import LineState
from gateway.flows.access import find_biller
from gateway.kit.abilities import ListsPaid
from gateway.kit.logs import log
from gateway.kit.messages import Garbled, ListedBill
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import postings as store
from gateway.store.postings import ComparedRow

if TYPE_CHECKING:
    from gateway.kit.wire import Wire


class NoLiveSource(CallerError):
    """The biller has no service of its own that could list anything."""

    code = "no_live_source"

    def __init__(self, biller: str) -> None:
        super().__init__(
            f"'{biller}' has no live source; its rules name none as 'bills_source'",
            f"'{biller}' không có dịch vụ trực tuyến; quy tắc không có 'bills_source'",
        )


async def compare_day(rt: Runtime, biller_code: str, day: date) -> list[Compared]:
    """Ask a biller's service for a day's list and hold it against our postings of that day.

    Reads only: what differs is printed, never mended by itself.

    Raises:
        BillerUnknown, NoLiveSource: there is nobody to ask.
        ProviderNotOffered: the source is not configured here, or gives no list.
        BillerNotAnswering: a unit's list did not come whole; nothing was compared.
    """
    biller = find_biller(rt, biller_code)
    source = biller.rules.bills_source
    if source is None:
        raise NoLiveSource(biller_code)
    provider, wire = rt.provider(source, ListsPaid)
    begin = datetime.combine(day, time(), tzinfo=VIETNAM)
    span = (begin, begin + timedelta(days=1))
    async with database.borrow(rt.pool) as connection:
        of_day = await store.compared(connection, biller.id, span, [])
    units = provider.units_of(sorted({row.customer_code for row in of_day}))
    listed = [line for unit in units for line in await _listed(provider, wire, day, unit)]
    async with database.borrow(rt.pool) as connection:
        rows = await store.compared(
            connection, biller.id, span, [line.reference for line in listed]
        )
    return list(compare(_ours(rows), _theirs(listed)))


async def _listed(
    provider: ListsPaid[Any], wire: "Wire", day: date, unit: str
) -> Sequence[ListedBill]:
    exchange = await wire.send(provider.list_paid(day, unit))
    if exchange.reply is None:
        raise BillerNotAnswering(provider.code)
    try:
        return provider.read_listed(exchange.reply)
    except Garbled as error:
        log.warning("paid_list.garbled", provider=provider.code, reason=error.reason)
        raise BillerNotAnswering(provider.code) from error


def _ours(rows: Sequence[ComparedRow]) -> list[Ours]:
    return [
        Ours(
            reference=row.bill.reference,
            bill_id=row.bill.bill_id,
            amount_dong=row.bill.amount_dong,
            is_cleared=row.bill.state == LineState.ACKNOWLEDGED
            and row.bill.undo != LineState.ACKNOWLEDGED,
            is_undone=row.bill.undo == LineState.ACKNOWLEDGED,
            is_of_the_day=row.is_of_the_day,
        )
        for row in rows
        if row.bill.reference is not None
    ]


def _theirs(listed: Sequence[ListedBill]) -> list[Theirs]:
    return [
        Theirs(line.reference, line.bill_id, line.amount_dong, line.is_undone) for line in listed
    ]
