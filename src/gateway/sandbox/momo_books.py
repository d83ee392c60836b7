"""MoMo's books, simulated: orders of one and two steps, refunds, and what each call answers."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from gateway.domain.ids import EPOCH
from gateway.sandbox import momo_wire as wire
from gateway.sandbox.momo_wire import Account, ConfirmAsked, CreateAsked, QueryAsked, RefundAsked
from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_orders import Act, Charge, OrderState, RailOrder

AUTHORISED = str(wire.AUTHORISED)
Fields = dict[str, Any]


@dataclass
class Refund:
    """Money given back, or being given back."""

    payment: RailOrder
    reference: str
    request_id: str
    amount_dong: int
    number: str
    created_ms: int
    code: int


class MoMoBooks(Rail):
    """The orders and refunds of one merchant.

    Args:
        account: the merchant; MoMo's public sandbox account by default.
        slow_refunds: a refund answers 7002 first, and 0 once it is asked about.
        rail: what every simulator takes.
    """

    def __init__(
        self, account: Account | None = None, *, slow_refunds: bool = False, **rail: Any
    ) -> None:
        super().__init__(**rail)
        self.account = account or Account()
        self.slow_refunds = slow_refunds
        self.refunds: dict[str, Refund] = {}

    def codes(self, act: Act) -> str:
        """Give 0 for paid, 1006 for refused, 7002 for "the bank is at it"."""
        return {Act.APPROVE: "0", Act.DECLINE: "1006", Act.PROCESS: "7002"}[act]

    async def act(self, order: RailOrder, act: Act, *, even_late: bool = False) -> bool:
        """Let the payer act; an order of two steps is authorised, and charged by `confirm`."""
        if order.code == AUTHORISED:
            return False
        if act is not Act.APPROVE or order.fields["autoCapture"]:
            return await super().act(order, act, even_late=even_late)
        has_ended = order.state in {OrderState.PAID, OrderState.CLOSED}
        is_late = order.state is OrderState.FAILED or self.has_expired(order)
        if has_ended or (is_late and not even_late):
            return False
        order.state, order.code = OrderState.PROCESSING, AUTHORISED
        order.provider_id = self.next_number()
        self.notify(order)
        return True

    def result_of(self, order: RailOrder) -> int:
        """Give the resultCode of an order as `query` tells it."""
        if order.state is OrderState.OPEN:
            return 1005 if self.has_expired(order) else 1000
        return int(order.code)

    def refunded_dong(self, order: RailOrder) -> int:
        """Sum what was given back, or is being given back, of a payment."""
        return sum(r.amount_dong for r in self.refunds.values() if r.payment is order)

    def create(self, asked: CreateAsked, base_url: str) -> Fields:
        """Open an order; nothing is paid yet."""
        if not asked.is_in_range():
            return self.said(asked, 22)
        if asked.order_id in self.orders or asked.order_id in self.refunds:
            return self.said(asked, 41)
        now = self.now()
        self.orders[asked.order_id] = RailOrder(
            reference=asked.order_id,
            amount_dong=asked.amount,
            text=asked.order_info,
            notify_url=asked.ipn_url,
            return_url=asked.redirect_url,
            created_at=now,
            expires_at=now + self.window,
            fields=asked.model_dump(by_alias=True),
        )
        token = wire.token_of(asked.partner_code, asked.order_id)
        pay_url = f"{base_url}v2/gateway/pay?{urlencode({'t': token})}"
        more = {"payUrl": pay_url, "deeplink": f"momo://app?sid={token}", "qrCodeUrl": pay_url}
        return self.said(asked, 0, amount=asked.amount, **more)

    def query(self, asked: QueryAsked, _: str) -> Fields:
        """Tell where an order stands, and what was given back of it."""
        order = self.orders.get(asked.order_id)
        if order is None:
            return self.said(asked, 42)
        refunds = [r for r in self.refunds.values() if r.payment is order]
        return self.said(
            asked,
            self.result_of(order),
            amount=order.amount_dong,
            transId=int(order.provider_id or 0),
            extraData=order.fields["extraData"],
            payType="webApp" if order.provider_id else "",
            lastUpdated=to_ms(self.now()),
            refundTrans=[shown(self.settled(refund)) for refund in refunds],
            paymentOption="momo" if order.provider_id else "",
            promotionInfo=[],
        )

    def refund(self, asked: RefundAsked, _: str) -> Fields:
        """Give money back, once for each pair of ids."""
        known = self.refunds.get(asked.order_id)
        if known and known.request_id == asked.request_id:
            return self._told(asked, self.settled(known))
        if known or asked.order_id in self.orders:
            return self.said(asked, 41)
        payment = self._paid_as(str(asked.trans_id))
        if payment is None:
            return self.said(asked, 1088)
        left = payment.amount_dong - self.refunded_dong(payment)
        if left == 0:
            return self.said(asked, 1081)
        if not wire.AMOUNT_MIN_DONG <= asked.amount <= left:
            return self.said(asked, 22)
        refund = self.refunds[asked.order_id] = Refund(
            payment,
            asked.order_id,
            asked.request_id,
            asked.amount,
            number=self.next_number(),
            created_ms=to_ms(self.now()),
            code=7002 if self.slow_refunds else 0,
        )
        return self._told(asked, refund)

    def query_refund(self, asked: QueryAsked, _: str) -> Fields:
        """Tell where a refund stands."""
        refund = self.refunds.get(asked.order_id)
        if refund is None:
            return self.said(asked, 42)
        return self._told(asked, self.settled(refund))

    def confirm(self, asked: ConfirmAsked, _: str) -> Fields:
        """Take or let go what was authorised."""
        order = self.orders.get(asked.order_id)
        if order is None:
            return self.said(asked, 42)
        if order.code != str(wire.AUTHORISED):
            return self.said(asked, 47)
        if asked.amount != order.amount_dong:
            return self.said(asked, 22)
        if asked.request_type == "capture":
            order.state, order.code = OrderState.PAID, "0"
            self.charges.append(
                Charge(order.reference, order.amount_dong, order.provider_id, time.time())
            )
        else:
            order.state, order.code = OrderState.CLOSED, "1003"
        # A cancel that worked says 0 as well: MoMo's trap.
        more = {"amount": asked.amount, "requestType": asked.request_type}
        return self.said(asked, 0, transId=int(order.provider_id), **more)

    def settled(self, refund: Refund) -> Refund:
        """Give a refund as it stands when somebody asks: a slow one is then done."""
        refund.code = 0
        return refund

    def concerned(self, asked: wire.Asked) -> RailOrder | None:
        """Find the payment that a request is about, if there is one."""
        if isinstance(asked, RefundAsked):
            return self._paid_as(str(asked.trans_id))
        refund = self.refunds.get(asked.order_id)
        return refund.payment if refund else self.orders.get(asked.order_id)

    def said(self, asked: wire.Asked, code: int, **more: Any) -> Fields:
        """Write an answer: what every one carries, and `more`."""
        return {
            "partnerCode": asked.partner_code,
            "orderId": asked.order_id,
            "requestId": asked.request_id,
            "responseTime": to_ms(self.now()),
            "message": wire.message_of(code, asked.lang),
            "resultCode": code,
            **more,
        }

    def _told(self, asked: wire.Asked, refund: Refund) -> Fields:
        more = {"amount": refund.amount_dong, "transId": int(refund.number)}
        return self.said(asked, refund.code, **more)

    def _paid_as(self, number: str) -> RailOrder | None:
        paid = (o for o in self.orders.values() if o.state is OrderState.PAID)
        return next((order for order in paid if order.provider_id == number), None)


def shown(refund: Refund) -> Fields:
    """Write a refund as `query` lists it."""
    return {
        "orderId": refund.reference,
        "amount": refund.amount_dong,
        "resultCode": refund.code,
        "transId": int(refund.number),
        "createdTime": refund.created_ms,
    }


def to_ms(moment: datetime) -> int:
    """Count an instant's epoch milliseconds."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
