"""What the simulated NAPAS says of a payment or a refund, truly or with a fault in it."""

from datetime import datetime, timedelta, timezone
from typing import Any

from gateway.sandbox import napas_wire as wire
from gateway.sandbox.napas_books import Refund
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_orders import RailOrder

VIETNAM = timezone(timedelta(hours=7))
Said = dict[str, Any]


def payment(merchant: str, order: RailOrder, operation: str, code: str) -> Said:
    """Write how a payment stands."""
    about = {"id": order.reference, "type": "PAYMENT", "amount": order.amount_dong}
    said = _said(merchant, order, operation, code) | {"transaction": about}
    if order.provider_id:
        said["transaction"] = {**about, "acquirer": _acquirer(order.provider_id, order.created_at)}
        card = {"brand": "NAPAS", "number": order.fields.get("card", "970400xxxxxx0018")}
        said["sourceOfFunds"] = {"type": "CARD", "provided": {"card": card}}
    return said


def given_back(merchant: str, refund: Refund, operation: str, code: str) -> Said:
    """Write how a refund stands."""
    about = {"id": refund.reference, "type": "REFUND", "amount": refund.amount_dong}
    acquirer = _acquirer(refund.number, refund.order.created_at)
    said = _said(merchant, refund.order, operation, code)
    return said | {"transaction": {**about, "acquirer": acquirer}}


def with_code(said: Said, code: str) -> Said:
    """Say the same with another code."""
    gateway, _, acquirer = code.partition("/")
    response = {"acquirerCode": acquirer, "gatewayCode": gateway, "message": gateway.capitalize()}
    return said | {"response": response, "result": wire.RESULTS.get(gateway, "FAILURE")}


def twisted(said: Said, fault: Fault | None) -> Said:
    """Say it with the fault."""
    order, about = said["order"], said["transaction"]
    if fault is Fault.WRONG_AMOUNT:
        order = {**order, "amount": order["amount"] + 1000}
        return said | {"order": order, "transaction": {**about, "amount": about["amount"] + 1000}}
    if fault is Fault.OTHER_ORDER:
        other = f"{about['id'][:-1]}{'0' if about['id'][-1] != '0' else '1'}"
        return said | {"order": {**order, "id": other}, "transaction": {**about, "id": other}}
    if fault is Fault.SKEWED_CLOCK:
        ahead = datetime.fromisoformat(order["creationTime"]) + timedelta(minutes=20)
        return said | {"order": {**order, "creationTime": ahead.isoformat()}}
    return said


def _said(merchant: str, order: RailOrder, operation: str, code: str) -> Said:
    created = order.created_at.astimezone(VIETNAM).isoformat(timespec="seconds")
    amount = {"amount": order.amount_dong, "currency": "VND"}
    said = {
        "apiOperation": operation,
        "merchantId": merchant,
        "channel": "ECOMMERCE",
        "order": {"id": order.reference, **amount, "creationTime": created},
    }
    return with_code(said, code)


def _acquirer(number: str, at: datetime) -> dict[str, str]:
    return {"id": "970436", "transactionId": number, "date": f"{at.astimezone(VIETNAM):%m%d}"}
