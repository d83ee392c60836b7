"""What most teams would write: FastAPI, dependencies, one middleware, an async ORM session.

The same schema, checks and rows as the service's PAY and LOOKUP; the pool is tuned and
authentication is cached, which many would not do. `tests/test_bench_peer.py` holds its rows
against the service's.
"""

import hashlib
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from uuid_utils.compat import uuid7

from bench.peer_orm.models import (
    Bill,
    Customer,
    Delivery,
    Endpoint,
    Event,
    IdempotencyKey,
    Payment,
    PaymentBill,
    Transfer,
)
from bench.peer_orm.schemas import BillDue, LookupOut, PaidBill, PaymentIn, PaymentOut
from gateway.domain.clock import business_date
from gateway.domain.lookup_token import make_token
from gateway.domain.masking import mask_address, mask_name
from gateway.domain.payment import Line

BILLER_ID, PAYABLE = 1, 1
PARTNERS = {
    hashlib.sha256(f"sk_test_bench_{number}".encode()).digest(): number for number in range(1, 21)
}
log = logging.getLogger("peer")

engine = create_async_engine(
    os.environ["PEER_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1),
    pool_size=int(os.environ.get("PEER_POOL_SIZE", "8")),
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


@app.middleware("http")
async def add_request_id(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers["x-request-id"] = uuid4().hex
    log.info("%s %s %s", request.method, request.url.path, response.status_code)
    return response


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


async def partner(authorization: Annotated[str, Header()]) -> int:
    found = PARTNERS.get(hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest())
    if found is None:
        raise HTTPException(401)
    return found


Session = Annotated[AsyncSession, Depends(session)]
Partner = Annotated[int, Depends(partner)]
Key = Annotated[str, Header(min_length=16, max_length=128)]


@app.post("/v1/payments", status_code=201, response_model=PaymentOut)
async def pay(asked: PaymentIn, who: Partner, idempotency_key: Key, db: Session) -> object:
    fingerprint = hashlib.sha256(asked.model_dump_json().encode()).digest()
    now = datetime.now(UTC)
    async with db.begin():
        before = await db.scalar(
            select(IdempotencyKey).where(
                IdempotencyKey.partner_id == who,
                IdempotencyKey.operation == "create_payment",
                IdempotencyKey.key == idempotency_key,
            )
        )
        if before is not None:
            if before.fingerprint != fingerprint:
                raise HTTPException(422, "idempotency_key_reused")
            return Response(before.body, before.status_code, media_type="application/json")
        if await db.scalar(
            select(Payment.id).where(
                Payment.partner_id == who, Payment.partner_reference == asked.partner_reference
            )
        ):
            raise HTTPException(409, "partner_reference_used")
        bills = await _lock(db, asked)
        made = await _write(db, asked, who, bills, now)
        db.add(
            IdempotencyKey(
                partner_id=who,
                operation="create_payment",
                key=idempotency_key,
                month=now.date().replace(day=1),
                fingerprint=fingerprint,
                field_digests=b"",
                status_code=201,
                body=made.model_dump_json(),
                resource_id=UUID(made.id.removeprefix("pay_")),
                created_at=now,
            )
        )
    return made


async def _lock(db: AsyncSession, asked: PaymentIn) -> list[Bill]:
    wanted = {line.id: line.amount_dong for line in asked.bills}
    bills = list(
        await db.scalars(
            select(Bill)
            .where(Bill.biller_id == BILLER_ID, Bill.id.in_(wanted))
            .order_by(Bill.id)
            .with_for_update()
        )
    )
    for bill in bills:
        due = bill.amount_dong - bill.paid_dong
        if bill.customer_code != asked.customer_code or bill.status != "open":
            raise HTTPException(409, "bill_already_paid")
        if due != wanted[bill.id]:
            raise HTTPException(409, "amount_mismatch")
    if len(bills) != len(wanted):
        raise HTTPException(404, "bill_not_found")
    older = await db.scalar(
        select(Bill.id).where(
            Bill.biller_id == BILLER_ID,
            Bill.customer_code == asked.customer_code,
            Bill.status == "open",
            Bill.period < max(bill.period for bill in bills),
            Bill.id.not_in(wanted),
        )
    )
    if older is not None:
        raise HTTPException(409, "older_bill_open")
    return bills


async def _write(
    db: AsyncSession, asked: PaymentIn, who: int, bills: list[Bill], now: datetime
) -> PaymentOut:
    payment_id, amount = uuid7(), sum(line.amount_dong for line in asked.bills)
    db.add(
        Payment(
            biller_id=BILLER_ID,
            id=payment_id,
            partner_id=who,
            partner_reference=asked.partner_reference,
            method=asked.method,
            channel=asked.channel,
            customer_code=asked.customer_code,
            amount_dong=amount,
            bill_count=len(bills),
            claimed_count=len(bills),
            status="succeeded",
            business_date=business_date(now),
            created_at=now,
        )
    )
    lines = []
    for bill in bills:
        due = bill.amount_dong - bill.paid_dong
        bill.paid_dong, bill.status, bill.claimed_by = bill.amount_dong, "paid", payment_id
        bill.event_sequence += 1
        bill.updated_at = now
        db.add(
            PaymentBill(
                biller_id=BILLER_ID,
                payment_id=payment_id,
                bill_id=bill.id,
                period=bill.period,
                amount_dong=due,
                sequence=bill.event_sequence,
            )
        )
        period, sequence = f"{bill.period:%Y-%m}", bill.event_sequence
        lines.append(PaidBill(id=bill.id, period=period, amount_dong=due, sequence=sequence))
    made = PaymentOut(
        id=f"pay_{payment_id.hex}",
        status="succeeded",
        partner=f"p{who}",
        amount_dong=amount,
        business_date=business_date(now),
        created_at=now,
        bills=lines,
        **asked.model_dump(exclude={"bills"}),
    )
    await _tell(db, made, payment_id, who, now)
    return made


async def _tell(
    db: AsyncSession, made: PaymentOut, payment_id: UUID, who: int, now: datetime
) -> None:
    event_id = uuid7()
    data = json.loads(made.model_dump_json())
    event = {"type": "payment.succeeded", "timestamp": data["created_at"], "data": data}
    db.add_all(
        [
            Transfer(
                biller_id=BILLER_ID,
                source=payment_id,
                kind="payment",
                debit_account=who + 1,
                credit_account=PAYABLE,
                amount_dong=made.amount_dong,
                created_at=now,
            ),
            Event(
                biller_id=BILLER_ID,
                id=event_id,
                type="payment.succeeded",
                subject=payment_id,
                body=json.dumps(event),
                created_at=now,
            ),
        ]
    )
    endpoints = await db.scalars(
        select(Endpoint).where(Endpoint.biller_id == BILLER_ID, Endpoint.disabled_at.is_(None))
    )
    for endpoint in endpoints:
        if "payment.succeeded" in endpoint.event_types:
            db.add(
                Delivery(
                    biller_id=BILLER_ID, event_id=event_id, endpoint_id=endpoint.id, due_at=now
                )
            )


@app.get("/v1/bills", response_model=LookupOut)
async def look_up(
    biller: Annotated[str, Query()],
    customer_code: Annotated[str, Query(pattern=r"^PB14[0-9]{9}$")],
    who: Partner,
    db: Session,
) -> LookupOut:
    customer = await db.scalar(
        select(Customer).where(Customer.biller_id == BILLER_ID, Customer.code == customer_code)
    )
    if customer is None:
        raise HTTPException(404, "customer_unknown")
    bills = await db.scalars(
        select(Bill)
        .where(
            Bill.biller_id == BILLER_ID,
            Bill.customer_code == customer_code,
            Bill.status == "open",
        )
        .order_by(Bill.period, Bill.id)
    )
    due = [
        BillDue(
            id=bill.id,
            period=f"{bill.period:%Y-%m}",
            kwh=bill.kwh,
            net_dong=bill.net_dong,
            vat_dong=bill.vat_dong,
            amount_dong=bill.amount_dong,
            due_dong=bill.amount_dong - bill.paid_dong,
            issued_on=bill.issued_on,
            due_on=bill.due_on,
            is_being_paid=bill.claim == "hard",
        )
        for bill in bills
    ]
    token = make_token(
        b"k" * 32,
        partner_id=who,
        biller=biller,
        customer_code=customer_code,
        due=[Line(bill.id, bill.due_dong) for bill in due],
        now=int(datetime.now(UTC).timestamp()),
    )
    return LookupOut(
        biller=biller,
        customer_code=customer_code,
        name=mask_name(customer.name),
        address=mask_address(customer.address),
        bills=due,
        total_due_dong=sum(bill.due_dong for bill in due),
        lookup_token=token,
    )
