"""ViettelPay keeps every promise of an adapter."""

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.viettelpay import Config, ViettelPay, sign
from gateway.sandbox.viettelpay import ViettelPay as Simulator
from gateway.sandbox.viettelpay_wire import Account
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.served import Application
from tests.providers.viettelpay import (
    ACCESS,
    ACCOUNT,
    KEY,
    MERCHANT,
    RESULT,
    a_result,
    an_answer,
)

# b.4 of the facts sheet: payment_status, and error_code after a slash where it is not 00.
ENDED = "22 V02 V03 21 685 16 V06 M01 M02 M03 M04 V01 V05"
DOUBTFUL = "W04 V04 99 813 S_MAINTAIN"
CODES = {
    "1": Outcome.SUCCEEDED,
    "0": Outcome.PENDING,
    "-1": Outcome.WAITING,
    "2": Outcome.FAILED,
    "3": Outcome.UNKNOWN,
    "5": Outcome.FAILED,
    "5/V06": Outcome.FAILED,
    **{f"2/{code}": Outcome.FAILED for code in ENDED.split()},
    **{f"2/{code}": Outcome.UNKNOWN for code in DOUBTFUL.split()},
    **dict.fromkeys(("1/99", "1/V01", "0/99", "2/"), Outcome.UNKNOWN),
}


class TestViettelPay(ProviderConformance):
    """Codes are payment_status, and what error_code adds."""

    provider_class = ViettelPay
    reference_pattern = r"[0-9a-f]{32}"
    codes = {"queried": CODES, "notified": CODES}  # noqa: RUF012
    facts = {"queried": frozenset({"reference", "merchant"})}  # noqa: RUF012

    def config(self, host: str) -> Config:
        """Give the tests' account at `host`."""
        return Config.model_validate({**ACCOUNT, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """Viettel has the address of results in its books."""
        account = Account(MERCHANT, ACCESS, KEY)
        return Simulator(account, notify_url=notify_url).application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give RFC 2202's cases 2 and 6 of HMAC-SHA1; Viettel prints no signature."""
        yield (
            sign("Jefe", "what do ya want for nothing?", "hex"),
            ("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        )
        yield sign("Jefe", "what do ya want for nothing?"), "7/zfauXrL6LSdBbV8YTfnCWafHk="

    def queried(self, order: Order, said: Said) -> Reply:
        """Sign an answer of TRANS_INQUIRY."""
        facts = self._facts(said)
        del facts["trans_amount"], facts["billcode"]
        return an_answer(**facts)

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign a result."""
        return a_result(**self._facts(said))

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter one field of the form after the other."""
        fields = dict(parse_qsl(incoming.body.decode(), keep_blank_values=True))
        for name, value in fields.items():
            twin = urlencode({**fields, name: f"{value}1"}).encode()
            yield name, replace(incoming, body=twin)

    def _facts(self, said: Said) -> dict[str, str]:
        status, _, error = said.code.partition("/")
        return {
            "billcode": said.reference,
            "error_code": error if "/" in said.code else "00",
            "order_id": said.reference,
            "merchant_code": said.merchant,
            "payment_status": status,
            "trans_amount": str(said.amount_dong),
            "vt_transaction_id": said.provider_id,
        }


def test_every_field_of_the_result_is_altered_by_the_forger() -> None:
    names = {name for name, _ in TestViettelPay().forged(a_result())}
    assert names == RESULT.keys() | {"check_sum"}
