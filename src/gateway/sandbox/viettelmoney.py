"""Viettel Money's paybiz, simulated: orders, confirmation, IPN, redirect, query and refund.

    python -m gateway.sandbox.viettelmoney --port 9407 --verify-url http://127.0.0.1:8080/…
        --notify-url http://127.0.0.1:8080/…

By the profile `viettelmoney-paybiz/0.1` of docs/providers/viettelmoney.md. Where it is silent: the
paths stand with and without the base of the pre-production host; an order that nobody paid in time
stays at -1; a payer who leaves goes to cancelUrl.
"""

import argparse
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.domain.clock import VIETNAM
from gateway.sandbox import viettelmoney_wire as wire
from gateway.sandbox.rail_asking import AskingRail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder
from gateway.sandbox.viettelmoney_books import Refund, Switches, why_no_refund
from gateway.sandbox.viettelmoney_said import Said, about, bent, told
from gateway.sandbox.viettelmoney_wire import (
    Account,
    CreateAsked,
    QueryAsked,
    RefundAsked,
    RefundQueryAsked,
)

REPEAT_AFTER_S = "60,60,60,60,60"  # how often Viettel repeats an IPN is not published
SANDBOX = Account()
Answer = tuple[str, Said]
Asked = TypeVar("Asked", bound=BaseModel)


class ViettelMoney(AskingRail):
    """The simulated Viettel Money of one merchant.

    Args:
        account: the one merchant that it knows.
        rail: what every simulator that asks takes.
    """

    title = "Viettel Money"

    def __init__(self, account: Account = SANDBOX, **rail: Any) -> None:
        super().__init__(**rail)
        self.account = account
        self.switches = Switches()
        self.refunds: dict[str, Refund] = {}

    def routes(self) -> list[BaseRoute]:
        """Give the paths of paybiz, and the control of the switches."""

        def call(path: str, operation: str, kind: type[Asked], act: Callable[..., Answer]) -> Any:
            async def serve(request: Request) -> Response:
                return await self._serve(request, operation, kind, act)

            return [Route(base + path, serve, methods=["POST"]) for base in ("", wire.BASE)]

        return [
            *call("/orders/create", "create", CreateAsked, self._create),
            *call("/orders/query", "query", QueryAsked, self._query),
            *call("/refunds/create", "refund", RefundAsked, self._refund),
            *call("/refunds/query", "query_refund", RefundQueryAsked, self._query_refund),
            Route("/control/viettelmoney", self._switch, methods=["POST"]),
        ]

    def codes(self, act: Act) -> str:
        """Give errorCode."""
        return self.switches.declined if act is Act.DECLINE else wire.DONE

    async def act(self, order: RailOrder, act: Act, *, even_late: bool = False) -> bool:
        """Let the payer act; the time of a payment is kept, for every later message names it."""
        order.fields.setdefault("doubt", self.switches.doubt)
        order.fields.setdefault("paid_at", f"{self.now().astimezone(VIETNAM):%Y%m%d%H%M%S}")
        return await super().act(order, act, even_late=even_late)

    def question(self, order: RailOrder, fault: Fault | None) -> Notice:
        """Write the order confirmation."""
        due = about(self.account, order)
        asked = bent(due, fault)

        def accepts(status: int, body: bytes) -> bool:
            said = wire.read_answer(status, body)
            return said.get("code") == wire.DONE and said.get("data") == due

        return self._post(self.verify_url, asked, fault, accepts)

    def return_to(self, order: RailOrder) -> str:
        """Give returnUrl with the outcome and a signature over just what was added."""
        said = told(self.account, order)
        names = ("merchantCode", "orderId", "transId", "transAmount", "transStatus", "errorCode")
        query = urlencode({name: said[name] for name in names})
        has_left = said["transStatus"] == wire.LEFT
        url = order.fields["asked"].cancelUrl if has_left else order.return_url
        signature = quote(self.account.sign(query.encode()), safe="")
        return f"{url}{'&' if '?' in url else '?'}{query}&signature={signature}"

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the IPNs: of a success, a failure, and a bank that is still at it."""
        if not self.notify_url or order.state in {OrderState.OPEN, OrderState.CLOSED}:
            return []
        said = bent(told(self.account, order), fault)
        sent = [self._post(self.notify_url, said, fault, _is_stored)]
        if fault is Fault.FORGED:
            paid = said | {"transStatus": wire.PAID, "errorCode": wire.DONE}
            twin = self._post(self.notify_url, paid, Fault.BAD_SIGNATURE, lambda *_: True)
            sent.insert(0, twin)
        if fault is Fault.REORDERED:
            early = said | {"transStatus": wire.WORKING, "errorCode": wire.DONE}
            sent.append(self._post(self.notify_url, early, None, _is_stored))
        return sent

    def _post(
        self, url: str, said: Said, fault: Fault | None, accepts: Callable[[int, bytes], bool]
    ) -> Notice:
        body = wire.dump(said)
        headers = {"content-type": "application/json", **self._signature(body, fault)}
        return Notice("POST", url, accepts, body, headers)

    def _signature(self, body: bytes, fault: Fault | None) -> dict[str, str]:
        if fault is Fault.UNSIGNED:
            return {}
        signed = b"another" if fault is Fault.BAD_SIGNATURE else body
        return {"signature": self.account.sign(signed)}

    # ── calls ────────────────────────────────────────────────────────────────────────────────

    async def _serve(
        self, request: Request, operation: str, kind: type[Asked], act: Callable[..., Answer]
    ) -> Response:
        body = await request.body()
        if not self._knows(request.headers.get("authorization", "")):
            return JSONResponse({"code": wire.NOT_KNOWN, "message": "Unauthorized"}, 401)
        asked, code = self._read(request, body, kind)
        reference = getattr(asked, "orderId", getattr(asked, "refundId", ""))
        paid = getattr(asked, "originalOrderId", reference)
        text = self.orders[paid].text if paid in self.orders else getattr(asked, "description", "")
        fault = self.faults.take(operation, reference=reference, text=text)

        async def effect() -> Response:
            if fault is Fault.RATE_LIMITED:
                return Response("Too Many Requests", 429)
            said = (code, {}) if asked is None else act(asked, str(request.base_url))
            return self._answer(*said, fault)

        return await self.answer(request, fault, effect)

    def _knows(self, authorization: str) -> bool:
        due = f"Bearer {self.account.token}".encode()
        is_it = hmac.compare_digest(authorization.encode("utf-8", "replace"), due)
        return is_it and not self.switches.ends_tokens

    def _read(self, request: Request, body: bytes, kind: type[Asked]) -> tuple[Asked | None, str]:
        if not self.account.is_merchants(body, request.headers.get("signature", "")):
            return None, wire.BAD_SIGNATURE
        try:
            asked = kind.model_validate_json(body)
        except ValidationError:
            return None, wire.BAD_DATA
        is_known = getattr(asked, "merchantCode", "") == self.account.merchant
        return (asked, "") if is_known else (None, wire.NOT_KNOWN)

    def _answer(self, code: str, data: Said, fault: Fault | None) -> Response:
        message = "Success" if code == wire.DONE else f"Error {code}"
        said = bent(data, fault) if data else data
        body = wire.dump({"code": code, "message": message, "data": said})
        headers = self._signature(body, fault)
        return Response(body, media_type="application/json", headers=headers)

    def _create(self, asked: CreateAsked, base_url: str) -> Answer:
        order = self.orders.get(asked.orderId)
        if order is None:
            now = self.now()
            order = self.orders[asked.orderId] = RailOrder(
                reference=asked.orderId,
                amount_dong=asked.transAmount,
                text=asked.description,
                notify_url=self.notify_url,
                return_url=asked.returnUrl,
                created_at=now,
                expires_at=now + min(timedelta(minutes=asked.expireAfter), self.window),
                fields={"asked": asked},
            )
        elif order.fields["asked"] != asked:
            return wire.USED, {}
        is_qr, is_link = asked.returnType == "QR", asked.returnType == "DEEPLINK"
        return wire.DONE, {
            **about(self.account, order),
            "url": f"{base_url}payer/{order.reference}",
            "qrData": f"VTMONEY|{order.reference}|{order.amount_dong}" if is_qr else "",
            "deeplink": f"vtmoney://pay?orderId={order.reference}" if is_link else "",
        }

    def _query(self, asked: QueryAsked, _: str) -> Answer:
        order = self.orders.get(asked.orderId)
        if order is None:
            return wire.NO_ORDER, {}
        said = told(self.account, order)
        if said["transStatus"] == wire.UNCLEAR:
            order.fields["doubt"] -= 1
            if order.fields["doubt"] == 0:
                self.notify(order)
        return wire.DONE, said

    def _refund(self, asked: RefundAsked, _: str) -> Answer:
        refund = self.refunds.get(asked.refundId)
        if refund is None:
            order = self.orders.get(asked.originalOrderId)
            code = why_no_refund(order, asked, list(self.refunds.values()))
            if order is None or code:
                return code, {}
            is_done = not self.switches.slow_refunds
            refund = Refund(order, asked, self.next_number(), is_done)
            self.refunds[asked.refundId] = refund
        elif refund.asked != asked:
            return wire.USED, {}
        return wire.DONE, self._refunded(refund)

    def _query_refund(self, asked: RefundQueryAsked, _: str) -> Answer:
        refund = self.refunds.get(asked.refundId)
        if refund is None:
            return wire.NO_ORDER, {}
        refund.is_done = True
        return wire.DONE, self._refunded(refund)

    def _refunded(self, refund: Refund) -> Said:
        return {
            "merchantCode": self.account.merchant,
            "refundId": refund.asked.refundId,
            "refundTransId": refund.number,
            "transAmount": refund.asked.transAmount,
            "refundStatus": 1 if refund.is_done else 0,
        }

    async def _switch(self, request: Request) -> Response:
        try:
            self.switches = Switches.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)


def _is_stored(status: int, body: bytes) -> bool:
    return wire.read_answer(status, body).get("code") == wire.DONE


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Viettel Money, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--merchant", default=Account.merchant)
    parser.add_argument("--token", default=Account.token)
    parser.add_argument("--verify-url", default="", help="asked before a charge; none: not asked")
    parser.add_argument("--notify-url", default="", help="told the result; none: not told")
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--window-s", type=float, default=900.0)
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = ViettelMoney(
        Account(asked.merchant, asked.token),
        verify_url=asked.verify_url,
        notify_url=asked.notify_url,
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
