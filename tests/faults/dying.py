"""Runs the API, the worker or a command so that it kills itself with SIGKILL at one named step.

`python dying.py STEP -- serve|worker|COMMAND …`: one function is wrapped; all else is as it is.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from gateway import cli, worker
from gateway.api import edge
from gateway.flows import debiting, notifying, providing, resolving
from gateway.kit.hooks import HookSender
from gateway.kit.wire import Wire
from gateway.store import attempts, beginnings, debits, idempotency, moves, webhooks

Function = Callable[..., Any]
Wrap = Callable[[Function], Function]


def die() -> None:
    """End as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(function: Function) -> Function:
    """Die before the function does anything."""

    async def dying(*args: Any, **kwargs: Any) -> Any:
        die()
        return await function(*args, **kwargs)

    return dying


def after(function: Function) -> Function:
    """Die when the function has done its work, before anybody hears of it."""

    async def dying(*args: Any, **kwargs: Any) -> Any:
        result = await function(*args, **kwargs)
        if result:
            die()
        return result

    return dying


def body_read(at: str) -> Wrap:
    """Die when the whole body of a request to `at` is read."""

    def wrap(read: Function) -> Function:
        dying = after(read)

        async def chosen(path: str, headers: Any, receive: Any) -> Any:
            return await (dying if path.endswith(at) else read)(path, headers, receive)

        return chosen

    return wrap


def answering(at: str, *, is_begun: bool) -> Wrap:
    """Die before an answer of `at` is written, or when half of its body is."""

    def wrap(call: Function) -> Function:
        async def chosen(self: Any, scope: Any, receive: Any, send: Any) -> None:
            is_ours = scope.get("path", "").endswith(at)
            trapped = _half(send) if is_begun else before(send)
            await call(self, scope, receive, trapped if is_ours else send)

        return chosen

    return wrap


def _half(send: Function) -> Function:
    async def dying(message: Any) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            return
        body = message["body"]
        await send(message | {"body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0.2)  # the event loop writes at the end of its turn
        die()

    return dying


PAY, REVERSE = "/v1/payments", "/reversal"
STEPS: dict[str, tuple[Any, str, Wrap]] = {
    "pay:body-read": (edge, "_read", body_read(PAY)),
    "pay:before-the-statement": (moves, "pay", before),
    "pay:after-the-commit": (moves, "pay", after),
    "pay:before-the-answer": (edge.Edge, "__call__", answering(PAY, is_begun=False)),
    "pay:half-an-answer": (edge.Edge, "__call__", answering(PAY, is_begun=True)),
    "refuse:before-it-is-kept": (idempotency, "refuse", before),
    "refuse:after-it-is-kept": (idempotency, "refuse", after),
    "reverse:body-read": (edge, "_read", body_read(REVERSE)),
    "reverse:before-the-statement": (moves, "reverse", before),
    "reverse:after-the-commit": (moves, "reverse", after),
    "reverse:before-the-answer": (edge.Edge, "__call__", answering(REVERSE, is_begun=False)),
    "reverse:half-an-answer": (edge.Edge, "__call__", answering(REVERSE, is_begun=True)),
    "begin:before-the-row": (beginnings, "begin", before),
    "begin:after-the-row": (attempts, "by_reference", before),
    "begin:before-the-call": (Wire, "send", before),
    "begin:after-the-answer": (Wire, "send", after),
    "begin:before-the-second-write": (providing, "landing", before),
    "begin:in-the-second-write": (providing, "write_down", after),
    "begin:after-the-second-write": (providing, "landing", after),
    "begin:before-the-key-is-answered": (idempotency, "finish", before),
    "begin:after-the-key-is-answered": (idempotency, "finish", after),
    "notify:before-the-write": (notifying, "landing", before),
    "notify:before-the-commit": (notifying, "settle", after),
    "notify:after-the-commit": (notifying, "landing", after),
    "resolve:after-the-lease": (attempts, "claim_due", after),
    "resolve:before-the-question": (Wire, "send", before),
    "resolve:after-the-answer": (Wire, "send", after),
    "resolve:before-the-write": (resolving, "write_down", before),
    "resolve:before-the-commit": (resolving, "write_down", after),
    "resolve:after-the-commit": (resolving, "landing", after),
    "debit:after-the-claim": (debits, "draw", after),
    "debit:before-the-call": (Wire, "send", before),
    "debit:after-the-answer": (Wire, "send", after),
    "debit:before-the-commit": (debiting, "write_down", after),
    "debit:after-the-commit": (debiting, "landing", after),
    "deliver:after-the-claim": (webhooks, "claim", after),
    "deliver:before-the-post": (HookSender, "post", before),
    "deliver:after-the-2xx-is-read": (HookSender, "post", after),
    "deliver:before-the-finish": (webhooks, "finish", before),
    "deliver:after-the-finish": (webhooks, "finish", after),
}


def main() -> None:
    """Set the trap and run."""
    step, _, part, *rest = sys.argv[1:]
    owner, name, wrap = STEPS[step]
    setattr(owner, name, wrap(getattr(owner, name)))
    if part == "worker":
        worker.main()
    elif part != "serve":
        cli.commands([part, *rest])
    else:
        uvicorn.run(
            "gateway.app:create_app",
            factory=True,
            port=int(os.environ["GATEWAY_PORT"]),
            log_level="warning",
            access_log=False,
        )


if __name__ == "__main__":
    main()
