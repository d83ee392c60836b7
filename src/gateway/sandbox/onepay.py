"""OnePay, simulated: pay page, notification, browser return, queryDR and refund.

    python -m gateway.sandbox.onepay --port 9405

Written from what is public; onepay_wire.py names it. There is no call that closes an order. Where
the sources are silent: a wrong payment link leads to an error page; answers of the API are signed,
but refusals of a call are not, and say no vpc_DRExists; queryDR knows an order from its first visit
and, if nobody paid in time, has no transaction of it any more (vpc_DRExists N); it knows refunds by
their own vpc_MerchTxnRef; an equal refund again is answered as before, another under the same
reference 7; a call that is too much is HTTP 429. When notifications are sent again is ours.
"""

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import onepay_wire as wire
from gateway.sandbox.onepay_books import Refund, Switches
from gateway.sandbox.onepay_wire import Merchant
from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder

ERROR = "/paygate/error.op"
REPEAT_AFTER_S = "60,60,60"
SANDBOX = Merchant()
Fields = dict[str, str]
Effect = Callable[[Fields, Fault | None], Fields]


class OnePay(Rail):
    """The simulated OnePay of one merchant."""

    title = "OnePay"

    def __init__(self, merchant: Merchant = SANDBOX, **rail: Any) -> None:
        super().__init__(**rail)
        self.merchant = merchant
        self.switches = Switches()
        self.refunds: dict[str, Refund] = {}

    def routes(self) -> list[BaseRoute]:
        """Give OnePay's own paths, and the control of its switches."""

        def call(path: str, operation: str, command: str, effect: Effect) -> Route:
            async def serve(request: Request) -> Response:
                return await self._serve(request, operation, command, effect)

            return Route(path, serve, methods=["POST"])

        return [
            Route(wire.PAY, self._visit, methods=["GET"]),
            Route(ERROR, self._error, methods=["GET"]),
            call(wire.QUERIES, "query", "queryDR", self._query),
            call(wire.REFUNDS, "refund", "refund", self._refund),
            Route("/control/onepay", self._switch, methods=["POST"]),
        ]

    def codes(self, act: Act) -> str:
        """Give vpc_TxnResponseCode."""
        codes = {Act.APPROVE: wire.DONE, Act.PROCESS: wire.PENDING}
        return codes.get(act, self.switches.declined)

    def return_to(self, order: RailOrder) -> str:
        """Give vpc_ReturnURL with the fields of the notification."""
        return wire.with_query(order.return_url, self._signed(self._result(order), None))

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the notifications: of a success, a failure, and a bank that is still at it."""
        url = order.notify_url
        if not url or order.state in {OrderState.OPEN, OrderState.CLOSED}:
            return []
        fields = self._told(self._result(order), fault)
        sent = [_notice(url, self._signed(fields, fault))]
        if fault is Fault.FORGED:
            paid = {**fields, "vpc_TxnResponseCode": wire.DONE}
            sent.insert(0, _notice(url, self._signed(paid, Fault.BAD_SIGNATURE), once=True))
        if fault is Fault.REORDERED:
            early = {**fields, "vpc_TxnResponseCode": wire.PENDING}
            sent.append(_notice(url, self._signed(early, None)))
        return sent

    def _result(self, order: RailOrder) -> Fields:
        code = wire.TIMED_OUT if self.switches.times_out or not order.code else order.code
        card = {
            "vpc_AdditionData": "970436",
            "vpc_Card": "VC",
            "vpc_PayChannel": "WEB",
            "vpc_CardUid": "INS-2BF87B4C1D5E7A10E0530100007F3A4D",
            "vpc_3DSECI": "05",
            "vpc_3DSenrolled": "Y",
            "vpc_VerSecurityLevel": "05",
        }
        return {
            "vpc_Command": "pay",
            "vpc_Locale": order.fields["locale"],
            "vpc_CurrencyCode": "VND",
            "vpc_OrderInfo": order.text,
            **self._movement(order.reference, order.amount_dong, order.provider_id, code),
            **(card if order.state is OrderState.PAID else {}),
        }

    def _movement(self, reference: str, amount_dong: int, number: str, code: str) -> Fields:
        return {
            "vpc_MerchTxnRef": reference,
            "vpc_Merchant": self.merchant.name,
            "vpc_Amount": str(amount_dong * 100),
            "vpc_TxnResponseCode": code,
            "vpc_Message": wire.MESSAGES.get(code, "Declined"),
            **({"vpc_TransactionNo": number} if number else {}),
        }

    def _told(self, fields: Fields, fault: Fault | None) -> Fields:
        if fault is Fault.WRONG_AMOUNT:
            return fields | {"vpc_Amount": str(int(fields["vpc_Amount"]) + 100_000)}
        if fault is Fault.OTHER_ORDER:
            return fields | {"vpc_MerchTxnRef": f"{fields['vpc_MerchTxnRef']}x"}
        return fields

    def _signed(self, fields: Mapping[str, str], fault: Fault | None) -> Fields:
        if fault is Fault.UNSIGNED:
            return dict(fields)
        secret = "00" * 16 if fault is Fault.BAD_SIGNATURE else self.merchant.secret
        return {**fields, "vpc_SecureHash": wire.secure_hash(secret, fields)}

    # ── the pay page ─────────────────────────────────────────────────────────────────────────

    async def _visit(self, request: Request) -> Response:
        asked = wire.read_fields(request.url.query)
        if asked is None:
            return RedirectResponse(f"{ERROR}?code={wire.UNSPECIFIED}", 302)
        reference, text = asked.get("vpc_MerchTxnRef", ""), asked.get("vpc_OrderInfo", "")
        fault = self.faults.take("create", reference=reference, text=text)

        async def effect() -> Response:
            code = wire.why_not(self.merchant, asked, "pay") or self._open(asked)
            return RedirectResponse(f"{ERROR}?code={code}" if code else f"/payer/{reference}", 302)

        return await self.answer(request, fault, effect)

    def _open(self, asked: Fields) -> str:
        """Open the order on its first visit; give the code that refuses it, or nothing."""
        reference, link = asked["vpc_MerchTxnRef"], asked["vpc_SecureHash"]
        before = self.orders.get(reference)
        if before is not None:
            # The same link is the payer's second look; another one with the same id a duplicate.
            is_again = before.fields["link"] == link and before.state is OrderState.OPEN
            return "" if is_again else wire.UNSPECIFIED
        if reference in self.refunds:
            return wire.UNSPECIFIED
        now = self.now()
        self.orders[reference] = RailOrder(
            reference=reference,
            amount_dong=int(asked["vpc_Amount"]) // 100,
            text=asked["vpc_OrderInfo"],
            notify_url=asked.get("vpc_CallbackURL", ""),
            return_url=asked["vpc_ReturnURL"],
            created_at=now,
            expires_at=now + self.window,
            fields={"link": link, "locale": asked["vpc_Locale"]},
        )
        return ""

    async def _error(self, request: Request) -> Response:
        code = request.query_params.get("code", "")[:3]
        shown = code if code.isalnum() else wire.UNSPECIFIED
        return HTMLResponse(f"<!doctype html><title>OnePay</title><p>Mã lỗi {shown}</p>")

    # ── queryDR and refund ───────────────────────────────────────────────────────────────────

    async def _serve(
        self, request: Request, operation: str, command: str, effect: Effect
    ) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        asked = wire.read_fields(body) or {}
        code = wire.why_not(self.merchant, asked, command)
        if code:
            return _answer({"vpc_TxnResponseCode": code, "vpc_Message": wire.MESSAGES[code]})
        reference = asked["vpc_MerchTxnRef"]
        order = self.orders.get(asked.get("vpc_OrgMerchTxnRef", reference))
        text = order.text if order else ""
        fault = self.faults.take(operation, reference=reference, text=text)

        async def answer() -> Response:
            if fault is Fault.RATE_LIMITED:
                return Response("Too Many Requests", 429)
            said = {"vpc_Command": command, "vpc_Version": asked["vpc_Version"]}
            return _answer(self._signed(said | effect(asked, fault), fault))

        return await self.answer(request, fault, answer)

    def _query(self, asked: Fields, fault: Fault | None) -> Fields:
        reference = asked["vpc_MerchTxnRef"]
        order, refund = self.orders.get(reference), self.refunds.get(reference)
        if refund is not None:
            moved = self._movement(reference, refund.amount_dong, refund.number, refund.tell())
        elif order is not None and not self.has_expired(order):
            code = order.code or wire.UNPAID
            moved = self._movement(reference, order.amount_dong, order.provider_id, code)
        else:
            return {"vpc_DRExists": "N", "vpc_MerchTxnRef": reference}
        return {"vpc_DRExists": "Y", **self._told(moved, fault)}

    def _refund(self, asked: Fields, fault: Fault | None) -> Fields:
        reference = asked["vpc_MerchTxnRef"]
        refund = self.refunds.get(reference)
        if refund is None:
            order = self.orders.get(asked["vpc_OrgMerchTxnRef"])
            code = self._why_no_refund(order, int(asked["vpc_Amount"]) // 100)
            if order is None or code or reference in self.orders:
                return self._refused(asked, code or wire.UNSPECIFIED)
            refund = Refund(order, asked, self.next_number(), self.switches.refunded)
            self.refunds[reference] = refund
        elif not refund.is_again(asked):
            return self._refused(asked, wire.UNSPECIFIED)
        moved = self._movement(reference, refund.amount_dong, refund.number, refund.code)
        return {"vpc_OrgMerchTxnRef": refund.order.reference, **self._told(moved, fault)}

    def _why_no_refund(self, order: RailOrder | None, amount_dong: int) -> str:
        if order is None or order.state is not OrderState.PAID:
            return wire.UNSPECIFIED
        given = [r.amount_dong for r in self.refunds.values() if r.order is order and r.stands]
        return "" if amount_dong + sum(given) <= order.amount_dong else wire.BAD_AMOUNT

    def _refused(self, asked: Fields, code: str) -> Fields:
        amount_dong = int(asked["vpc_Amount"]) // 100
        return self._movement(asked["vpc_MerchTxnRef"], amount_dong, "", code)

    async def _switch(self, request: Request) -> Response:
        try:
            self.switches = Switches.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)


def _answer(fields: Fields) -> Response:
    return Response(wire.with_query("", fields)[1:], media_type="text/plain")


def _notice(url: str, fields: Fields, *, once: bool = False) -> Notice:
    return Notice("GET", wire.with_query(url, fields), (lambda *_: True) if once else wire.is_taken)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="OnePay, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--merchant", default=Merchant.name)
    parser.add_argument("--access-code", default=Merchant.access_code)
    parser.add_argument("--secret", default=Merchant.secret)
    parser.add_argument("--user", default=Merchant.user)
    parser.add_argument("--password", default=Merchant.password)
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--window-s", type=float, default=900.0)
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = OnePay(
        Merchant(asked.merchant, asked.access_code, asked.secret, asked.user, asked.password),
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
