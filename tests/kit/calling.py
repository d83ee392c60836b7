"""A wire to a provider of the tests, and what a test asks of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.kit.breaker import Breakers, Rules
from gateway.kit.exchange import Exchange, Limits
from gateway.kit.messages import Call
from gateway.kit.redact import Redactor
from gateway.kit.wire import Wire
from tests.kit.receiver import Answer, receiving

SECRET = "s3cret-of-acme"
BODY = b'{"key":"s3cret-of-acme","phone":"0912345678"}'
JSON = {"content-type": "application/json"}
# A breaker that a test of something else never meets.
PATIENT = Rules(calls_min=20)


@asynccontextmanager
async def wired(breakers: Breakers | None = None, **limits: Any) -> AsyncIterator[Wire]:
    """Give a wire whose provider is called acme."""
    redactor = Redactor([SECRET], {"phone"})
    chosen = Limits(**{"deadline_s": 5.0, **limits})
    wire = Wire("acme", chosen, redactor, breakers or Breakers(PATIENT))
    try:
        yield wire
    finally:
        await wire.aclose()


def a_call(url: str, **changes: Any) -> Call:
    """Build a call that carries a secret and a private field."""
    return Call(**{"operation": "create", "url": url, "body": BODY, "headers": JSON, **changes})


async def send_once(answer: Answer, **limits: Any) -> Exchange:
    """Send one call to a server that answers so."""
    async with receiving(answer) as receiver, wired(**limits) as wire:
        return await wire.send(a_call(receiver.url))
