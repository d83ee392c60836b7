"""A credit in the books: into suspense when it comes, out of it when it pays, else kept there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gateway.domain.biller import Biller
from gateway.domain.clock import business_date
from gateway.domain.ledger import TransferKind
from gateway.domain.partner import Partner
from gateway.domain.suspense import ClosedAs, GoesTo, Reason, care_of
from gateway.flows.suspense import Origin, open_line
from gateway.runtime import Runtime
from gateway.store import credits as store
from gateway.store import suspense as suspense_store
from gateway.store.credits import Booking, CreditRow, Use
from gateway.store.database import Raw
from gateway.store.suspense import Closing, LineRow, Turning

BY_THE_HOUSE = "gateway"


@dataclass(frozen=True, slots=True)
class Money:
    """A recorded credit, for whom it came and on whose account; and whose claims it outbid."""

    row: CreditRow
    biller: Biller
    partner: Partner
    outbid: set[tuple[int, UUID]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class For:
    """What a credit is for, as far as that is known."""

    customer_code: str | None = None
    attempt_id: UUID | None = None
    payment_id: UUID | None = None


async def book_in(rt: Runtime, connection: Raw, money: Money) -> None:
    """Write that the account's owner owes us the money, and we owe it to its payer."""
    row, suspense = money.row, rt.directory.suspense_account
    booking = Booking(
        biller_id=row.biller_id,
        source=row.id,
        kind=TransferKind.CREDIT,
        debit=money.partner.receivable_account,
        credit=suspense,
        amount_dong=row.amount_dong,
        at=row.received_at,
    )
    await store.book(connection, booking)


async def keep(  # noqa: PLR0913 (what a line says)
    rt: Runtime,
    connection: Raw,
    money: Money,
    reason: Reason,
    what_for: For,
    *,
    amount_dong: int | None = None,
    missing_dong: int = 0,
) -> None:
    """Keep a credit, or what is left of it, in suspense; the caller has booked it in."""
    row = money.row
    origin = Origin(
        biller_id=row.biller_id,
        partner_id=money.partner.id,
        amount_dong=row.amount_dong if amount_dong is None else amount_dong,
        credit_id=row.id,
        attempt_id=what_for.attempt_id,
        payment_id=what_for.payment_id,
        customer_code=what_for.customer_code,
        goes_to=GoesTo.SOURCE_ACCOUNT if row.bank_reference else GoesTo.UNKNOWN,
        provider=row.provider,
        reference=row.bank_reference,
    )
    await open_line(rt, connection, origin, reason, missing_dong=missing_dong)


async def spend(
    connection: Raw, money: Money, held: Sequence[LineRow], *, payment_id: UUID, own_dong: int
) -> None:
    """Write which credits a payment took: all that was held for it, and `own_dong` of this one."""
    uses = [*_uses(held), *([Use(money.row.id, own_dong)] if own_dong else [])]
    await store.use(connection, payment_id, "paid", uses, money.row.received_at)
    closing = Closing(
        money.row.received_at, ClosedAs.SETTLED, BY_THE_HOUSE, "the rest of it came", payment_id
    )
    await suspense_store.close_lines(connection, [line.id for line in held], closing)


async def recognise(
    rt: Runtime, connection: Raw, money: Money, held: Sequence[LineRow], payment_id: UUID
) -> None:
    """Write that the books had this money: its provider had said by itself that it was taken.

    What was held of it leaves suspense again; what comes now never enters it.
    """
    at = money.row.received_at
    for line in held:
        booking = Booking(
            biller_id=line.biller_id,
            source=line.id,
            kind=TransferKind.RECOGNISED,
            debit=rt.directory.suspense_account,
            credit=rt.directory.partners_by_id[line.partner_id].receivable_account,
            amount_dong=line.amount_dong,
            at=at,
        )
        await store.book(connection, booking)
    uses = [*_uses(held), Use(money.row.id, money.row.amount_dong)]
    await store.use(connection, payment_id, "recognised", uses, at)
    closing = Closing(
        at, ClosedAs.RECOGNISED, BY_THE_HOUSE, "its provider had told of it", payment_id
    )
    await suspense_store.close_lines(connection, [line.id for line in held], closing)


async def turn_late(rt: Runtime, connection: Raw, held: Sequence[LineRow]) -> None:
    """Give back what was held for bills that cannot be paid with it any more."""
    now = rt.clock.now()
    for line in held:
        care = care_of(
            Reason.LATE,
            business_date(now),
            amount_dong=line.amount_dong,
            customer=line.customer_code,
            source="held until the rest came",
        )
        turning = Turning(rt.new_id_at(now), now)
        await suspense_store.turn(connection, line.id, Reason.LATE, care, turning)


async def tell_missing(connection: Raw, held: Sequence[LineRow], missing_dong: int) -> None:
    """Say at what is held already how much is missing still."""
    for line in held:
        care = care_of(
            Reason.SHORT,
            line.due_on,
            amount_dong=line.amount_dong,
            missing_dong=missing_dong,
            customer=line.customer_code,
        )
        await suspense_store.now_missing(connection, line.id, missing_dong, care.next_action)


def _uses(held: Sequence[LineRow]) -> list[Use]:
    return [Use(line.credit_id, line.amount_dong) for line in held if line.credit_id is not None]
