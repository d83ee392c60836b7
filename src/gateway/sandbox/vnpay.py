"""VNPAY 2.1.0, simulated: pay page, IPN, browser return, querydr and refund.

Written from VNPAY's pages alone; vnpay_wire.py names them. The IPN's address is registered with
VNPAY, so whoever starts this gives it. Where the pages are silent: an order nobody paid in time
has status 11; querydr tells of an order's last movement, so of a refund once there is one; a
refund goes 05, 06, then its end, a step for each querydr that saw it, and only one at a time; more
than was paid is 93, a whole refund after a partial one 04 (both from VNPAY's older list).

    python -m gateway.sandbox.vnpay --port 9402 --notify-url http://127.0.0.1:8000/…/vnpay
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl

import uvicorn
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder
from gateway.sandbox.vnpay_books import Book, Movement, Switches, Terminal
from gateway.sandbox.vnpay_wire import (
    MESSAGES,
    UNSIGNED,
    fits,
    instant,
    is_taken,
    pipe_hash,
    query_hash,
    read_request,
    stamp,
    with_query,
)

PAY, API = "/paymentv2/vpcpay.html", "/merchant_webapi/api/transaction"
ERROR = "/paymentv2/Payment/Error.html"
ENDED = frozenset({OrderState.PAID, OrderState.FAILED})
REPEAT_AFTER_S = ",".join(["300"] * 9)  # VNPAY calls ten times in all, five minutes apart


class Vnpay(Rail):
    """The simulated VNPAY of one terminal."""

    title = "VNPAY"

    def __init__(
        self,
        terminal: Terminal,
        *,
        seed: int = 0,
        rate: float = 0.0,
        repeat_after_s: Sequence[float] = (),
        window_s: float = 900.0,
    ) -> None:
        super().__init__(seed=seed, rate=rate, repeat_after_s=repeat_after_s, window_s=window_s)
        self.terminal = terminal
        self.switches = Switches()
        self.books: dict[tuple[str, str], Book] = {}
        self._quiet_until = 0.0
        self._requests: set[tuple[str, str]] = set()

    def routes(self) -> list[BaseRoute]:
        """Give VNPAY's paths, and the control of its switches."""
        return [
            Route(PAY, self._visit),
            Route(ERROR, self._error),
            Route(API, self._transaction, methods=["POST"]),
            Route("/control/vnpay", self._switch, methods=["POST"]),
        ]

    def codes(self, act: Act) -> str:
        """Give vnp_ResponseCode."""
        given = {Act.APPROVE: self.switches.approved, Act.DECLINE: self.switches.declined}
        return given.get(act, "")

    def return_to(self, order: RailOrder) -> str:
        """Give the return URL with the fields of the IPN."""
        return with_query(order.return_url, self._signed(self._result(order)))

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the IPNs: for a paid and for a failed order; nothing while a bank is at it."""
        if order.state not in ENDED:
            return []
        self._book(order).pay_date = stamp(self.now())
        fields, url = self._result(order), self.terminal.notify_url
        if fault is Fault.WRONG_AMOUNT:
            fields["vnp_Amount"] = str(order.amount_dong * 100 + 100_000)
        if fault is Fault.OTHER_ORDER:
            fields["vnp_TxnRef"] = f"{order.reference}x"
        sent = [Notice("GET", with_query(url, self._signed(fields, fault)), is_taken)]
        if fault is Fault.FORGED:
            paid = {**fields, "vnp_ResponseCode": "00", "vnp_TransactionStatus": "00"}
            forged = with_query(url, self._signed(paid, Fault.BAD_SIGNATURE))
            sent.insert(0, Notice("GET", forged, lambda *_: True))
        if fault is Fault.REORDERED:
            early = {**fields, "vnp_ResponseCode": "99", "vnp_TransactionStatus": "01"}
            sent.append(Notice("GET", with_query(url, self._signed(early)), is_taken))
        return sent if url else []

    def _result(self, order: RailOrder) -> dict[str, str]:
        payment, book = self._payment(order), self._book(order)
        bank = {"vnp_BankCode": "VNPAY", "vnp_CardType": "QRCODE"}
        if order.state is OrderState.PAID:
            number = f"VNP{payment.number}"
            bank = {"vnp_BankCode": "NCB", "vnp_BankTranNo": number, "vnp_CardType": "ATM"}
        return {
            "vnp_TmnCode": self.terminal.code,
            "vnp_Amount": str(order.amount_dong * 100),
            **bank,
            **({"vnp_PayDate": book.pay_date} if book.pay_date else {}),
            "vnp_OrderInfo": order.text,
            "vnp_TransactionNo": payment.number,
            "vnp_ResponseCode": order.code or ("11" if self.has_expired(order) else "99"),
            "vnp_TransactionStatus": payment.status,
            "vnp_TxnRef": order.reference,
        }

    def _payment(self, order: RailOrder) -> Movement:
        waiting = "11" if self.has_expired(order) else "01"
        ended = {OrderState.PAID: "07" if order.code == "07" else "00", OrderState.FAILED: "02"}
        status = ended.get(order.state, waiting)
        return Movement("01", order.amount_dong, order.provider_id or "0", status)

    def _signed(self, fields: Mapping[str, str], fault: Fault | None = None) -> dict[str, str]:
        if fault is Fault.UNSIGNED:
            return dict(fields)
        return {**fields, "vnp_SecureHash": query_hash(self._secret(fault), fields)}

    def _secret(self, fault: Fault | None) -> str:
        return "not VNPAY's" if fault is Fault.BAD_SIGNATURE else self.terminal.secret

    def _book(self, order: RailOrder) -> Book:
        return self.books[order.reference, order.fields["created"]]

    # ── the pay page ─────────────────────────────────────────────────────────────────────────

    async def _visit(self, request: Request) -> Response:
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        asked = {name: value for name, value in pairs if name.startswith("vnp_")}
        if len(dict(pairs)) != len(pairs):
            return RedirectResponse(f"{ERROR}?code=03", 302)
        reference, text = asked.get("vnp_TxnRef", ""), asked.get("vnp_OrderInfo", "")
        fault = self.faults.take("create", reference=reference, text=text)

        async def effect() -> Response:
            code = self._refusal(asked, fault)
            return RedirectResponse(f"{ERROR}?code={code}" if code else f"/payer/{reference}", 302)

        return await self.answer(request, fault, effect)

    def _refusal(self, asked: dict[str, str], fault: Fault | None) -> str:
        """Open the order on the first visit; give the error page's code, empty if there is none."""
        link = asked.get("vnp_SecureHash", "")
        if asked.get("vnp_TmnCode") != self.terminal.code:
            return "72"
        if link != query_hash(self.terminal.secret, asked):
            return "70"
        expires_at = instant(asked.get("vnp_ExpireDate", ""))
        if not fits(asked, "pay") or expires_at is None:
            return "03"
        before = self.orders.get(asked["vnp_TxnRef"])
        if before and before.fields["created"][:8] == asked["vnp_CreateDate"][:8]:
            # The same link is the payer's second look; another one with the same id a duplicate.
            is_again = before.fields["link"] == link and before.state is OrderState.OPEN
            return "" if is_again else "01"
        if self.now(fault) >= expires_at:
            return "15"
        self._open(asked, expires_at)
        return ""

    def _open(self, asked: dict[str, str], expires_at: datetime) -> None:
        now = self.now()
        order = RailOrder(
            reference=asked["vnp_TxnRef"],
            amount_dong=int(asked["vnp_Amount"]) // 100,
            text=asked["vnp_OrderInfo"],
            notify_url=self.terminal.notify_url,
            return_url=asked["vnp_ReturnUrl"],
            created_at=now,
            expires_at=min(expires_at, now + self.window),
            fields={"created": asked["vnp_CreateDate"], "link": asked["vnp_SecureHash"]},
        )
        self.orders[order.reference] = order
        self.books[order.reference, order.fields["created"]] = Book(order)

    async def _error(self, request: Request) -> Response:
        code = request.query_params.get("code", "99")[:2]
        if not code.isalnum():
            code = "99"
        return HTMLResponse(f"<!doctype html><title>VNPAY</title><p>Mã lỗi {code}</p>")

    # ── querydr and refund ───────────────────────────────────────────────────────────────────

    async def _transaction(self, request: Request) -> Response:
        asked = read_request(await request.body())
        reference = asked.get("vnp_TxnRef", "")
        book = self.books.get((reference, asked.get("vnp_TransactionDate", "")))
        operation = "refund" if asked.get("vnp_Command") == "refund" else "query"
        text = book.order.text if book else ""
        fault = self.faults.take(operation, reference=reference, text=text)

        async def effect() -> Response:
            return JSONResponse(self._reply(asked, book, fault))

        return await self.answer(request, fault, effect)

    def _reply(
        self, asked: dict[str, str], book: Book | None, fault: Fault | None
    ) -> dict[str, str]:
        code = self._why_not(asked, fault) or ("" if book else "91")
        if code or book is None:
            return self._said(asked, {"vnp_ResponseCode": code}, fault)
        if asked["vnp_Command"] == "querydr":
            self._quiet_until = time.monotonic() + self.switches.quiet_s
            moved = book.told(self._payment(book.order), asked.get("vnp_TransactionNo", ""))
            said = self._said(asked, book.tell(moved, fault), fault)
            moved.go_on(self.switches.refunds_end)
            return said
        kind, amount_dong = asked["vnp_TransactionType"], int(asked["vnp_Amount"]) // 100
        code = book.why_no_refund(kind, amount_dong)
        if code:
            return self._said(asked, {"vnp_ResponseCode": code}, fault)
        book.refunds.append(Movement(kind, amount_dong, self.next_number(), "05"))
        return self._said(asked, book.tell(book.refunds[-1], fault), fault)

    def _why_not(self, asked: dict[str, str], fault: Fault | None) -> str:
        """Give the code that refuses a call, whatever its order; empty if there is none."""
        command = asked.get("vnp_Command", "")
        if command not in {"querydr", "refund"} or not fits(asked, command):
            return "03"
        if asked["vnp_TmnCode"] != self.terminal.code:
            return "02"
        if asked.get("vnp_SecureHash") != pipe_hash(self.terminal.secret, command, asked):
            return "97"
        request = (asked["vnp_RequestId"], asked["vnp_CreateDate"][:8])
        is_quiet = command == "querydr" and time.monotonic() < self._quiet_until
        if fault is Fault.RATE_LIMITED or request in self._requests or is_quiet:
            return "94"
        self._requests.add(request)
        return ""

    def _said(
        self, asked: dict[str, str], told: dict[str, str], fault: Fault | None
    ) -> dict[str, str]:
        code, command = told["vnp_ResponseCode"], asked.get("vnp_Command", "")
        other = "x" if fault is Fault.OTHER_ORDER else ""
        said = {
            "vnp_ResponseId": f"{int(self.next_number()):032x}",
            "vnp_Command": command,
            "vnp_TmnCode": self.terminal.code,
            "vnp_TxnRef": asked.get("vnp_TxnRef", "") + other,
            "vnp_Message": MESSAGES.get(code, "Other"),
            **told,
        }
        if code in UNSIGNED or fault is Fault.UNSIGNED or command not in {"querydr", "refund"}:
            return said
        hashed = pipe_hash(self._secret(fault), f"{command} answer", said)
        return {**said, "vnp_SecureHash": hashed}

    async def _switch(self, request: Request) -> Response:
        try:
            self.switches = Switches.model_validate_json(await request.body())
        except ValidationError as error:
            return Response(str(error), 400)
        return Response(status_code=204)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="VNPAY 2.1.0, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--terminal", default=Terminal.code)
    parser.add_argument("--secret", default=Terminal.secret)
    parser.add_argument("--notify-url", default="", help="the IPN address; none: no IPN")
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--window-s", type=float, default=900.0)
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = Vnpay(
        Terminal(asked.terminal, asked.secret, asked.notify_url),
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
