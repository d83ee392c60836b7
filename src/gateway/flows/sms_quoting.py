"""Quotes of SMS banking: made for a mandate's telephone, confirmed by a code, begun."""

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.domain import sms_texts as say
from gateway.domain.biller import Biller, Channel
from gateway.domain.derivation import derive_key
from gateway.domain.fingerprint import fingerprint_of
from gateway.domain.mandate import MandateState
from gateway.domain.payment import Line, Order
from gateway.domain.phones import normalise_phone
from gateway.domain.sealing import seal, unseal
from gateway.domain.sms_banking import OTP_LIFE, OTP_TRIES, hash_otp, otp_of, sender_hash
from gateway.flows.mandates import account_of
from gateway.flows.minting import new_debit, new_payment
from gateway.kit.abilities import CarriesMessages, DebitsMandates
from gateway.runtime import Runtime
from gateway.store import beginnings, idempotency, mandates
from gateway.store import sms_banking as store
from gateway.store.bills import OpenBill
from gateway.store.database import Raw
from gateway.store.mandates import MandateRow


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
    facts = {"quote": waits.id.hex, "bill": waits.bill_id, "amount": waits.amount_dong}
    name = idempotency.KeyName(mandate.partner_id, "create_payment", f"sms_{waits.id.hex}")
    order = Order(
        partner_reference=f"sms_{waits.id.hex}",
        channel=Channel.SMS_BANKING,
        customer_code=waits.customer_code,
        lines=(Line(waits.bill_id, waits.amount_dong),),
    )
    row = new_debit(
        rt,
        provider,
        desk.biller,
        mandate.reference,
        order,
        name=name,
        print_of=fingerprint_of(name.operation, facts),
    )
    payment = new_payment(desk.biller, order, row.created_at)
    months = idempotency.months_kept(now.date())
    if await beginnings.begin(connection, row, payment, months) is None:
        return None
    # Nobody repeats this request by its key: the message's own id is what makes it one.
    await idempotency.finish(connection, name, status_code=202, body="{}", months=months)
    return row.payment_id, row.attempt_id
