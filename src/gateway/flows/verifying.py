"""Checking a receipt: anybody with its code learns that it is true, and nothing about the payer."""

from dataclasses import dataclass
from datetime import date

from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.payment import Payment
from gateway.domain.progress import Status
from gateway.domain.verification import Claim, code_of, mask_code, read_code
from gateway.flows import payments
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import payments as payments_store


@dataclass(frozen=True, slots=True)
class Verified:
    """What a true receipt says; `business_date` is Vietnamese."""

    code: str
    biller: str
    customer_code: str
    """Masked."""
    amount_dong: int
    business_date: date
    is_reversed: bool


def receipt_code(rt: Runtime, payment: Payment) -> str:
    """Give the code that a payment's receipt shows."""
    return code_of(rt.secrets.pages, payment.id)


async def verify(rt: Runtime, typed: str) -> Verified | None:
    """Say what receipt a code is of; None: of none.

    Raises:
        DatabaseUnavailable: ask again.
    """
    claim = read_code(typed)
    if claim is None:
        return None
    try:
        return await _verify(rt, claim)
    except Exception as error:
        if database.broke(error):
            raise DatabaseUnavailable from error
        raise


async def _verify(rt: Runtime, claim: Claim) -> Verified | None:
    first, end = claim.between
    async with database.borrow(rt.pool) as connection:
        ids = await payments_store.made_between(connection, first, end, rt.directory.biller_ids)
        found = [payment_id for payment_id in ids if claim.is_of(rt.secrets.pages, payment_id)]
        if not found:
            return None
        row = await payments_store.by_id(connection, found[0], rt.directory.biller_ids)
    if row is None or row.status != Status.SUCCEEDED:
        return None
    payment = payments.to_payment(rt, row)
    return Verified(
        code=receipt_code(rt, payment),
        biller=rt.directory.billers_by_id[row.biller_id].name,
        customer_code=mask_code(payment.customer_code),
        amount_dong=payment.amount_dong,
        business_date=payment.business_date,
        is_reversed=payment.reversed_at is not None,
    )
