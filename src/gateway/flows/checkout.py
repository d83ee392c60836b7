"""Checkouts: bills that a payer pays on our page, by a way that the payer chooses there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.biller import Biller, Channel
from gateway.domain.checkout import (
    Bills,
    Checkout,
    CheckoutNotFound,
    CheckoutReferenceUsed,
    Step,
    read_token,
    step_of,
    token_of,
)
from gateway.domain.errors import DatabaseUnavailable, Overloaded
from gateway.domain.ids import to_public
from gateway.domain.partner import Caller, Partner, Scope
from gateway.domain.payment import Line, Method, Order, Payment, refusal_of
from gateway.domain.progress import Certainty, PayAgain, Shown, Status
from gateway.domain.provider_receipt import Going
from gateway.domain.refusals import (
    PartnerReferenceUsed,
)
from gateway.flows import payments, viewing
from gateway.flows.bills import look_up_bills
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import checkouts as store
from gateway.store import database
from gateway.store import payments as payments_store
from gateway.store.bills import Found, OpenBill
from gateway.store.database import Raw

HOUSE_PARTNER = "checkout"
"""The partner in whose name payers pay who found their bills by themselves."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link is to be made for."""

    biller: str
    customer_code: str
    partner_reference: str
    lines: tuple[Line, ...]
    return_url: str | None
    life: timedelta


@dataclass(frozen=True, slots=True)
class Standing:
    """A checkout as it stands; `bills` are its bills while they are open."""

    checkout: Checkout
    biller: Biller
    step: Step
    customer: Found
    bills: Sequence[OpenBill]
    payment: Payment | None
    going: Going | None
    is_ours: bool
    """Made on our own page, not by a partner."""


async def create(rt: Runtime, caller: Caller, asked: Asked) -> Checkout:
    """Make a link to pay bills, once for the partner's reference: a repetition gives it again.

    Raises:
        PartnerReferenceUsed, CheckoutReferenceUsed: the reference names something else.
        CallerError: the bills cannot be paid so.
    """
    looked = await look_up_bills(rt, caller, asked.biller, asked.customer_code)
    now = rt.clock.now()
    wanted = Checkout(
        id=rt.new_id_at(now),
        partner_id=caller.partner.id,
        biller_id=looked.biller.id,
        partner_reference=asked.partner_reference,
        customer_code=asked.customer_code,
        lines=asked.lines,
        return_url=asked.return_url,
        created_at=now,
        expires_at=now + asked.life,
    )
    async with database.borrow(rt.pool) as connection:
        kept = await store.by_reference(connection, wanted.partner_id, wanted.partner_reference)
        if kept is None:
            await _check_payable(connection, looked.biller, wanted)
            kept = await store.put(connection, wanted)
    if kept is None:
        raise Overloaded
    if not kept.is_same_order(wanted):
        raise CheckoutReferenceUsed(asked.partner_reference)
    return kept


async def _check_payable(connection: Raw, biller: Biller, wanted: Checkout) -> None:
    """Refuse what could not be paid now, and a reference that names a payment."""
    reference = wanted.partner_reference
    used_by = await payments_store.by_reference(connection, wanted.partner_id, reference)
    if used_by is not None:
        raise PartnerReferenceUsed(reference, to_public("pay", used_by))
    # Any channel will do: the payer chooses it later, and only the bills are looked at here.
    order = Order(reference, Channel.QR, wanted.customer_code, wanted.lines)
    states = await bills_store.states(
        connection, biller.id, order.customer_code, [line.bill_id for line in order.lines]
    )
    refusal = refusal_of(biller.code, biller.rules, order, states)
    if refusal is not None:
        raise refusal


def url_of(rt: Runtime, checkout: Checkout) -> str:
    """Give the link that the payer opens."""
    return rt.public_url + path_of(rt, checkout)


def path_of(rt: Runtime, checkout: Checkout) -> str:
    """Give the link within this site."""
    return f"/pay/{token_of(rt.secrets.pages, checkout.id)}"


def house_caller(rt: Runtime) -> Caller | None:
    """Give whoever pays for payers who found their bills themselves; None if nobody does here."""
    for partner in rt.directory.partners_by_id.values():
        if partner.code == HOUSE_PARTNER:
            return as_caller(partner)
    return None


async def open_link(rt: Runtime, token: str) -> Checkout:
    """Find what a link leads to.

    Raises:
        CheckoutNotFound: nothing.
    """
    checkout_id = read_token(rt.secrets.pages, token)
    try:
        async with database.borrow(rt.pool) as connection:
            checkout = await store.by_id(connection, checkout_id)
    except Exception as error:
        if database.broke(error):
            raise DatabaseUnavailable from error
        raise
    if checkout is None or checkout.partner_id not in rt.directory.partners_by_id:
        raise CheckoutNotFound
    return checkout


async def stand(rt: Runtime, checkout: Checkout) -> Standing:
    """Say how a checkout stands at this moment."""
    try:
        return await _stand(rt, checkout)
    except Exception as error:
        if database.broke(error):
            raise DatabaseUnavailable from error
        raise


async def _stand(rt: Runtime, checkout: Checkout) -> Standing:
    partner = rt.directory.partners_by_id[checkout.partner_id]
    biller = rt.directory.billers_by_id[checkout.biller_id]
    looked = await look_up_bills(rt, as_caller(partner), biller.code, checkout.customer_code)
    payment, going = await _payment(rt, checkout)
    wanted = {line.bill_id: line.amount_dong for line in checkout.lines}
    open_bills = [bill for bill in looked.found.bills if bill.id in wanted]
    bills = Bills(
        are_due={bill.id: bill.due_dong for bill in open_bills} == wanted,
        are_being_paid=any(bill.is_being_paid for bill in open_bills),
    )
    step = step_of(
        None if going is None else going.shown,
        bills=bills,
        is_over=rt.clock.now() >= checkout.expires_at,
        is_reversed=payment is not None and payment.reversed_at is not None,
        has_refund=going is not None and going.refund is not None,
    )
    is_ours = partner.code == HOUSE_PARTNER
    return Standing(checkout, biller, step, looked.found, open_bills, payment, going, is_ours)


async def _payment(rt: Runtime, checkout: Checkout) -> tuple[Payment | None, Going | None]:
    """Read the payment that the checkout's reference names, and how it goes."""
    async with database.borrow(rt.pool) as connection:
        payment_id = await payments_store.by_reference(
            connection, checkout.partner_id, checkout.partner_reference
        )
        if payment_id is None:
            return None, None
        row = await payments_store.by_id(connection, payment_id, [checkout.biller_id])
    if row is None:
        return None, None
    if row.method != Method.PROVIDER:
        return payments.to_payment(rt, row), _COLLECTED
    view = await viewing.view_row(rt, row)
    return view.payment, view.going


_COLLECTED = Going(
    shown=Shown(Status.SUCCEEDED, Certainty.PROVED, PayAgain.NO, None),
    expires_at=None,
    next_check_at=None,
    failure=None,
    refund=None,
    next_action=None,
    attempts=(),
)
"""The partner took the money itself after all, under the same reference."""


def as_caller(partner: Partner) -> Caller:
    """Act in a partner's name, as its links do."""
    scopes = frozenset({Scope.LOOKUP, Scope.PAY, Scope.READ})
    return Caller(partner, key_prefix="", scopes=scopes, expires_at=None)
