"""What the simulated Viettel Money keeps beside its orders: its switches and its refunds."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.sandbox.rail_orders import OrderState, RailOrder
from gateway.sandbox.viettelmoney_wire import RefundAsked


class Switches(BaseModel):
    """What `POST /control/viettelmoney` changes.

    A payment in `doubt` is told as status 3, by as many queries, before it is told as paid.
    `declined` is what a payer who declines is answered. With `slow_refunds` a refund is accepted
    first (0) and done (1) when it is next asked about. With `ends_tokens` no token is valid.
    """

    model_config = ConfigDict(extra="forbid")

    doubt: int = Field(default=0, ge=0, le=100)
    declined: Literal["V06", "16", "21", "22", "685", "V02", "V03"] = "V06"
    slow_refunds: bool = False
    ends_tokens: bool = False


@dataclass
class Refund:
    """Money given back from one order, all of it."""

    order: RailOrder
    asked: RefundAsked
    number: str
    is_done: bool


def why_no_refund(order: RailOrder | None, asked: RefundAsked, before: list[Refund]) -> str:
    """Give the code that refuses a refund, empty if nothing does; only the whole goes back."""
    if order is None or order.provider_id != asked.originalTransId:
        return "KG3"
    if order.state is not OrderState.PAID:
        return "485"
    if any(refund.order is order for refund in before):
        return "176"
    is_whole = asked.refundType == 0 and asked.transAmount == order.amount_dong
    return "" if is_whole else "KG8"
