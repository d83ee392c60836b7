"""KeyPay keeps every promise of an adapter, and the portal's questions those of an inquiry."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.domain.evidence import Outcome
from gateway.kit.abilities.inquiries import Inquiry, Result
from gateway.kit.messages import Acknowledgement, Incoming, Order, Reply
from gateway.providers.keypay import Config, KeyPay, sign
from gateway.sandbox.keypay import KeyPay as Simulator
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.promises_of_inquiries import InquiryConformance, Sent
from gateway.testing.served import Application
from gateway.testing.subject import twins_of

KEY1, KEY2 = "keypay-simulator-hash-key-1", "keypay-simulator-hash-key-2"
ACCOUNT = {
    "partner": "portal",
    "biller": "evnspc-camau",
    "client_id": "EVNSPC",
    "hash_key_1": KEY1,
    "hash_key_2": KEY2,
}
PROVIDER = KeyPay(Config.model_validate(ACCOUNT))
SIX = ("addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version")
FIVE = ("client_id", "command", "status", "trans_amount", "transaction_id")


def mac(key: str, *values: str) -> str:
    return hmac.new(key.encode(), "|".join(values).encode(), hashlib.sha256).hexdigest()


def callback(key: str = KEY2, **changes: Any) -> Incoming:
    said = {
        "addition_fee": "0",
        "client_id": "EVNSPC",
        "command": "PAY",
        "trans_amount": "123000",
        "transaction_id": "A" * 20,
        "version": "3.0",
        "status": "0",
        "bill_info": {"MaHoSo": "A" * 20},
    } | changes
    signed = mac(key, *(str(said[name]) for name in SIX))
    return Incoming("POST", body=json.dumps(said | {"check_sum": signed}).encode())


class TestKeyPay(ProviderConformance):
    """Codes are `error` of create, and `status` of callback and query."""

    provider_class = KeyPay
    reference_pattern = r"[0-9A-Za-z]{1,20}"
    codes = {  # noqa: RUF012
        "created": {"0": Outcome.WAITING, "97": Outcome.UNKNOWN, "2": Outcome.UNKNOWN},
        "queried": {
            "0": Outcome.SUCCEEDED,
            "1": Outcome.PENDING,
            "2": Outcome.WAITING,
            "3": Outcome.FAILED,
            "4": Outcome.ABSENT,
        },
        # The status of a callback is not signed: it proves no success and no failure.
        "notified": {"0": Outcome.PENDING, "3": Outcome.UNKNOWN},
    }
    told = Outcome.PENDING

    def config(self, host: str) -> Config:
        return Config.model_validate({**ACCOUNT, "host": host})

    def simulator(self, notify_url: str) -> Application:
        return Simulator().application()

    def published(self) -> Iterable[tuple[str, str]]:
        """No sample is published: hold it against the rule, written again."""
        yield sign(KEY1, "0", "EVNSPC", "PAY"), mac(KEY1, "0", "EVNSPC", "PAY")

    def created(self, order: Order, said: Said) -> Reply:
        where = {"payment_url": "https://keypay.example.vn/p/1"} if said.code == "0" else {}
        return Reply(200, json.dumps({"error": said.code, "msg": "", **where}).encode())

    def queried(self, order: Order, said: Said) -> Reply:
        fields = {
            "client_id": said.merchant,
            "command": "QUERY",
            "status": said.code,
            "trans_amount": str(said.amount_dong),
            "transaction_id": said.reference,
        }
        signed = mac(KEY2, *(fields[name] for name in FIVE))
        return Reply(200, json.dumps({"error": "0", **fields, "check_sum": signed}).encode())

    def notified(self, order: Order, said: Said) -> Incoming:
        return callback(
            client_id=said.merchant,
            status=said.code,
            trans_amount=said.amount_dong,
            transaction_id=said.reference,
        )

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        yield from twins_of(incoming, (*SIX, "check_sum"))
        said = json.loads(incoming.body)
        wrong = mac(KEY1, *(str(said[name]) for name in SIX))
        yield (
            "the other key",
            replace(incoming, body=json.dumps(said | {"check_sum": wrong}).encode()),
        )


class TestPortal(InquiryConformance):
    """What the portal asks."""

    provider_class = KeyPay
    questions = (Inquiry("PB14010012345"), Inquiry(bill_id="HD202610-PB14010012345"))
    codes = {  # noqa: RUF012
        Inquiry: {
            Result.BILLS: "1",
            Result.NO_DEBT: "0",
            Result.CUSTOMER_UNKNOWN: "-1",
            Result.LOCKED: "-1",
            Result.DOUBT: "-1",
        }
    }
    undecided = frozenset({"-1"})
    refusals = (frozenset({"-1"}), "-1")

    def config(self) -> Config:
        return Config.model_validate(ACCOUNT)

    def sent(self, question: Any) -> Sent:
        is_dossier = bool(question.bill_id)
        asked = question.bill_id or question.customer_code
        name = "MaHoSo" if is_dossier else "maKhachHang"
        operation = "dptracuuthanhtoanhs" if is_dossier else "dvc/bills/query"
        said = {name: asked, "requestId": "R1", "check_sum": mac(KEY2, asked, "R1")}
        return Sent(operation, Incoming("POST", body=json.dumps(said).encode()))

    def forged(self, sent: Sent) -> Iterable[tuple[str, Sent]]:
        for name, twin in twins_of(sent.incoming):
            yield name, replace(sent, incoming=twin)

    def code_of(self, said: Acknowledgement) -> str:
        return str(json.loads(said.body)["error_code"])
