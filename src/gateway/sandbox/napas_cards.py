"""Where a payer gives a card to the simulated NAPAS, and where the bank asks for a password."""

from abc import ABC
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import napas_wire as wire
from gateway.sandbox.napas_books import CARDS, CHALLENGE, OTP, mask, number_of
from gateway.sandbox.napas_page import card_page, challenge_page
from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder
from gateway.sandbox.rail_page import POLICY, STATES

ACTS = {wire.SUCCESS: Act.APPROVE, wire.PENDING: Act.PROCESS, wire.TIMED_OUT: Act.PROCESS}


class CardPages(Rail, ABC):
    """The hosted page and the challenge; `ends_with` is the code of what the payer does now."""

    ends_with = ""

    def pages(self) -> list[BaseRoute]:
        """Give the routes of both pages."""
        hosted, challenge = "/hosted/{reference}", "/hosted/{reference}/challenge"
        return [
            Route(hosted, self._show_card, methods=["GET"]),
            Route(hosted, self._take_card, methods=["POST"]),
            Route(challenge, self._show_challenge, methods=["GET"]),
            Route(challenge, self._take_otp, methods=["POST"]),
        ]

    def _order_of(self, request: Request) -> RailOrder | None:
        return self.orders.get(request.path_params["reference"])

    async def _show_card(self, request: Request) -> Response:
        order = self._order_of(request)
        if order is None:
            return HTMLResponse("<p>Không có giao dịch này.</p>", 404, headers=POLICY)
        state = STATES["expired"] if self.has_expired(order) else STATES[order.state]
        return HTMLResponse(card_page(order, state=state or "open"), headers=POLICY)

    async def _take_card(self, request: Request) -> Response:
        order, form = self._order_of(request), await _form(request)
        if order is None:
            return Response(status_code=404)
        if form.get("act") == "cancel":
            return await self._end(request, order, wire.CANCELLED)
        number = number_of(form.get("number", ""))
        if not number:
            return HTMLResponse(card_page(order, state="open"), 400, headers=POLICY)
        order.fields["card"] = mask(number)
        code = CARDS.get(number, wire.DECLINED)
        if code != CHALLENGE:
            return await self._end(request, order, code)
        if order.state is not OrderState.OPEN or self.has_expired(order):
            return Response(status_code=409)
        order.code = wire.AUTHENTICATING
        return RedirectResponse(f"/hosted/{order.reference}/challenge", 303)

    async def _show_challenge(self, request: Request) -> Response:
        order = self._order_of(request)
        if order is None or order.code != wire.AUTHENTICATING:
            return Response(status_code=404)
        return HTMLResponse(challenge_page(order), headers=POLICY)

    async def _take_otp(self, request: Request) -> Response:
        order, form = self._order_of(request), await _form(request)
        if order is None or order.code != wire.AUTHENTICATING:
            return Response(status_code=404)
        is_right = form.get("otp") == OTP
        return await self._end(request, order, wire.SUCCESS if is_right else wire.NOT_AUTHENTICATED)

    async def _end(self, request: Request, order: RailOrder, code: str) -> Response:
        fault = self.faults.take("pay", reference=order.reference, text=order.text)

        async def effect() -> Response:
            self.ends_with = code
            try:
                await self.act(order, ACTS.get(code, Act.DECLINE))
            finally:
                self.ends_with = ""
            return RedirectResponse(self.return_to(order), 303)

        return await self.answer(request, fault, effect)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body())[:2000].decode("utf-8", "replace")))
