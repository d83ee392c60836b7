"""KeyPay and the public-service portal, simulated: create, pay page, callback, query, and the pull.

    python -m gateway.sandbox.keypay --port 9431 --gateway http://127.0.0.1:8000

Written from VietOpenCPS/opencps-v2 2c719850 (create, callback, checksums; read 2026-11-24) and, for
what is not public, from the profiles `keypay-dvcqg/0.1` and `dvcqg-evn/0.1`. A callback that is not
answered by return_code 0 is sent again. FORGED sends one under hash_key_1 first; REORDERED sends
the true one again with another bill_info, which nobody signs.
"""

import argparse
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.sandbox.rail import Rail
from gateway.sandbox.rail_faults import Fault
from gateway.sandbox.rail_notices import Notice
from gateway.sandbox.rail_orders import Act, OrderState, RailOrder

CREATE, QUERY = "/api/payment/create", "/api/payment/query"
REPEAT_AFTER_S = "5,5,5"
SIGNED = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
ANSWERED = ("client_id", "command", "status", "trans_amount", "transaction_id")
STATUS = {
    OrderState.PAID: "0",
    OrderState.PROCESSING: "1",
    OrderState.OPEN: "2",
    OrderState.FAILED: "3",
    OrderState.CLOSED: "3",
}
ABSENT = "4"
PULLS = {"customer_code": "dvc/bills/query", "dossier": "dptracuuthanhtoanhs"}


@dataclass(frozen=True)
class Client:
    """The one client that this platform knows; its keys are the simulator's own."""

    client_id: str = "EVNSPC"
    hash_key_1: str = "keypay-simulator-hash-key-1"
    hash_key_2: str = "keypay-simulator-hash-key-2"


class KeyPay(Rail):
    """The simulated platform; `gateway` is where the portal asks for bills."""

    title = "KeyPay"

    def __init__(self, client: Client | None = None, *, gateway: str = "", **rail: Any) -> None:
        super().__init__(**rail)
        self.client = client or Client()
        self.gateway = gateway

    def routes(self) -> list[BaseRoute]:
        """Give the platform's own paths, and what the portal does."""
        return [
            Route(CREATE, self._create, methods=["POST"]),
            Route(QUERY, self._query, methods=["POST"]),
            Route("/control/pull", self._pull, methods=["POST"]),
        ]

    def codes(self, act: Act) -> str:
        """Give the callback's status."""
        return {Act.APPROVE: "0", Act.PROCESS: "1"}.get(act, "3")

    def return_to(self, order: RailOrder) -> str:
        """Give return_url; what the browser brings is in no source."""
        return order.return_url

    def notices(self, order: RailOrder, fault: Fault | None) -> list[Notice]:
        """Write the callback of what the payer did."""
        if not order.notify_url or order.state in {OrderState.OPEN, OrderState.CLOSED}:
            return []
        amount = order.amount_dong + (1_000 if fault is Fault.WRONG_AMOUNT else 0)
        said = {**order.fields["signed"], "trans_amount": str(amount)}
        true = self._callback(order, said, self.client.hash_key_2)
        if fault is Fault.BAD_SIGNATURE:
            return [_notice(order.notify_url, self._callback(order, said, "another"))]
        sent = [_notice(order.notify_url, true)]
        if fault is Fault.FORGED:
            wrong = self._callback(order, said, self.client.hash_key_1)
            sent.insert(0, _notice(order.notify_url, wrong, once=True))
        if fault is Fault.REORDERED:
            info = {**order.fields["bill_info"], "MaHoSo": "OTHER"}
            sent.append(_notice(order.notify_url, {**true, "bill_info": info}))
        return sent

    def _callback(self, order: RailOrder, signed: Mapping[str, str], key: str) -> dict[str, object]:
        check_sum = sign(key, *(signed[name] for name in SIGNED))
        info = order.fields["bill_info"]
        return {**signed, "status": order.code, "bill_info": info, "check_sum": check_sum}

    async def _create(self, request: Request) -> Response:
        asked = await _read(request)
        reference = str(asked.get("transaction_id", ""))
        fault = self.faults.take("create", reference=reference, text=str(asked.get("description")))

        async def effect() -> Response:
            refused = self._why_not(asked)
            if refused:
                return JSONResponse({"error": refused, "msg": "refused"})
            self._open(asked)
            url = request.url.replace(path=f"/payer/{reference}", query="")
            return JSONResponse({"error": "0", "msg": "Success", "payment_url": str(url)})

        return await self.answer(request, fault, effect)

    def _why_not(self, asked: Mapping[str, Any]) -> str:
        given = [str(asked.get(name, "")) for name in SIGNED]
        if asked.get("check_sum") != sign(self.client.hash_key_1, *given):
            return "97"
        if asked.get("client_id") != self.client.client_id or asked.get("command") != "PAY":
            return "3"
        if not re.fullmatch(r"[0-9A-Za-z]{1,20}", given[4]) or given[4] in self.orders:
            return "2"
        return "" if re.fullmatch(r"[1-9][0-9]{0,11}", given[3]) else "4"

    def _open(self, asked: Mapping[str, Any]) -> None:
        now = self.now()
        self.orders[asked["transaction_id"]] = RailOrder(
            reference=asked["transaction_id"],
            amount_dong=int(asked["trans_amount"]),
            text=str(asked.get("description", "")),
            notify_url=str(asked.get("notify_url", "")),
            return_url=str(asked.get("return_url", "")),
            created_at=now,
            expires_at=now + self.window,
            fields={
                "signed": {name: str(asked[name]) for name in SIGNED},
                "bill_info": asked.get("bill_info", {}),
            },
        )

    async def _query(self, request: Request) -> Response:
        asked = await _read(request)
        reference = str(asked.get("transaction_id", ""))
        order = self.orders.get(reference)
        fault = self.faults.take("query", reference=reference, text=order.text if order else "")
        base = (str(asked.get("client_id")), str(asked.get("command")), reference)

        async def effect() -> Response:
            if asked.get("check_sum") != sign(self.client.hash_key_1, *base):
                return JSONResponse({"error": "97", "msg": "check_sum"})
            return JSONResponse(self._said(order, reference, fault))

        return await self.answer(request, fault, effect)

    def _said(self, order: RailOrder | None, reference: str, fault: Fault | None) -> dict[str, str]:
        amount = order.amount_dong if order else 0
        said = {
            "client_id": self.client.client_id,
            "command": "QUERY",
            "status": STATUS[order.state] if order else ABSENT,
            "trans_amount": str(amount + (1_000 if fault is Fault.WRONG_AMOUNT else 0)),
            "transaction_id": f"{reference}X" if fault is Fault.OTHER_ORDER else reference,
        }
        key = "another" if fault is Fault.BAD_SIGNATURE else self.client.hash_key_2
        check_sum = sign(key, *(said[name] for name in ANSWERED))
        return {"error": "0", "msg": "Success", **said, "check_sum": check_sum}

    async def _pull(self, request: Request) -> Response:
        """Ask the gateway, as the portal does, what a citizen owes."""
        asked = await _read(request)
        name = "maKhachHang" if "customer_code" in asked else "MaHoSo"
        kind = "customer_code" if "customer_code" in asked else "dossier"
        value, number = str(asked.get(kind, "")), uuid4().hex[:12]
        key = "another" if asked.get("forged") else self.client.hash_key_2
        body = {name: value, "requestId": number, "check_sum": sign(key, value, number)}
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            url = f"{self.gateway}/v1/collections/keypay/{PULLS[kind]}"
            answer = await http.post(url, json=body)
        return Response(answer.content, answer.status_code, media_type="application/json")


def sign(key: str, *values: str) -> str:
    """Sign values, joined by `|`."""
    return hmac.new(key.encode(), "|".join(values).encode(), hashlib.sha256).hexdigest()


async def _read(request: Request) -> dict[str, Any]:
    try:
        said = json.loads(await request.body())
    except ValueError:
        said = {}
    return said if isinstance(said, dict) else {}


def _notice(url: str, said: Mapping[str, object], *, once: bool = False) -> Notice:
    def is_taken(_: int, body: bytes) -> bool:
        return once or re.search(rb'"return_code"\s*:\s*0\b', body) is not None

    headers = {"content-type": "application/json"}
    return Notice("POST", url, is_taken, json.dumps(said).encode(), headers)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="KeyPay and the portal, simulated.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--gateway", default="", help="where the portal asks for bills")
    parser.add_argument("--seed", type=int, default=0, help="replays one bad day")
    parser.add_argument("--rate", type=float, default=0.0, help="the share that goes wrong")
    parser.add_argument("--window-s", type=float, default=900.0)
    parser.add_argument("--repeat-after", default=REPEAT_AFTER_S, help="seconds, with commas")
    asked = parser.parse_args()
    rail = KeyPay(
        gateway=asked.gateway,
        seed=asked.seed,
        rate=asked.rate,
        window_s=asked.window_s,
        repeat_after_s=[float(item) for item in asked.repeat_after.split(",") if item],
    )
    app = rail.application()
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
