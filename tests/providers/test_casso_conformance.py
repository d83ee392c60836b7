"""Casso keeps every promise of an adapter, in both of its versions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.providers.casso import Casso, Config, canonical, sign
from gateway.testing.conformance import Moved, ProviderConformance
from tests.providers.test_casso import (
    ACCOUNT,
    PUBLISHED,
    PUBLISHED_KEY,
    PUBLISHED_SIGNATURE,
    PUBLISHED_STAMP,
    ROW,
    ROW_V1,
    TOKEN,
    a_notice,
    compact,
    signed,
    tokened,
)


class TestCasso(ProviderConformance):
    """Version 2: one movement, signed."""

    provider_class = Casso
    reference_pattern = r"att_[0-9a-f]{32}"
    codes = {}  # noqa: RUF012
    thanks = Acknowledgement(200, b'{"success":true}', "application/json")

    def config(self, host: str) -> Config:
        """Give the vendor's public key."""
        return Config(account=ACCOUNT, key=PUBLISHED_KEY)

    def published(self) -> Iterable[tuple[str, str]]:
        """Give the vendor's sample in Java."""
        yield sign(PUBLISHED_KEY, PUBLISHED_STAMP, canonical(PUBLISHED)), PUBLISHED_SIGNATURE

    def credit_body(self, moved: Moved) -> dict[str, Any]:
        """Write one movement."""
        facts = {
            "id": moved.number,
            "amount": moved.amount_dong,
            "description": moved.text,
            "virtualAccountNumber": moved.virtual_account or "",
        }
        return {"error": 0, "data": ROW | facts}

    def credit_notice(self, body: Mapping[str, Any]) -> Incoming:
        """Sign the body."""
        return signed(compact(body))

    def credit_forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter body, time and signature."""
        header = incoming.headers["x-casso-signature"]
        yield "amount", replace(incoming, body=incoming.body.replace(b"123000", b"923000"))
        yield "account", replace(incoming, body=incoming.body.replace(b"0011", b"0012"))
        twins = {"time": header.replace("t=1", "t=2"), "signature": header[:-1] + "x", "none": ""}
        for name, twin in twins.items():
            yield name, replace(incoming, headers={"x-casso-signature": twin})

    def credit_nothing(self) -> Iterable[tuple[str, Incoming]]:
        """Give what goes out, and both kinds of trial."""
        yield "out", a_notice(amount=-1)
        yield "trial", signed(compact(PUBLISHED))
        yield "empty trial", Incoming("POST", body=b'{"error":0,"data":[]}')


class TestCassoV1(TestCasso):
    """Version 1: a list, and a token."""

    def config(self, host: str) -> Config:
        """Give the token."""
        return Config(account=ACCOUNT, key=TOKEN, version="v1")

    def credit_body(self, moved: Moved) -> dict[str, Any]:
        """Write a list of one movement."""
        facts = {
            "id": moved.number,
            "amount": moved.amount_dong,
            "description": moved.text,
            "virtualAccount": moved.virtual_account,
        }
        return {"error": 0, "data": [ROW_V1 | facts]}

    def credit_notice(self, body: Mapping[str, Any]) -> Incoming:
        """Send the token."""
        return tokened(body)

    def credit_forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter the token; the body is not signed."""
        yield "no token", replace(incoming, headers={})
        yield "another token", replace(incoming, headers={"secure-token": TOKEN + "x"})

    def credit_nothing(self) -> Iterable[tuple[str, Incoming]]:
        """Give what goes out."""
        yield "out", tokened({"error": 0, "data": [ROW_V1 | {"amount": -5}]})
