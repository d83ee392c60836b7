"""How a payment is written as JSON: one form for the API, the stored answer and the webhook.

The statement that pays knows the bills' periods and sequence numbers only inside Postgres, so the
body is written in three parts: `head`, the bills joined by commas, `TAIL`.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from gateway.domain.biller import Channel
from gateway.domain.clock import to_text
from gateway.domain.ids import to_public
from gateway.domain.payment import Method, PaidLine, Payment

TAIL = "]}"


class Made(NamedTuple):
    """A payment at the moment at which it is made, when its bills are not yet known."""

    id: UUID
    biller: str
    customer_code: str
    partner: str
    partner_reference: str
    method: Method
    channel: Channel
    status: str
    amount_dong: int
    business_date: date
    created_at: datetime
    reversed_at: None = None
    reversal_reason: None = None
    provider: None = None


def head(payment: Payment | Made) -> str:
    """Write everything of a payment but its bills."""
    facts = {
        "id": to_public("pay", payment.id),
        "status": payment.status,
        "method": payment.method,
        "biller": payment.biller,
        "customer_code": payment.customer_code,
        "partner": payment.partner,
        "partner_reference": payment.partner_reference,
        "channel": payment.channel,
        "amount_dong": payment.amount_dong,
        "business_date": payment.business_date,
        "created_at": to_text(payment.created_at),
        "reversed_at": to_text(payment.reversed_at) if payment.reversed_at else None,
        "reversal_reason": payment.reversal_reason,
    }
    if payment.provider is not None:
        facts["provider"] = payment.provider
    return orjson.dumps(facts)[:-1].decode() + ',"bills":['


def body(payment: Payment) -> str:
    """Write a whole payment, as the statement that paid it did."""
    return head(payment) + ",".join(_line(line) for line in payment.lines) + TAIL


def event_head(event_type: str, at: datetime) -> str:
    """Write an event up to the payment in it; the statement adds the payment and a brace."""
    return f'{{"type":"{event_type}","timestamp":"{to_text(at)}","data":'


def period_text(period: date) -> str:
    """Write a billing period.

    >>> period_text(date(2026, 10, 1))
    '2026-10'
    """
    return f"{period.year:04d}-{period.month:02d}"


def _line(line: PaidLine) -> str:
    return (
        f'{{"id":"{line.bill_id}","period":"{period_text(line.period)}",'
        f'"amount_dong":{line.amount_dong},"sequence":{orjson.dumps(line.sequence).decode()}}}'
    )
