"""Bills: look up what a customer owes, and keep what the biller sends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from gateway.domain.biller import Biller
from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.lookup_token import make_token
from gateway.domain.partner import Caller
from gateway.domain.payment import Line
from gateway.domain.progress import Claim
from gateway.domain.provider_refusals import BillBeingPaid
from gateway.domain.refusals import (
    BillAlreadyPaid,
    BillNotFound,
    CustomerCodeInvalid,
    CustomerUnknown,
)
from gateway.flows import live_lookup
from gateway.flows.access import find_biller, own_biller
from gateway.runtime import Runtime
from gateway.store import bills as store
from gateway.store import customers as customers_store
from gateway.store import database, upkeep

CUSTOMER_UNKNOWN = ("customer_unknown", "write the customer first")


class Lookup(NamedTuple):
    """What a customer owes a biller, and the token that binds it to a later payment."""

    biller: Biller
    customer_code: str
    found: store.Found
    as_of: int
    """Unix seconds."""
    token: str
    is_stale: bool
    """The biller's own service did not answer: this is what it said at `as_of`."""


@dataclass(frozen=True, slots=True)
class LineRefusal:
    """A line of a bulk write that was not kept, by its position in the request."""

    index: int
    id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of a bulk write."""

    written: int
    unchanged: int
    refused: tuple[LineRefusal, ...]


async def look_up_bills(
    rt: Runtime, caller: Caller, biller_code: str, customer_code: str
) -> Lookup:
    """Say what a customer owes; no bills means no debt.

    Raises:
        BillerUnknown, CustomerCodeInvalid, CustomerUnknown: there is nobody to owe.
        BillerNotAnswering, DatabaseUnavailable: ask again.
    """
    biller = find_biller(rt, biller_code)
    if not biller.rules.customer_code_pattern.fullmatch(customer_code):
        raise CustomerCodeInvalid(biller.code, customer_code)
    stale_since = None
    if biller.rules.bills_source is not None:
        stale_since = await live_lookup.renew(rt, biller, customer_code)
    try:
        found = await rt.lookups.ride((biller.id, customer_code))
    except Exception as error:
        if database.broke(error):
            raise DatabaseUnavailable from error
        raise
    if found is None:
        raise CustomerUnknown(biller.code, customer_code)
    now = int(rt.clock.now().timestamp())
    token = make_token(
        rt.secrets.lookup,
        partner_id=caller.partner.id,
        biller=biller.code,
        customer_code=customer_code,
        due=[Line(bill.id, bill.due_dong) for bill in found.bills],
        now=now,
    )
    as_of = now if stale_since is None else int(stale_since.timestamp())
    return Lookup(biller, customer_code, found, as_of, token, stale_since is not None)


async def write_bills(
    rt: Runtime, caller: Caller, biller_code: str, bills: Sequence[store.NewBill]
) -> BulkResult:
    """Keep bills of the caller's own customers; a line that cannot be kept is refused alone.

    A new bill is open. An open bill without payments takes the new facts; a paid or cancelled one
    stays as it is. Safe to repeat.

    Raises:
        BillerUnknown: the caller is not this biller's system.
    """
    biller = own_biller(rt, caller, biller_code)
    refused = [
        LineRefusal(index, bill.id, "customer_code_invalid", "not a code of this biller")
        for index, bill in enumerate(bills)
        if not biller.rules.customer_code_pattern.fullmatch(bill.customer_code)
    ]
    bad = {line.index for line in refused}
    first: dict[str, int] = {}
    for index, bill in enumerate(bills):
        if index not in bad and first.setdefault(bill.id, index) != index:
            refused.append(LineRefusal(index, bill.id, "repeated", "the same bill stands above"))
    kept = {bills[index].id: index for index in first.values()}
    async with database.borrow(rt.pool) as connection, connection.transaction():
        rows = await store.upsert(connection, biller.id, [bills[index] for index in kept.values()])
        await upkeep.audit(
            connection, _audit(caller, "bills.written", biller.code, {"lines": len(bills)})
        )
    outcomes = [(kept[row.id], row, _refusal(row)) for row in rows]
    refused += [LineRefusal(index, row.id, *reason) for index, row, reason in outcomes if reason]
    return BulkResult(
        written=sum(1 for row in rows if row.written),
        unchanged=sum(1 for _, row, reason in outcomes if not row.written and not reason),
        refused=tuple(sorted(refused, key=lambda line: line.index)),
    )


def _refusal(row: store.Told) -> tuple[str, str] | None:
    return None if row.written or row.same else why_refused(row)


def why_refused(row: store.Told) -> tuple[str, str]:
    """Give code and reason of a line that was not kept, whether the API or a file brought it."""
    if not row.has_customer:
        return CUSTOMER_UNKNOWN
    if row.status == "paid":
        return "bill_already_paid", "a paid bill cannot change"
    if row.status == "cancelled":
        return "bill_cancelled", "a cancelled bill cannot change; use a new id"
    if row.paid_dong:
        return "bill_partly_paid", "a bill with payments cannot change"
    if row.claim == Claim.HARD:
        return "bill_being_paid", "a bill whose money may be moving cannot change now"
    return "bill_of_other_customer", "this id belongs to another customer's bill"


async def write_customers(
    rt: Runtime, caller: Caller, biller_code: str, customers: Sequence[customers_store.NewCustomer]
) -> BulkResult:
    """Keep customers of the caller's own; the last of two lines with one code wins.

    Raises:
        BillerUnknown: the caller is not this biller's system.
    """
    biller = own_biller(rt, caller, biller_code)
    refused = tuple(
        LineRefusal(index, customer.code, "customer_code_invalid", "not a code of this biller")
        for index, customer in enumerate(customers)
        if not biller.rules.customer_code_pattern.fullmatch(customer.code)
    )
    bad = {line.index for line in refused}
    kept = {c.code: c for index, c in enumerate(customers) if index not in bad}
    async with database.borrow(rt.pool) as connection, connection.transaction():
        written = await customers_store.upsert(connection, biller.id, list(kept.values()))
        await upkeep.audit(
            connection,
            _audit(caller, "customers.written", biller.code, {"lines": len(customers)}),
        )
    return BulkResult(written, len(kept) - written, refused)


async def cancel_bill(rt: Runtime, caller: Caller, biller_code: str, bill_id: str) -> store.Bill:
    """Withdraw an open bill of the caller's own; cancelling again answers the same.

    Raises:
        BillNotFound: there is none.
        BillAlreadyPaid: it is paid, or partly.
        BillBeingPaid: a payment is under way whose outcome is not known.
    """
    biller = own_biller(rt, caller, biller_code)
    async with database.borrow(rt.pool) as connection, connection.transaction():
        cancelled = await store.cancel(connection, biller.id, bill_id)
        if cancelled is not None:
            await upkeep.audit(connection, _audit(caller, "bill.cancelled", bill_id, {}))
            return cancelled
        bill = await store.one(connection, biller.id, bill_id)
    if bill is None:
        raise BillNotFound(biller.code, bill_id)
    if bill.status == "cancelled":
        return bill
    if bill.claim == Claim.HARD:
        raise BillBeingPaid(bill_id)
    raise BillAlreadyPaid(bill_id)


async def read_bill(rt: Runtime, caller: Caller, biller_code: str, bill_id: str) -> store.Bill:
    """Read one bill of the caller's own.

    Raises:
        BillNotFound: there is none.
    """
    biller = own_biller(rt, caller, biller_code)
    async with database.borrow(rt.pool) as connection:
        bill = await store.one(connection, biller.id, bill_id)
    if bill is None:
        raise BillNotFound(biller.code, bill_id)
    return bill


async def list_bills(
    rt: Runtime, caller: Caller, biller_code: str, wanted: store.Filter
) -> tuple[list[store.Bill], bool]:
    """List bills of the caller's own, and say whether more follow."""
    biller = own_biller(rt, caller, biller_code)
    async with database.borrow(rt.pool) as connection:
        page = await store.list_page(connection, biller.id, replace(wanted, limit=wanted.limit + 1))
    return page[: wanted.limit], len(page) > wanted.limit


def _audit(
    caller: Caller, action: str, subject: str, detail: dict[str, object]
) -> upkeep.AuditEntry:
    return upkeep.AuditEntry(f"partner:{caller.partner.code}", action, subject, detail)
