"""A terminal cloud, simulated: sales pushed to terminals, results, voids, refunds, reversals.

    python -m gateway.sandbox.pospush --port 9408 --reversal-s 5

By the profile `pos-push/0.1` (docs/providers/pospush.md). The terminal's screen is the payer's
page; `POST /control/terminal` is the cashier, the card and the host. A sale that times out at the
terminal is reversed by itself after `--reversal-s` (60 at real terminals), unless the host had
taken the money and the reversal was lost: `POST /control/settle`, which closes batches, finds it.
"""

import argparse
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox import pospush_wire as wire
from gateway.sandbox.pospush_books import Said, sale_of, twisted
from gateway.sandbox.pospush_desk import Desk
from gateway.sandbox.pospush_wire import Account, BackAsked, Refusal, Refused, SaleAsked
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import OrderState, RailOrder

REPEAT_AFTER_S = "5,30,300"
SANDBOX = Account()
Effect = Callable[[Request, bytes], tuple[int, Said]]


class PosPush(Desk):
    """The simulated terminal cloud of one merchant."""

    title = "POS"

    def __init__(self, account: Account = SANDBOX, **desk: Any) -> None:
        super().__init__(**desk)
        self.account = account

    def routes(self) -> list[BaseRoute]:
        """Give the cloud's own paths, and the controls of the desk."""

        def call(path: str, method: str, operation: str, effect: Effect) -> Route:
            async def serve(request: Request) -> Response:
                return await self._serve(request, operation, effect)

            return Route(path, serve, methods=[method])

        return [
            call("/terminals/{serial}/sales", "POST", "create", self._push),
            call("/sales/{id}", "GET", "query", self._tell),
            call("/sales/{id}/cancel", "POST", "cancel", self._cancel),
            call("/sales/{id}/void", "POST", "refund", self._void),
            call("/sales/{id}/refunds", "POST", "refund", self._refund),
            call("/refunds/{id}", "GET", "query_refund", self._tell_refund),
            *self.controls(),
        ]

    def return_to(self, order: RailOrder) -> str:
        """Stay at the terminal: no browser comes back from it."""
        return f"/payer/{order.reference}"

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the callbacks of a sale whose state is worth one."""
        if order.code in {"", wire.IN_PROGRESS, wire.VOIDED}:
            return []
        said = sale_of(order, self.account.mid)
        sent = [self._notice(order, twisted(said, fault), fault)]
        if fault is Fault.FORGED:
            paid = said | {"status": wire.APPROVED}
            sent.insert(0, self._notice(order, paid, Fault.BAD_SIGNATURE))
        if fault is Fault.REORDERED:
            sent.append(self._notice(order, said | {"status": wire.TIMEOUT}, None))
        return sent

    def _notice(self, order: RailOrder, said: Said, fault: Fault | None) -> Notice:
        body = json.dumps(said).encode()
        headers = {"content-type": "application/json", "x-merchant": self.account.mid}
        headers |= self._signature(b"CALLBACK", b"", body, fault)
        accepts = (lambda *_: True) if fault is Fault.BAD_SIGNATURE else wire.is_taken
        return Notice("POST", order.notify_url, accepts, body, headers)

    def _signature(
        self, kind: bytes, path: bytes, body: bytes, fault: Fault | None
    ) -> dict[str, str]:
        if fault is Fault.UNSIGNED:
            return {}
        secret = "wrong" if fault is Fault.BAD_SIGNATURE else self.account.secret
        ahead = 1200 if fault is Fault.SKEWED_CLOCK else 0
        stamp = str(int(time.time()) + ahead)
        lines = (kind, *([path] if path else []), stamp.encode(), body)
        return {"x-timestamp": stamp, "x-signature": wire.sign(secret, *lines)}

    # ── calls ────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, request: Request, operation: str, effect: Effect) -> Response:
        body = await request.body()
        path = request.url.path.encode()
        if not self._is_ours(request, path, body):
            return self._said(request, 401, {"code": "BAD_SIGNATURE", "message": "not ours"}, None)
        number = request.path_params.get("id") or _named(body)
        order = self.orders.get(number)
        fault = self.faults.take(operation, reference=number, text=order.text if order else "")

        async def answer() -> Response:
            try:
                status, said = (_too_many if fault is Fault.RATE_LIMITED else effect)(request, body)
            except ValidationError:
                status, said = 400, {"code": "BAD_REQUEST", "message": "a field is wrong"}
            except Refused as why:
                status, said = wire.STATUSES[why.code], {"code": why.code, "message": why.code}
            is_sale = "sale_id" in said and status < 300  # noqa: PLR2004 (HTTP)
            return self._said(request, status, twisted(said, fault) if is_sale else said, fault)

        return await self.answer(request, fault, answer)

    def _is_ours(self, request: Request, path: bytes, body: bytes) -> bool:
        stamp, given = (request.headers.get(f"x-{name}", "") for name in ("timestamp", "signature"))
        lines = (request.method.encode(), path, stamp.encode("utf-8", "replace"), body)
        due = wire.sign(self.account.secret, *lines)
        is_signed = hmac.compare_digest(due.encode(), given.encode("utf-8", "replace"))
        is_now = stamp.isdecimal() and abs(time.time() - int(stamp[:12])) <= wire.SKEW_S
        return is_signed and is_now and request.headers.get("x-merchant") == self.account.mid

    def _said(self, request: Request, status: int, said: Said, fault: Fault | None) -> Response:
        answer = JSONResponse(said, status)
        if status in wire.SIGNED:
            path, body = request.url.path.encode(), bytes(answer.body)
            answer.headers.update(self._signature(b"ANSWER", path, body, fault))
        return answer

    def _push(self, request: Request, body: bytes) -> tuple[int, Said]:
        serial, asked = request.path_params["serial"], SaleAsked.model_validate_json(body)
        content = f"{serial} {asked.model_dump_json()}"
        order = self.orders.get(asked.sale_id)
        if order is None:
            order = self.push(serial, asked, content)
        elif order.fields["asked"] != content:
            raise Refused(Refusal.ID_USED)
        return 202, sale_of(order, self.account.mid)

    def _tell(self, request: Request, _: bytes) -> tuple[int, Said]:
        return 200, sale_of(self.sale(request.path_params["id"]), self.account.mid)

    def _cancel(self, request: Request, _: bytes) -> tuple[int, Said]:
        order = self.sale(request.path_params["id"])
        if order.code != wire.CANCELLED:
            if order.state is not OrderState.OPEN:
                is_live = order.state is OrderState.PROCESSING
                raise Refused(Refusal.SALE_IN_PROGRESS if is_live else Refusal.SALE_ENDED)
            self.end(order, OrderState.FAILED, wire.CANCELLED)
        return 200, sale_of(order, self.account.mid)

    def _void(self, request: Request, body: bytes) -> tuple[int, Said]:
        asked = BackAsked.model_validate_json(body)
        return 200, self.give_back(request.path_params["id"], asked, "VOID").told()

    def _refund(self, request: Request, body: bytes) -> tuple[int, Said]:
        asked = BackAsked.model_validate_json(body)
        return 202, self.give_back(request.path_params["id"], asked, "REFUND").told()

    def _tell_refund(self, request: Request, _: bytes) -> tuple[int, Said]:
        back = self.backs.get(request.path_params["id"])
        if back is None:
            raise Refused(Refusal.REFUND_UNKNOWN)
        return 200, back.told()


def _too_many(*_: object) -> tuple[int, Said]:
    raise Refused(Refusal.TOO_MANY_REQUESTS)


def _named(body: bytes) -> str:
    try:
        return str(json.loads(body)["sale_id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Terminals, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mid", default=Account.mid)
    parser.add_argument("--secret", default=Account.secret)
    parser.add_argument(
        "--reversal-s", type=float, default=60.0, help="until it reverses by itself"
    )
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = PosPush(
        Account(asked.mid, asked.secret),
        reversal_s=asked.reversal_s,
        seed=asked.seed,
        rate=asked.rate,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
