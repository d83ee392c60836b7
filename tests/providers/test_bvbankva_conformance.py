"""BVBank's virtual accounts keep every promise of an adapter."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.providers.bvbankva import BvBankVa, Config
from gateway.testing.conformance import Moved, ProviderConformance
from tests.providers.test_bvbankva import ACCOUNT, DATA, a_notice, bank, pem, signed


class TestBvBankVa(ProviderConformance):
    """A booking on the account behind the virtual ones."""

    provider_class = BvBankVa
    reference_pattern = r"att_[0-9a-f]{32}"
    codes = {}  # noqa: RUF012
    unpublished = "BVBank publishes no document; the rule is from one public client"
    thanks = Acknowledgement(200, b'{"code":"00"}', "application/json")

    def config(self, host: str) -> Config:
        """Give the bank's public key."""
        return Config.model_validate({"account": ACCOUNT, "public_key": pem(bank())})

    def published(self) -> Iterable[tuple[str, str]]:
        """Give none."""
        return ()

    def credit_body(self, moved: Moved) -> dict[str, Any]:
        """Write a booking."""
        facts = {
            "trnRefNo": f"0000IPS26328{moved.number:04d}",
            "lcyAmount": moved.amount_dong,
            "narrative": moved.text,
            "relatedAccount": moved.virtual_account,
        }
        return {"data": DATA | facts}

    def credit_notice(self, body: Mapping[str, Any]) -> Incoming:
        """Sign the raw body."""
        return signed(json.dumps(body).encode())

    def credit_forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter the body, and the signature."""
        yield "amount", replace(incoming, body=incoming.body.replace(b"123000", b"923000"))
        yield "blank", replace(incoming, body=incoming.body + b" ")
        given = incoming.headers["signature"]
        other = "A" if given[20] != "A" else "B"
        twins = {"signature": given[:20] + other + given[21:], "none": ""}
        for name, twin in twins.items():
            yield name, replace(incoming, headers={"signature": twin})

    def credit_nothing(self) -> Iterable[tuple[str, Incoming]]:
        """Give a debit."""
        yield "debit", a_notice(drcr="D")
