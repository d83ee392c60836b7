"""Quotes of SMS banking: made for a mandate's telephone, confirmed by a code, begun."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateway.domain import sms_texts as say
from gateway.domain.biller import Biller, Channel
from gateway.domain.clock import business_date
from gateway.domain.derivation import derive_key
from gateway.domain.fingerprint import fingerprint_of
from gateway.domain.mandate import MandateState
from gateway.domain.payment import Line, Method, least_part
from gateway.domain.phones import normalise_phone
from gateway.domain.sealing import seal, unseal
from gateway.domain.sms_banking import OTP_LIFE, OTP_TRIES, hash_otp, otp_of, sender_hash
from gateway.flows.mandates import account_of
from gateway.flows.minting import SENT_MARGIN_S
from gateway.kit.abilities import CarriesMessages, DebitsMandates
from gateway.runtime import Runtime
from gateway.store import beginnings, idempotency, mandates
from gateway.store import sms_banking as store
from gateway.store.bills import OpenBill
from gateway.store.database import Raw
from gateway.store.mandates import MandateRow

LIFE = timedelta(minutes=10)
"""How long a debit that was sent may arrive at its bank."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one message is dealt with: the short number, whose bills, and who wrote."""

    rt: Runtime
    provider: CarriesMessages[Any]
    biller: Biller
    sender: str


def otp_key(rt: Runtime) -> bytes:
    """Give the key of the codes' hashes."""
    return derive_key(rt.secrets.sealing, "sms-otp")


def sender_digest(desk: Desk) -> bytes:
    """Give what stands for a sender in the tables: no telephone number is kept."""
    return sender_hash(derive_key(desk.rt.secrets.sealing, "sms-sender"), desk.sender)


def seal_reply(rt: Runtime, reply: str, message_id: str) -> bytes:
    """Seal a reply, which may hold a code."""
    return seal(rt.secrets.sealing, reply.encode(), f"text:{message_id}")


def open_reply(rt: Runtime, sealed: bytes, message_id: str) -> str:
    """Open what `seal_reply` made."""
    return unseal(rt.secrets.sealing, sealed, f"text:{message_id}").decode()


async def mandate_for(desk: Desk, connection: Raw, customer_code: str) -> MandateRow | None:
    """Give the active mandate at this bank whose telephone is the sender's, or None."""
    live = await mandates.live_of(connection, desk.biller.id, customer_code)
    if live is None or live.state != MandateState.ACTIVE:
        return None
    if live.provider != desk.provider.config.mandates:
        return None
    phone = normalise_phone(account_of(desk.rt, live).phone)
    return live if phone == desk.sender else None


async def quote(
    desk: Desk,
    connection: Raw,
    mandate: MandateRow,
    name: str,
    bill: OpenBill,
    *,
    is_changed: bool = False,
) -> str:
    """Quote a bill with a fresh code, in the place of the sender's other quote."""
    rt, now = desk.rt, desk.rt.clock.now()
    otp, sender = otp_of(secrets.randbelow(10**6)), sender_digest(desk)
    await store.end_pending(connection, desk.provider.code, sender, "replaced")
    row = store.NewQuote(
        biller_id=desk.biller.id,
        id=rt.new_id_at(now),
        provider=desk.provider.code,
        sender=sender,
        mandate_id=mandate.id,
        customer_code=mandate.customer_code,
        bill_id=bill.id,
        amount_dong=bill.due_dong,
        otp_hash=hash_otp(
            otp_key(rt),
            otp,
            sender=desk.sender,
            customer_code=mandate.customer_code,
            lines=(Line(bill.id, bill.due_dong),),
        ),
        tries_left=OTP_TRIES,
        created_at=now,
        expires_at=now + OTP_LIFE,
    )
    await store.add_quote(connection, row)
    offer = say.Offer(
        bank=desk.provider.config.bank,
        customer_code=mandate.customer_code,
        name=name,
        account_no=mandate.account_masked,
        amount_dong=bill.due_dong,
        period=bill.period,
    )
    return say.quoted_again(offer, otp) if is_changed else say.quoted(offer, otp)


async def begin_payment(
    desk: Desk, connection: Raw, mandate: MandateRow, waits: store.Pending
) -> tuple[UUID, UUID] | None:
    """Write payment and attempt as sent, the bill held hard; None if it cannot be begun now."""
    rt, now = desk.rt, desk.rt.clock.now()
    provider, _ = rt.provider(mandate.provider, DebitsMandates)
    attempt_id, payment_id = rt.new_id_at(now), rt.new_id_at(now)
    facts = {"quote": waits.id.hex, "bill": waits.bill_id, "amount": waits.amount_dong}
    print_of = fingerprint_of("create_payment", facts)
    row = beginnings.NewAttempt(
        biller_id=desk.biller.id,
        payment_id=payment_id,
        attempt_id=attempt_id,
        partner_id=mandate.partner_id,
        operation="create_payment",
        key=f"sms_{waits.id.hex}",
        fingerprint="\\x" + print_of.sha256.hex(),
        field_digests="\\x" + print_of.field_digests.hex(),
        channel=Channel.SMS_BANKING,
        amount_dong=waits.amount_dong,
        least_part=least_part(desk.biller.rules),
        provider=provider.code,
        reference=provider.reference_of(attempt_id, now),
        option=None,
        text=f"Thanh toán hóa đơn điện {waits.customer_code}",
        return_url="",
        notify_url=f"{rt.public_url}/v1/notifications/{provider.code}",
        payer_ip="127.0.0.1",
        locale="vi",
        visibility_s=int(provider.config.visibility_s),
        created_at=now,
        expires_at=now + LIFE,
        due_at=now + timedelta(seconds=provider.config.deadline_s + SENT_MARGIN_S),
        method=Method.MANDATE,
    )
    payment = beginnings.NewPayment(
        partner_reference=f"sms_{waits.id.hex}",
        customer_code=waits.customer_code,
        lines=(Line(waits.bill_id, waits.amount_dong),),
        oldest_first=desk.biller.rules.oldest_first,
        business_date=business_date(now),
    )
    months = idempotency.months_kept(now.date())
    if await beginnings.begin(connection, row, payment, months) is None:
        return None
    # Nobody repeats this request by its key: the message's own id is what makes it one.
    name = idempotency.KeyName(row.partner_id, row.operation, row.key)
    await idempotency.finish(connection, name, status_code=202, body="{}", months=months)
    return payment_id, attempt_id
