"""One receipt of cash in the books: it pays its bill, or its cash stands in suspense."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.domain.biller import Biller
from gateway.domain.clock import business_date
from gateway.domain.errors import Overloaded
from gateway.domain.field_cash import (
    PROVIDER,
    Receipt,
    Result,
    Trouble,
    reason_of,
    result_of,
)
from gateway.domain.ledger import TransferKind
from gateway.domain.partner import Purse
from gateway.domain.payment import Order, check_channel, refusal_of
from gateway.domain.refusals import ChannelNotAllowed
from gateway.domain.suspense import GoesTo
from gateway.flows.allotting import pay_bills
from gateway.flows.cash_troubles import About, raise_trouble
from gateway.flows.suspense import Origin, open_line
from gateway.runtime import Runtime
from gateway.store import bills as bills_store
from gateway.store import credits as credits_store
from gateway.store import field_cash as store
from gateway.store import hand_over_lists as lists_store
from gateway.store.collectors import Collector, Device, cash_account
from gateway.store.database import Raw
from gateway.store.hand_over_lists import ListRow


@dataclass(frozen=True, slots=True)
class Taking:
    """A receipt with all that it is judged by; `upload_key` is that of the upload it came in."""

    collector: Collector
    row: ListRow
    device: Device
    receipt: Receipt
    text: str
    digest: bytes
    upload_key: str
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """What a receipt became, and whose soft claims its payment took."""

    result: Result
    payment_id: UUID | None = None
    suspense_id: UUID | None = None
    outbid: Sequence[UUID] = ()


async def book(rt: Runtime, connection: Raw, taking: Taking, judged: Result | Order) -> Booked:
    """Book a receipt and write it down, in the caller's transaction.

    Raises:
        asyncpg.PostgresError: a race was lost; nothing of it was kept.
    """
    booked = await _pay(rt, connection, taking, judged) if isinstance(judged, Order) else judged
    if isinstance(booked, Result):
        booked = await _keep(rt, connection, taking, booked)
    await store.record(connection, _row(rt, taking, booked))
    if taking.row.closed_at is not None and booked.result is not Result.SIGNATURE_WRONG:
        what = taking.receipt.receipt_no
        subject = f"after-close:{taking.digest.hex()}"
        about = About(Trouble.AFTER_CLOSE, subject, what, taking.receipt.amount_dong)
        await raise_trouble(rt, connection, taking.collector, about)
    return booked


async def _pay(rt: Runtime, connection: Raw, taking: Taking, order: Order) -> Booked | Result:
    collector = taking.collector
    biller = rt.directory.billers_by_id[collector.biller_id]
    partner = rt.directory.partners_by_id[collector.partner_id]
    try:
        check_channel(biller.code, biller.rules, order)
    except ChannelNotAllowed as refusal:
        return result_of(refusal)
    paid = await pay_bills(rt, connection, biller, order, Purse(partner, collector.account))
    if paid is not None:
        return Booked(Result.ACCEPTED, paid.id, outbid=paid.outbid)
    return await _why_not(connection, biller, order)


async def _why_not(connection: Raw, biller: Biller, order: Order) -> Result:
    named = [line.bill_id for line in order.lines]
    states = await bills_store.states(connection, biller.id, order.customer_code, named)
    refusal = refusal_of(biller.code, biller.rules, order, states)
    if refusal is None:
        # It became payable between the two statements: the whole receipt is tried anew.
        raise Overloaded
    return result_of(refusal)


async def _keep(rt: Runtime, connection: Raw, taking: Taking, result: Result) -> Booked:
    if result is Result.SIGNATURE_WRONG:
        subject, what = f"signature:{taking.digest.hex()}", taking.receipt.receipt_no
        about = About(Trouble.SIGNATURE_WRONG, subject, what, taking.receipt.amount_dong)
        await raise_trouble(rt, connection, taking.collector, about)
        return Booked(result)
    collector, receipt = taking.collector, taking.receipt
    credit = _credit(rt, taking)
    await credits_store.record(connection, credit)
    booking = credits_store.Booking(
        biller_id=collector.biller_id,
        source=credit.id,
        kind=TransferKind.CREDIT,
        debit=collector.account,
        credit=collector.suspense,
        amount_dong=receipt.amount_dong,
        at=credit.received_at,
    )
    await credits_store.book(connection, booking)
    customer = await lists_store.customer_of(connection, taking.row.id, receipt.bill_id)
    origin = Origin(
        biller_id=collector.biller_id,
        partner_id=collector.partner_id,
        amount_dong=receipt.amount_dong,
        credit_id=credit.id,
        customer_code=customer,
        goes_to=GoesTo.COLLECTOR,
        provider=PROVIDER,
        reference=receipt.receipt_no,
    )
    line_id = await open_line(rt, connection, origin, reason_of(result))
    return Booked(result, suspense_id=line_id)


def _credit(rt: Runtime, taking: Taking) -> credits_store.CreditRow:
    now, receipt = rt.clock.now(), taking.receipt
    return credits_store.CreditRow(
        id=rt.new_id_at(now),
        biller_id=taking.collector.biller_id,
        provider=PROVIDER,
        key=taking.digest.hex(),
        account=cash_account(taking.collector.code),
        virtual_account=None,
        bank_reference=None,
        amount_dong=receipt.amount_dong,
        booked_at=receipt.collected_at,
        booked_on=business_date(receipt.collected_at),
        text=f"cash receipt {receipt.receipt_no} for bill {receipt.bill_id}",
        order_code=None,
        body=taking.text.encode(),
        received_at=now,
    )


def _row(rt: Runtime, taking: Taking, booked: Booked) -> store.ReceiptRow:
    now, receipt = rt.clock.now(), taking.receipt
    return store.ReceiptRow(
        id=rt.new_id_at(now),
        biller_id=taking.collector.biller_id,
        list_id=taking.row.id,
        collector_id=taking.collector.id,
        device_id=taking.device.id,
        seq=receipt.seq,
        receipt_no=receipt.receipt_no,
        bill_id=receipt.bill_id,
        amount_dong=receipt.amount_dong,
        collected_at=receipt.collected_at,
        taken_on=business_date(receipt.collected_at),
        gps=receipt.gps,
        canonical=taking.text,
        digest=taking.digest,
        upload_key=taking.upload_key,
        result=booked.result,
        payment_id=booked.payment_id,
        suspense_id=booked.suspense_id,
        received_at=now,
    )
