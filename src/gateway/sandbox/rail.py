"""What all simulated providers share: orders, a ledger of charges, misbehaviour, notices, a page.

A simulator is a Starlette application that speaks one provider's wire protocol, written from the
provider's documents. It keeps its own ledger of charges: what it took, from which order. It never
forgets a charge, whatever it told anybody.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox.rail_answers import answer_as
from gateway.sandbox.rail_faults import Fault, Faults, Planned
from gateway.sandbox.rail_notices import Notice, Notices
from gateway.sandbox.rail_orders import Act, Charge, OrderState, RailOrder
from gateway.sandbox.rail_page import POLICY, STYLE, render


class _PayerAct(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reference: str
    act: Act


class Rail(ABC):
    """A simulated provider. A protocol's class inherits and gives `routes`, `notices` and codes.

    Args:
        seed: replays one bad day.
        rate: the share of requests that go wrong by themselves.
        repeat_after_s: how long after an unaccepted notice it is sent again, once for each item;
            the provider's own policy, scaled by whoever starts the simulator.
        window_s: how long an order may be paid.
    """

    title = "Rail"

    def __init__(
        self,
        *,
        seed: int = 0,
        rate: float = 0.0,
        repeat_after_s: Sequence[float] = (),
        window_s: float = 900.0,
    ) -> None:
        self.faults = Faults(seed=seed, rate=rate)
        self.orders: dict[str, RailOrder] = {}
        self.charges: list[Charge] = []
        self.window = timedelta(seconds=window_s)
        self._notices = Notices(repeat_after_s)
        self._numbers = 4_000_000_000

    # ── what a protocol gives ────────────────────────────────────────────────────────────────

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """Give the protocol's own routes."""

    @abstractmethod
    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the notifications of an order's state, in the order of sending.

        DUPLICATE, MISSING and LATE are the rail's own business; WRONG_AMOUNT, FORGED and REORDERED
        are written here.
        """

    @abstractmethod
    def codes(self, act: Act) -> str:
        """Give the protocol's result code of what the payer did."""

    @abstractmethod
    def return_to(self, order: RailOrder) -> str:
        """Give the URL to which the payer's browser goes when done."""

    # ── orders and charges ───────────────────────────────────────────────────────────────────

    def now(self, fault: Fault | None = None) -> datetime:
        """Give the provider's clock."""
        skew = timedelta(minutes=20) if fault is Fault.SKEWED_CLOCK else timedelta()
        return datetime.now(UTC) + skew

    def next_number(self) -> str:
        """Give a number for a movement of money: ten digits."""
        self._numbers += 1
        return str(self._numbers)

    def has_expired(self, order: RailOrder) -> bool:
        """Say whether an unpaid order can no longer be paid."""
        return order.state is OrderState.OPEN and self.now() >= order.expires_at

    async def act(self, order: RailOrder, act: Act, *, even_late: bool = False) -> bool:
        """Let the payer act; charge at most once. False if the order cannot be paid any more."""
        if order.state in {OrderState.PAID, OrderState.CLOSED}:
            return False
        if order.state is OrderState.FAILED and not even_late:
            return False
        if self.has_expired(order) and not even_late:
            return False
        order.code = self.codes(act)
        if act is Act.APPROVE:
            self.take_money(order)
        else:
            order.state = OrderState.FAILED if act is Act.DECLINE else OrderState.PROCESSING
        self.notify(order)
        return True

    def take_money(self, order: RailOrder) -> None:
        """Charge an order, and write it down for ever."""
        order.state, order.provider_id = OrderState.PAID, self.next_number()
        self.charges.append(
            Charge(order.reference, order.amount_dong, order.provider_id, time.time())
        )

    def notify(self, order: RailOrder) -> None:
        """Send what the order's state has to tell, in the background."""
        fault = self.faults.take("notify", reference=order.reference, text=order.text)
        self._notices.send(self.notices(order, fault), fault)

    # ── misbehaving calls ────────────────────────────────────────────────────────────────────

    async def answer(
        self, request: Request, fault: Fault | None, effect: Callable[[], Awaitable[Response]]
    ) -> Response:
        """Have the effect, or not, and answer, or not, as the fault says."""
        return await answer_as(request, fault, effect)

    # ── the application ──────────────────────────────────────────────────────────────────────

    def application(self) -> Starlette:
        """Make the application: the protocol's routes, the payer's page and the control calls."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await self._notices.aclose()

        shared = [
            Route("/payer/{reference}", self._page, methods=["GET"]),
            Route("/payer/{reference}", self._pay, methods=["POST"]),
            Route("/control/faults", self._plan, methods=["POST"]),
            Route("/control/payer", self._control_payer, methods=["POST"]),
            Route("/control/flush", self._flush, methods=["POST"]),
            Route("/control/calm", self._calm, methods=["POST"]),
            Route("/control/charges", self._charges),
            Route("/control/orders", self._orders),
            Route("/health", self._health),
            Route("/style.css", self._style),
        ]
        return Starlette(routes=[*self.routes(), *shared], lifespan=lifespan)

    async def _page(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["reference"])
        if order is None:
            return HTMLResponse("<p>Không có giao dịch này.</p>", 404, headers=POLICY)
        page = render(
            title=self.title,
            reference=order.reference,
            text=order.text,
            amount_dong=order.amount_dong,
            state="expired" if self.has_expired(order) else order.state,
        )
        return HTMLResponse(page, headers=POLICY)

    async def _pay(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["reference"])
        form = (await request.body())[:64].decode("ascii", "replace")
        if order is None or form not in {"act=approve", "act=decline"}:
            return Response(status_code=400)
        fault = self.faults.take("pay", reference=order.reference, text=order.text)

        async def effect() -> Response:
            await self.act(order, Act(form.removeprefix("act=")))
            return RedirectResponse(self.return_to(order), 303)

        return await self.answer(request, fault, effect)

    async def _control_payer(self, request: Request) -> Response:
        try:
            asked = _PayerAct.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        order = self.orders.get(asked.reference)
        if order is None:
            return Response(status_code=404)
        done = await self.act(order, asked.act, even_late=True)
        return JSONResponse({"done": done, "state": order.state})

    async def _plan(self, request: Request) -> Response:
        try:
            self.faults.plan(Planned.model_validate_json(await request.body()))
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)

    async def _flush(self, _: Request) -> Response:
        self._notices.flush()
        return Response(status_code=204)

    async def _calm(self, _: Request) -> Response:
        self.faults.forget()
        self._notices.flush()
        return Response(status_code=204)

    async def _charges(self, _: Request) -> Response:
        return JSONResponse({"charges": [asdict(charge) for charge in self.charges]})

    async def _orders(self, _: Request) -> Response:
        rows = [{"reference": o.reference, "state": o.state} for o in self.orders.values()]
        return JSONResponse({"orders": rows})

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "orders": len(self.orders)})

    async def _style(self, _: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers={"x-content-type-options": "nosniff"})
