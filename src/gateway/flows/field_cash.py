"""Receipts of cash from collectors' tablets: each pays its bill, or stands with an owner.

Cash that was taken is never refused into nothing. A receipt is written down, booked and answered
in one transaction of its own, so an upload that breaks in the middle keeps what was done, and the
same upload sent again gives the same answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.domain.biller import Channel
from gateway.domain.cash_refusals import ListNotFound
from gateway.domain.errors import OutcomeUnknown, Overloaded
from gateway.domain.field_cash import (
    Receipt,
    Result,
    Trouble,
    canonical,
    digest_of,
    is_out_of_time,
    is_signed,
)
from gateway.domain.ids import to_public
from gateway.domain.partner import Caller
from gateway.domain.payment import Line, Order
from gateway.flows import collectors
from gateway.flows.calling import in_rounds
from gateway.flows.cash_booking import Booked, Taking, book
from gateway.flows.cash_troubles import About, raise_trouble
from gateway.flows.hand_over_lists import PREFIX, device_for
from gateway.flows.idempotency import Answer, Keyed, keep_answer, replay
from gateway.flows.waking import wake
from gateway.kit import metrics
from gateway.runtime import Runtime
from gateway.store import collectors as collectors_store
from gateway.store import database
from gateway.store import field_cash as store
from gateway.store import hand_over_lists as lists_store
from gateway.store.database import Raw


@dataclass(frozen=True, slots=True)
class UploadLine:
    """What one line of an upload became; a gap is a line too, from `seq` to `until_seq`."""

    seq: int
    receipt_no: str | None
    result: Result
    first_result: Result | None = None
    until_seq: int | None = None
    payment_id: UUID | None = None
    suspense_id: UUID | None = None
    amount_dong: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """A batch of receipts of one device; `write` gives the answer's body."""

    list_id: UUID
    key_id: str
    receipts: Sequence[Receipt]
    keyed: Keyed
    write: Callable[[UUID, list[UploadLine]], str]


async def upload(rt: Runtime, caller: Caller, asked: Upload) -> Answer:
    """Take a batch of receipts, in the order of their numbers; the same batch is answered the same.

    Raises:
        ListNotFound, DeviceUnknown: nothing was taken; the tablet keeps its receipts.
        OutcomeUnknown: some may be taken; the same upload with the same key tells.
    """
    stored = await replay(rt, asked.keyed)
    if stored is not None:
        return Answer(stored.status_code, stored.body, is_replay=True)
    async with database.borrow(rt.pool) as connection:
        row = await lists_store.one(connection, asked.list_id, caller.partner.id)
        if row is None:
            raise ListNotFound(to_public(PREFIX, asked.list_id))
        device = await device_for(connection, row, asked.key_id)
        collector = await collectors.of_id(connection, row.collector_id)
    secret = collectors.secret_of(rt, device)
    for receipt in sorted(asked.receipts, key=lambda receipt: receipt.seq):
        text = canonical(device.key_id, to_public(PREFIX, row.id), receipt)
        taking = Taking(
            collector,
            row,
            device,
            receipt,
            text,
            digest_of(text, receipt.mac),
            asked.keyed.name.key,
            is_signed(secret, text, receipt.mac),
        )
        await _take_safely(rt, taking)
    return await _answer(rt, asked, device)


async def _take_safely(rt: Runtime, taking: Taking) -> None:
    try:
        await rt.finish(_take(rt, taking))
    except Exception as error:
        # Lines before this one are taken: only the same key can tell how far it went.
        if isinstance(error, Overloaded) or database.broke(error):
            raise OutcomeUnknown from error
        raise


async def _take(rt: Runtime, taking: Taking) -> None:
    done: list[Booked] = []

    async def write(connection: Raw) -> None:
        done.clear()
        last_seq, revoked_at = await collectors_store.hold_device(connection, taking.device.id)
        if await store.is_known(connection, taking.device.id, taking.digest):
            return
        result = await _judge(rt, connection, taking, is_revoked=revoked_at is not None)
        booked = await book(rt, connection, taking, result)
        done.append(booked)
        if booked.result is not Result.SIGNATURE_WRONG:
            await _number(rt, connection, taking, last_seq)

    await in_rounds(rt, write)
    for booked in done:
        metrics.CASH_RECEIPTS.labels(booked.result).inc()
        if booked.outbid:
            await wake(rt, taking.row.biller_id, booked.outbid)


async def _judge(
    rt: Runtime, connection: Raw, taking: Taking, *, is_revoked: bool
) -> Result | Order:
    """Say what a receipt is, or which order it pays if the bill can be paid."""
    receipt = taking.receipt
    if not taking.is_signed:
        return Result.SIGNATURE_WRONG
    if await store.is_number_used(connection, taking.device.id, receipt.seq, receipt.receipt_no):
        return Result.NUMBER_REUSED
    if is_revoked:
        return Result.DEVICE_REVOKED
    customer = await lists_store.customer_of(connection, taking.row.id, receipt.bill_id)
    if customer is None:
        return Result.UNKNOWN_BILL
    if is_out_of_time(receipt, taking.row.valid_until, rt.clock.now()):
        return Result.LIST_EXPIRED
    lines = (Line(receipt.bill_id, receipt.amount_dong),)
    return Order(f"cash-{taking.digest.hex()[:40]}", Channel.HOME_CASH, customer, lines)


async def _number(rt: Runtime, connection: Raw, taking: Taking, last_seq: int) -> None:
    """Keep count of the device's numbers: a jump opens a gap, a late number may close one."""
    now, seq = rt.clock.now(), taking.receipt.seq
    if seq > last_seq:
        await collectors_store.advance(connection, taking.device.id, seq)
        if seq > last_seq + 1:
            gap = store.Gap(
                rt.new_id_at(now), taking.device.id, last_seq + 1, seq - 1, taking.upload_key, now
            )
            await store.open_gap(connection, gap)
            what = f"{gap.first_seq} to {gap.last_seq} of device {taking.device.key_id}"
            # How much cash they stand for nobody knows yet.
            about = About(Trouble.SEQUENCE_GAP, f"gap:{gap.id}", what, 0)
            await raise_trouble(rt, connection, taking.collector, about)
        return
    filled = await store.fill(connection, taking.device.id, seq, now)
    if filled is not None:
        await store.settle_exception(connection, f"gap:{filled}", now, "the receipts came")


async def _answer(rt: Runtime, asked: Upload, device: collectors_store.Device) -> Answer:
    list_id = to_public(PREFIX, asked.list_id)
    known = [digest_of(canonical(device.key_id, list_id, r), r.mac) for r in asked.receipts]
    key = asked.keyed.name.key
    async with database.borrow(rt.pool) as connection:
        found = await store.recorded(connection, device.id, known)
        gaps = await store.gaps_of_upload(connection, device.id, key)
        seen: set[bytes] = set()
        lines = []
        for receipt, digest in zip(asked.receipts, known, strict=True):
            is_first = found[digest].upload_key == key and digest not in seen
            lines.append(_line(receipt, found[digest], is_first=is_first))
            seen.add(digest)
        lines += [
            UploadLine(first, None, Result.SEQUENCE_GAP, until_seq=last) for first, last in gaps
        ]
        body = asked.write(asked.list_id, lines)
        await keep_answer(rt, connection, asked.keyed, 200, body)
    return Answer(200, body, is_replay=False)


def _line(receipt: Receipt, found: store.Recorded, *, is_first: bool) -> UploadLine:
    result = Result(found.result)
    return UploadLine(
        seq=receipt.seq,
        receipt_no=receipt.receipt_no,
        result=result if is_first else Result.DUPLICATE,
        first_result=None if is_first else result,
        payment_id=found.payment_id,
        suspense_id=found.suspense_id,
        amount_dong=receipt.amount_dong,
    )
