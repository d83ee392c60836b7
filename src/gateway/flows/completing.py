"""Money for an attempt: what an order asked for, all at once or in parts, too much, or too late."""

from uuid import UUID

from gateway.domain.attempt import AttemptState, Effect, Fact
from gateway.domain.errors import present
from gateway.domain.evidence import Finding, Outcome, Rank
from gateway.domain.ids import to_public
from gateway.domain.suspense import Reason
from gateway.flows.allotting import pay_customer
from gateway.flows.booking import (
    For,
    Money,
    book_in,
    keep,
    recognise,
    spend,
    tell_missing,
    turn_late,
)
from gateway.flows.settling import Source, settle
from gateway.runtime import Runtime
from gateway.store import attempts, suspense
from gateway.store import credits as store
from gateway.store import payments as payments_store
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw
from gateway.store.suspense import LineRow

# Proved that its order takes no money any more, or disputed: what comes is the customer's money.
APART = frozenset({AttemptState.FAILED, AttemptState.CONFLICTED})


async def pay_attempt(rt: Runtime, connection: Raw, money: Money, attempt_id: UUID) -> None:
    """Put a credit to the attempt whose code it bears, with all that is held for it."""
    attempt = await attempts.hold(connection, money.row.biller_id, attempt_id)
    attempt = present(attempt, "an attempt stays where it was found")
    payment = await payments_store.by_id(connection, attempt.payment_id, [attempt.biller_id])
    payment = present(payment, "an attempt has its payment")
    if attempt.state in APART:
        await pay_customer(rt, connection, money, payment.customer_code, None)
        return
    what_for = For(payment.customer_code, attempt.id, attempt.payment_id)
    held = await suspense.held_for_attempt(connection, attempt.id)
    if attempt.state == AttemptState.SUCCEEDED:
        await _after_success(rt, connection, money, attempt, held, what_for)
        return
    await book_in(rt, connection, money)
    missing = attempt.amount_dong - _sum(money, held)
    if missing > 0:
        await _hold(rt, connection, money, held, what_for, missing)
        return
    await _settle(rt, connection, money, attempt, held, what_for)


def _sum(money: Money, held: list[LineRow]) -> int:
    return money.row.amount_dong + sum(line.amount_dong for line in held)


async def _hold(
    rt: Runtime,
    connection: Raw,
    money: Money,
    held: list[LineRow],
    what_for: For,
    missing_dong: int,
) -> None:
    await keep(rt, connection, money, Reason.SHORT, what_for, missing_dong=missing_dong)
    await tell_missing(connection, held, missing_dong)


async def _settle(
    rt: Runtime,
    connection: Raw,
    money: Money,
    attempt: AttemptRow,
    held: list[LineRow],
    what_for: For,
) -> None:
    rest = _sum(money, held) - attempt.amount_dong
    source = Source("credit", is_in_suspense=True)
    settled = await settle(rt, connection, attempt, _fact(rt, money, attempt), source)
    money.outbid.update((attempt.biller_id, payment) for payment in settled.outbid)
    if settled.judgement.effect is not Effect.SETTLE:
        await turn_late(rt, connection, held)
        await keep(rt, connection, money, Reason.LATE, what_for)
        return
    own_dong = money.row.amount_dong - rest
    await spend(connection, money, held, payment_id=attempt.payment_id, own_dong=own_dong)
    if rest:
        await keep(rt, connection, money, Reason.OVER, what_for, amount_dong=rest)


def _fact(rt: Runtime, money: Money, attempt: AttemptRow) -> Fact:
    """Say that what the attempt asked for is on the account; the last credit of it is named."""
    finding = Finding(
        Outcome.SUCCEEDED,
        message=f"credit {to_public('crd', money.row.id)}",
        reference=attempt.reference,
        amount_dong=attempt.amount_dong,
        paid_at=money.row.booked_at,
    )
    return Fact(Rank.NOTIFICATION, finding, rt.clock.now())


async def _after_success(
    rt: Runtime,
    connection: Raw,
    money: Money,
    attempt: AttemptRow,
    held: list[LineRow],
    what_for: For,
) -> None:
    """Tell money that the books have already, told by its provider, from a second transfer."""
    if await store.has_credits(connection, attempt.id, attempt.payment_id):
        await book_in(rt, connection, money)
        await keep(rt, connection, money, Reason.SECOND_TRANSFER, what_for)
        return
    if money.row.amount_dong == attempt.amount_dong:
        await recognise(rt, connection, money, [], attempt.payment_id)
        return
    missing = attempt.amount_dong - _sum(money, held)
    if missing == 0:
        await recognise(rt, connection, money, held, attempt.payment_id)
        return
    await book_in(rt, connection, money)
    if missing > 0:
        await _hold(rt, connection, money, held, what_for, missing)
    else:
        await keep(rt, connection, money, Reason.SECOND_TRANSFER, what_for)
