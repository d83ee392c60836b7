"""The POS adapter keeps every promise of an adapter."""

from collections.abc import Iterable
from dataclasses import replace

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.pospush import Config, PosPush, sign
from gateway.sandbox.pospush import PosPush as Simulator
from gateway.sandbox.pospush_wire import Account
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.served import Application
from gateway.testing.subject import twins_of
from tests.providers.pospush import MID, SECRET, SERIAL, a_callback, answer, refusal, sale

# Written from the profile: a sale's status, or the code of a refused call.
STATES = {
    "APPROVED": Outcome.SUCCEEDED,
    "DECLINED": Outcome.FAILED,
    "CANCELLED": Outcome.FAILED,
    "TIMEOUT": Outcome.PENDING,
    "REVERSED": Outcome.FAILED,
}
QUERIED = {
    **STATES,
    "PUSHED": Outcome.WAITING,
    "IN_PROGRESS": Outcome.PENDING,
    "VOIDED": Outcome.HELD,
    "SALE_UNKNOWN": Outcome.ABSENT,
    "TOO_MANY_REQUESTS": Outcome.UNKNOWN,
}
CREATED = {
    "PUSHED": Outcome.WAITING,
    "APPROVED": Outcome.SUCCEEDED,
    "TERMINAL_UNKNOWN": Outcome.FAILED,
    "TERMINAL_BUSY": Outcome.FAILED,
    "TERMINAL_OFFLINE": Outcome.FAILED,
    "BAD_REQUEST": Outcome.FAILED,
    "BAD_SIGNATURE": Outcome.FAILED,
    "ID_USED": Outcome.UNKNOWN,
    "TOO_MANY_REQUESTS": Outcome.UNKNOWN,
}
STATUS = {
    "BAD_REQUEST": 400,
    "BAD_SIGNATURE": 401,
    "TERMINAL_UNKNOWN": 404,
    "SALE_UNKNOWN": 404,
    "TERMINAL_BUSY": 409,
    "TERMINAL_OFFLINE": 409,
    "ID_USED": 409,
    "TOO_MANY_REQUESTS": 429,
}


class TestPosPush(ProviderConformance):
    """Codes are a sale's status, or the code of a refused call."""

    provider_class = PosPush
    reference_pattern = r"[0-9A-Za-z_-]{1,40}"
    codes = {"created": CREATED, "queried": QUERIED, "notified": STATES}  # noqa: RUF012
    unlisted = "NEVER_HEARD_OF"

    def config(self, host: str) -> Config:
        """Give the simulator's own account at `host`, with its first terminal."""
        account = Account()
        return Config.model_validate(
            {"mid": account.mid, "secret": account.secret, "terminals": SERIAL, "host": host}
        )

    def simulator(self, notify_url: str) -> Application:
        """The terminal cloud is told the address with each sale."""
        return Simulator().application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give what openssl prints for the rule: no acquirer has published a sample."""
        yield (
            sign("pospush", "GET", "/sales/1", "1764000000", b""),
            "9ece82c028fd2dcfcdccbbdac4a895d4ef9ba3877b519cbbeef959dbb91b634f",
        )

    def created(self, order: Order, said: Said) -> Reply:
        """Sign an answer to a push."""
        path = f"/terminals/{SERIAL}/sales"
        if said.code in STATUS:
            return refusal(STATUS[said.code], said.code, path)
        return answer(self._sale(said), path, 202)

    def queried(self, order: Order, said: Said) -> Reply:
        """Sign an answer to a question."""
        path = f"/sales/{order.reference}"
        if said.code in STATUS:
            return refusal(STATUS[said.code], said.code, path)
        return answer(self._sale(said), path)

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign a callback."""
        return a_callback(self._sale(said))

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter each field, and the time that is signed with them."""
        yield from twins_of(incoming)
        headers = {**incoming.headers, "x-timestamp": "1764000009"}
        yield "x-timestamp", replace(incoming, headers=headers)

    def _sale(self, said: Said) -> dict[str, object]:
        return sale(
            said.code,
            sale_id=said.reference,
            mid=said.merchant,
            amount=said.amount_dong,
            rrn=said.provider_id,
        )


def test_the_account_of_the_tests_is_the_simulators() -> None:
    assert (Account().mid, Account().secret) == (MID, SECRET)
