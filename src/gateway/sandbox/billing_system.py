"""The utility's billing system, as the utility would write it: it takes webhooks and clears bills.

Its own process with its own database; it knows the gateway only by docs/webhooks.md. A webhook is
verified, then its id and effect are written in one transaction, and 204 is said only after COMMIT.
Bad input is 4xx, never 5xx. With `faults=True` tests can make it misbehave over `POST /control`.

    python -m gateway.sandbox.billing_system --port 9100 --db billing.db --secret-file secret.txt
"""

import argparse
import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal

import uvicorn
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.domain.signing import SignatureRefused, parse_verifying_key, verify
from gateway.sandbox.billing_books import BillMove, Books, Verdict, Webhook
from gateway.sandbox.billing_page import POLICY, STYLE, Receipt, render

BODY_BYTES_MAX = 64 * 1024
RECEIPTS_SHOWN = 50
LEDGER_PAGE_MAX = 1000

Text = Annotated[str, Field(min_length=1, max_length=128)]
Count = Annotated[int, Field(ge=1, le=2**53)]


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Bill(_Read):
    id: Text
    amount_dong: Count
    sequence: Count


class _Payment(_Read):
    id: Text
    biller: Text
    customer_code: Text
    bills: Annotated[list[_Bill], Field(min_length=1, max_length=1000)]


class _Envelope(_Read):
    type: Text


class _PaymentEvent(_Read):
    type: Literal["payment.succeeded", "payment.reversed"]
    data: _Payment


class Fault(BaseModel):
    """How to misbehave, and for how many webhooks: a status, or what to do with the connection."""

    model_config = ConfigDict(extra="forbid")
    answer: (
        Annotated[int, Field(ge=200, le=599)]
        | Literal["hang", "drop", "drop_after_commit", "hang_after_commit"]
    )
    times: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    retry_after: Annotated[str, Field(max_length=64, pattern=r"^[ -~]*$")] | None = None


class _CutOff(Response):
    """Begin an answer and break off: uvicorn then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


class BillingSystem:
    """The application's state: books, keys, the last receipts, and the fault in force."""

    def __init__(self, books: Books, secrets: Sequence[str], clock: Callable[[], float]) -> None:
        """Take the books, the secrets (`whsec_…` or `whpk_…`) and a clock of unix seconds."""
        self.books = books
        self.keys = [parse_verifying_key(secret) for secret in secrets]
        self.clock = clock
        self.receipts: deque[Receipt] = deque(maxlen=RECEIPTS_SHOWN)
        self.fault: Fault | None = None

    async def take(self, request: Request) -> Response:
        """Verify one webhook, keep it once, and answer 204 after COMMIT."""
        body = await _read_body(request)
        if body is None:
            return self._refuse(request, 413, "body_too_large", f"over {BODY_BYTES_MAX} bytes")
        now = self.clock()
        try:
            message_id = verify(request.headers, body, self.keys, int(now)).message_id
            webhook = _read_webhook(message_id, body, now)
        except SignatureRefused as refused:
            return self._refuse(request, 400, "signature_refused", refused.reason)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            return self._refuse(request, 400, "unreadable", f"{first['msg']} at '{where}'")
        verdict = await asyncio.to_thread(self.books.apply, webhook)
        bills = ", ".join(move.bill_id for move in webhook.moves)
        self.receipts.appendleft(Receipt(now, message_id, webhook.type, verdict, bills))
        return Response(status_code=204)

    async def misbehave(self, request: Request, fault: Fault) -> Response:
        """Do what `POST /control` asked for instead of, or after, taking the webhook."""
        if fault.answer in {"drop_after_commit", "hang_after_commit"}:
            await self.take(request)
        else:
            await _read_body(request)
        if isinstance(fault.answer, int):
            headers = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
            return Response(status_code=fault.answer, headers=headers)
        if fault.answer.startswith("hang"):
            while (await request.receive())["type"] != "http.disconnect":
                pass
        return _CutOff()

    def next_fault(self) -> Fault | None:
        """Give the fault in force, one time fewer."""
        fault = self.fault
        if fault is None or fault.times == 0:
            return None
        self.fault = fault.model_copy(update={"times": fault.times - 1})
        return fault

    def _refuse(self, request: Request, status: int, code: str, detail: str) -> Response:
        # Nothing of a refused message is written down: its id may be a forger's choice.
        verdict = Verdict.UNREADABLE if code == "unreadable" else Verdict.REFUSED
        named = request.headers.get("webhook-id", "")
        self.receipts.appendleft(Receipt(self.clock(), named, "", verdict, detail))
        return _problem(status, code, detail)


def create_billing_system(
    db: Path,
    secrets: Sequence[str],
    *,
    faults: bool = False,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Make the application on the SQLite file `db`; `secrets` are all those accepted now."""
    system = BillingSystem(Books(db), secrets, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        system.books.close()

    routes = [
        Route("/webhooks", _webhooks, methods=["POST"]),
        Route("/cleared", _cleared),
        Route("/ledger", _ledger),
        Route("/health", _health),
        Route("/style.css", _style),
        Route("/", _page),
    ]
    if faults:
        routes.append(Route("/control", _control, methods=["POST"]))
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.system = system
    return app


def _system(request: Request) -> BillingSystem:
    system: BillingSystem = request.app.state.system
    return system


async def _webhooks(request: Request) -> Response:
    system = _system(request)
    try:
        fault = system.next_fault()
        return await (system.take(request) if fault is None else system.misbehave(request, fault))
    except ClientDisconnect:
        return Response(status_code=400)


async def _cleared(request: Request) -> Response:
    customer_code = request.query_params.get("customer_code")
    if not customer_code:
        return _problem(400, "request_invalid", "say which: /cleared?customer_code=PB14…")
    bills = await asyncio.to_thread(_system(request).books.cleared, customer_code)
    return JSONResponse({"customer_code": customer_code, "cleared": bills})


async def _ledger(request: Request) -> Response:
    after = _whole(request.query_params.get("after", "0"))
    limit = _whole(request.query_params.get("limit", "100"))
    if after is None or limit is None or not 1 <= limit <= LEDGER_PAGE_MAX:
        return _problem(400, "request_invalid", "'after' is an entry, 'limit' 1 to 1000")
    entries = await asyncio.to_thread(_system(request).books.ledger, after=after, limit=limit)
    is_full = len(entries) == limit
    return JSONResponse({"entries": entries, "next": entries[-1]["entry"] if is_full else None})


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok", **await asyncio.to_thread(_system(request).books.counts)})


async def _page(request: Request) -> Response:
    system = _system(request)
    counts = await asyncio.to_thread(system.books.counts)
    return HTMLResponse(render(system.receipts, counts), headers=POLICY)


async def _style(_: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers={"x-content-type-options": "nosniff"})


async def _control(request: Request) -> Response:
    body = await _read_body(request)
    try:
        _system(request).fault = Fault.model_validate_json(body or b"")
    except ValidationError as error:
        return _problem(400, "request_invalid", str(error))
    return Response(status_code=204)


async def _read_body(request: Request) -> bytes | None:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _read_webhook(message_id: str, body: bytes, now: float) -> Webhook:
    kind = _Envelope.model_validate_json(body).type
    if kind not in {"payment.succeeded", "payment.reversed"}:
        return Webhook(message_id, kind, now, body)
    payment = _PaymentEvent.model_validate_json(body).data
    moves = tuple(
        BillMove(
            biller=payment.biller,
            bill_id=bill.id,
            customer_code=payment.customer_code,
            sequence=bill.sequence,
            is_cleared=kind == "payment.succeeded",
            payment_id=payment.id,
            amount_dong=bill.amount_dong,
        )
        for bill in payment.bills
    )
    return Webhook(message_id, kind, now, body, moves)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004 (int64)


def _problem(status: int, code: str, detail: str) -> Response:
    problem = {"type": f"/problems/{code}", "title": code, "status": status, "detail": detail}
    return JSONResponse(problem, status, media_type="application/problem+json")


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="The utility's billing system, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--secret-file", type=Path, required=True, help="one secret a line")
    parser.add_argument("--faults", action="store_true", help="open POST /control, for tests")
    asked = parser.parse_args()
    lines = asked.secret_file.read_text(encoding="utf-8").split()
    app = create_billing_system(asked.db, lines, faults=asked.faults)
    uvicorn.run(
        app,
        host=asked.host,
        port=asked.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
