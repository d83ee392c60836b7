"""What the simulated ViettelPay writes to a merchant, and when it takes the merchant's answer."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from gateway.sandbox import viettelpay_wire as wire
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import OrderState, RailOrder
from gateway.sandbox.viettelpay_books import Switches
from gateway.sandbox.viettelpay_wire import Account

Fields = dict[str, str]


class Letters:
    """Writes and signs for one account, as the switches say."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.switches = Switches()

    def question(self, url: str, order: RailOrder, fault: Fault | None) -> Notice:
        """Write "verify data": the amount is signed, and sent by some senders only."""
        extra = 1_000 if fault is Fault.WRONG_AMOUNT else 0
        fields = self.about(order) | {"trans_amount": str(order.amount_dong + extra)}
        if fault is Fault.OTHER_ORDER:
            fields["order_id"] += "x"
        signed = self.signed("verify", fields, fault)
        if not self.switches.sends_amount:
            del signed["trans_amount"]

        def accepts(status: int, body: bytes) -> bool:
            due = self.about(order) | {"trans_amount": str(order.amount_dong)}
            return self._is_said("verified", wire.read_answer(status, body), due)

        return form(url, signed, accepts)

    def _is_said(self, kind: str, said: Mapping[str, Any], due: Fields) -> bool:
        """Say whether a merchant's answer is a yes about this order, rightly signed."""
        is_due = all(str(said.get(name)) == value for name, value in due.items())
        is_signed = said.get("check_sum") == self._sum(kind, said)
        return is_due and is_signed and said.get("error_code") == wire.DONE

    def notice(self, url: str, fields: Fields) -> Notice:
        """Write a result that is sent again until the merchant has it stored."""
        due = {name: fields[name] for name in ("merchant_code", "order_id")}

        def accepts(status: int, body: bytes) -> bool:
            return self._is_said("stored", wire.read_answer(status, body), due)

        return form(url, fields, accepts)

    def about(self, order: RailOrder) -> Fields:
        """Give what names an order."""
        return {
            "billcode": order.text,
            "merchant_code": self.account.merchant,
            "order_id": order.reference,
        }

    def result(self, order: RailOrder) -> Fields:
        """Give the fields of a result, and of the browser that goes back."""
        code, status = self.standing(order)
        payer = {"cust_msisdn": "84981234567"} if self.switches.names_payer else {}
        return {
            **self.about(order),
            **payer,
            "error_code": code,
            "payment_status": status,
            "trans_amount": str(order.amount_dong),
            "vt_transaction_id": order.provider_id,
        }

    def standing(self, order: RailOrder) -> tuple[str, str]:
        """Give error_code and payment_status."""
        if order.state is OrderState.OPEN:
            return wire.IDLE, wire.NONE_YET
        if order.state is OrderState.PAID:
            in_doubt = order.fields["doubt"] > 0
            return (wire.UNCONNECTED, wire.UNCLEAR) if in_doubt else (wire.DONE, wire.PAID)
        if order.state is OrderState.PROCESSING:
            return wire.DONE, wire.WORKING
        return order.code, wire.LEFT if order.code == wire.CANCELLED else wire.FAILED

    def told(self, fields: Fields, fault: Fault | None) -> Fields:
        """Give the fields as a fault bends them."""
        if fault is Fault.WRONG_AMOUNT and "trans_amount" in fields:
            return fields | {"trans_amount": str(int(fields["trans_amount"]) + 1_000)}
        if fault is Fault.OTHER_ORDER:
            return fields | {"order_id": f"{fields['order_id']}x"}
        return fields

    def _sum(self, kind: str, fields: Mapping[str, Any]) -> str:
        return wire.check_sum(self.account, kind, fields, is_hex=self.switches.is_hex)

    def signed(self, kind: str, fields: Fields, fault: Fault | None) -> Fields:
        """Add the check sum, or a wrong one, or none."""
        if fault is Fault.UNSIGNED:
            return dict(fields)
        whose = fields | {"merchant_code": "x"} if fault is Fault.BAD_SIGNATURE else fields
        made = self._sum(kind, whose)
        is_spoilt = self.switches.spaces_for_plus
        return {**fields, "check_sum": made.replace("+", " ") if is_spoilt else made}


def form(url: str, fields: Fields, accepts: Callable[[int, bytes], bool]) -> Notice:
    """Write a form that is posted to a merchant."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return Notice("POST", url, accepts, urlencode(fields).encode(), kind)
