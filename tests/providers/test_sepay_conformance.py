"""SePay keeps every promise of an adapter."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.kit.messages import Acknowledgement, Incoming
from gateway.providers.sepay import Config, SePay
from gateway.testing.conformance import Moved, ProviderConformance
from tests.providers.test_sepay import HUB, KEY, MAIN, hmaced, sent


class TestSePay(ProviderConformance):
    """The main body, signed by `sepay-hmac/0.1`."""

    provider_class = SePay
    reference_pattern = r"att_[0-9a-f]{32}"
    codes = {}  # noqa: RUF012
    unpublished = "SePay prints no signature; the text of its HMAC is our profile"
    thanks = Acknowledgement(200, b'{"success":true}', "application/json")

    def config(self, host: str) -> Config:
        """Give an account that SePay watches."""
        return Config.model_validate({"account": "0123499999", "proof": "hmac", "key": KEY})

    def published(self) -> Iterable[tuple[str, str]]:
        """Give none."""
        return ()

    def credit_body(self, moved: Moved) -> dict[str, Any]:
        """Write SePay's main body."""
        return MAIN | {
            "id": moved.number,
            "transferAmount": moved.amount_dong,
            "content": moved.text,
            "subAccount": moved.virtual_account,
        }

    def credit_notice(self, body: Mapping[str, Any]) -> Incoming:
        """Sign timestamp and body."""
        return hmaced(sent(dict(body)))

    def credit_forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter body, time and signature."""
        yield "body", replace(incoming, body=incoming.body.replace(b"123000", b"923000"))
        for name, value in incoming.headers.items():
            digit = "1" if value[-1] != "1" else "2"
            yield name, replace(incoming, headers={**incoming.headers, name: value[:-1] + digit})
            left = {n: v for n, v in incoming.headers.items() if n != name}
            yield f"without {name}", replace(incoming, headers=left)
        assert incoming.received_at is not None
        later = incoming.received_at + timedelta(minutes=6)
        yield "sent again later", replace(incoming, received_at=later)

    def credit_nothing(self) -> Iterable[tuple[str, Incoming]]:
        """Give what goes out, and a trial."""
        yield "out", hmaced(sent(MAIN | {"transferType": "out"}))
        yield "debit", hmaced(sent(HUB | {"transfer_type": "debit"}))
        trial = {"accountNumber": "0000000001", "content": "Giao dich thu nghiem"}
        yield "trial", hmaced(sent(MAIN | trial))


class TestSePayByKey(TestSePay):
    """The same with a fixed key in a header."""

    def config(self, host: str) -> Config:
        """Give the same account."""
        return Config.model_validate({"account": "0123499999", "proof": "apikey", "key": KEY})

    def credit_notice(self, body: Mapping[str, Any]) -> Incoming:
        """Send the key."""
        headers = {"authorization": f"Apikey {KEY}"}
        return Incoming("POST", body=sent(dict(body)), headers=headers)

    def credit_forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter the key; the body is not signed, which is why HMAC is the better choice."""
        yield "no key", replace(incoming, headers={})
        yield "another key", replace(incoming, headers={"authorization": f"Apikey {KEY}1"})
        yield "another scheme", replace(incoming, headers={"authorization": f"Bearer {KEY}"})

    def credit_nothing(self) -> Iterable[tuple[str, Incoming]]:
        """Give what goes out."""
        yield "out", self.credit_notice(MAIN | {"transferType": "out"})
