"""Providers as a process holds them: the adapter, and the one wire that talks to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.kit.abilities import Provider
from gateway.kit.breaker import Breakers
from gateway.kit.wire import Wire


@dataclass(frozen=True, slots=True)
class Attached:
    """A configured provider, ready to be called."""

    provider: Provider[Any]
    wire: Wire


class Providers:
    """All providers of one process and their circuit breakers."""

    def __init__(self, providers: Iterable[Provider[Any]], *, now: Callable[[], datetime]) -> None:
        self.breakers = Breakers()
        self.by_code = {
            provider.code: Attached(provider, Wire.of(provider, self.breakers, now=now))
            for provider in providers
        }

    async def aclose(self) -> None:
        """Close all wires."""
        for attached in self.by_code.values():
            await attached.wire.aclose()
