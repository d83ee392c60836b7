"""A collector's day: the list is closed, cash is paid in or given back, what is late is seen."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from gateway.domain.cash_refusals import (
    CashNotToGiveBack,
    DepositReferenceUsed,
    ListClosed,
    ListNotFound,
)
from gateway.domain.clock import business_date
from gateway.domain.field_cash import Trouble, overdue_until
from gateway.domain.ids import to_public
from gateway.domain.ledger import TransferKind
from gateway.domain.partner import Caller
from gateway.domain.suspense import ClosedAs
from gateway.flows import collectors
from gateway.flows.calling import in_rounds
from gateway.flows.cash_troubles import About, raise_trouble
from gateway.flows.hand_over_lists import PREFIX
from gateway.kit import metrics
from gateway.runtime import Runtime
from gateway.store import collectors as collectors_store
from gateway.store import credits as credits_store
from gateway.store import database, suspense, upkeep
from gateway.store import field_cash as store
from gateway.store import hand_over_lists as lists_store
from gateway.store.collectors import Collector
from gateway.store.database import Raw
from gateway.store.hand_over_lists import ListRow


@dataclass(frozen=True, slots=True)
class DayClose:
    """What a collector says at the end: the cash counted, and the slip under which it was paid in.

    Without a slip the cash is still in hand.
    """

    list_id: UUID
    cash_total_dong: int
    deposited_ref: str | None


@dataclass(frozen=True, slots=True)
class PayingIn:
    """Cash that a collector has paid in at the bank."""

    collector: str
    reference: str
    amount_dong: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """Cash of a collector that should have been paid in, in đồng, of `until` and before."""

    collector: str
    amount_dong: int
    until: date


async def close(rt: Runtime, partner_id: int, asked: DayClose) -> ListRow:
    """Close a list once; a total that is not its receipts' is an exception, never a refusal.

    Safe to repeat with the same figures.

    Raises:
        ListNotFound: the caller has no such list.
        ListClosed: it is closed with other figures.
        DepositReferenceUsed: the slip is in the books otherwise.
    """

    async def write(connection: Raw) -> ListRow:
        row = await lists_store.hold(connection, asked.list_id, partner_id)
        if row is None:
            raise ListNotFound(to_public(PREFIX, asked.list_id))
        if row.closed_at is not None:
            if (row.cash_total_dong, row.deposited_ref) != (
                asked.cash_total_dong,
                asked.deposited_ref,
            ):
                raise ListClosed(to_public(PREFIX, asked.list_id))
            return row
        return await _close(rt, connection, row, asked)

    return await in_rounds(rt, write)


async def _close(rt: Runtime, connection: Raw, row: ListRow, asked: DayClose) -> ListRow:
    collector = await collectors.of_id(connection, row.collector_id)
    receipts_dong = await store.list_in_hand(connection, row.id)
    closed = replace(
        row,
        closed_at=rt.clock.now(),
        cash_total_dong=asked.cash_total_dong,
        receipts_dong=receipts_dong,
        deposited_ref=asked.deposited_ref,
    )
    await lists_store.close(connection, closed)
    public = to_public(PREFIX, row.id)
    differs = asked.cash_total_dong - receipts_dong
    if differs:
        subject = f"close:{row.id}"
        about = About(Trouble.TOTAL_DIFFERS, subject, public, abs(differs))
        await raise_trouble(rt, connection, collector, about)
    if asked.deposited_ref is not None and asked.cash_total_dong > 0:
        paying_in = PayingIn(collector.code, asked.deposited_ref, asked.cash_total_dong)
        await _pay_in(rt, connection, collector, paying_in, row.id)
    entry = upkeep.AuditEntry(
        f"collector {collector.code}", "list.closed", public, {"differs_dong": differs}
    )
    await upkeep.audit(connection, entry)
    return closed


async def pay_in(rt: Runtime, caller: Caller, asked: PayingIn) -> store.Deposit:
    """Book cash that was paid in, once for a collector and slip.

    Raises:
        CollectorUnknown: the caller has none of this code.
        DepositReferenceUsed: the slip is in the books with another amount.
    """

    async def write(connection: Raw) -> store.Deposit:
        collector = await collectors.find(connection, asked.collector, caller.partner.id)
        return await _pay_in(rt, connection, collector, asked, None)

    return await in_rounds(rt, write)


async def _pay_in(
    rt: Runtime, connection: Raw, collector: Collector, asked: PayingIn, list_id: UUID | None
) -> store.Deposit:
    now = rt.clock.now()
    row = store.Deposit(
        rt.new_id_at(now),
        collector.biller_id,
        collector.id,
        asked.reference,
        list_id,
        asked.amount_dong,
        now,
    )
    if not await store.deposit(connection, row):
        known = await store.deposit_of(connection, collector.id, asked.reference)
        if known is None or (known.amount_dong, known.list_id) != (asked.amount_dong, list_id):
            raise DepositReferenceUsed(asked.reference)
        return known
    booking = credits_store.Booking(
        biller_id=collector.biller_id,
        source=row.id,
        kind=TransferKind.DEPOSIT,
        debit=await collectors_store.bank_account(connection),
        credit=collector.account,
        amount_dong=asked.amount_dong,
        at=now,
    )
    await credits_store.book(connection, booking)
    return row


async def give_back(rt: Runtime, line_id: UUID, *, by: str, reason: str) -> int:
    """Write that cash in suspense is back in its payer's hand; gives how many đồng.

    Raises:
        CashNotToGiveBack: the line is no cash, or its money has left suspense.
    """

    async def write(connection: Raw) -> int:
        line = await suspense.hold(connection, line_id)
        holder = await store.cash_of_line(connection, line_id)
        if line is None or line.closed_at is not None or holder is None:
            raise CashNotToGiveBack(to_public("sus", line_id))
        collector = await collectors.of_id(connection, holder)
        now = rt.clock.now()
        await store.give_back(
            connection, line_id, holder, amount_dong=line.amount_dong, by=by, at=now
        )
        booking = credits_store.Booking(
            biller_id=line.biller_id,
            source=line.id,
            kind=TransferKind.CASH_RETURN,
            debit=collector.suspense,
            credit=collector.account,
            amount_dong=line.amount_dong,
            at=now,
        )
        await credits_store.book(connection, booking)
        closing = suspense.Closing(now, ClosedAs.REFUNDED, by, reason)
        await suspense.close_lines(connection, [line_id], closing)
        entry = upkeep.AuditEntry(by, "cash.given_back", str(line_id), {"dong": line.amount_dong})
        await upkeep.audit(connection, entry)
        return line.amount_dong

    return await in_rounds(rt, write)


async def find_overdue(rt: Runtime, today: date) -> list[Overdue]:
    """Find cash that was not paid in by the end of the day after it was taken."""
    until = overdue_until(today)
    async with database.borrow(rt.pool) as connection:
        everybody = await collectors_store.all_of_them(connection)
        found = [(c, await store.undeposited(connection, c.id, until)) for c in everybody]
    return [Overdue(c.code, dong, until) for c, dong in found if dong]


async def watch(rt: Runtime, today: date | None = None) -> list[Overdue]:
    """Raise an exception for each collector whose cash is overdue, and close what is settled."""
    today = today or business_date(rt.clock.now())
    overdue = {late.collector: late for late in await find_overdue(rt, today)}

    async def write(connection: Raw) -> None:
        for collector in await collectors_store.all_of_them(connection):
            late = overdue.get(collector.code)
            subject = f"deposit:{collector.id}"
            if late is None:
                await store.settle_exception(connection, subject, rt.clock.now(), "it was paid in")
            else:
                what = late.until.isoformat()
                about = About(Trouble.NOT_DEPOSITED, subject, what, late.amount_dong)
                await raise_trouble(rt, connection, collector, about)

    await in_rounds(rt, write)
    metrics.CASH_OVERDUE_COLLECTORS.set(len(overdue))
    metrics.CASH_OVERDUE_DONG.set(sum(late.amount_dong for late in overdue.values()))
    return list(overdue.values())
