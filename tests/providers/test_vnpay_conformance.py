"""VNPAY keeps every promise of an adapter."""

from collections.abc import Iterable

from gateway.domain.clock import VIETNAM
from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.vnpay import Config, Vnpay
from gateway.sandbox.vnpay import Vnpay as Simulator
from gateway.sandbox.vnpay_books import Terminal
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.served import Application
from tests.providers.test_vnpay import NPM_PAY, NPM_QUERYDR_HASH
from tests.providers.vnpay import (
    ANSWER,
    MOMENT,
    NOTICE,
    ORDER,
    SECRET,
    TERMINAL,
    VNPAY,
    a_query,
    an_answer,
    pay_url,
    sent,
)

FAILED = Outcome.FAILED


CODES = {
    "queried": {
        "00/00": Outcome.SUCCEEDED,
        "00/01": Outcome.WAITING,
        **dict.fromkeys(("00/02", "00/08", "00/11"), FAILED),
        "00/04": Outcome.HELD,
        "00/07": Outcome.HELD,
        "91": Outcome.ABSENT,
        **dict.fromkeys(("02", "03", "94", "97", "99"), Outcome.UNKNOWN),
    },
    "notified": {
        "00/00": Outcome.SUCCEEDED,
        "07/07": Outcome.HELD,
        **{f"{code:02}/02": FAILED for code in (9, 10, 11, 12, 13, 24, 51, 65, 75, 79)},
        "24/11": FAILED,
        # Two codes that contradict each other prove nothing.
        "00/02": Outcome.UNKNOWN,
        "24/00": Outcome.UNKNOWN,
        "99/02": Outcome.UNKNOWN,
        "01/02": Outcome.UNKNOWN,
    },
}


class TestVnpay(ProviderConformance):
    """Codes are written as response code, `/`, transaction status."""

    provider_class = Vnpay
    reference_pattern = r"[0-9A-Za-z_-]{1,100}"
    codes = CODES
    unlisted = "98/98"

    def config(self, host: str) -> Config:
        """Put VNPAY's two addresses at `host`."""
        return Config.model_validate(
            {
                "tmn_code": TERMINAL,
                "hash_secret": SECRET,
                "pay_url": f"{host}/paymentv2/vpcpay.html",
                "api_url": f"{host}/merchant_webapi/api/transaction",
            }
        )

    def simulator(self, notify_url: str) -> Application:
        """Register our address with the simulated terminal."""
        return Simulator(Terminal(TERMINAL, SECRET, notify_url)).application()

    def published(self) -> Iterable[tuple[str, str]]:
        """VNPAY publishes no secret, so none of its samples can be tried; npm vnpay's can."""
        yield pay_url(), NPM_PAY
        yield sent(VNPAY.query(ORDER, MOMENT))["vnp_SecureHash"], NPM_QUERYDR_HASH

    def queried(self, order: Order, said: Said) -> Reply:
        """Sign an answer of querydr; a refusal of the call carries no status."""
        response, _, status = said.code.partition("/")
        return an_answer(ANSWER, **self._facts(said), ResponseCode=response, **_of(status))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign an IPN."""
        response, _, status = said.code.partition("/")
        paid_at = order.created_at.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
        facts = self._facts(said) | {"PayDate": paid_at}
        return a_query(**facts, ResponseCode=response, TransactionStatus=status)

    def _facts(self, said: Said) -> dict[str, str | None]:
        return {
            "TxnRef": said.reference,
            "TmnCode": said.merchant,
            "Amount": str(said.amount_dong * 100),
            "TransactionNo": said.provider_id,
        }


def _of(status: str) -> dict[str, str | None]:
    return {"TransactionStatus": status or None, "TransactionType": "01" if status else None}


def test_every_field_of_the_ipn_is_signed() -> None:
    names = {name for name, _ in TestVnpay().forged(a_query())}
    assert names >= NOTICE.keys() | {"vnp_SecureHash"}
