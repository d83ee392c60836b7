"""Choosing how to pay on a checkout: begun once, tried again only after a proved failure."""

from dataclasses import dataclass
from datetime import timedelta

import orjson

from gateway.domain.biller import Channel
from gateway.domain.checkout import Checkout, Step
from gateway.domain.errors import CallerError
from gateway.domain.fingerprint import fingerprint_of
from gateway.domain.lookup_token import make_token
from gateway.domain.partner import Caller
from gateway.domain.payment import Order, Payment
from gateway.domain.provider_refusals import AttemptStillOpen
from gateway.domain.refusals import IdempotencyKeyReused, PartnerReferenceUsed, StillProcessing
from gateway.flows import cancelling, payments, providing
from gateway.flows.checkout import Standing, as_caller, stand, url_of
from gateway.flows.idempotency import Keyed
from gateway.flows.minting import Payer
from gateway.runtime import Runtime
from gateway.store.idempotency import KeyName

ATTEMPT_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a payer pressed; `act` is new for each page that offers it, so twice is once."""

    act: str
    provider: str
    channel: Channel
    ip: str
    locale: str


async def choose(rt: Runtime, checkout: Checkout, choice: Choice) -> bool:
    """Begin to pay in the way that the payer chose; False if this way cannot be begun now.

    Safe to repeat with the same act. Whatever stands in the way (begun already, or on another
    page; paid by somebody else) is what `stand` says next.

    Raises:
        OutcomeUnknown: the database did not confirm; `stand` says what became of it.
    """
    standing = await stand(rt, checkout)
    try:
        if standing.step is Step.CHOOSE:
            return await _begin(rt, standing, choice)
        if standing.step is Step.TRY_AGAIN and standing.payment is not None:
            return await _try_again(rt, standing.payment, checkout, choice)
    except (PartnerReferenceUsed, AttemptStillOpen, IdempotencyKeyReused, StillProcessing):
        return True
    except CallerError:
        return False
    return True


async def give_up(rt: Runtime, checkout: Checkout) -> None:
    """Ask that the payment under way be given up; it is only once nobody is proved to have paid."""
    standing = await stand(rt, checkout)
    if standing.step is Step.PAY and standing.payment is not None:
        caller = _caller(rt, checkout)
        try:
            await cancelling.cancel(rt, caller, standing.payment.id)
        except CallerError:
            return  # It ended at this moment: `stand` says how.


async def _begin(rt: Runtime, standing: Standing, choice: Choice) -> bool:
    checkout, biller = standing.checkout, standing.biller
    caller = _caller(rt, checkout)
    order = Order(
        checkout.partner_reference, choice.channel, checkout.customer_code, checkout.lines
    )
    # The link is as good as a lookup of this moment: the bills were just held against it.
    looked_up = make_token(
        rt.secrets.lookup,
        partner_id=checkout.partner_id,
        biller=biller.code,
        customer_code=checkout.customer_code,
        due=checkout.lines,
        now=int(rt.clock.now().timestamp()),
    )
    keyed = _keyed(checkout, payments.OPERATION, choice)
    asked = providing.ProviderPayment(
        biller.code, order, looked_up, _payer(rt, checkout, choice), keyed
    )
    await providing.begin(rt, caller, asked)
    return True


async def _try_again(rt: Runtime, payment: Payment, checkout: Checkout, choice: Choice) -> bool:
    caller = _caller(rt, checkout)
    keyed = _keyed(checkout, providing.OPERATION, choice)
    asked = providing.AnotherAttempt(
        payment.id, choice.channel, _payer(rt, checkout, choice), keyed
    )
    await providing.try_again(rt, caller, asked)
    return True


def _payer(rt: Runtime, checkout: Checkout, choice: Choice) -> Payer:
    return Payer(
        provider=choice.provider,
        option=None,
        return_url=url_of(rt, checkout),
        ip=choice.ip,
        locale=choice.locale,
        life=ATTEMPT_LIFE,
    )


def _keyed(checkout: Checkout, operation: str, choice: Choice) -> Keyed:
    fields = {
        "checkout": str(checkout.id),
        "provider": choice.provider,
        "channel": choice.channel,
    }
    key = f"checkout:{checkout.id.hex}:{choice.act}"
    return Keyed(
        name=KeyName(checkout.partner_id, operation, key),
        fingerprint=fingerprint_of(operation, fields),
        field_names=list(fields),
        write_refusal=_write_refusal,
    )


def _write_refusal(refusal: CallerError) -> tuple[int, str]:
    """Write a refusal to be kept under a page's act; nobody reads it but us."""
    said = {"code": refusal.code, "detail": refusal.detail, "detail_vi": refusal.detail_vi}
    return 409, orjson.dumps(said).decode()


def _caller(rt: Runtime, checkout: Checkout) -> Caller:
    return as_caller(rt.directory.partners_by_id[checkout.partner_id])
