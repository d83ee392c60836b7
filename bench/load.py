"""The load: one process of raw asyncio clients, closed loop or at a fixed rate of arrivals.

`python -m bench.load` reads a plan as JSON on standard input and prints what happened. Latency in
an open loop counts from the moment at which a request was meant to be sent, so a stall is not
hidden. Acknowledged payment ids go to a file, to be compared with the database.
"""

import asyncio
import gc
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress

import uvloop

HOST = "127.0.0.1"
PARTNERS = 20
STRIDE = 7_368_787
LANDING_S = 30.0
TICK_S = 0.001
"""The loop's own resolution: with less it would spin, and take a core from the service."""
PAY_AMOUNT_DONG = 100_000


def customer(number: int) -> str:
    """Name the customer whose bill has this number."""
    return f"PB14{number:09d}"


def pay_request(number: int, bills: int, run: str) -> bytes:
    """Write the PAY of a request: each number pays another bill (the stride is coprime to 10)."""
    bill = 1 + number * STRIDE % bills
    code = customer(bill)
    body = (
        f'{{"method":"collected","biller":"evnspc-camau","customer_code":"{code}",'
        f'"partner_reference":"{run}-{number}","channel":"mobile_banking",'
        f'"bills":[{{"id":"HD202610-{code}","amount_dong":{PAY_AMOUNT_DONG}}}]}}'
    )
    return (
        f"POST /v1/payments HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer sk_test_bench_"
        f"{1 + number % PARTNERS}\r\nidempotency-key: {run}-0123456789abcdef-{number}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    ).encode()


def lookup_request(number: int, bills: int, _run: str) -> bytes:
    """Write the LOOKUP of a request."""
    code = customer(1 + number * STRIDE % bills)
    return (
        f"GET /v1/bills?biller=evnspc-camau&customer_code={code} HTTP/1.1\r\nhost: bench\r\n"
        f"authorization: Bearer sk_test_bench_{1 + number % PARTNERS}\r\n\r\n"
    ).encode()


class Client(asyncio.Protocol):
    """One kept-alive connection with one request in flight."""

    def __init__(self, done: Callable[["Client", bytes], None]) -> None:
        self._done = done
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.meant_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def send(self, request: bytes, meant_at: float) -> None:
        assert self._transport is not None
        self.meant_at = meant_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._buffer.find(b"content-length: ")
        length = int(self._buffer[at + 16 : self._buffer.find(b"\r", at)])
        if len(self._buffer) >= end + 4 + length:
            answer, self._buffer = self._buffer, b""
            self._done(self, answer)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._done(self, b"HTTP/1.1 000 ")


class Load:
    """Sends requests until the time is over and collects statuses, latencies and ids."""

    def __init__(self, plan: dict[str, object]) -> None:
        self._write = pay_request if plan["kind"] == "pay" else lookup_request
        self._bills = int(str(plan["bills"]))
        self._run = str(plan["run"])
        self._number = int(str(plan["first"]))
        self._rate = float(str(plan.get("rate") or 0))
        self._clients = int(str(plan["clients"]))
        self._seconds = float(str(plan["seconds"]))
        self._left = int(str(plan.get("most") or 10**9))
        self._port = int(str(plan["port"]))
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.ids: list[bytes] = []
        self._free: deque[Client] = deque()
        self._waiting: deque[float] = deque()
        self._over = False
        self._flying = 0
        self._enough, self._landed_all = asyncio.Event(), asyncio.Event()

    async def run(self) -> dict[str, object]:
        loop = asyncio.get_running_loop()
        clients = [
            (await loop.create_connection(lambda: Client(self._landed), HOST, self._port))[1]
            for _ in range(self._clients)
        ]
        began = time.perf_counter()
        if self._rate:
            self._free.extend(clients)
            await self._arrive(began)
        else:
            for client in clients:
                self._next(client, time.perf_counter())
            await self._within(self._seconds, self._enough)
        self._over = True
        seconds, count = time.perf_counter() - began, len(self.latencies)
        self._landed_all.clear()
        if self._flying:
            await self._within(LANDING_S, self._landed_all)
        if self._flying:
            self.statuses["no answer"] += self._flying
        times = sorted(self.latencies)
        return {
            "requests": len(times),
            "per_second": count / seconds,
            "statuses": dict(self.statuses),
            "p50_ms": _at(times, 0.50),
            "p95_ms": _at(times, 0.95),
            "p99_ms": _at(times, 0.99),
        }

    async def _within(self, seconds: float, event: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)

    async def _arrive(self, began: float) -> None:
        sent, total = 0, int(self._rate * self._seconds)
        while sent < total:
            now = time.perf_counter()
            while sent < total and began + sent / self._rate <= now:
                self._waiting.append(began + sent / self._rate)
                sent += 1
            while self._waiting and self._free:
                self._next(self._free.popleft(), self._waiting.popleft())
            await asyncio.sleep(TICK_S)

    def _next(self, client: Client, meant_at: float) -> None:
        self._flying += 1
        self._left -= 1
        client.send(self._write(self._number, self._bills, self._run), meant_at)
        self._number += 1

    def _landed(self, client: Client, answer: bytes) -> None:
        now = time.perf_counter()
        self._flying -= 1
        self.latencies.append((now - client.meant_at) * 1000)
        status = answer[9:12].decode()
        self.statuses[status] += 1
        if status == "201":
            at = answer.find(b'"id":"pay_')
            self.ids.append(answer[at + 10 : at + 42])
        self._go_on(client, now)

    def _go_on(self, client: Client, now: float) -> None:
        if self._waiting:
            self._next(client, self._waiting.popleft())
        elif self._rate:
            self._free.append(client)
        elif self._left <= 0:
            self._enough.set()
        elif not self._over:
            self._next(client, now)
        if not self._flying:
            self._landed_all.set()


def _at(times: list[float], share: float) -> float:
    return round(times[min(int(len(times) * share), len(times) - 1)], 3) if times else 0.0


def main() -> None:
    """Run the plan on standard input."""
    plan = json.load(sys.stdin)
    load = Load(plan)
    gc.disable()  # a client's pause is not the service's latency
    result = uvloop.run(load.run())
    with open(plan["ids"], "wb") as out:
        out.write(b"\n".join(load.ids))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
