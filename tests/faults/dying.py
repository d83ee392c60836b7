"""Runs the API or the worker so that it kills itself with SIGKILL at one named step.

`python dying.py STEP serve|worker`: one function is wrapped; all else is the service as it is.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from gateway import worker
from gateway.api import edge
from gateway.kit.hooks import HookSender
from gateway.store import moves, webhooks


def die(*_: object) -> None:
    """End as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Die before the function does anything."""

    async def dying(*args: Any, **kwargs: Any) -> Any:
        die()
        return await function(*args, **kwargs)

    return dying


def after(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Die when the function has done its work, before anybody hears of it."""

    async def dying(*args: Any, **kwargs: Any) -> Any:
        result = await function(*args, **kwargs)
        if result:
            die()
        return result

    return dying


def half_answered(send: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Die when the head of a 201 is written and its body is not."""

    async def dying(self: Any, message: Any) -> None:
        await send(self, message)
        if message.get("status") == 201:
            die()

    return dying


STEPS: dict[str, Callable[[], None]] = {
    "pay:body-read": lambda: setattr(edge, "_read", after(edge._read)),
    "pay:before-the-statement": lambda: setattr(moves, "pay", before(moves.pay)),
    "pay:after-the-commit": lambda: setattr(moves, "pay", after(moves.pay)),
    "pay:half-an-answer": lambda: setattr(edge._Visit, "send", half_answered(edge._Visit.send)),
    "reverse:before-the-statement": lambda: setattr(moves, "reverse", before(moves.reverse)),
    "reverse:after-the-commit": lambda: setattr(moves, "reverse", after(moves.reverse)),
    "deliver:after-the-claim": lambda: setattr(webhooks, "claim", after(webhooks.claim)),
    "deliver:before-the-post": lambda: setattr(HookSender, "post", before(HookSender.post)),
    "deliver:after-the-post": lambda: setattr(HookSender, "post", after(HookSender.post)),
    "deliver:before-the-finish": lambda: setattr(webhooks, "finish", before(webhooks.finish)),
    "deliver:after-the-finish": lambda: setattr(webhooks, "finish", after(webhooks.finish)),
}


def main() -> None:
    """Set the trap and run."""
    STEPS[sys.argv[1]]()
    if sys.argv[2] == "worker":
        worker.main()
    else:
        uvicorn.run(
            "gateway.app:create_app",
            factory=True,
            port=int(os.environ["GATEWAY_PORT"]),
            log_level="warning",
        )


if __name__ == "__main__":
    main()
