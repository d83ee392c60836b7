"""The counters behind the simulated terminal cloud: what cards, cashiers, hosts and batches do."""

import asyncio
import re
from abc import ABC
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import pospush_wire as wire
from gateway.sandbox.pospush_books import CARD, Back, Batch, Does, Switches, Terminal, is_live
from gateway.sandbox.pospush_wire import BackAsked, Refusal, Refused, SaleAsked
from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_orders import Act, Charge, OrderState, RailOrder

_SERIAL = re.compile("[0-9A-Za-z-]{1,32}")


class Desk(Rail, ABC):
    """Terminals and their batches.

    Args:
        reversal_s: how long after its time-out a sale is reversed by the terminal itself.
    """

    def __init__(self, *, reversal_s: float = 60.0, **rail: Any) -> None:
        super().__init__(**rail)
        self.reversal_s = reversal_s
        self.switches = Switches()
        self.batches: dict[str, Batch] = {}
        self.backs: dict[str, Back] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    def application(self) -> Starlette:
        """Make the application; when it stops, so do the terminals."""
        app = super().application()
        within = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(one: Any) -> AsyncIterator[Any]:
            async with within(one) as state:
                yield state
            self.stop()

        app.router.lifespan_context = lifespan
        return app

    def stop(self) -> None:
        """Stop what the terminals would do by themselves."""
        for timer in self._timers:
            timer.cancel()

    def controls(self) -> list[BaseRoute]:
        """Give the routes by which a test plays cashier, card and host."""
        return [
            Route("/control/terminal", self._control_terminal, methods=["POST"]),
            Route("/control/settle", self._control_settle, methods=["POST"]),
            Route("/control/pospush", self._switch, methods=["POST"]),
        ]

    # ── sales ────────────────────────────────────────────────────────────────────────────────

    def codes(self, act: Act) -> str:
        """Give the status."""
        if act is Act.DECLINE:
            return wire.CANCELLED if self.switches.declined == "00" else wire.DECLINED
        return wire.APPROVED if act is Act.APPROVE else wire.IN_PROGRESS

    async def act(self, order: RailOrder, act: Act, *, even_late: bool = False) -> bool:
        """Present a card; only once the host has answered is the rest of the sale known."""
        self._expire(order)
        if act is not Act.PROCESS and order.state not in {OrderState.PAID, OrderState.CLOSED}:
            code = "00" if act is Act.APPROVE else self.switches.declined
            self._know(order, None if self.codes(act) == wire.CANCELLED else code)
        return await super().act(order, act, even_late=even_late)

    def push(self, serial: str, asked: SaleAsked, content: str) -> RailOrder:
        """Show a sale on a terminal.

        Raises:
            Refused: there is no such terminal, or it cannot take a sale now.
        """
        if not _SERIAL.fullmatch(serial) or serial in self.switches.unknown:
            raise Refused(Refusal.TERMINAL_UNKNOWN)
        if serial in self.switches.offline:
            raise Refused(Refusal.TERMINAL_OFFLINE)
        if any(is_live(o) and o.fields["serial"] == serial for o in map(self._expire, self._all())):
            raise Refused(Refusal.TERMINAL_BUSY)
        now = self.now()
        order = self.orders[asked.sale_id] = RailOrder(
            reference=asked.sale_id,
            amount_dong=asked.amount,
            text=asked.bill_id,
            notify_url=asked.notify_url,
            return_url="",
            created_at=now,
            expires_at=now + timedelta(seconds=asked.timeout_s),
            fields={"asked": content, "serial": serial},
        )
        self._later(asked.timeout_s, lambda: self._expire(order))
        return order

    def sale(self, reference: str) -> RailOrder:
        """Give a sale as it stands now.

        Raises:
            Refused: there is none.
        """
        order = self.orders.get(reference)
        if order is None:
            raise Refused(Refusal.SALE_UNKNOWN)
        return self._expire(order)

    def end(self, order: RailOrder, state: OrderState, code: str) -> None:
        """Move a sale and tell of it."""
        order.state, order.code = state, code
        order.fields["at"] = self.now()
        self.notify(order)

    def _all(self) -> list[RailOrder]:
        return list(self.orders.values())

    def _expire(self, order: RailOrder) -> RailOrder:
        """Take a sale off the terminal to which nobody presented a card."""
        if self.has_expired(order):
            self.end(order, OrderState.FAILED, wire.CANCELLED)
        return order

    def _know(self, order: RailOrder, response_code: str | None) -> None:
        kept = order.fields
        batch = self.batches.setdefault(kept["serial"], Batch())
        kept["at"], kept["response_code"] = self.now(), response_code
        if response_code is not None:
            kept |= {**CARD, "stan": batch.next_stan(), "batch_no": f"{batch.number:06d}"}
            kept["rrn"] = f"{int(self.next_number()):012d}"
        if response_code == "00":
            kept["auth_code"] = kept["rrn"][-6:]

    def _later(self, wait_s: float, do: Callable[[], object]) -> None:
        self._timers = {timer for timer in self._timers if not timer.cancelled()}
        self._timers.add(asyncio.get_running_loop().call_later(wait_s, do))

    # ── time-outs ────────────────────────────────────────────────────────────────────────────

    def time_out(self, order: RailOrder, *, host_has_it: bool) -> None:
        """Let the host not answer; the terminal reverses by itself, and may be heard or not."""
        self._know(order, "68")
        order.fields["host_has_it"] = host_has_it
        self.end(order, OrderState.PROCESSING, wire.TIMEOUT)
        if not host_has_it:
            self._later(self.reversal_s, lambda: self.reverse(order))

    def reverse(self, order: RailOrder) -> None:
        """Let the host accept the reversal: nothing is taken."""
        if order.code == wire.TIMEOUT:
            order.fields["host_has_it"] = False
            self.end(order, OrderState.FAILED, wire.REVERSED)

    def settle(self) -> None:
        """Close all batches: what the host took is approved, whatever the terminal said."""
        for order in self._all():
            kept = order.fields
            if order.code == wire.TIMEOUT and kept["host_has_it"]:
                kept |= {"response_code": "00", "auth_code": kept["rrn"][-6:], "settled": True}
                order.provider_id = kept["rrn"]
                at = self.now().timestamp()
                charge = Charge(order.reference, order.amount_dong, order.provider_id, at)
                self.charges.append(charge)
                self.end(order, OrderState.PAID, wire.APPROVED)
            elif order.code == wire.APPROVED and not kept.get("settled"):
                kept["settled"] = True
                self.notify(order)
        for batch in self.batches.values():
            batch.number, batch.stan = batch.number + 1, 0

    # ── money back ───────────────────────────────────────────────────────────────────────────

    def give_back(self, reference: str, asked: BackAsked, kind: str) -> Back:
        """Void or refund; the same again is answered as it stands.

        Raises:
            Refused: nothing is given back.
        """
        order, back = self.sale(reference), self.backs.get(asked.refund_id)
        if back is not None:
            same = (order.reference, asked.amount, kind)
            if (back.order.reference, back.amount_dong, back.kind) != same:
                raise Refused(Refusal.ID_USED)
            return back
        why = self._why_not(order, asked.amount, kind)
        if why:
            raise Refused(why)
        rrn = f"{int(self.next_number()):012d}"
        status = "DONE" if kind == "VOID" else self.switches.refunded
        back = Back(order, asked.refund_id, asked.amount, kind, status, rrn, self.now())
        self.backs[asked.refund_id] = back
        if kind == "VOID":
            order.code = wire.VOIDED
        return back

    def _why_not(self, order: RailOrder, amount_dong: int, kind: str) -> Refusal | None:
        if order.code != wire.APPROVED:
            return Refusal.NOT_APPROVED
        if order.fields.get("settled", False) == (kind == "VOID"):
            return Refusal.BATCH_CLOSED if kind == "VOID" else Refusal.BATCH_OPEN
        given = sum(b.amount_dong for b in self.backs.values() if b.order is order and b.stands)
        if amount_dong + given > order.amount_dong:
            return Refusal.AMOUNT_TOO_HIGH
        is_part = kind == "VOID" and amount_dong < order.amount_dong
        return Refusal.BATCH_OPEN if is_part else None

    # ── controls ─────────────────────────────────────────────────────────────────────────────

    async def _control_terminal(self, request: Request) -> Response:
        try:
            asked = Terminal.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        order = self.orders.get(asked.reference)
        if order is None:
            return Response(status_code=404)
        if asked.does is Does.TIME_OUT:
            self.time_out(order, host_has_it=asked.host_has_it)
        elif asked.does is Does.REVERSE:
            self.reverse(order)
        elif asked.does is Does.CANCEL:
            self.end(order, OrderState.FAILED, wire.CANCELLED)
        else:
            await self.act(order, Act.PROCESS)
        return JSONResponse({"status": order.code, "state": order.state})

    async def _control_settle(self, _: Request) -> Response:
        self.settle()
        return Response(status_code=204)

    async def _switch(self, request: Request) -> Response:
        try:
            self.switches = Switches.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)
