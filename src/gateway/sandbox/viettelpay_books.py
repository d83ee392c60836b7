"""What the simulated ViettelPay keeps beside its orders: its switches and its refunds."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.sandbox import viettelpay_wire as wire
from gateway.sandbox.rail_orders import OrderState, RailOrder


class Switches(BaseModel):
    """What `POST /control/viettelpay` changes.

    `is_hex` writes and takes check sums in lower hex, as one product does. With `spaces_for_plus`
    the + of a check sum reaches the merchant as a space. With `sends_amount` the question before a
    charge names the amount. Without `names_payer` results have no
    cust_msisdn. `signs_newer` signs a query's answer in the newer client's way. A payment in
    `doubt` is told as status 3, by as many queries, before it is told as paid. `declined` is what a
    payer who declines is answered. With `unsure_refunds` a refund is done and first answered 813.
    """

    model_config = ConfigDict(extra="forbid")

    is_hex: bool = False
    spaces_for_plus: bool = False
    sends_amount: bool = False
    names_payer: bool = True
    signs_newer: bool = False
    doubt: int = Field(default=0, ge=0, le=100)
    declined: Literal["V06", "16", "21", "22", "685", "V02", "V03", "V04", "W04"] = "V06"
    unsure_refunds: bool = False


@dataclass
class Refund:
    """Money given back from one order, all of it."""

    order: RailOrder
    asked: dict[str, str]
    number: str

    def is_again(self, asked: dict[str, str]) -> bool:
        """Say whether this is what was asked before."""
        names = ("originalRequestId", "trans_amount", "refundType")
        return all(self.asked[name] == asked[name] for name in names)


def why_no_refund(order: RailOrder | None, asked: dict[str, str], before: list[Refund]) -> str:
    """Give the code that refuses a refund, empty if nothing does; only the whole goes back."""
    if order is None:
        return wire.NO_ORIGINAL
    if order.state is not OrderState.PAID:
        return wire.FAILED_ORIGINAL
    if any(refund.order is order for refund in before):
        return wire.NOT_REFUNDABLE
    is_whole = asked["refundType"] == "0" and asked["trans_amount"] == str(order.amount_dong)
    return "" if is_whole else wire.BAD_AMOUNT
