"""What an attempt is made from, before anything is sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.domain.biller import Biller, Channel
from gateway.domain.clock import business_date
from gateway.domain.fingerprint import Fingerprint
from gateway.domain.payment import Method, Order, least_part
from gateway.domain.provider_refusals import ProviderAmountOutOfRange, ProviderNotOffered
from gateway.flows.idempotency import Keyed
from gateway.kit.abilities import DebitsMandates, TakesPayments
from gateway.runtime import Runtime
from gateway.store import beginnings
from gateway.store.idempotency import KeyName

SENT_MARGIN_S = 15.0
DEBIT_LIFE = timedelta(minutes=10)
"""How long a debit that was sent may arrive at its bank; after it, unknown there is proof."""


@dataclass(frozen=True, slots=True)
class Payer:
    """How the payer goes to the provider and comes back."""

    provider: str
    option: str | None
    return_url: str
    ip: str
    locale: str
    life: timedelta


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an attempt is made from; `payment_id` is None for a new payment."""

    payer: Payer
    channel: Channel
    customer_code: str
    amount_dong: int
    payment_id: UUID | None = None


def provider_for(
    rt: Runtime, payer: Payer, channel: Channel, amount_dong: int
) -> TakesPayments[Any]:
    """Give the provider that a payer chose.

    Raises:
        ProviderNotOffered: not here, not for this channel, or not with this option.
        ProviderAmountOutOfRange: it does not take this amount.
    """
    provider, _ = rt.provider(payer.provider, TakesPayments)
    if channel not in provider.channels:
        raise ProviderNotOffered(payer.provider, f"channel {channel}")
    if not provider.allows(payer.option):
        raise ProviderNotOffered(payer.provider, f"option {payer.option}")
    least, most = provider.amount_min_dong, provider.amount_max_dong
    if not least <= amount_dong <= most:
        raise ProviderAmountOutOfRange(payer.provider, least_dong=least, most_dong=most)
    return provider


def new_payment(biller: Biller, order: Order, now: datetime) -> beginnings.NewPayment:
    """Give what a payment has beside its first attempt."""
    return beginnings.NewPayment(
        partner_reference=order.partner_reference,
        customer_code=order.customer_code,
        lines=order.lines,
        oldest_first=biller.rules.oldest_first,
        business_date=business_date(now),
    )


def new_attempt(
    rt: Runtime, provider: TakesPayments[Any], biller: Biller, wanted: Wanted, keyed: Keyed
) -> beginnings.NewAttempt:
    """Mint an attempt; it is due for a question once the call about it must have ended."""
    now, payer, config = rt.clock.now(), wanted.payer, provider.config
    attempt_id = rt.new_id_at(now)
    answer_by = timedelta(seconds=config.deadline_s + SENT_MARGIN_S)
    return beginnings.NewAttempt(
        biller_id=biller.id,
        payment_id=wanted.payment_id or rt.new_id_at(now),
        attempt_id=attempt_id,
        partner_id=keyed.name.partner_id,
        operation=keyed.name.operation,
        key=keyed.name.key,
        fingerprint="\\x" + keyed.fingerprint.sha256.hex(),
        field_digests="\\x" + keyed.fingerprint.field_digests.hex(),
        channel=wanted.channel,
        amount_dong=wanted.amount_dong,
        least_part=least_part(biller.rules),
        provider=provider.code,
        reference=provider.reference_of(attempt_id, now),
        option=payer.option,
        text=f"Thanh toán hóa đơn điện {wanted.customer_code}",
        return_url=payer.return_url,
        notify_url=f"{rt.public_url}/v1/notifications/{provider.code}",
        payer_ip=payer.ip,
        locale=payer.locale,
        visibility_s=int(config.visibility_s),
        created_at=now,
        expires_at=now + payer.life,
        due_at=now + answer_by,
    )


def new_debit(  # noqa: PLR0913 (what one debit is made of)
    rt: Runtime,
    provider: DebitsMandates[Any],
    biller: Biller,
    mandate: str,
    order: Order,
    *,
    name: KeyName,
    print_of: Fingerprint,
) -> beginnings.NewAttempt:
    """Mint the attempt of a debit outside any run; its option is the mandate's reference."""
    now = rt.clock.now()
    attempt_id = rt.new_id_at(now)
    return beginnings.NewAttempt(
        biller_id=biller.id,
        payment_id=rt.new_id_at(now),
        attempt_id=attempt_id,
        partner_id=name.partner_id,
        operation=name.operation,
        key=name.key,
        fingerprint="\\x" + print_of.sha256.hex(),
        field_digests="\\x" + print_of.field_digests.hex(),
        channel=order.channel,
        amount_dong=order.amount_dong,
        least_part=least_part(biller.rules),
        provider=provider.code,
        reference=provider.reference_of(attempt_id, now),
        option=mandate,
        text=f"Thanh toán hóa đơn điện {order.customer_code}",
        return_url="",
        notify_url=f"{rt.public_url}/v1/notifications/{provider.code}",
        payer_ip="127.0.0.1",
        locale="vi",
        visibility_s=int(provider.config.visibility_s),
        created_at=now,
        expires_at=now + DEBIT_LIFE,
        due_at=now + timedelta(seconds=provider.config.deadline_s + SENT_MARGIN_S),
        method=Method.MANDATE,
    )
