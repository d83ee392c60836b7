"""How a payment through a provider is written as JSON: the receipt's facts, and how it goes."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from gateway.domain import receipt
from gateway.domain.clock import to_text
from gateway.domain.payment import Payment
from gateway.domain.progress import Shown


@dataclass(frozen=True, slots=True)
class TriedAt:
    """One attempt as callers see it."""

    id: str
    provider: str
    reference: str
    state: str
    code: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Going:
    """How a payment through a provider goes. Times are aware UTC.

    `next_action` is None once there is nothing for the payer to do.
    """

    shown: Shown
    expires_at: datetime | None
    next_check_at: datetime | None
    failure: str | None
    refund: str | None
    next_action: dict[str, str | None] | None
    attempts: tuple[TriedAt, ...]


def body(payment: Payment, going: Going) -> str:
    """Write a payment and how it goes; `status` is what callers see."""
    shown = going.shown
    facts = {
        "certainty": shown.certainty,
        "may_payer_pay_again": shown.may_pay_again,
        "pay_again_at": _text(shown.pay_again_at),
        "expires_at": _text(going.expires_at),
        "next_check_at": _text(going.next_check_at),
        "failure": going.failure,
        "refund": going.refund,
        "next_action": going.next_action,
        "attempts": [
            {
                "id": tried.id,
                "provider": tried.provider,
                "reference": tried.reference,
                "state": tried.state,
                "code": tried.code,
                "created_at": to_text(tried.created_at),
            }
            for tried in going.attempts
        ],
    }
    return receipt.body(payment)[:-1] + "," + orjson.dumps(facts)[1:].decode()


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else to_text(moment)
