"""NAPAS e-commerce, simulated: token, hosted card page with 3-D Secure, callback, query, refund.

    python -m gateway.sandbox.napas --port 9407

By the profile `napas-ecom/0.1` (docs/providers/napas.md). The page takes the card and keeps six
digits and four of it; `napas_books.CARDS` says what each test card does. A challenge is passed with
the OTP 123456, failed with another, and abandoned by whoever closes the page: the query then says
EXPIRED after the page's time, and no callback comes. What timed out or is pending is ended by
`POST /control/payer`.
"""

import argparse
import hmac
import json
from dataclasses import fields
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import napas_said as told
from gateway.sandbox import napas_wire as wire
from gateway.sandbox.napas_books import Refund, Switches, Tokens
from gateway.sandbox.napas_cards import CardPages
from gateway.sandbox.napas_said import Said, twisted
from gateway.sandbox.napas_wire import Account, PurchaseAsked, QueryAsked, RefundAsked, refusal
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder

REPEAT_AFTER_S = "60,300,900"
SANDBOX = Account()
OPERATIONS = {"PURCHASE_HOSTED": "create", "QUERY": "query", "REFUND": "refund"}


class Napas(CardPages):
    """The simulated NAPAS of one merchant."""

    title = "NAPAS"

    def __init__(self, account: Account = SANDBOX, **rail: Any) -> None:
        super().__init__(**rail)
        self.account = account
        self.switches = Switches()
        self.tokens = Tokens()
        self.refunds: dict[str, Refund] = {}

    def routes(self) -> list[BaseRoute]:
        """Give NAPAS's own paths, the card's page, and the control of the switches."""
        return [
            Route(wire.TOKEN, self._give_token, methods=["POST"]),
            Route(wire.API, self._serve, methods=["PUT"]),
            *self.pages(),
            Route("/control/napas", self._switch, methods=["POST"]),
            Route("/control/tokens", self._end_tokens, methods=["POST"]),
        ]

    def codes(self, act: Act) -> str:
        """Give gatewayCode and acquirerCode."""
        plain = {Act.APPROVE: wire.SUCCESS, Act.PROCESS: self.switches.processing}
        return self.ends_with or plain.get(act, self.switches.declined)

    def return_to(self, order: RailOrder) -> str:
        """Give returnUrl with the envelope of the callback."""
        result = self._payment(order, "PURCHASE_HOSTED")
        query = urlencode(wire.envelope(result, self.account.secret))
        return f"{order.return_url}{'&' if '?' in order.return_url else '?'}{query}"

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the callbacks of an order that somebody has acted on."""
        if order.state in {OrderState.OPEN, OrderState.CLOSED}:
            return []
        says = twisted(self._payment(order, "PURCHASE_HOSTED"), fault)
        sent = [self._notice(order, says, fault)]
        if fault is Fault.FORGED:
            paid = told.with_code(says, wire.SUCCESS)
            sent.insert(0, self._notice(order, paid, Fault.BAD_SIGNATURE))
        if fault is Fault.REORDERED:
            sent.append(self._notice(order, told.with_code(says, wire.PENDING), None))
        return sent

    def _notice(self, order: RailOrder, says: Said, fault: Fault | None) -> Notice:
        is_wrong = fault is Fault.BAD_SIGNATURE
        sealed = wire.envelope(says, "wrong" if is_wrong else self.account.secret)
        if fault is Fault.UNSIGNED:
            del sealed["checksum"]
        body, headers = json.dumps(sealed).encode(), {"content-type": "application/json"}
        accepts = (lambda *_: True) if is_wrong else wire.is_taken
        return Notice("POST", order.notify_url, accepts, body, headers)

    def _payment(self, order: RailOrder, operation: str) -> Said:
        code = wire.EXPIRED if self.has_expired(order) else order.code or wire.INITIATED
        return told.payment(self.account.merchant, order, operation, code)

    # ── token ────────────────────────────────────────────────────────────────────────────────

    async def _give_token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        fault = self.faults.take("token", reference=form.get("username", ""))

        async def effect() -> Response:
            if fault is Fault.RATE_LIMITED:
                return _no_token(429, "slow_down")
            return self._token(form)

        return await self.answer(request, fault, effect)

    def _token(self, form: dict[str, str]) -> Response:
        if form.get("grant_type") != "password":
            return _no_token(400, "unsupported_grant_type")
        account = self.account
        if not _same(form, client_id=account.client_id, client_secret=account.client_secret):
            return _no_token(401, "invalid_client")
        if not _same(form, username=account.username, password=account.password):
            return _no_token(400, "invalid_grant")
        life_s = self.switches.token_life_s
        token = self.tokens.give(life_s)
        said = {"access_token": token, "token_type": "bearer", "expires_in": int(life_s)}
        return JSONResponse(said)

    async def _end_tokens(self, _: Request) -> Response:
        self.tokens.forget()
        return Response(status_code=204)

    # ── calls ────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, request: Request) -> Response:
        if not self.tokens.knows(request.headers.get("authorization", "")):
            return refusal("UNAUTHORIZED", "the token is missing, wrong or has ended")
        path, body = request.path_params, await request.body()
        if path["merchant"] != self.account.merchant:
            return refusal("MERCHANT_UNKNOWN", "this account has no such merchant")
        asked = wire.read(body)
        if isinstance(asked, str):
            return refusal("INVALID_REQUEST", asked)
        order = self.orders.get(path["order"])
        text = asked.order.reference if isinstance(asked, PurchaseAsked) else ""
        text = order.text if order else text
        fault = self.faults.take(
            OPERATIONS[asked.api_operation], reference=path["transaction"], text=text
        )

        async def effect() -> Response:
            if fault is Fault.RATE_LIMITED:
                return refusal("TOO_MANY_REQUESTS", "ask later")
            if isinstance(asked, PurchaseAsked):
                return self._purchase(asked, path, str(request.base_url), fault)
            if isinstance(asked, RefundAsked):
                return self._refund(asked, path, fault)
            return self._query(asked, path, fault)

        return await self.answer(request, fault, effect)

    def _purchase(
        self, asked: PurchaseAsked, path: dict[str, str], base_url: str, fault: Fault | None
    ) -> Response:
        reference, content = path["order"], asked.model_dump_json()
        if reference != path["transaction"]:
            return refusal("INVALID_REQUEST", "a payment's transaction id is its order id")
        order = self.orders.get(reference)
        if (order and order.fields["asked"] != content) or reference in self.refunds:
            return refusal("DUPLICATE", "this id was used with another content")
        if order is None:
            now = self.now()
            life = min(self.window, timedelta(seconds=asked.interaction.timeout_seconds))
            order = self.orders[reference] = RailOrder(
                reference=reference,
                amount_dong=asked.order.amount,
                text=asked.order.reference,
                notify_url=asked.interaction.notification_url,
                return_url=asked.interaction.return_url,
                created_at=now,
                expires_at=now + life,
                fields={"asked": content},
            )
        said = self._payment(order, "PURCHASE_HOSTED")
        if order.state is OrderState.OPEN and not self.has_expired(order):
            left_s = int((order.expires_at - self.now()).total_seconds())
            url = f"{base_url}hosted/{reference}"
            said["hostedPage"] = {"url": url, "expiresInSeconds": left_s}
        return JSONResponse(twisted(said, fault))

    def _query(self, asked: QueryAsked, path: dict[str, str], fault: Fault | None) -> Response:
        reference = path["transaction"]
        refund, order = self.refunds.get(reference), self.orders.get(reference)
        if refund is not None and refund.order.reference == path["order"]:
            return self._answer_of(refund, asked.api_operation, refund.tell(), fault)
        if order is not None and reference == path["order"]:
            return JSONResponse(twisted(self._payment(order, "QUERY"), fault))
        return refusal("NOT_FOUND", "no such transaction")

    def _refund(self, asked: RefundAsked, path: dict[str, str], fault: Fault | None) -> Response:
        reference, content = path["transaction"], asked.model_dump_json()
        refund = self.refunds.get(reference)
        if refund is None:
            order = self.orders.get(path["order"])
            if order is None or asked.transaction.target_transaction_id != order.reference:
                return refusal("NOT_FOUND", "no such payment")
            if reference in self.orders:
                return refusal("DUPLICATE", "this id was used with another content")
            given = [r.amount_dong for r in self.refunds.values() if r.order is order and r.stands]
            is_paid = order.state is OrderState.PAID
            if not is_paid or asked.order.amount + sum(given) > order.amount_dong:
                return refusal("NOT_REFUNDABLE", "not paid, or more than is left")
            number, code = self.next_number(), self.switches.refunded
            refund = Refund(order, reference, asked.order.amount, number, code, content)
            self.refunds[reference] = refund
        elif refund.asked != content or refund.order.reference != path["order"]:
            return refusal("DUPLICATE", "this id was used with another content")
        return self._answer_of(refund, asked.api_operation, refund.code, fault)

    def _answer_of(
        self, refund: Refund, operation: str, code: str, fault: Fault | None
    ) -> Response:
        says = told.given_back(self.account.merchant, refund, operation, code)
        return JSONResponse(twisted(says, fault))

    async def _switch(self, request: Request) -> Response:
        try:
            self.switches = Switches.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)


def _no_token(status: int, error: str) -> Response:
    return JSONResponse({"error": error, "error_description": error.replace("_", " ")}, status)


def _same(form: dict[str, str], **due: str) -> bool:
    return all(
        hmac.compare_digest(form.get(name, "").encode(), value.encode())
        for name, value in due.items()
    )


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="NAPAS, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    for name in fields(Account):
        parser.add_argument(f"--{name.name.replace('_', '-')}", default=getattr(SANDBOX, name.name))
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--window-s", type=float, default=900.0)
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = Napas(
        Account(**{name.name: getattr(asked, name.name) for name in fields(Account)}),
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
