"""MoMo (AIO v2), simulated: create, query, refund, confirm, the payer's page and the IPN.

    python -m gateway.sandbox.momo --port 9201

It checks every signature, keeps MoMo's rules of ids (a requestId replays its result, with another
content it is 40, an orderId used twice 41), and only authorises where `autoCapture` is false, until
`confirm` captures. It sends an IPN once; MoMo publishes no repetition, `--repeat-after` makes one.

What MoMo's pages leave open is answered so: a refund of more than is left 22, of no paid payment
1088; a confirm of what is not authorised 47; an expired link 1005, without an IPN. There is no rate
limit, because MoMo publishes none.
"""

import argparse
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

import uvicorn
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import momo_wire as wire
from gateway.sandbox.momo_books import Fields, MoMoBooks, to_ms
from gateway.sandbox.momo_wire import Account, ConfirmAsked, CreateAsked, QueryAsked, RefundAsked
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import RailOrder

AskedT = TypeVar("AskedT", bound=wire.Asked)
JSON_TYPE = {"content-type": "application/json; charset=UTF-8"}
BAD_FORMAT, IN_FLIGHT, NO_CONTENT = 400, 422, 204


class MoMo(MoMoBooks):
    """The simulated provider, with one merchant."""

    title = "MoMo"

    def __init__(self, account: Account | None = None, **books: Any) -> None:
        super().__init__(account, **books)
        self._running: set[str] = set()
        self._results: dict[str, tuple[str, Fields]] = {}

    def routes(self) -> list[BaseRoute]:
        """Give MoMo's own paths."""
        create = partial(self._serve, "create", CreateAsked, wire.CREATE_SIGNED, self.create)
        query = partial(self._serve, "query", QueryAsked, wire.QUERY_SIGNED, self.query)
        refund = partial(self._serve, "refund", RefundAsked, wire.REFUND_SIGNED, self.refund)
        ask = partial(self._serve, "query_refund", QueryAsked, wire.QUERY_SIGNED, self.query_refund)
        confirm = partial(self._serve, "confirm", ConfirmAsked, wire.CONFIRM_SIGNED, self.confirm)
        calls = {
            "create": create,
            "query": query,
            "refund": refund,
            "refund/query": ask,
            "confirm": confirm,
        }
        posts = [
            Route(f"{wire.API}/{path}", call, methods=["POST"]) for path, call in calls.items()
        ]
        return [*posts, Route("/v2/gateway/pay", self._to_payer)]

    # ── calls ────────────────────────────────────────────────────────────────────────────────

    async def _serve(
        self,
        operation: str,
        shape: type[AskedT],
        signed: Sequence[str],
        effect: Callable[[AskedT, str], Fields],
        request: Request,
    ) -> Response:
        try:
            fields = json.loads(await request.body())
            asked = shape.model_validate(fields)
        except ValidationError as error:
            wrong = [(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
            return self._badly_formed(wrong)
        except (ValueError, RecursionError) as error:
            return self._badly_formed([("body", str(error))])
        if asked.partner_code != self.account.partner_code:
            return JSONResponse(self.said(asked, 13))
        if not hmac.compare_digest(
            self.account.sign(signed, fields).encode(), asked.signature.encode("utf-8", "replace")
        ):
            expected = replace(self.account, access_key="*****").base(signed, fields)
            return self._badly_formed([("signature", f"Wrong signature. Expected of: {expected}")])
        if asked.request_id in self._running:
            return JSONResponse(self.said(asked, 7000), IN_FLIGHT)
        return await self._run(
            operation, request, asked, lambda: effect(asked, str(request.base_url))
        )

    async def _run(
        self, operation: str, request: Request, asked: wire.Asked, effect: Callable[[], Fields]
    ) -> Response:
        order = self.concerned(asked)
        text = asked.order_info if isinstance(asked, CreateAsked) else order.text if order else ""
        reference = order.reference if order else asked.order_id
        fault = self.faults.take(operation, reference=reference, text=text)

        async def answered() -> Response:
            content = f"{request.url.path} {asked.model_dump_json()}"
            return JSONResponse(self._dressed(self._once(asked, content, effect), fault))

        self._running.add(asked.request_id)
        try:
            return await self.answer(request, fault, answered)
        finally:
            self._running.discard(asked.request_id)

    def _once(self, asked: wire.Asked, content: str, effect: Callable[[], Fields]) -> Fields:
        """Have the effect of a requestId once; a repetition is given the first result."""
        if known := self._results.get(asked.request_id):
            before, fields = known
            is_open = fields["resultCode"] in wire.PENDING_CODES
            if before != content or (is_open and not isinstance(asked, RefundAsked)):
                return self.said(asked, 40)
            if not is_open:
                return fields
        fields = effect()
        self._results[asked.request_id] = (content, fields)
        return fields

    def _dressed(self, fields: Fields, fault: Fault | None) -> Fields:
        """Make an answer lie as the fault says; only the answer of `create` is signed."""
        fields = dict(fields)
        if fault is Fault.WRONG_AMOUNT and "amount" in fields:
            fields["amount"] += 1_000
        if fault is Fault.OTHER_ORDER:
            fields["orderId"] += "x"
        if fault is Fault.SKEWED_CLOCK:
            fields["responseTime"] = to_ms(self.now(fault))
        if "payUrl" in fields and fault is not Fault.UNSIGNED:
            signer = self.forger() if fault is Fault.BAD_SIGNATURE else self.account
            fields["signature"] = signer.sign(wire.CREATED_SIGNED, fields)
        return fields

    def _badly_formed(self, wrong: Sequence[tuple[str, str]]) -> Response:
        """Refuse as MoMo does: 400, code 20, what is wrong, and the string it expected to see."""
        answer = {
            "responseTime": to_ms(self.now()),
            "message": wire.message_of(20, "vi"),
            "resultCode": 20,
            "subErrors": [{"field": where, "message": what} for where, what in wrong],
        }
        return JSONResponse(answer, BAD_FORMAT)

    async def _to_payer(self, request: Request) -> Response:
        reference = wire.order_of(request.query_params.get("t", ""))
        if reference not in self.orders:
            return Response(status_code=404)
        return RedirectResponse(f"/payer/{reference}")

    # ── what MoMo tells by itself ────────────────────────────────────────────────────────────

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the IPN of an order's state, or several; MoMo sends one for failures too."""
        true = self._facts(order, fault)
        earlier = self._facts(order, fault, code=7002) | {"responseTime": true["responseTime"] - 1}
        claim = self._facts(order, fault, code=0) | {"transId": 1}
        bodies = {
            Fault.WRONG_AMOUNT: [self._signed({**true, "amount": order.amount_dong + 1_000})],
            Fault.OTHER_ORDER: [self._signed({**true, "orderId": order.reference + "x"})],
            Fault.BAD_SIGNATURE: [self._signed(true, self.forger())],
            Fault.UNSIGNED: [true],
            Fault.FORGED: [self._signed(claim, self.forger()), self._signed(true)],
            Fault.REORDERED: [self._signed(true), self._signed(earlier)],
        }
        sent = bodies.get(fault, [self._signed(true)]) if fault else [self._signed(true)]
        return [self.notice(order.notify_url, body) for body in sent]

    def return_to(self, order: RailOrder) -> str:
        """Give the merchant's page with the same fields as the IPN, signed the same."""
        mark = "&" if "?" in order.return_url else "?"
        return f"{order.return_url}{mark}{urlencode(self._signed(self._facts(order, None)))}"

    def _facts(self, order: RailOrder, fault: Fault | None, *, code: int | None = None) -> Fields:
        code = self.result_of(order) if code is None else code
        return {
            "partnerCode": self.account.partner_code,
            "orderId": order.reference,
            "requestId": order.fields["requestId"],
            "amount": order.amount_dong,
            "orderInfo": order.text,
            "orderType": "momo_wallet",
            "transId": int(order.provider_id or 0),
            "resultCode": code,
            "message": wire.message_of(code, order.fields["lang"]),
            "payType": "webApp" if order.provider_id else "",
            "responseTime": to_ms(self.now(fault)),
            "extraData": order.fields["extraData"],
        }

    def _signed(self, facts: Fields, account: Account | None = None) -> Fields:
        return {**facts, "signature": (account or self.account).sign(wire.NOTICE_SIGNED, facts)}

    def forger(self) -> Account:
        """Give an account with a key that is not ours."""
        return replace(self.account, secret_key="nobody's key")  # noqa: S106 (a forger's)

    def notice(self, url: str, body: Fields) -> Notice:
        """Give an IPN, repeated until it is answered 204."""
        raw = json.dumps(body, ensure_ascii=False).encode()
        return Notice("POST", url, lambda status, _: status == NO_CONTENT, raw, JSON_TYPE)


def main(kind: type[MoMo] = MoMo) -> None:
    """Serve until stopped."""
    default = Account()
    parser = argparse.ArgumentParser(description="MoMo's payment gateway, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0, help="share of requests that go wrong")
    parser.add_argument("--window-s", type=float, default=900.0, help="how long an order is open")
    parser.add_argument("--repeat-after", default="", help="seconds between IPNs, as 60,300")
    parser.add_argument("--slow-refunds", action="store_true")
    parser.add_argument("--partner-code", default=default.partner_code)
    parser.add_argument("--access-key", default=default.access_key)
    parser.add_argument("--secret-key", default=default.secret_key)
    asked = parser.parse_args()
    momo = kind(
        Account(asked.partner_code, asked.access_key, asked.secret_key),
        slow_refunds=asked.slow_refunds,
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(wait) for wait in asked.repeat_after.split(",") if wait],
    )
    uvicorn.run(
        momo.application(),
        host=asked.host,
        port=asked.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
