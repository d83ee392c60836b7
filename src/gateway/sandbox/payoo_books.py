"""Refunds and cancelling at the simulated Payoo: never more back than was paid."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gateway.sandbox import payoo_wire as wire
from gateway.sandbox.rail_orders import OrderState, RailOrder

REFUND, CANCEL = "2", "3"
_MONEY = re.compile(r"([0-9]{1,12})(\.0{1,8})?", re.ASCII)


class RefundPlanned(BaseModel):
    """What the next refund is answered with, whatever it asks; `is_made` whether it is made.

    94: the order is under review; 1000: a system error; 91, 92 and 96 are refusals.
    """

    model_config = ConfigDict(extra="forbid")
    code: Literal[91, 92, 94, 96, 1000]
    is_made: bool = False


@dataclass(frozen=True)
class Refund:
    """Money given back."""

    order_no: str
    amount_dong: int
    refund_id: str
    transfer_code: str


@dataclass
class Books:
    """The refunds of one shop."""

    refunds: list[Refund] = field(default_factory=list)
    planned: RefundPlanned | None = None

    def refunded_dong(self, order_no: str) -> int:
        """Sum what an order's payer got back."""
        return sum(each.amount_dong for each in self.refunds if each.order_no == order_no)

    def refund(
        self, asked: Mapping[str, Any], order: RailOrder | None, transfer_code: str
    ) -> dict[str, Any]:
        """Give money back, or refuse; a RefundId counts once."""
        planned, self.planned = self.planned, None
        if planned is not None and not planned.is_made:
            return {"ResponseCode": planned.code}
        money = _MONEY.fullmatch(str(asked.get("Money", "")))
        refund_id = str(asked.get("RefundId") or "")
        code = self._refusal(asked, order, int(money[1]) if money else 0, refund_id)
        if code is not None or order is None or money is None:
            return {"ResponseCode": code}
        made = Refund(order.reference, int(money[1]), refund_id, transfer_code)
        self.refunds.append(made)
        said = {"TransferCode": transfer_code, "AmountRefunded": made.amount_dong}
        return {"ResponseCode": planned.code if planned else wire.OK, **said}

    def _refusal(
        self, asked: Mapping[str, Any], order: RailOrder | None, money: int, refund_id: str
    ) -> int | None:
        if str(asked.get("ActionType")) != REFUND or not asked.get("Description"):
            return wire.BAD_PARAMETERS
        if order is None or str(asked.get("PurchaseDate")) not in wire.days_of(order):
            return wire.NO_ORDER
        if order.state is not OrderState.PAID:
            return wire.ORDER_CANCELLED if order.state is OrderState.CLOSED else wire.NO_ORDER
        if refund_id and any(each.refund_id == refund_id for each in self.refunds):
            return wire.REFUND_USED
        if money == 0:
            return wire.BAD_AMOUNT
        left = order.amount_dong - self.refunded_dong(order.reference)
        return wire.TOO_MUCH if money > left else None


def cancel(asked: Mapping[str, Any], order: RailOrder | None, *, has_expired: bool) -> int:
    """Close an order that nobody paid, and give the code."""
    if str(asked.get("NewStatus")) != CANCEL:
        return wire.BAD_PARAMETERS
    if order is None:
        return wire.NO_ORDER
    if order.state is OrderState.CLOSED:
        return wire.CANCELLED_BEFORE
    if order.state is not OrderState.OPEN or has_expired:
        return wire.BAD_STATUS
    order.state = OrderState.CLOSED
    return wire.OK
