"""Payoo, simulated: orders, payer's page, notifications, browser return, query, cancel, refund.

    python -m gateway.sandbox.payoo --port 9404

Written from what is public; payoo_wire.py names it. The answer to GetOrderInfo is our profile
`payoo-orderinfo/0.1`, for Payoo's own is not public. Where the documents are silent: an order that
was declined is over and shows as cancelled; an error's answer is signed like any other; OrderId is
the merchant's order_no or Payoo's order_id; PurchaseDate is the day of the order or of its payment;
a call that is too much is a system error (1000).
A notification is JSON if the order has JsonResponse TRUE, and is sent for a success only; without,
it is XML, and "processing" is told too. BAD_SIGNATURE signs a JSON notification for another
sender's address: what a merchant sees who does not know the true one.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any
from urllib.parse import quote, unquote

import uvicorn
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import payoo_codes
from gateway.sandbox import payoo_wire as wire
from gateway.sandbox.payoo_books import Books, RefundPlanned, cancel
from gateway.sandbox.payoo_codes import AtCounter
from gateway.sandbox.payoo_notices import NO_KEY, notices_of, return_url
from gateway.sandbox.payoo_wire import Refused, Shop
from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder

CREATE, API = "/v2/paynow/order/create", "/BusinessRestAPI.svc"
REPEAT_AFTER_S = "60,60,60,60,60"  # how often and how soon Payoo repeats is not published
SANDBOX = Shop()
_LEFT = ("-1", "599")
_RETURNED = {OrderState.PAID: ("1", "0"), OrderState.OPEN: _LEFT, OrderState.CLOSED: _LEFT}

Said = dict[str, Any]
Effect = Callable[[Said, RailOrder | None, Fault | None], Said]


class Payoo(Rail):
    """The simulated Payoo of one shop.

    Args:
        shop: the one shop that it knows.
        rail: what every simulator takes.
    """

    title = "Payoo"

    def __init__(self, shop: Shop = SANDBOX, **rail: Any) -> None:
        super().__init__(**rail)
        self.shop = shop
        self.books = Books()

    def routes(self) -> list[BaseRoute]:
        """Give Payoo's own paths, and the control call for refunds."""

        def call(name: str, operation: str, effect: Effect) -> Route:
            async def serve(request: Request) -> Response:
                return await self._serve(request, operation, effect)

            return Route(f"{API}/{name}", serve, methods=["POST"])

        return [
            Route(CREATE, self._create, methods=["POST"]),
            call("GetOrderInfo", "query", self._query),
            call("CancelOrder", "cancel", self._cancel),
            call("refund", "refund", self._refund),
            call("GetBillingCode", "create", payoo_codes.opening(self, payoo_codes.BY_CODE)),
            call("GetQRCode", "create", payoo_codes.opening(self, payoo_codes.BY_QR)),
            Route("/control/counter", self._counter, methods=["POST"]),
            Route("/control/refunds", self._control_refund, methods=["POST"]),
        ]

    def codes(self, act: Act) -> str:
        """Give the errorcode of what the payer did."""
        return {Act.APPROVE: "0", Act.DECLINE: "501", Act.PROCESS: "800"}[act]

    async def act(self, order: RailOrder, act: Act, *, even_late: bool = False) -> bool:
        """Let the payer act; the day of a payment is kept, for every later call names it."""
        before = order.fields.get("paid_at", "")
        if act is Act.APPROVE:
            order.fields["paid_at"] = before or wire.stamp(self.now())
        done = await super().act(order, act, even_late=even_late)
        if not done:
            order.fields["paid_at"] = before
        return done

    def return_to(self, order: RailOrder) -> str:
        """Give shop_back_url with the outcome; only session, order_no and status are signed."""
        status, code = _RETURNED.get(order.state, ("0", order.code))
        return return_url(self.shop, order, status, code)

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the notifications of an order's state, in the form that it asked for."""
        return notices_of(self.shop, order, fault)

    # ── orders ───────────────────────────────────────────────────────────────────────────────

    async def _create(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "")
        form = wire.fields_of(await request.body(), kind)
        data = form.get("data", "")
        if not wire.is_signed(self.shop.checksum_key, data, form.get("checksum")):
            return _json(wire.failed("Invalid checksum"))
        try:
            shop = wire.order_of(data)
        except Refused as refusal:
            return _json(wire.failed(str(refusal)))
        text = unquote(shop.get("order_description", ""))
        fault = self.faults.take("create", reference=shop.get("order_no", ""), text=text)

        async def effect() -> Response:
            try:
                order = self._open(shop, form.get("refer", ""), fault)
            except Refused as refusal:
                return _json(wire.failed(str(refusal)))
            return _json(self._opened(order, str(request.base_url), fault))

        return await self.answer(request, fault, effect)

    def _open(self, shop: dict[str, str], refer: str, fault: Fault | None) -> RailOrder:
        now = self.now(fault)
        if fault is Fault.RATE_LIMITED:
            msg = "Too many requests"
            raise Refused(msg)
        wire.check_order(shop, self.shop, now)
        if shop["shop_domain"] != refer:
            msg = "refer is invalid"
            raise Refused(msg)
        if shop["order_no"] in self.orders:
            msg = "Order already exists"
            raise Refused(msg)
        ends_at = wire.instant(shop["validity_time"], "%Y%m%d%H%M%S") or now
        order = RailOrder(
            reference=shop["order_no"],
            amount_dong=int(shop["order_cash_amount"]),
            text=unquote(shop["order_description"]),
            notify_url=unquote(shop["notify_url"]),
            return_url=unquote(shop["shop_back_url"]),
            created_at=now,
            expires_at=min(ends_at, now + self.window),
            fields={"shop": shop, "order_id": self.next_number(), "created_at": wire.stamp(now)},
        )
        self.orders[order.reference] = order
        return order

    def _opened(self, order: RailOrder, base_url: str, fault: Fault | None) -> bytes:
        keys = {Fault.BAD_SIGNATURE: NO_KEY, Fault.UNSIGNED: ""}
        key = keys.get(fault, self.shop.checksum_key) if fault else self.shop.checksum_key
        amount = order.amount_dong + (1_000 if fault is Fault.WRONG_AMOUNT else 0)
        ends_at = wire.instant(order.fields["shop"]["validity_time"], "%Y%m%d%H%M%S")
        said = {
            "order_id": int(order.fields["order_id"]),
            "order_no": order.reference + ("x" if fault is Fault.OTHER_ORDER else ""),
            "amount": str(amount),
            "payment_code": "",
            "expiry_date": f"{ends_at:%d/%m/%Y %H:%M:%S}",
            "token": wire.sign(self.shop.checksum_key, f"token|{order.reference}")[:32],
            "payment_url": f"{base_url}payer/{quote(order.reference, safe='')}",
        }
        return wire.created(key, said)

    # ── business API ─────────────────────────────────────────────────────────────────────────

    async def _serve(self, request: Request, operation: str, effect: Effect) -> Response:
        asked, refusal = self._asked(request, await request.body())
        if asked is None:
            return self._said({"ResponseCode": refusal}, None)
        order = self._find(asked)
        named = (order.reference, order.text) if order else ("", "")
        fault = self.faults.take(operation, reference=named[0], text=named[1])

        async def answer() -> Response:
            if fault is Fault.RATE_LIMITED:
                return self._said({"ResponseCode": wire.SYSTEM_ERROR}, fault)
            shop_id = asked.get("ShopID", asked.get("ShopId"))
            if operation != "refund" and str(shop_id) != str(self.shop.shop_id):
                return self._said({"ResponseCode": wire.BAD_SHOP}, fault)
            return self._said(effect(asked, order, fault), fault)

        return await self.answer(request, fault, answer)

    def _asked(self, request: Request, body: bytes) -> tuple[Said | None, int]:
        due = (self.shop.api_username, self.shop.api_password, self.shop.api_signature)
        names = ("apiusername", "apipassword", "apisignature")
        if tuple(request.headers.get(name) for name in names) != due:
            return None, wire.BAD_CREDENTIALS
        try:
            whole = json.loads(body)
            data, signature = whole["RequestData"], whole["Signature"]
        except (KeyError, TypeError, ValueError, RecursionError):
            return None, wire.BAD_PARAMETERS
        if not isinstance(data, str) or not wire.is_signed(self.shop.checksum_key, data, signature):
            return None, wire.BAD_SIGNATURE
        try:
            return dict(json.loads(data)), wire.OK
        except (TypeError, ValueError, RecursionError):
            return None, wire.BAD_PARAMETERS

    def _find(self, asked: Said) -> RailOrder | None:
        named = str(asked.get("OrderId", asked.get("OrderID", asked.get("OrderNo", ""))))
        by_number = (o for o in self.orders.values() if o.fields["order_id"] == named)
        return self.orders.get(named) or next(by_number, None)

    def _query(self, asked: Said, order: RailOrder | None, fault: Fault | None) -> Said:
        if order is None or str(asked.get("PurchaseDate")) not in wire.days_of(order):
            return {"ResponseCode": wire.NO_ORDER}
        return {
            "ResponseCode": wire.OK,
            "OrderNo": order.reference + ("x" if fault is Fault.OTHER_ORDER else ""),
            "OrderCash": order.amount_dong + (1_000 if fault is Fault.WRONG_AMOUNT else 0),
            "OrderStatus": wire.status_of(order, has_expired=self.has_expired(order)),
            "PaymentMethod": 2 if order.state is OrderState.PAID else 0,
            "PurchaseDate": order.fields.get("paid_at", ""),
        }

    def _cancel(self, asked: Said, order: RailOrder | None, _: Fault | None) -> Said:
        is_over = order is not None and self.has_expired(order)
        return {"ResponseCode": cancel(asked, order, has_expired=is_over)}

    def _refund(self, asked: Said, order: RailOrder | None, _: Fault | None) -> Said:
        return self.books.refund(asked, order, self.next_number())

    async def _counter(self, request: Request) -> Response:
        try:
            code = AtCounter.model_validate_json(await request.body()).code
        except ValidationError as error:
            return Response(str(error), 400)
        order = payoo_codes.find(self.orders.values(), code)
        # A shop takes no money for a code that it does not know, or that is over.
        if order is None or not await self.act(order, Act.APPROVE):
            return Response(status_code=404)
        return Response(status_code=204)

    def _said(self, said: Said, fault: Fault | None) -> Response:
        data = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        key = NO_KEY if fault is Fault.BAD_SIGNATURE else self.shop.checksum_key
        whole = {"ResponseData": data, "Signature": wire.sign(key, data)}
        if fault is Fault.UNSIGNED:
            del whole["Signature"]
        return _json(json.dumps(whole).encode())

    async def _control_refund(self, request: Request) -> Response:
        try:
            self.books.planned = RefundPlanned.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Payoo, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--username", default=Shop.username)
    parser.add_argument("--shop-id", type=int, default=Shop.shop_id)
    parser.add_argument("--checksum-key", default=Shop.checksum_key)
    parser.add_argument("--api-username", default=Shop.api_username)
    parser.add_argument("--api-password", default=Shop.api_password)
    parser.add_argument("--api-signature", default=Shop.api_signature)
    parser.add_argument("--sender-ip", default=Shop.sender_ip, help="signed in notifications")
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--window-s", type=float, default=900.0)
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = Payoo(
        Shop(**{part.name: getattr(asked, part.name) for part in fields(Shop)}),
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
