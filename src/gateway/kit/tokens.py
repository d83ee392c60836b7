"""The token of one provider: asked for once, kept until shortly before its end, renewed on a 401.

A call that gets no token is not sent, and that is proved. A 401 refuses a call before it has any
effect (RFC 9110, 15.5.2), so the same call is sent again, once, under a new token.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from gateway.kit.abilities import NeedsToken
from gateway.kit.exchange import Exchange
from gateway.kit.logs import log
from gateway.kit.messages import Call, Token

UNAUTHORISED = 401
EARLY_S = 30.0
"""A token is renewed so long before its end, or a fifth of its life before, if that is shorter."""
WAIT_S = 10.0
"""The wait for a token adds to a call's own deadline, and stays within the margin of a lease."""

Send = Callable[[Call], Awaitable[Exchange]]


@dataclass(frozen=True, slots=True)
class _Held:
    token: Token
    until: float


class Tokens:
    """Sends the calls of one provider under its token; safe to use from many tasks at once.

    Args:
        provider: builds the question for a token and reads it.
        send: the wire's plain sending.
        refuse: tells of a call that was not sent for want of a token.
        seconds: a clock that only goes forward.
    """

    def __init__(
        self,
        provider: NeedsToken[Any],
        send: Send,
        refuse: Callable[[Call], Exchange],
        *,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._provider = provider
        self._send = send
        self._refuse = refuse
        self._seconds = seconds
        self._held: _Held | None = None
        self._asking: asyncio.Task[Token | None] | None = None

    async def send(self, call: Call) -> Exchange:
        """Send a call under the token, as the wire does."""
        token = await self._token()
        if token is None:
            return self._refuse(call)
        exchange = await self._send(_under(token, call))
        if exchange.status != UNAUTHORISED:
            return exchange
        if self._held is not None and self._held.token is token:
            self._held = None
        token = await self._token()
        return exchange if token is None else await self._send(_under(token, call))

    async def aclose(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _token(self) -> Token | None:
        """Give the token that is held, or ask for one; callers at once share the question."""
        if self._held is not None and self._seconds() < self._held.until:
            return self._held.token
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait([self._asking], timeout=WAIT_S)
        return next((task.result() for task in done if not task.cancelled()), None)

    async def _ask(self) -> Token | None:
        try:
            exchange = await self._send(self._provider.authorise())
            if exchange.reply is None:
                return None
            token = self._provider.read_token(exchange.reply)
        except Exception as error:
            # Garbled, or the adapter's own mistake, whose words may hold a secret.
            log.warning("token.not_read", provider=self._provider.code, error=type(error).__name__)
            return None
        early_s = min(EARLY_S, token.life_s / 5)
        self._held = _Held(token, self._seconds() + token.life_s - early_s)
        return token


def _under(token: Token, call: Call) -> Call:
    return replace(call, headers={**call.headers, **token.headers})
