"""ZaloPay's agreement keeps every promise of an adapter."""

import json
from collections.abc import Iterable
from dataclasses import replace

from gateway.domain.evidence import Outcome
from gateway.domain.mandate import MandateState
from gateway.kit.mandate_messages import AfterFailure, Mandate
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.zalopayagreement import Config, ZaloPayAgreement, sign
from gateway.sandbox.zalopayagreement import ZaloPayAgreement as Simulator
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.promises_of_calls import Stand
from gateway.testing.served import Application
from gateway.testing.subject import a_moment
from tests.providers.test_zalopay import PUBLISHED_DATA, PUBLISHED_MAC
from tests.providers.zalopayagreement import KEY1, KEY2, a_binding, an_answer, called_back, zalopay

FAILED, UNKNOWN, PENDING = Outcome.FAILED, Outcome.UNKNOWN, Outcome.PENDING
LIMITS = [*range(-1333, -1329), *range(-1343, -1339)]
ORDER_CODES = {
    "3": PENDING,
    "2/-63": Outcome.WAITING,
    **{f"2/{sub}": FAILED for sub in (-54, -217, -322, -329, -332, -333, *LIMITS)},
    **{f"2/{sub}": UNKNOWN for sub in (-32, -68, -88, -301, -500, -999)},
}


class TestZaloPayAgreement(ProviderConformance):
    """Codes are return_code, or return_code `/` sub_return_code."""

    provider_class = ZaloPayAgreement
    reference_pattern = r"[0-9]{6}_[0-9A-Za-z]{1,33}"
    codes = {  # noqa: RUF012 (read only)
        "debited": {**ORDER_CODES, "1": PENDING},
        "queried": {**ORDER_CODES, "1": Outcome.SUCCEEDED, "2/-101": Outcome.ABSENT},
        "notified": {"1": Outcome.SUCCEEDED},
    }
    codeless = frozenset({"notified"})
    facts = {"queried": frozenset({"amount"}), "debited": frozenset()}  # noqa: RUF012
    after_failure = {  # noqa: RUF012 (read only)
        f"2/{sub}": AfterFailure.RETRY for sub in (-54, -217, *LIMITS)
    }

    def config(self, host: str) -> Config:
        """Give the app of ZaloPay's documents at `host`."""
        return Config.model_validate({"app_id": 2553, "key1": KEY1, "key2": KEY2, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """ZaloPay is told the address with each order."""
        return Simulator().application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give the sample callback of docs.zalopay.vn (read 2026-11-24)."""
        yield sign(zalopay().config.key2, PUBLISHED_DATA), PUBLISHED_MAC

    def debited(self, order: Order, said: Said) -> Reply:
        """Answer `agreement/pay`; it names nothing."""
        return _answer(said)

    def queried(self, order: Order, said: Said) -> Reply:
        """Answer `/v2/query`."""
        return _answer(said, amount=said.amount_dong, zp_trans_id=int(said.provider_id))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Call back about an order that was debited."""
        paid = {
            "app_id": int(said.merchant),
            "app_trans_id": said.reference,
            "amount": said.amount_dong,
            "zp_trans_id": int(said.provider_id),
        }
        return called_back(json.loads(PUBLISHED_DATA) | paid, 1)

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter each field inside `data`, and the mac."""
        outer = json.loads(incoming.body)
        data = json.loads(outer["data"])
        for name, value in data.items():
            changed = value + 1 if isinstance(value, int) else f"{value}1"
            twin = outer | {"data": json.dumps(data | {name: changed})}
            yield name, replace(incoming, body=json.dumps(twin).encode())
        yield "no mac", replace(incoming, body=json.dumps({"data": outer["data"]}).encode())

    def debit_order(self, number: int) -> Order:
        """Build an order that `agreement/pay` can name."""
        return self.order(number=number, memory={"zp_trans_token": f"zpt-{number}"})

    async def an_active_mandate(self, stand: Stand) -> Mandate:
        """Bind, agree as the payer does in the app, and ask for the tokens."""
        mandate, provider = self.mandate(reference=a_binding()["merchant_user_id"]), stand.provider
        answer = (await stand.wire.send(provider.register(mandate, a_moment()))).reply
        assert answer is not None
        assert provider.read_registered(mandate, answer).action is not None
        await stand.control("agreement", identifier=mandate.reference, act="confirm")
        answer = (await stand.wire.send(provider.query_mandate(mandate, a_moment()))).reply
        assert answer is not None
        said = provider.read_mandate_queried(mandate, answer)
        assert said.state is MandateState.ACTIVE
        return replace(mandate, provider_id=said.provider_id)


def _answer(said: Said, **fields: object) -> Reply:
    code, _, sub = said.code.partition("/")
    return an_answer(int(code), int(sub) if sub else None, **fields)
