"""Money for a customer's bills: which of them it pays is decided and paid in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from gateway.domain.allotment import Allotment, allot
from gateway.domain.biller import Biller, Channel
from gateway.domain.errors import Overloaded
from gateway.domain.fingerprint import fingerprint_of
from gateway.domain.ids import to_public
from gateway.domain.partner import Partner, Purse
from gateway.domain.payment import BillState, Line, Order
from gateway.domain.suspense import Reason
from gateway.flows.booking import For, Money, book_in, keep, spend, tell_missing
from gateway.flows.idempotency import Keyed
from gateway.flows.payments import OPERATION, ROUNDS_MAX, pay_row
from gateway.kit import metrics
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import credits as store
from gateway.store import idempotency, moves, postings, suspense
from gateway.store.database import Raw
from gateway.store.suspense import LineRow


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that money at hand has made, and the payments whose claims it took."""

    id: UUID
    outbid: Sequence[UUID]


async def pay_customer(
    rt: Runtime, connection: Raw, money: Money, customer_code: str, period: date | None
) -> None:
    """Pay a customer's open bills with a credit, and what was held for them; keep what cannot.

    Raises:
        Overloaded: the bills were moved again and again meanwhile; nothing was kept.
    """
    await book_in(rt, connection, money)
    await store.hold_customer(connection, money.row.biller_id, customer_code)
    held = await suspense.held_for_customer(connection, money.row.biller_id, customer_code)
    for _ in range(ROUNDS_MAX):
        states = await bills_store.states(connection, money.row.biller_id, customer_code, [])
        used, allotted = _best(money, held, states, period)
        if not allotted.lines:
            await _hold(rt, connection, money, customer_code, held, allotted)
            return
        order = order_of(to_public("crd", money.row.id), customer_code, allotted.lines)
        purse = Purse(money.partner, rt.directory.suspense_account)
        paid = await pay_bills(rt, connection, money.biller, order, purse)
        if paid is not None:
            what_for = For(customer_code, payment_id=paid.id)
            rest = allotted.rest_dong
            await _write_paid(rt, connection, money, used, rest, paid, what_for=what_for)
            return
    raise Overloaded


def _best(
    money: Money, held: list[LineRow], states: Sequence[BillState], period: date | None
) -> tuple[list[LineRow], Allotment]:
    """Choose: the credit alone if it fits, with what is held if that fits, else the credit alone.

    What is held is used wholly or not at all, and only where the credit alone is too little.
    """
    rules = money.biller.rules
    alone = allot(money.row.amount_dong, states, rules, period)
    if alone.lines or not held:
        return [], alone
    waiting = sum(line.amount_dong for line in held)
    together = allot(money.row.amount_dong + waiting, states, rules, period)
    if together.lines and together.rest_dong < money.row.amount_dong:
        return held, together
    return [], replace(alone, missing_dong=together.missing_dong or alone.missing_dong)


async def _hold(
    rt: Runtime,
    connection: Raw,
    money: Money,
    customer_code: str,
    held: list[LineRow],
    allotted: Allotment,
) -> None:
    what_for = For(customer_code)
    if allotted.is_blocked:
        await keep(rt, connection, money, Reason.BEING_PAID, what_for)
    elif allotted.missing_dong:
        missing = allotted.missing_dong
        await keep(rt, connection, money, Reason.SHORT, what_for, missing_dong=missing)
        await tell_missing(connection, held, missing)
    else:
        await keep(rt, connection, money, Reason.LATE, what_for)


async def _write_paid(  # noqa: PLR0913 (the facts of one payment)
    rt: Runtime,
    connection: Raw,
    money: Money,
    used: list[LineRow],
    rest: int,
    paid: Payment,
    *,
    what_for: For,
) -> None:
    own_dong = money.row.amount_dong - rest
    await spend(connection, money, used, payment_id=paid.id, own_dong=own_dong)
    money.outbid.update((money.row.biller_id, payment) for payment in paid.outbid)
    if rest:
        await keep(rt, connection, money, Reason.OVER, what_for, amount_dong=rest)


def order_of(
    reference: str, customer_code: str, lines: tuple[Line, ...], channel: Channel = Channel.QR
) -> Order:
    """Give the order that pays a customer's bills out of suspense; `reference` names the money."""
    return Order(reference, channel, customer_code, lines)


async def pay_bills(
    rt: Runtime, connection: Raw, biller: Biller, order: Order, purse: Purse
) -> Payment | None:
    """Pay bills in the caller's transaction, out of a purse: suspense, or a collector's hand.

    None if they cannot be paid as they stand now. The order's reference names the money, so that
    one movement makes one payment.
    """
    months = idempotency.months_kept(rt.clock.now().date())
    row = pay_row(rt, biller, order, _keyed(purse.partner, order), purse)
    paid = await moves.pay_within(connection, row, months)
    if paid is None:
        return None
    if biller.rules.bills_source is not None:
        await postings.add(connection, biller.id, row.payment_id, biller.rules.bills_source)
    metrics.PAYMENTS.labels(order.channel).inc()
    metrics.PAID_DONG.labels(order.channel).inc(order.amount_dong)
    return Payment(row.payment_id, paid.outbid or ())


def _keyed(partner: Partner, order: Order) -> Keyed:
    name = idempotency.KeyName(partner.id, OPERATION, order.partner_reference)
    fields = {"reference": order.partner_reference, "amount_dong": order.amount_dong}
    return Keyed(name, fingerprint_of(OPERATION, fields), list(fields), _never_refused)


def _never_refused(_: Exception) -> tuple[int, str]:
    """Stand where a refusal would be kept under the key: money at hand has other care."""
    raise Overloaded
