"""OnePay keeps every promise of an adapter."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.onepay import Config, OnePay, canonical, sign
from gateway.sandbox.onepay import OnePay as Simulator
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.served import Application
from tests.providers.onepay import ACCOUNT, ANSWER, KEY, NOTICE, a_query, an_answer
from tests.providers.test_onepay_messages import RECORDED_DOMESTIC, RECORDED_TOKEN, RECORDED_VISA

PAID_OR_NOT = {
    "0": Outcome.SUCCEEDED,
    "300": Outcome.PENDING,
    "100": Outcome.PENDING,
    **{f"{code}": Outcome.FAILED for code in (1, 2, 4, 5, *range(8, 14), *range(21, 26), 99)},
    **dict.fromkeys(("B", "E", "F", "Z"), Outcome.FAILED),
    **dict.fromkeys(("3", "6", "7", "253"), Outcome.UNKNOWN),
}
# 100 is "in progress or not yet paid": an order that a payer left stays so.
QUERIED = {**PAID_OR_NOT, "100": Outcome.WAITING, "N": Outcome.ABSENT}


class TestOnePay(ProviderConformance):
    """Codes are vpc_TxnResponseCode; `N` stands for vpc_DRExists N."""

    provider_class = OnePay
    reference_pattern = r"[0-9A-Za-z]{1,34}"
    codes = {"queried": QUERIED, "notified": PAID_OR_NOT}  # noqa: RUF012

    def config(self, host: str) -> Config:
        """Give the public test merchant at `host`."""
        return Config.model_validate({**ACCOUNT, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """OnePay is told the address with each order."""
        return Simulator().application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give what OnePay itself signed for its public test merchant, as others recorded it."""
        for query in (RECORDED_DOMESTIC, RECORDED_VISA, RECORDED_TOKEN):
            fields = dict(parse_qsl(query))
            yield sign(KEY, canonical(fields)), fields["vpc_SecureHash"]

    def queried(self, order: Order, said: Said) -> Reply:
        """Sign an answer of queryDR."""
        if said.code == "N":
            return an_answer({"vpc_DRExists": "N", "vpc_MerchTxnRef": said.reference})
        return an_answer(ANSWER, **self._facts(said))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign a notification."""
        return a_query(**self._facts(said))

    def _facts(self, said: Said) -> dict[str, str | None]:
        return {
            "TxnResponseCode": said.code,
            "MerchTxnRef": said.reference,
            "Merchant": said.merchant,
            "Amount": str(said.amount_dong * 100),
            "TransactionNo": said.provider_id,
        }


def test_every_field_of_the_notification_is_signed() -> None:
    names = {name for name, _ in TestOnePay().forged(a_query())}
    assert names >= NOTICE.keys() | {"vpc_SecureHash"}
