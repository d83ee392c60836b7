"""MSB's virtual accounts keep every promise of an adapter."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.providers.msbva import Config, MsbVa
from gateway.testing.conformance import Moved, ProviderConformance
from tests.providers.test_msbva import NOTICE, ORDER, SETTINGS, VIRTUAL, signed


class TestMsbVa(ProviderConformance):
    """A transfer into a virtual account."""

    provider_class = MsbVa
    reference_pattern = r"att_[0-9a-f]{32}"
    codes = {}  # noqa: RUF012
    unpublished = "MSB publishes no document; the rule is from one public client"
    thanks = Acknowledgement(200, b'{"code":"00"}', "application/json")

    def config(self, host: str) -> Config:
        """Give an account with virtual ones."""
        return Config.model_validate(SETTINGS)

    def published(self) -> Iterable[tuple[str, str]]:
        """Give none."""
        return ()

    def credit_body(self, moved: Moved) -> dict[str, Any]:
        """Write a transfer."""
        return NOTICE | {
            "tranSeq": f"16377456{moved.number:05d}",
            "tranAmount": moved.amount_dong,
            "tranRemark": moved.text,
            "vaNumber": moved.virtual_account or VIRTUAL,
        }

    def credit_notice(self, body: Mapping[str, Any]) -> Incoming:
        """Sign the six fields."""
        return signed(dict(body))

    def credit_forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter each signed field, and the signature."""
        whole = json.loads(incoming.body)
        for name in (*ORDER, "signature"):
            for other in (f"{whole[name]}1", None):
                body = json.dumps(whole | {name: other}).encode()
                yield f"{name}={other}", replace(incoming, body=body)

    def credit_nothing(self) -> Iterable[tuple[str, Incoming]]:
        """Give none: MSB tells of what comes in only."""
        return ()
