"""ZaloPay (v2), simulated: create, query, cancel, refund, query_refund, callback, browser return.

    python -m gateway.sandbox.zalopay --port 9203

Answers are unsigned and name no order, as ZaloPay's: another order's answer shows by its amount.
Only a success is called back; there is no notice of an earlier state, so REORDERED has nothing to
send. What the documents leave open is answered so: a cancelled order queries as expired (-54), a
cancel of what is paid or failed is -405, a query_refund with a wrong clock is -401.
"""

import argparse
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import uvicorn
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import zalopay_wire as wire
from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder
from gateway.sandbox.zalopay_refunds import RefundActed, Refunds
from gateway.sandbox.zalopay_wire import App, Asked, Said

REPEATS_MAX = 3
"""How often a callback that was answered 0 is sent again; the interval is not published."""
REPEAT_AFTER_S = "10,10,10"
# The protocol's least; a window below it is a test's scaled clock, and then it wins.
LEAST_EXPIRY = timedelta(seconds=300)
SANDBOX = App()
AskedT = TypeVar("AskedT", bound=Asked)
Effect = Callable[[AskedT, Fault | None, str], Said | int | Awaitable[Said | int]]
"""What a call does, given its fault and our base URL: an answer, or the code of a refusal."""


class ZaloPay(Rail):
    """The simulated provider.

    Args:
        app: the one application that it knows.
        flat_codes: some detail codes stand in return_code itself, as in the text of 2026.
        refund_takes_s: how long a refund is in work.
        rail: what every simulator takes.
    """

    title = "ZaloPay"

    def __init__(
        self,
        app: App = SANDBOX,
        *,
        flat_codes: bool = False,
        refund_takes_s: float = 1.0,
        **rail: Any,
    ) -> None:
        rail["repeat_after_s"] = tuple(rail.get("repeat_after_s", ()))[:REPEATS_MAX]
        super().__init__(**rail)
        self.app = app
        self.flat_codes = flat_codes
        self.refunds = Refunds(app.app_id, timedelta(seconds=refund_takes_s))

    def routes(self) -> list[BaseRoute]:
        """Give ZaloPay's own paths, and the control call for refunds."""
        return [
            self.post("/v2/create", wire.CreateAsked, self._create),
            self.post("/v2/query", wire.OrderAsked, self._query),
            self.post("/v2/cancel", wire.CancelAsked, self._cancel),
            self.post("/v2/refund", wire.RefundAsked, self._refund),
            self.post("/v2/query_refund", wire.RefundQueryAsked, self._query_refund),
            Route("/control/refunds", self._control_refund, methods=["POST"]),
        ]

    def codes(self, act: Act) -> str:
        """Give the sub code of what the payer did."""
        codes = {Act.APPROVE: wire.DONE, Act.DECLINE: wire.DECLINED, Act.PROCESS: wire.WORKING}
        return str(codes[act])

    def return_to(self, order: RailOrder) -> str:
        """Give embed_data's redirecturl with the signed outcome, or the payer's page."""
        return wire.return_url(self.app, order) or f"/payer/{quote(order.reference)}"

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the callback of a paid order; nothing else is ever called back."""
        url = order.notify_url or self.app.callback_url
        if order.state is not OrderState.PAID or not url:
            return []
        facts = wire.callback_data(self.app, order, wire.ms(self.now(fault)))
        if fault is Fault.WRONG_AMOUNT:
            facts["amount"] += 1_000
        if fault is Fault.OTHER_ORDER:
            facts["app_trans_id"] += "x"
        data = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
        forged = {"data": data, "mac": wire.sign("a forger has no key of ours", data), "type": 1}
        true = {"data": data, "mac": wire.sign(self.app.key2, data), "type": 1}
        if fault is Fault.BAD_SIGNATURE:
            return [_notice(url, forged)]
        if fault is Fault.UNSIGNED:
            return [_notice(url, {"data": data, "type": 1})]
        twin = [_notice(url, forged, once=True)] if fault is Fault.FORGED else []
        return [*twin, _notice(url, true)]

    # ── serving ──────────────────────────────────────────────────────────────────────────────

    def post(self, path: str, model: type[AskedT], effect: Effect[AskedT]) -> Route:
        """Give the route of one call."""

        async def serve(request: Request) -> Response:
            return await self._serve(request, model, effect)

        return Route(path, serve, methods=["POST"])

    async def _serve(
        self, request: Request, model: type[AskedT], effect: Effect[AskedT]
    ) -> Response:
        kind = request.headers.get("content-type", "")
        fields = wire.fields_of(await request.body(), request.url.query, kind)
        try:
            asked = model.model_validate(fields)
        except ValidationError:
            return self._refuse(wire.BAD_DATA)
        if asked.app_id != self.app.app_id:
            return self._refuse(wire.BAD_APP)
        if not wire.is_signed(self.app.key1, asked.base(self.app.key1), asked.mac):
            return self._refuse(
                wire.REFUND_MAC if isinstance(asked, wire.RefundAsked) else wire.BAD_MAC
            )
        text = self._text_of(asked)
        fault = self.faults.take(asked.operation, reference=asked.reference, text=text)

        async def answer() -> Response:
            if fault is Fault.RATE_LIMITED:
                return self._refuse(wire.TOO_MANY)
            outcome = effect(asked, fault, str(request.base_url))
            if isinstance(outcome, Awaitable):
                outcome = await outcome
            return self._refuse(outcome) if isinstance(outcome, int) else JSONResponse(outcome)

        return await self.answer(request, fault, answer)

    def _refuse(self, detail: int) -> Response:
        flat = self.flat_codes and detail in wire.FLAT
        return JSONResponse(wire.said(detail if flat else wire.FAILED, detail))

    def _text_of(self, asked: Asked) -> str:
        if isinstance(asked, wire.CreateAsked):
            return asked.description
        if isinstance(asked, wire.RefundAsked):
            order = self._charged(asked.zp_trans_id)
        elif (refund := self.refunds.known.get(asked.reference)) is not None:
            order = refund.order
        else:
            order = self.orders.get(asked.reference)
        return order.text if order else ""

    # ── orders ───────────────────────────────────────────────────────────────────────────────

    def _create(self, asked: wire.CreateAsked, fault: Fault | None, base_url: str) -> Said | int:
        now, reference = self.now(fault), asked.app_trans_id
        if reference in self.orders:
            return wire.ID_USED
        try:
            wire.Texts(item=asked.item, embed_data=asked.embed_data)
        except ValidationError:
            return wire.BAD_DATA
        is_todays = reference.startswith(wire.day_of(now)) and wire.ORDER_ID.fullmatch(reference)
        if not is_todays or not wire.is_near(now, asked.app_time):
            return wire.BAD_DATA
        self.orders[reference] = RailOrder(
            reference=reference,
            amount_dong=asked.amount,
            text=asked.description,
            notify_url=asked.callback_url,
            return_url="",
            created_at=now,
            expires_at=now + self._life(asked),
            fields=asked.model_dump(include={"app_time", "app_user", "embed_data", "item"}),
        )
        shown = reference + ("x" if fault is Fault.OTHER_ORDER else "")
        url = f"{base_url}payer/{quote(shown)}"
        token = wire.sign(self.app.key2, f"token|{reference}")
        opened = {"order_url": url, "zp_trans_token": token, "order_token": token, "qr_code": url}
        return wire.said(wire.DONE, wire.DONE, **opened)

    def _life(self, asked: wire.CreateAsked) -> timedelta:
        if asked.expire_duration_seconds is None or self.window < LEAST_EXPIRY:
            return self.window
        return timedelta(seconds=asked.expire_duration_seconds)

    def _query(self, asked: wire.OrderAsked, fault: Fault | None, _: str) -> Said | int:
        order = self.orders.get(asked.app_trans_id)
        if order is None:
            is_id = wire.ORDER_ID.fullmatch(asked.app_trans_id)
            return wire.NOT_FOUND if is_id else wire.ID_WRONG
        code, detail = self._state(order)
        wrong = fault in {Fault.WRONG_AMOUNT, Fault.OTHER_ORDER}
        if fault is Fault.OTHER_ORDER:
            code, detail = wire.DONE, wire.DONE
        return wire.said(
            code,
            detail,
            is_processing=order.state is OrderState.PROCESSING,
            amount=order.amount_dong + (1_000 if wrong else 0),
            zp_trans_id=int(order.provider_id or 0),
            server_time=wire.ms(self.now(fault)),
            discount_amount=0,
        )

    def _state(self, order: RailOrder) -> tuple[int, int]:
        if order.state is OrderState.CLOSED or self.has_expired(order):
            return wire.FAILED, wire.EXPIRED
        if order.state in {OrderState.OPEN, OrderState.PROCESSING}:
            return wire.WORKING, wire.WORKING
        return (wire.DONE if order.state is OrderState.PAID else wire.FAILED), int(order.code)

    def _cancel(self, asked: wire.CancelAsked, _: Fault | None, __: str) -> Said | int:
        order = self.orders.get(asked.app_trans_id)
        if order is None:
            return wire.NOT_FOUND
        if order.state not in {OrderState.OPEN, OrderState.CLOSED}:
            return wire.BAD_STATE
        order.state = OrderState.CLOSED
        return wire.said(wire.DONE, wire.DONE)

    # ── refunds ──────────────────────────────────────────────────────────────────────────────

    def _refund(self, asked: wire.RefundAsked, fault: Fault | None, _: str) -> Said | int:
        order = self._charged(asked.zp_trans_id)
        return self.refunds.accept(asked, order, self.next_number(), self.now(fault))

    def _query_refund(
        self, asked: wire.RefundQueryAsked, fault: Fault | None, _: str
    ) -> Said | int:
        now = self.now(fault)
        if not wire.is_near(now, asked.timestamp):
            return wire.BAD_DATA
        return self.refunds.state(asked.m_refund_id, self.now())

    def _charged(self, number: str) -> RailOrder | None:
        found = (charge.reference for charge in self.charges if charge.provider_id == number)
        return self.orders.get(next(found, ""))

    async def _control_refund(self, request: Request) -> Response:
        try:
            acted = RefundActed.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204 if self.refunds.decide(acted) else 404)


def _notice(url: str, fields: dict[str, Any], *, once: bool = False) -> Notice:
    return Notice(
        "POST",
        url,
        (lambda _, __: True) if once else wire.stops,
        json.dumps(fields, ensure_ascii=False).encode(),
        {"content-type": "application/json"},
    )


def main(kind: type[ZaloPay] = ZaloPay) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="ZaloPay (v2), simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--app-id", type=int, default=App.app_id)
    parser.add_argument("--key1", default=App.key1)
    parser.add_argument("--key2", default=App.key2)
    parser.add_argument("--callback-url", default="", help="for orders that name none")
    parser.add_argument("--flat-codes", action="store_true", help="as in the text of 2026")
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--window-s", type=float, default=900.0)
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = kind(
        App(asked.app_id, asked.key1, asked.key2, asked.callback_url),
        flat_codes=asked.flat_codes,
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
