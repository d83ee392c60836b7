"""A bank that speaks `vn-autodebit/0.1`, simulated: mandates, debits by call and by file.

    python -m gateway.sandbox.autodebit --port 9210 --notify-url http://127.0.0.1:8000/v1/…

Every message of either side is signed: `X-Signature` = hex HMAC-SHA256(secret, timestamp + "." +
raw body), `X-Timestamp` in Unix seconds, 300 s apart at most.
"""

import argparse
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import autodebit_wire as wire
from gateway.sandbox.autodebit_books import Books, Debit, Mandate
from gateway.sandbox.autodebit_control import Controls
from gateway.sandbox.autodebit_files import ResultFiles, results
from gateway.sandbox.autodebit_notices import notices_of
from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, Charge, RailOrder

BAD_REQUEST, UNAUTHORIZED, NOT_FOUND = 400, 401, 404
Said = dict[str, Any]
ShapeT = TypeVar("ShapeT", bound=BaseModel)


class AutoDebit(Rail):
    """The simulated bank.

    Args:
        client: the one client that it knows.
        notify_url: where it tells what happened; nothing is told if empty.
        slow_bank: a confirmed mandate waits for `/control/mandates` instead of being accepted.
        rail: what every simulator takes.
    """

    title = "Ngân hàng trích nợ"

    def __init__(
        self, client: wire.Client | None = None, *, notify_url: str = "", **rail: Any
    ) -> None:
        self.slow_bank = bool(rail.pop("slow_bank", False))
        super().__init__(**rail)
        self.client = client or wire.Client()
        self.notify_url = notify_url
        self.books = Books(seed=rail.get("seed", 0))
        self.files = ResultFiles(client=self.client, book=self._book)
        self._events = 0

    def routes(self) -> list[BaseRoute]:
        """Give the contract's paths and this simulator's control calls."""
        return [
            Route("/mandates", self._register, methods=["POST"]),
            Route("/mandates/{mandate_id}", self._show, methods=["GET"]),
            Route("/mandates/{mandate_id}/{act}", self._act, methods=["POST"]),
            Route("/debits", self._debit, methods=["POST"]),
            Route("/debits/{debit_id}", self._query, methods=["GET"]),
            Route("/files/{name}", self._upload, methods=["PUT"]),
            Route("/files/{name}", self._results, methods=["GET"]),
            *Controls(self.books, self.tell, self.charge, self.now).routes(),
        ]

    def codes(self, act: Act) -> str:
        """Give the code of what the payer's page did; a bank's payer has no page."""
        return {Act.APPROVE: wire.DEBITED, Act.DECLINE: wire.NO_FUNDS}.get(act, wire.IN_PROCESS)

    def return_to(self, order: RailOrder) -> str:
        """Give the payer's page; there is none."""
        return "/health"

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write what the bank tells of a debit or a mandate."""
        facts = {**order.fields["facts"], "event_id": order.reference}
        return notices_of(self.client, order.notify_url, facts, self.now(), fault)

    def tell(self, kind: str, about: Debit | Mandate) -> None:
        """Notify of a mandate's or a debit's state."""
        if not self.notify_url:
            return
        self._events += 1
        facts = {"type": kind, "at": wire.to_time(self.now()), **about.facts()}
        if isinstance(about, Debit):
            facts["code"] = about.code
        order = RailOrder(
            reference=f"EV{self._events:08d}",
            amount_dong=0,
            text="",
            notify_url=self.notify_url,
            return_url="",
            created_at=self.now(),
            expires_at=self.now(),
            fields={"facts": facts},
        )
        self.notify(order)

    # ── serving ──────────────────────────────────────────────────────────────────────────────

    async def _serve(
        self, request: Request, operation: str, reference: str, effect: Callable[[], Said]
    ) -> Response:
        if not await self._is_signed(request):
            return self._answer(wire.said(wire.BAD_DATA), UNAUTHORIZED, None)
        fault = self.faults.take(operation, reference=reference)

        async def answer() -> Response:
            said = effect()
            status = NOT_FOUND if said["code"] == wire.NOT_FOUND else 200
            return self._answer(said, status, fault)

        return await self.answer(request, fault, answer)

    def _answer(self, said: Said, status: int, fault: Fault | None) -> Response:
        """Sign an answer; a fault makes it lie."""
        shown = said.get("first", said)
        if fault is Fault.WRONG_AMOUNT and "amount" in shown:
            shown["amount"] += 1_000
        if fault is Fault.OTHER_ORDER and "debit_id" in shown:
            shown["debit_id"] += "x"
        return self._signed(json.dumps(said).encode(), status, fault, "application/json")

    def _signed(self, body: bytes, status: int, fault: Fault | None, media: str) -> Response:
        client = self.client
        if fault is Fault.BAD_SIGNATURE:
            client = replace(client, secret="nobody's")  # noqa: S106 (a forger's)
        headers = client.headers(self.now(fault), body)
        return Response(
            body, status, headers={} if fault is Fault.UNSIGNED else headers, media_type=media
        )

    async def _is_signed(self, request: Request) -> bool:
        return self.client.is_from(request.headers, await request.body(), self.now())

    # ── mandates ─────────────────────────────────────────────────────────────────────────────

    async def _register(self, request: Request) -> Response:
        asked = await _read(request, wire.MandateAsked)

        def effect() -> Said:
            if asked is None or asked.bank_bin != self.client.bank:
                return wire.said(wire.BAD_DATA)
            code = self.books.register(asked)
            return wire.said(code, **self.books.mandates[asked.mandate_id].facts())

        return await self._serve(request, "mandate", asked.mandate_id if asked else "", effect)

    async def _show(self, request: Request) -> Response:
        name = request.path_params["mandate_id"]
        mandate = self.books.mandates.get(name)

        def effect() -> Said:
            if mandate is None:
                return wire.said(wire.NOT_FOUND, mandate_id=name)
            return wire.said(wire.DEBITED, **mandate.facts())

        return await self._serve(request, "mandate_query", name, effect)

    async def _act(self, request: Request) -> Response:
        name, act = request.path_params["mandate_id"], request.path_params["act"]
        mandate = self.books.mandates.get(name)
        if act not in {"confirm", "cancel"}:
            return Response(status_code=NOT_FOUND)
        asked = await _read(request, wire.ConfirmAsked if act == "confirm" else wire.CancelAsked)

        def effect() -> Said:
            if mandate is None:
                return wire.said(wire.NO_MANDATE, mandate_id=name)
            if isinstance(asked, wire.ConfirmAsked):
                return self._confirm(mandate, asked.otp)
            if not isinstance(asked, wire.CancelAsked):
                return wire.said(wire.BAD_DATA, **mandate.facts())
            if self.books.change(mandate, "cancel", asked.reason or "biller"):
                self.tell("mandate", mandate)
            return wire.said(wire.DEBITED, **mandate.facts())

        return await self._serve(request, f"mandate_{act}", name, effect)

    def _confirm(self, mandate: Mandate, otp: str) -> Said:
        before = mandate.state
        code = self.books.confirm(mandate, otp)
        if mandate.state == "PENDING_BANK" and not self.slow_bank:
            self.books.change(mandate, "accept")
        if mandate.state != before:
            self.tell("mandate", mandate)
        return wire.said(code, **mandate.facts())

    # ── debits ───────────────────────────────────────────────────────────────────────────────

    async def _debit(self, request: Request) -> Response:
        asked = await _read(request, wire.DebitAsked)

        def effect() -> Said:
            return wire.said(wire.BAD_DATA) if asked is None else self._book(asked)

        return await self._serve(request, "debit", asked.debit_id if asked else "", effect)

    def _book(self, asked: wire.DebitAsked) -> Said:
        before = self.books.debits.get(asked.debit_id)
        was_booked = before is not None and bool(before.bank_ref)
        code, debit = self.books.debit(asked, self.now())
        if code == wire.DUPLICATE:
            return wire.said(code, first={"code": debit.code, **debit.facts()})
        if debit.bank_ref and not was_booked:
            self.charge(debit)
        if code == wire.LATE:
            self.tell("debit", debit)
        if code in {wire.UNREACHABLE, wire.LATE}:
            return wire.said(code, debit_id=asked.debit_id)
        return wire.said(code, **debit.facts())

    def charge(self, debit: Debit) -> None:
        """Write down money that was taken."""
        at = self.now().timestamp()
        asked = debit.asked
        self.charges.append(Charge(asked.debit_id, asked.amount, debit.bank_ref, at))

    async def _query(self, request: Request) -> Response:
        name = request.path_params["debit_id"]
        debit = self.books.debits.get(name)

        def effect() -> Said:
            if debit is None:
                return wire.said(wire.NOT_FOUND, debit_id=name)
            return wire.said(debit.code, **debit.facts())

        return await self._serve(request, "query", name, effect)

    # ── files ────────────────────────────────────────────────────────────────────────────────

    async def _upload(self, request: Request) -> Response:
        name, raw = request.path_params["name"], await request.body()

        def effect() -> Said:
            return wire.said(self.files.take(name, raw), file=name)

        return await self._serve(request, "file", name, effect)

    async def _results(self, request: Request) -> Response:
        name = request.path_params["name"]
        if not await self._is_signed(request):
            return self._answer(wire.said(wire.BAD_DATA), UNAUTHORIZED, None)
        fault = self.faults.take("results", reference=name)
        lines = self.files.lines(name)

        async def answer() -> Response:
            if lines is None:
                return self._answer(wire.said(wire.NOT_FOUND, file=name), NOT_FOUND, fault)
            current = [(i, self.books.debits.get(i), code) for i, code in lines]
            return self._signed(results(current, fault), 200, fault, "text/plain")

        return await self.answer(request, fault, answer)


async def _read(request: Request, shape: type[ShapeT]) -> ShapeT | None:
    with suppress(ValidationError):
        return shape.model_validate_json(await request.body())
    return None


def main() -> None:
    """Serve until stopped."""
    default = wire.Client()
    parser = argparse.ArgumentParser(description="A bank that speaks vn-autodebit/0.1, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--notify-url", default="", help="where it tells what happened")
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--repeat-after", default="5,30,300", help="seconds, with commas")
    parser.add_argument("--slow-bank", action="store_true", help="mandates wait to be accepted")
    parser.add_argument("--client-id", default=default.client_id)
    parser.add_argument("--secret", default=default.secret)
    parser.add_argument("--bank", default=default.bank)
    asked = parser.parse_args()
    bank = AutoDebit(
        wire.Client(asked.client_id, asked.secret, asked.bank),
        notify_url=asked.notify_url,
        slow_bank=asked.slow_bank,
        seed=asked.seed,
        rate=asked.rate,
        repeat_after_s=[float(wait) for wait in asked.repeat_after.split(",") if wait],
    )
    app = bank.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
