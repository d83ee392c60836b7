"""ZaloPay keeps every promise of an adapter."""

import json
from collections.abc import Iterable
from dataclasses import replace

from gateway.domain.evidence import Outcome
from gateway.kit.messages import Incoming, Order, Reply
from gateway.providers.zalopay import Config, ZaloPay, sign
from gateway.sandbox.zalopay import ZaloPay as Simulator
from gateway.testing.conformance import ProviderConformance, Said
from gateway.testing.served import Application
from tests.providers.test_zalopay import PUBLISHED_DATA, PUBLISHED_MAC
from tests.providers.zalopay_order import CONFIG, KEY1, KEY2, mac

FAILED, UNKNOWN = Outcome.FAILED, Outcome.UNKNOWN
CODES = {
    "created": {
        "1": Outcome.WAITING,
        **{f"2/{sub}": FAILED for sub in (-2, -33, -53, -401, -402, -403, -405, 406)},
        **{f"2/{sub}": UNKNOWN for sub in (-68, -429, -500, -999)},
    },
    "queried": {
        "1": Outcome.SUCCEEDED,
        "3": Outcome.PENDING,
        "2/-63": Outcome.WAITING,
        **{f"2/{sub}": FAILED for sub in (-54, -217, -322, -329, -332, -333)},
        **{f"2/{sub}": FAILED for sub in (*range(-1333, -1329), *range(-1343, -1339))},
        **{f"2/{sub}": UNKNOWN for sub in (-32, -33, -34, -35, -43, -88, -135, -301)},
        **{f"{code}": UNKNOWN for code in (-429, -500, -999)},
        "2/-92": Outcome.ABSENT,
        "2/-101": Outcome.ABSENT,
    },
    "notified": {"1": Outcome.SUCCEEDED},
}


class TestZaloPay(ProviderConformance):
    """Codes are return_code, or return_code `/` sub_return_code."""

    provider_class = ZaloPay
    reference_pattern = r"[0-9]{6}_[0-9A-Za-z]{1,33}"
    codes = CODES
    # The callback is sent for a success and for nothing else.
    codeless = frozenset({"notified"})
    # An answer to a query names neither the app nor the order.
    facts = {"queried": frozenset({"amount"})}  # noqa: RUF012 (read only)

    def config(self, host: str) -> Config:
        """Give the app of ZaloPay's documents at `host`."""
        return Config.model_validate({"app_id": 2553, "key1": KEY1, "key2": KEY2, "host": host})

    def simulator(self, notify_url: str) -> Application:
        """ZaloPay is told the address with each order."""
        return Simulator().application()

    def published(self) -> Iterable[tuple[str, str]]:
        """Give the sample callback of docs.zalopay.vn (read 2026-11-24)."""
        yield sign(CONFIG.key2, PUBLISHED_DATA), PUBLISHED_MAC

    def created(self, order: Order, said: Said) -> Reply:
        """Answer `/v2/create`."""
        where = {"order_url": "https://qcgateway.zalopay.vn/openinapp?order=x", "qr_code": "000201"}
        return _answer(said, **where)

    def queried(self, order: Order, said: Said) -> Reply:
        """Answer `/v2/query`; it is not signed."""
        return _answer(said, amount=said.amount_dong, zp_trans_id=int(said.provider_id))

    def notified(self, order: Order, said: Said) -> Incoming:
        """Sign a callback."""
        paid = {
            "app_id": int(said.merchant),
            "app_trans_id": said.reference,
            "amount": said.amount_dong,
            "zp_trans_id": int(said.provider_id),
        }
        data = json.dumps(json.loads(PUBLISHED_DATA) | paid)
        return _callback(data, mac(KEY2, data))

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Alter each field inside `data`, `data` as a text, and the mac."""
        outer = json.loads(incoming.body)
        paid = json.loads(outer["data"])
        for name, value in paid.items():
            changed = value + 1 if isinstance(value, int) else f"{value}1"
            yield name, _callback(json.dumps(paid | {name: changed}), outer["mac"])
        yield "a blank in data", _callback(outer["data"] + " ", outer["mac"])
        yield "mac", _callback(outer["data"], outer["mac"][:-1] + "g")
        yield "no mac", replace(incoming, body=json.dumps({"data": outer["data"]}).encode())


def _answer(said: Said, **fields: object) -> Reply:
    code, _, sub = said.code.partition("/")
    more = {"sub_return_code": int(sub)} if sub else {}
    said_fields = {"return_code": int(code), "return_message": "Giao dịch", **more, **fields}
    return Reply(200, json.dumps(said_fields).encode())


def _callback(data: str, signature: str) -> Incoming:
    body = json.dumps({"data": data, "mac": signature, "type": 1})
    return Incoming("POST", body=body.encode())
