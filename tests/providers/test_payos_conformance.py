"""payOS keeps every promise of an adapter."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Acknowledgement, Incoming, Order, Reply
from gateway.providers.payos import Config, PayOs, canonical, sign
from gateway.testing.conformance import Moved, ProviderConformance, Said
from tests.providers.payos import (
    KEY,
    LINK,
    OPENED,
    PUBLISHED,
    PUBLISHED_SIGNATURE,
    SETTINGS,
    TRANSFER,
    a_notice,
    an_answer,
    enveloped,
)

UNKNOWN = Outcome.UNKNOWN


class TestPayOs(ProviderConformance):
    """Codes of a query are the link's status; of `create` the code of the call."""

    provider_class = PayOs
    reference_pattern = r"[1-9][0-9]{0,15}"
    codes = {  # noqa: RUF012
        "created": {"00": Outcome.WAITING, **dict.fromkeys(("20", "201", "231"), UNKNOWN)},
        "queried": {
            "PENDING": Outcome.WAITING,
            "PAID": Outcome.SUCCEEDED,
            "PROCESSING": Outcome.PENDING,
            "UNDERPAID": Outcome.PENDING,
            **dict.fromkeys(("CANCELLED", "EXPIRED", "FAILED"), Outcome.FAILED),
        },
    }
    facts = {"queried": frozenset({"reference", "amount"})}  # noqa: RUF012
    # The calls are tried where the bank's simulator is: tests/crediting.
    calls = False
    thanks = Acknowledgement(200, b'{"success":true}', "application/json")

    def config(self, host: str) -> Config:
        """Give the published key at `host`."""
        return Config.model_validate(SETTINGS | {"host": host})

    def published(self) -> Iterable[tuple[str, str]]:
        """Give the webhook of payOS's own documents."""
        yield sign(KEY, canonical(PUBLISHED)), PUBLISHED_SIGNATURE

    def created(self, order: Order, said: Said) -> Reply:
        """Sign a link, or refuse the call."""
        if said.code != "00":
            return Reply(200, json.dumps({"code": said.code, "desc": "x", "data": None}).encode())
        facts = {"orderCode": int(said.reference), "amount": said.amount_dong}
        return an_answer(OPENED | facts)

    def queried(self, order: Order, said: Said) -> Reply:
        """Sign a link's state."""
        paid = said.amount_dong if said.code == "PAID" else 0
        facts = {"orderCode": int(said.reference), "amount": said.amount_dong, "amountPaid": paid}
        return an_answer(LINK | facts | {"status": said.code})

    def credit_body(self, moved: Moved) -> dict[str, Any]:
        """Write one transfer into a link."""
        return {
            "data": TRANSFER
            | {
                "amount": moved.amount_dong,
                "reference": f"FT{moved.number:08d}",
                "description": moved.text,
                "virtualAccountNumber": moved.virtual_account,
            }
        }

    def credit_notice(self, body: Mapping[str, Any]) -> Incoming:
        """Sign what is `data`, if it is an object."""
        data = body["data"]
        return a_notice(data) if isinstance(data, dict) else a_notice({}, data=data)

    def credit_forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter each field of the data, and the signature."""
        whole = json.loads(incoming.body)
        data = whole["data"]
        for name, value in data.items():
            other = value + 1 if isinstance(value, int) else f"{value or ''}1"
            yield name, _sent(incoming, whole | {"data": data | {name: other}})
            if value:
                left = {inner: data[inner] for inner in data if inner != name}
                yield f"without {name}", _sent(incoming, whole | {"data": left})
        yield "unsigned", _sent(incoming, {n: v for n, v in whole.items() if n != "signature"})
        yield "signature", _sent(incoming, whole | {"signature": whole["signature"][::-1]})

    def credit_nothing(self) -> Iterable[tuple[str, Incoming]]:
        """Give the trial of confirm-webhook, and a code that is no success."""
        yield "trial", Incoming("POST", body=enveloped(PUBLISHED))
        yield "code", a_notice(TRANSFER | {"code": "01"})


def _sent(incoming: Incoming, whole: Mapping[str, Any]) -> Incoming:
    return replace(incoming, body=json.dumps(whole).encode())
