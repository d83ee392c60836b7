"""Jasmin keeps every promise of an adapter."""

from collections.abc import Iterable
from typing import ClassVar

from gateway.domain.evidence import Outcome
from gateway.providers.jasmin import TAKEN, Config, Jasmin
from gateway.sandbox.jasmin import centre
from gateway.testing.conformance import ProviderConformance
from gateway.testing.served import Application
from tests.providers.jasmin import ACCOUNT, WORD


class TestJasmin(ProviderConformance):
    """It moves no money, so it has no codes."""

    provider_class = Jasmin
    reference_pattern = r"att_[0-9a-f]{32}"
    codes: ClassVar[dict[str, dict[str, Outcome]]] = {}

    def config(self, host: str) -> Config:
        """Give the simulator's own account at `host`."""
        return Config.model_validate({**ACCOUNT, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """The centre is told the address once, with the word in it."""
        return centre(f"{notify_url}?key={WORD}").application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give the exact acknowledgement of Jasmin's HTTP API (read 2026-11-24)."""
        yield TAKEN.body.decode(), "ACK/Jasmin"
