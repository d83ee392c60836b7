"""What the simulated Viettel Money says of an order, and how a fault bends it."""

from typing import Any

from gateway.sandbox import viettelmoney_wire as wire
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_orders import OrderState, RailOrder
from gateway.sandbox.viettelmoney_wire import Account

Said = dict[str, Any]


def about(account: Account, order: RailOrder) -> Said:
    """Give what names an order."""
    who = {"merchantCode": account.merchant, "orderId": order.reference}
    return {**who, "transAmount": order.amount_dong}


def told(account: Account, order: RailOrder) -> Said:
    """Give what an IPN, a redirect and a query say of an order."""
    status, code = _standing(order)
    is_paid = order.state is OrderState.PAID
    return {
        **about(account, order),
        "transId": order.provider_id,
        "transStatus": status,
        "errorCode": code,
        "paymentTime": order.fields["paid_at"] if is_paid else "",
    }


def _standing(order: RailOrder) -> tuple[int, str]:
    """Give transStatus and errorCode."""
    if order.state is OrderState.PAID:
        in_doubt = order.fields["doubt"] > 0
        return (wire.UNCLEAR, "813") if in_doubt else (wire.PAID, wire.DONE)
    if order.state is OrderState.FAILED:
        return (wire.LEFT if order.code == "V06" else wire.FAILED), order.code
    return (wire.WORKING if order.state is OrderState.PROCESSING else wire.NONE_YET), ""


def bent(said: Said, fault: Fault | None) -> Said:
    """Give the fields as a fault bends them."""
    if fault is Fault.WRONG_AMOUNT:
        return said | {"transAmount": said["transAmount"] + 1_000}
    if fault is Fault.OTHER_ORDER:
        name = "orderId" if "orderId" in said else "refundId"
        return said | {name: f"{said[name]}x"}
    return said
