"""The bank of vn-autodebit/0.1 keeps every promise of an adapter."""

import json
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from pydantic import SecretStr

from gateway.domain.evidence import Outcome
from gateway.domain.mandate import MandateState
from gateway.kit.mandate_messages import AfterFailure, DebitLine, Mandate
from gateway.kit.messages import Call, Incoming, Order, Reply
from gateway.providers.autodebit import AutoDebit, Config, sign
from gateway.sandbox.autodebit import AutoDebit as Simulator
from gateway.testing.conformance import ProviderConformance, Said, twins_of
from gateway.testing.promises_of_calls import Stand
from gateway.testing.served import Application
from gateway.testing.subject import a_moment
from tests.providers.autodebit import ACCOUNT, a_debit, a_reply, told

FAILED, UNKNOWN = Outcome.FAILED, Outcome.UNKNOWN
CODES = {
    "00": Outcome.SUCCEEDED,
    "01": Outcome.PENDING,
    **dict.fromkeys(("51", "61", "14", "62", "57", "12"), FAILED),
    **dict.fromkeys(("91", "68", "94"), UNKNOWN),
}


class TestAutoDebit(ProviderConformance):
    """Codes are the contract's; the bank's messages do not name the client."""

    provider_class = AutoDebit
    reference_pattern = r"[0-9A-Za-z_.-]{1,64}"
    codes = {  # noqa: RUF012 (read only)
        "debited": {**CODES, "38": FAILED},
        "queried": {**CODES, "38": FAILED, "25": Outcome.ABSENT},
        "notified": CODES,
    }
    facts = dict.fromkeys(("debited", "queried", "notified"), frozenset({"reference", "amount"}))
    after_failure = {  # noqa: RUF012 (read only)
        "51": AfterFailure.RETRY,
        "14": AfterFailure.CANCEL,
        "57": AfterFailure.CANCEL,
        "62": AfterFailure.SUSPEND,
    }

    def config(self, host: str) -> Config:
        """Give the simulator's own client at `host`."""
        return Config.model_validate({**ACCOUNT, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """The bank is told the address once."""
        return Simulator(notify_url=notify_url).application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give a vector of docs/providers/autodebit.md, made with openssl."""
        yield (
            sign(SecretStr("autodebit-sandbox-simulator-secret-0001"), "1764000000", b'{"a":1}'),
            "bd8281ed53d9ff9ed573d6e5846287c19664b6ec7512b58b4490d3801e67abef",
        )

    def debited(self, order: Order, said: Said) -> Reply:
        """Answer `POST /debits`."""
        return a_reply(**_facts(said))

    def queried(self, order: Order, said: Said) -> Reply:
        """Answer `GET /debits/{id}`."""
        return a_reply(404 if said.code == "25" else 200, **_facts(said))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Tell of a debit."""
        return told(type="debit", event_id="E1", **_facts(said))

    def results(self, lines: Iterable[DebitLine], said: Said) -> bytes:
        """Write a result file."""
        asked = list(lines)
        booked = f"{said.provider_id}|2026-11-24T09:00:00+07:00"
        body = "".join(f"R|{d.order.reference}|{said.code}|{booked}\n" for d in asked).encode()
        total = sum(d.order.amount_dong for d in asked)
        return body + f"T|{len(asked)}|{total}|{sha256(body).hexdigest()}\n".encode()

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter each field, the time stamp, and the signature."""
        yield from twins_of(incoming)
        for name in ("x-timestamp", "x-signature"):
            headers = dict(incoming.headers)
            headers[name] = headers[name][:-1] + ("1" if headers[name][-1] != "1" else "2")
            yield name, replace(incoming, headers=headers)
        yield "no signature", replace(incoming, headers={})

    async def an_active_mandate(self, stand: Stand) -> Mandate:
        """Register, look at the customer's telephone, confirm."""
        mandate, provider = self.mandate(), stand.provider
        await stand.wire.send(provider.register(mandate, a_moment()))
        phone = Call("control", f"{stand.host}/control/otps/{mandate.reference}", method="GET")
        shown = (await stand.wire.send(phone)).reply
        assert shown is not None
        otp = json.loads(shown.body)["otp"]
        answer = (await stand.wire.send(provider.confirm(mandate, otp, a_moment()))).reply
        assert answer is not None
        assert provider.read_confirmed(mandate, answer).state is MandateState.ACTIVE
        return mandate


def _facts(said: Said) -> dict[str, Any]:
    facts = {"code": said.code, "debit_id": said.reference, "amount": said.amount_dong}
    booked = {} if said.code in {"00", "38"} else {"bank_ref": "", "booked_at": ""}
    return a_debit(**facts, bank_ref=said.provider_id) | booked
