"""MoMo's linked wallets keep every promise of an adapter."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.domain.evidence import Outcome
from gateway.domain.mandate import MandateState
from gateway.kit.mandate_messages import AfterFailure, DebitLine, Mandate
from gateway.kit.messages import Call, Incoming, Order, Reply
from gateway.providers.momomandate import Config, MoMoMandate
from gateway.sandbox.momomandate import MoMoMandate as Simulator
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.promises_of_calls import Stand
from gateway.testing.served import Application
from gateway.testing.subject import a_moment
from tests.providers.momo import SANDBOX_RETURNS
from tests.providers.momo import momo as one_time
from tests.providers.momomandate import ACCESS, BOUND, PEM, RSA, SECRET, an_answer, an_ipn, posted

FAILED, UNKNOWN, PENDING = Outcome.FAILED, Outcome.UNKNOWN, Outcome.PENDING
DECLINED = ("1001", "1002", "1003", "1004", "1005", "1006", "1007", "1017", "1026", "4001", "4002")
GOING = {
    "0": Outcome.SUCCEEDED,
    **dict.fromkeys((*DECLINED, "4100"), FAILED),
    **dict.fromkeys(("7000", "7002", "8200", "9000"), PENDING),
    **dict.fromkeys(("10", "40", "41", "43", "99"), UNKNOWN),
}
REFUSED = ("11", "12", "13", "20", "21", "22", "42", "45", "47", "2019")


class TestMoMoMandate(ProviderConformance):
    """Codes are resultCode."""

    provider_class = MoMoMandate
    reference_pattern = r"(?=.{1,50}\Z)[0-9A-Za-z]+([-_.]+[0-9A-Za-z]+)*"
    codes = {  # noqa: RUF012 (read only)
        "debited": {**GOING, **dict.fromkeys(REFUSED, FAILED)},
        "queried": {**GOING, "1000": Outcome.WAITING, "42": Outcome.ABSENT},
        "notified": {**GOING, "1000": Outcome.WAITING},
    }
    after_failure = {  # noqa: RUF012 (read only)
        "1001": AfterFailure.RETRY,
        "1004": AfterFailure.RETRY,
        "1007": AfterFailure.SUSPEND,
        "4001": AfterFailure.SUSPEND,
    }

    def config(self, host: str) -> Config:
        """Give MoMo's public sandbox account at `host`, with a key of these tests."""
        account = {"partner_code": "MOMO", "access_key": ACCESS, "secret_key": SECRET}
        return Config.model_validate({**account, "public_key": PEM, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """MoMo is told the address with each order."""
        return Simulator(key=RSA).application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give what MoMo's own sandbox signed, read as one-time payments are."""
        for query in SANDBOX_RETURNS.values():
            partner = query.split("&")[0].removeprefix("partnerCode=")
            fields = dict(_pairs(query))
            due = one_time(partner)._signature(fields, "notification")
            yield due, fields["signature"]

    def debited(self, order: Order, said: Said) -> Reply:
        """Answer `tokenization/pay`."""
        return an_answer(int(said.code), requestId=order.request_id, **_facts(said))

    def queried(self, order: Order, said: Said) -> Reply:
        """Answer `query`."""
        return an_answer(int(said.code), **_facts(said))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Tell of a debit."""
        return posted(an_ipn(resultCode=int(said.code), **_facts(said)))

    def line(self, order: Order, mandate: Mandate | None = None) -> DebitLine:
        """Build the debit of an order on a wallet that is linked."""
        return super().line(order, mandate or BOUND)

    def debit_facts(self, call: Call) -> object:
        """The token is encrypted anew each time, and stands in what is signed."""
        fields = json.loads(call.body)
        return {name: fields[name] for name in fields.keys() - {"token", "signature"}}

    async def an_active_mandate(self, stand: Stand) -> Mandate:
        """Link, agree as the payer does in the app, then ask twice: what was agreed, the token."""
        mandate, provider = self.mandate(), stand.provider
        answer = (await stand.wire.send(provider.register(mandate, a_moment()))).reply
        assert answer is not None
        assert provider.read_registered(mandate, answer).action is not None
        await stand.control("link", client=mandate.reference, act="agree")
        for number, state in enumerate((MandateState.PENDING_BANK, MandateState.ACTIVE)):
            call = provider.query_mandate(mandate, a_moment(number))
            answer = (await stand.wire.send(call)).reply
            assert answer is not None
            said = provider.read_mandate_queried(mandate, answer)
            assert said.state is state, said
            mandate = replace(mandate, provider_id=said.provider_id)
        return mandate


def _facts(said: Said) -> dict[str, Any]:
    paid = {"orderId": said.reference, "partnerCode": said.merchant, "amount": said.amount_dong}
    return {**paid, "transId": int(said.provider_id)}


def _pairs(query: str) -> list[tuple[str, str]]:
    return Incoming("GET", query=query).query_pairs()
