"""NAPAS keeps every promise of an adapter."""

from collections.abc import Iterable

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.napas import Config, Napas, checksum
from gateway.sandbox.napas import Napas as Simulator
from gateway.sandbox.napas_wire import Account
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.served import Application
from tests.providers.napas import a_callback, opened, refusal, reply, result

# Written from the profile: result/gatewayCode/acquirerCode.
TOLD = {
    "SUCCESS/SUCCESS/0": Outcome.SUCCEEDED,
    "PENDING/PENDING/": Outcome.PENDING,
    "UNKNOWN/TIMED_OUT/": Outcome.PENDING,
    **{f"FAILURE/DECLINED/{code}": Outcome.FAILED for code in (5, 51, 54, 57, 61)},
    "FAILURE/DECLINED/91": Outcome.PENDING,
    "FAILURE/AUTHENTICATION_FAILED/": Outcome.FAILED,
    "FAILURE/CANCELLED/": Outcome.FAILED,
}
QUERIED = {
    **TOLD,
    "PENDING/INITIATED/": Outcome.WAITING,
    "PENDING/AUTHENTICATING/": Outcome.PENDING,
    "FAILURE/EXPIRED/": Outcome.FAILED,
    "NOT_FOUND": Outcome.ABSENT,
    "TOO_MANY_REQUESTS": Outcome.UNKNOWN,
}
CREATED = {
    "PENDING/INITIATED/": Outcome.WAITING,
    "SUCCESS/SUCCESS/0": Outcome.SUCCEEDED,
    "INVALID_REQUEST": Outcome.FAILED,
    "UNAUTHORIZED": Outcome.FAILED,
    "MERCHANT_UNKNOWN": Outcome.FAILED,
    "DUPLICATE": Outcome.UNKNOWN,
    "TOO_MANY_REQUESTS": Outcome.UNKNOWN,
}
STATUS = {
    "INVALID_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "MERCHANT_UNKNOWN": 403,
    "NOT_FOUND": 404,
    "DUPLICATE": 409,
    "TOO_MANY_REQUESTS": 429,
}


class TestNapas(ProviderConformance):
    """Codes are result/gatewayCode/acquirerCode, or the cause of a refused call."""

    provider_class = Napas
    reference_pattern = r"[0-9A-Za-z_-]{1,40}"
    codes = {"created": CREATED, "queried": QUERIED, "notified": TOLD}  # noqa: RUF012
    unlisted = "FAILURE/NEVER_HEARD_OF/7"

    def config(self, host: str) -> Config:
        """Give the simulator's own account at `host`."""
        account = Account()
        return Config.model_validate(
            {
                "merchant_id": account.merchant,
                "username": account.username,
                "password": account.password,
                "client_id": account.client_id,
                "client_secret": account.client_secret,
                "checksum_secret": account.secret,
                "host": host,
            }
        )

    def simulator(self, notify_url: str) -> Application:
        """NAPAS is told the address with each order."""
        return Simulator().application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give what sha256sum prints for the rule: NAPAS itself has published no sample."""
        yield (
            checksum("secret", "eyJhIjoxfQ=="),
            "7dbbaf923126454e28e8d7a92ebeef71b9ae5f1c2aba54a0c136c14daf97c6c7",
        )

    def created(self, order: Order, said: Said) -> Reply:
        """Write an answer to PURCHASE_HOSTED."""
        if said.code in STATUS:
            return refusal(STATUS[said.code], said.code)
        return opened(said.code, **self._facts(said))

    def queried(self, order: Order, said: Said) -> Reply:
        """Write an answer to QUERY."""
        if said.code in STATUS:
            return refusal(STATUS[said.code], said.code)
        return reply(result(said.code, **self._facts(said)))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign a callback."""
        return a_callback(result(said.code, **self._facts(said)), Account().secret)

    def _facts(self, said: Said) -> dict[str, object]:
        return {
            "reference": said.reference,
            "merchant": said.merchant,
            "amount_dong": said.amount_dong,
            "number": said.provider_id,
        }
