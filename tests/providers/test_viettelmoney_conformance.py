"""Viettel Money keeps every promise of an adapter."""

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.kit.p256 import sign
from gateway.providers.viettelmoney import Config, ViettelMoney
from gateway.sandbox.viettelmoney import ViettelMoney as Simulator
from gateway.sandbox.viettelmoney_wire import Account
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.served import Application
from tests.providers.viettelmoney import (
    ACCOUNT,
    MERCHANT,
    OURS,
    THEIRS,
    TOKEN,
    TOLD,
    a_message,
    an_answer,
    private_of,
    public_of,
)

ENDED = ("22", "V02", "V03", "21", "685", "16", "V06", "M01", "M02", "M03", "M04", "V01", "V05")
TOLD_CODES = {
    "1": Outcome.SUCCEEDED,
    "0": Outcome.PENDING,
    "-1": Outcome.WAITING,
    "2": Outcome.FAILED,
    "3": Outcome.UNKNOWN,
    "5": Outcome.FAILED,
    **{f"2/{code}": Outcome.FAILED for code in ENDED},
    **{f"2/{code}": Outcome.UNKNOWN for code in ("W04", "V04", "99", "813", "S_MAINTAIN")},
    "1/99": Outcome.UNKNOWN,
}
OF_CALLS = {"c01": Outcome.UNKNOWN, "c03": Outcome.UNKNOWN, "c05": Outcome.ABSENT}
CREATED = {
    "00": Outcome.WAITING,
    **dict.fromkeys(("01", "02", "06"), Outcome.FAILED),
    **dict.fromkeys(("03", "04", "05"), Outcome.UNKNOWN),
}
# RFC 6979, A.2.5: P-256 with SHA-256 over "sample".
R = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
S = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8


class TestViettelMoney(ProviderConformance):
    """Codes are transStatus and what errorCode adds; `c` stands before a code of the call."""

    provider_class = ViettelMoney
    reference_pattern = r"[0-9A-Za-z_-]{1,40}"
    codes = {  # noqa: RUF012
        "created": CREATED,
        "queried": {**TOLD_CODES, **OF_CALLS},
        "notified": TOLD_CODES,
    }

    def config(self, host: str) -> Config:
        """Give the tests' account at `host`."""
        return Config.model_validate({**ACCOUNT, "base": host})

    def simulator(self, notify_url: str) -> Application:
        """Viettel has the address of the IPN in its books."""
        account = Account(MERCHANT, TOKEN, public_of(OURS), private_of(THEIRS))
        return Simulator(account, notify_url=notify_url).application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give RFC 6979's vector; Viettel prints no signature."""
        yield sign(OURS, b"sample"), b64encode(encode_dss_signature(R, S)).decode()

    def created(self, order: Order, said: Said) -> Reply:
        """Sign an answer to create."""
        facts = {"orderId": said.reference, "merchantCode": said.merchant}
        data = {**facts, "transAmount": said.amount_dong, "url": "https://pay.example/1"}
        return an_answer(said.code, data)

    def queried(self, order: Order, said: Said) -> Reply:
        """Sign an answer to query."""
        if said.code.startswith("c"):
            return an_answer(said.code[1:])
        return an_answer("00", self._facts(said))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign an IPN."""
        return a_message(self._facts(said))

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter one field after the other, and the signature."""
        yield from super().forged(incoming)
        yield "signature", replace(incoming, headers={"signature": "AAAA"})
        yield "no signature", replace(incoming, headers={})
        yield "our own key", a_message(json.loads(incoming.body), OURS)

    def _facts(self, said: Said) -> dict[str, Any]:
        status, _, error = said.code.partition("/")
        return {
            **TOLD,
            "orderId": said.reference,
            "merchantCode": said.merchant,
            "transStatus": int(status),
            "errorCode": error,
            "transAmount": said.amount_dong,
            "transId": said.provider_id,
        }
