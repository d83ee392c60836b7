"""Viettel's MO service keeps every promise of an adapter."""

import re
from collections.abc import Iterable
from typing import ClassVar

from gateway.domain.evidence import Outcome
from gateway.providers.viettelmo import Config, ViettelMo
from gateway.sandbox.viettelmo import centre
from gateway.testing.conformance import ProviderConformance
from gateway.testing.served import Application
from tests.providers.viettelmo import ACCOUNT, WORD, an_answer


class TestViettelMo(ProviderConformance):
    """It moves no money, so it has no codes."""

    provider_class = ViettelMo
    reference_pattern = r"att_[0-9a-f]{32}"
    codes: ClassVar[dict[str, dict[str, Outcome]]] = {}

    def config(self, host: str) -> Config:
        """Give the simulator's own account at `host`."""
        return Config.model_validate({**ACCOUNT, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """The centre is told the address once, with the word in it."""
        return centre(f"{notify_url}?key={WORD}").application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give the members of messageReceiver's answer in their order (OpenCPS, one source)."""
        found = re.findall(r"<(CommandCode|MessageType|MessageContent)>", an_answer("VBA", "x"))
        yield " ".join(found), "CommandCode MessageType MessageContent"
