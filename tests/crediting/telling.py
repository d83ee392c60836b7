"""A sender of credit notices that says what it is told, the one double of these tests."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from gateway.domain import order_code
from gateway.domain.biller import Channel
from gateway.kit import abilities
from gateway.kit.abilities import Credit
from gateway.kit.messages import (
    Acknowledgement,
    Incoming,
    NextAction,
    Opened,
    Order,
    SignatureWrong,
    Unreadable,
    Verdict,
)
from tests.providing.scripted import Scripted, sign

ACCOUNT = "0501000123456"


class Telling(abilities.NotifiesCredits[abilities.Config]):
    """Tells of credits in our own words, signed."""

    code = "telling"
    title = "Telling"
    channels = frozenset({Channel.QR})
    Config: ClassVar = abilities.Config

    @property
    def merchant(self) -> str:
        return "EVN"

    def read_credits(self, incoming: Incoming) -> Sequence[Credit]:
        if incoming.headers.get("signature", "") != sign(incoming.body):
            raise SignatureWrong
        try:
            told = json.loads(incoming.body)
            return [Credit(**(t | {"at": datetime.fromisoformat(t["at"])})) for t in told]
        except (ValueError, TypeError, KeyError) as error:
            raise Unreadable(what="body") from error

    def acknowledge_credits(self, verdict: Verdict) -> Acknowledgement:
        status = 503 if verdict is Verdict.TRY_LATER else 200
        return Acknowledgement(status, verdict.encode(), "text/plain")


class Second(Telling):
    """Another source that tells of the same account."""

    code = "second"


class Coded(Scripted):
    """A rail whose reference is an order code, and that needs no call: like a QR of our own."""

    code = "coded"
    title = "Coded"

    def reference_of(self, attempt_id: UUID, created_at: datetime) -> str:
        return order_code.of_attempt(attempt_id)

    def create(self, order: Order) -> Opened:
        return Opened(NextAction(qr_content=order.reference))
