"""sms-banking/0.1 keeps every promise of an adapter."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import SecretStr

from gateway.domain.evidence import Outcome
from gateway.providers.smsbanking import Config, SmsBanking, sign
from gateway.sandbox.smsbanking import centre
from gateway.testing.conformance import ProviderConformance
from gateway.testing.served import Application
from tests.providers.smsbanking import ACCOUNT


class TestSmsBanking(ProviderConformance):
    """It moves no money, so it has no codes."""

    provider_class = SmsBanking
    reference_pattern = r"att_[0-9a-f]{32}"
    codes: ClassVar[dict[str, dict[str, Outcome]]] = {}

    def config(self, host: str) -> Config:
        """Give the simulator's own account at `host`."""
        return Config.model_validate({**ACCOUNT, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """The centre is told the address once, with the word in it."""
        return centre(notify_url).application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give a vector of docs/providers/smsbanking.md, made with openssl."""
        due = "a018a239ca7144625847ff5a79257db5882d4f9e6528f41ae9b2c8e0b91a5dd6"
        yield sign(SecretStr("sms-sandbox-simulator-secret-0001"), "1764000000", b'{"a":1}'), due
