"""Refunds at the simulated ZaloPay: accepted at once, done or failed later, never over the paid."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.sandbox import zalopay_wire as wire
from gateway.sandbox.rail_orders import OrderState, RailOrder
from gateway.sandbox.zalopay_wire import RefundAsked, Said

Outcome = Literal["working", "done", "failed"]


class RefundActed(BaseModel):
    """What a control call makes of a refund, for good."""

    model_config = ConfigDict(extra="forbid")
    reference: str
    outcome: Outcome


@dataclass
class Refund:
    """One refund; `outcome` is None until its time is over or a control call decides."""

    order: RailOrder
    amount_dong: int
    number: str
    due_at: datetime
    outcome: Outcome | None = None

    def outcome_at(self, now: datetime) -> Outcome:
        """Say how it stands."""
        return self.outcome or ("done" if now >= self.due_at else "working")


class Refunds:
    """The refunds of one app, by m_refund_id."""

    def __init__(self, app_id: int, takes: timedelta) -> None:
        self.app_id = app_id
        self.takes = takes
        self.known: dict[str, Refund] = {}

    def accept(
        self, asked: RefundAsked, order: RailOrder | None, number: str, now: datetime
    ) -> Said | int:
        """Take a refund into work, or give the code of its refusal."""
        if refusal := self._refusal(asked, now):
            return refusal
        if order is None or order.state is not OrderState.PAID:
            return wire.NOT_FOUND
        if not 0 < asked.amount <= order.amount_dong - self.refunded_dong(order, now):
            return wire.REFUND_AMOUNT
        self.known[asked.m_refund_id] = Refund(order, asked.amount, number, now + self.takes)
        return wire.said(wire.WORKING, wire.FAILED, refund_id=int(number))

    def state(self, reference: str, now: datetime) -> Said | int:
        """Answer query_refund."""
        refund = self.known.get(reference)
        if refund is None:
            return wire.NOT_FOUND
        outcome = refund.outcome_at(now)
        if outcome == "failed":
            return wire.NOT_REFUNDABLE
        if outcome == "done":
            return wire.said(wire.DONE, wire.DONE, refund_id=int(refund.number))
        return wire.said(wire.WORKING, wire.FAILED, refund_id=int(refund.number))

    def refunded_dong(self, order: RailOrder, now: datetime) -> int:
        """Sum what an order's refunds gave back or are giving back."""
        return sum(
            refund.amount_dong
            for refund in self.known.values()
            if refund.order is order and refund.outcome_at(now) != "failed"
        )

    def decide(self, acted: RefundActed) -> bool:
        """End a refund, or keep it in work, whatever the time; False if there is none."""
        refund = self.known.get(acted.reference)
        if refund is None:
            return False
        refund.outcome = acted.outcome
        return True

    def _refusal(self, asked: RefundAsked, now: datetime) -> int | None:
        form = wire.REFUND_ID_FORM.fullmatch(asked.m_refund_id)
        if form is None or len(asked.m_refund_id) > wire.REFUND_ID_LENGTH:
            return wire.REFUND_ID
        if form[2] != str(self.app_id):
            return wire.REFUND_APP
        if asked.m_refund_id in self.known:
            return wire.REFUND_USED
        if form[1] != wire.day_of(now):
            return wire.REFUND_DATE
        return None if wire.is_near(now, asked.timestamp) else wire.REFUND_TIME
