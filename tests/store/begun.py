"""Attempts as the store is handed them: builders of the tests of payments through providers."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.domain.payment import Line
from gateway.store import attempts, beginnings, directory, idempotency
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw
from tests.world import CUSTOMER, World

RAIL = "scripted"
_numbers = itertools.count(1)


async def put_rail(connection: Raw, code: str = RAIL) -> None:
    """Make a provider's row and accounts."""
    await directory.put_provider(connection, code)


def a_new_attempt(world: World, bills: int = 1, **changes: Any) -> beginnings.NewAttempt:
    """An attempt of bills of 150,000 đồng each, to be written down."""
    number, now = next(_numbers), datetime.now(UTC)
    attempt_id = world.rt.new_id()
    row = beginnings.NewAttempt(
        biller_id=1,
        payment_id=world.rt.new_id(),
        attempt_id=attempt_id,
        partner_id=2,
        operation="create_payment",
        key=f"key-of-an-attempt-{number:06d}",
        fingerprint="\\x00",
        field_digests="\\x00",
        channel="qr",
        amount_dong=150_000 * bills,
        least_part=2**53,
        provider=RAIL,
        reference=f"att_{attempt_id.hex}",
        option=None,
        text="Thanh toan hoa don dien",
        return_url="https://portal.test/thanks",
        notify_url="http://gateway/v1/notifications/scripted",
        payer_ip="127.0.0.1",
        locale="vi",
        visibility_s=60,
        created_at=now,
        expires_at=now + timedelta(minutes=15),
        due_at=now + timedelta(seconds=20),
    )
    return replace(row, **changes)


def a_new_payment(*bill_ids: str, **changes: object) -> beginnings.NewPayment:
    """What the payment has beside its attempt."""
    row = beginnings.NewPayment(
        partner_reference=f"REF-B-{next(_numbers)}",
        customer_code=CUSTOMER,
        lines=tuple(Line(bill_id, 150_000) for bill_id in bill_ids),
        oldest_first=False,
        business_date=date(2026, 11, 24),
    )
    return replace(row, **changes)  # type: ignore[arg-type]


async def begin(
    connection: Raw, attempt: beginnings.NewAttempt, payment: beginnings.NewPayment
) -> Sequence[UUID] | None:
    """Begin as the flow does."""
    months = idempotency.months_kept(attempt.created_at.date())
    return await beginnings.begin(connection, attempt, payment, months)


async def begun(
    connection: Raw, world: World, *bill_ids: str, state: str = "waiting", **changes: object
) -> AttemptRow:
    """Begin a payment of bills, new ones if none are named; gives its attempt in this state."""
    bills = bill_ids or (await world.add_bill(),)
    new = a_new_attempt(world, bills=len(bills))
    assert await begin(connection, new, a_new_payment(*bills)) is not None
    row = await attempts.by_reference(connection, RAIL, new.reference)
    assert row is not None
    moved = replace(row, state=state, **changes)  # type: ignore[arg-type]
    await attempts.move(connection, moved)
    return moved
