"""MoMo keeps every promise of an adapter."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.momo import Config, MoMo
from gateway.sandbox.momo import MoMo as Simulator
from gateway.testing.conformance import ProviderConformance, Said, twins_of
from gateway.testing.served import Application
from tests.providers.momo import (
    KEYS,
    SANDBOX_RETURNS,
    SIGNED_IPN,
    an_ipn,
    momo,
    posted,
    reply,
)

PENDING, FAILED, UNKNOWN = Outcome.PENDING, Outcome.FAILED, Outcome.UNKNOWN
OF_ORDERS = {
    "0": Outcome.SUCCEEDED,
    "1000": Outcome.WAITING,
    **dict.fromkeys(("7000", "7002", "9000"), PENDING),
    **{str(code): FAILED for code in (1001, 1002, 1003, 1004, 1005, 1006, 1007, 1017, 1026)},
    **{str(code): FAILED for code in (4001, 4002, 4100)},
    **{str(code): UNKNOWN for code in (10, 40, 41, 43, 99)},
}
CODES = {
    "created": {
        "0": Outcome.WAITING,
        **{str(code): FAILED for code in (11, 12, 13, 20, 21, 22, 45, 47, 98, 2019)},
        **{str(code): UNKNOWN for code in (10, 40, 41, 43, 99)},
    },
    "queried": OF_ORDERS | {"42": Outcome.ABSENT},
    "notified": OF_ORDERS,
}


class TestMoMo(ProviderConformance):
    """Codes are MoMo's resultCode."""

    provider_class = MoMo
    # 200 characters, but under 64 bytes is advised.
    reference_pattern = r"(?=.{1,64}\Z)[0-9A-Za-z]+([-_.][0-9A-Za-z]+)*"
    codes = CODES

    def config(self, host: str) -> Config:
        """Give MoMo's public sandbox account at `host`."""
        access_key, secret_key = KEYS["MOMO"]
        return Config.model_validate(
            {
                "partner_code": "MOMO",
                "access_key": access_key,
                "secret_key": secret_key,
                "host": host,
            }
        )

    def simulator(self, notify_url: str) -> Application:
        """MoMo is told the address with each order."""
        return Simulator().application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give what MoMo's sandbox itself signed for its public accounts."""
        for query in SANDBOX_RETURNS.values():
            fields = dict(parse_qsl(query, keep_blank_values=True))
            account = momo(fields["partnerCode"])
            yield account._signature(fields, "notification"), fields["signature"]

    def created(self, order: Order, said: Said) -> Reply:
        """Answer `create`."""
        where = {"payUrl": "https://test-payment.momo.vn/v2/gateway/pay?t=x"}
        return reply(
            **self._facts(said), requestId=order.request_id, **(where if said.code == "0" else {})
        )

    def queried(self, order: Order, said: Said) -> Reply:
        """Answer `query`; it is not signed."""
        return reply(**self._facts(said), transId=int(said.provider_id))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign an IPN."""
        return posted(an_ipn(**self._facts(said), transId=int(said.provider_id)))

    def _facts(self, said: Said) -> dict[str, Any]:
        return {
            "resultCode": int(said.code),
            "orderId": said.reference,
            "partnerCode": said.merchant,
            "amount": said.amount_dong,
        }

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter what is signed; accessKey is signed but not sent."""
        sent = [name for name in SIGNED_IPN if name != "accessKey"]
        return twins_of(incoming, [*sent, "signature"])
