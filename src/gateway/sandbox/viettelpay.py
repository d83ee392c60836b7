"""ViettelPay's gateway 2.0, simulated: pay page, verify question, result, return, query, refund.

    python -m gateway.sandbox.viettelpay --port 9406 --verify-url http://127.0.0.1:8080/…
        --notify-url http://127.0.0.1:8080/…

Written from what is public; viettelpay_wire.py names it. Both addresses are registered with
Viettel, so whoever starts this gives them; without --verify-url nobody is asked before a charge.
Where the sources are silent: an unknown order and one that nobody has paid yet both have status -1;
refusals of a call are not signed; the same link shows the page again, another one with the same
order_id is a V04; an idle page returns W04 with status -1 and tells the merchant nothing; an equal
refund under its id is answered as before. There is no call that closes an order.
"""

import argparse
from datetime import timedelta
from typing import Any

import uvicorn
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import viettelpay_wire as wire
from gateway.sandbox.rail_asking import AskingRail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder
from gateway.sandbox.viettelpay_books import Refund, Switches, why_no_refund
from gateway.sandbox.viettelpay_letters import Fields, Letters, form
from gateway.sandbox.viettelpay_wire import Account

ERROR = "/PaymentGateway/error"
REPEAT_AFTER_S = "60,60,60,60,60"  # how often Viettel repeats a result is not published
OPERATIONS = {"TRANS_INQUIRY": "query", "REFUND_PAYMENT": "refund"}
SANDBOX = Account()


class ViettelPay(AskingRail):
    """The simulated ViettelPay of one merchant.

    Args:
        account: the one merchant that it knows.
        idle_s: how long a page waits for its payer.
        rail: what every simulator that asks takes.
    """

    title = "ViettelPay"

    def __init__(
        self,
        account: Account = SANDBOX,
        *,
        idle_s: float = 180.0,
        **rail: Any,
    ) -> None:
        super().__init__(**rail)
        self.account = account
        self.idle = timedelta(seconds=idle_s)
        self.letters = Letters(account)
        self.refunds: dict[str, Refund] = {}

    def routes(self) -> list[BaseRoute]:
        """Give ViettelPay's own paths, the page that does not wait for ever, and the switches."""
        return [
            Route(wire.PAY, self._visit, methods=["GET"]),
            Route(ERROR, self._error, methods=["GET"]),
            Route(wire.API, self._serve, methods=["POST"]),
            Route("/payer/{reference}", self._wait, methods=["GET"]),
            Route("/control/viettelpay", self._switch, methods=["POST"]),
        ]

    def codes(self, act: Act) -> str:
        """Give error_code."""
        return self.letters.switches.declined if act is Act.DECLINE else wire.DONE

    def can_pay(self, order: RailOrder) -> bool:
        """Say whether the payer may still act: a page that was idle for too long is over."""
        return super().can_pay(order) and not self._is_idle(order)

    async def act(self, order: RailOrder, act: Act, *, even_late: bool = False) -> bool:
        """Let the payer act; the merchant is asked first."""
        order.fields.setdefault("doubt", self.letters.switches.doubt)
        return await super().act(order, act, even_late=even_late)

    def question(self, order: RailOrder, fault: Fault | None) -> Notice:
        """Write "verify data"."""
        return self.letters.question(self.verify_url, order, fault)

    def return_to(self, order: RailOrder) -> str:
        """Give the return address with the fields of the result."""
        told = self.letters.result(order)
        url = order.return_url
        if told["payment_status"] == wire.LEFT:
            url = order.fields["cancel_url"] or url
        return wire.with_query(url, self.letters.signed("result", told, None))

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the results: of a success, a failure, and a bank that is still at it."""
        if not self.notify_url or order.state in {OrderState.OPEN, OrderState.CLOSED}:
            return []
        fields = self.letters.told(self.letters.result(order), fault)
        sent = [self.letters.notice(self.notify_url, self.letters.signed("result", fields, fault))]
        if fault is Fault.FORGED:
            paid = fields | {"error_code": wire.DONE, "payment_status": wire.PAID}
            twin = self.letters.signed("result", paid, Fault.BAD_SIGNATURE)
            sent.insert(0, form(self.notify_url, twin, lambda *_: True))
        if fault is Fault.REORDERED:
            early = fields | {"error_code": wire.DONE, "payment_status": wire.WORKING}
            sent.append(
                self.letters.notice(self.notify_url, self.letters.signed("result", early, None))
            )
        return sent

    # ── the pay page ─────────────────────────────────────────────────────────────────────────

    async def _visit(self, request: Request) -> Response:
        asked = wire.read_form(request.url.query) or {}
        reference, text = asked.get("order_id", ""), asked.get("billcode", "")
        fault = self.faults.take("create", reference=reference, text=text)

        async def effect() -> Response:
            is_hex = self.letters.switches.is_hex
            code = wire.why_not(self.account, "pay", asked, is_hex=is_hex) or self._open(asked)
            return RedirectResponse(f"{ERROR}?code={code}" if code else f"/payer/{reference}", 302)

        return await self.answer(request, fault, effect)

    def _open(self, asked: Fields) -> str:
        """Open the order on its first visit; give the code that refuses it, or nothing."""
        now, reference = self.now(), asked["order_id"]
        before = self.orders.get(reference)
        if before is not None:
            is_again = before.fields["link"] == asked["check_sum"]
            before.fields["idle_at"] = now + self.idle
            return "" if is_again and before.state is OrderState.OPEN else wire.VIETTEL_FAILS
        self.orders[reference] = RailOrder(
            reference=reference,
            amount_dong=int(asked["trans_amount"]),
            text=asked["billcode"],
            notify_url=self.notify_url,
            return_url=asked["return_url"],
            created_at=now,
            expires_at=now + self.window,
            fields={
                "link": asked["check_sum"],
                "cancel_url": asked.get("cancel_url", ""),
                "idle_at": now + self.idle,
            },
        )
        return ""

    def _is_idle(self, order: RailOrder) -> bool:
        return order.state is OrderState.OPEN and self.now() >= order.fields["idle_at"]

    async def _wait(self, request: Request) -> Response:
        """Show the page; one that has waited for too long goes back with W04."""
        order = self.orders.get(request.path_params["reference"])
        if order is not None and self._is_idle(order):
            return RedirectResponse(self.return_to(order), 302)
        return await self._page(request)

    async def _error(self, request: Request) -> Response:
        code = request.query_params.get("code", "")[:3]
        shown = code if code.isalnum() else wire.VIETTEL_FAILS
        return HTMLResponse(f"<!doctype html><title>ViettelPay</title><p>Mã lỗi {shown}</p>")

    # ── query and refund ─────────────────────────────────────────────────────────────────────

    async def _serve(self, request: Request) -> Response:
        asked = wire.read_form((await request.body()).decode("utf-8", "replace")) or {}
        operation = OPERATIONS.get(asked.get("cmd", ""))
        if operation is None:
            return JSONResponse({"error_code": wire.MISSING})
        reference = asked.get("order_id", "")
        order = self.orders.get(reference) or self._by_number(asked.get("originalRequestId"))
        text = order.text if order else ""
        fault = self.faults.take(operation, reference=reference, text=text)

        async def effect() -> Response:
            if fault is Fault.RATE_LIMITED:
                return Response("Too Many Requests", 429)
            code = wire.why_not(self.account, operation, asked, is_hex=self.letters.switches.is_hex)
            if code:
                return JSONResponse({"error_code": code, "order_id": reference})
            act = self._query if operation == "query" else self._refund
            return JSONResponse(act(asked, order, fault))

        return await self.answer(request, fault, effect)

    def _by_number(self, number: str | None) -> RailOrder | None:
        return next((o for o in self.orders.values() if number and o.provider_id == number), None)

    def _query(self, asked: Fields, order: RailOrder | None, fault: Fault | None) -> Fields:
        status = wire.NONE_YET
        if order is not None and order.state is not OrderState.OPEN:
            status = self.letters.standing(order)[1]
        said = {
            "merchant_code": self.account.merchant,
            "order_id": asked["order_id"],
            "error_code": wire.DONE,
            "vt_transaction_id": order.provider_id if order else "",
            "payment_status": status,
            "version": asked["version"],
        }
        if order is not None and status == wire.UNCLEAR:
            order.fields["doubt"] -= 1
            if order.fields["doubt"] == 0:
                self.notify(order)
        said = self.letters.told(said, fault)
        if not self.letters.switches.signs_newer:
            return self.letters.signed("queried", said, fault)
        signed = self.letters.signed("queried, newer", said, fault)
        return said | {"secure_hash": signed["check_sum"]} if "check_sum" in signed else said

    def _refund(self, asked: Fields, order: RailOrder | None, fault: Fault | None) -> Fields:
        refund = self.refunds.get(asked["order_id"])
        code, number = wire.DONE, refund.number if refund else ""
        if refund is None:
            code = why_no_refund(order, asked, list(self.refunds.values())) or wire.DONE
            if order is not None and code == wire.DONE:
                number = self.next_number()
                self.refunds[asked["order_id"]] = Refund(order, asked, number)
                code = wire.UNCONNECTED if self.letters.switches.unsure_refunds else wire.DONE
        elif not refund.is_again(asked):
            code = wire.NOT_REFUNDABLE
        signed = self.letters.signed("refunded", {**asked, "error_code": code}, fault)
        sums = {"check_sum": signed["check_sum"]} if fault is not Fault.UNSIGNED else {}
        other = "x" if fault is Fault.OTHER_ORDER else ""
        return {
            "error_code": code,
            "error_msg": "" if code == wire.DONE else f"Lỗi {code}",
            "merchant_request_id": asked["order_id"] + other,
            "refund_request_id": number,
            **sums,
        }

    async def _switch(self, request: Request) -> Response:
        try:
            self.letters.switches = Switches.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="ViettelPay, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--merchant", default=Account.merchant)
    parser.add_argument("--access-code", default=Account.access_code)
    parser.add_argument("--secret", default=Account.secret)
    parser.add_argument("--verify-url", default="", help="asked before a charge; none: not asked")
    parser.add_argument("--notify-url", default="", help="told the result; none: not told")
    parser.add_argument("--idle-s", type=float, default=180.0, help="how long a page waits")
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--window-s", type=float, default=900.0)
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = ViettelPay(
        Account(asked.merchant, asked.access_code, asked.secret),
        verify_url=asked.verify_url,
        notify_url=asked.notify_url,
        idle_s=asked.idle_s,
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
