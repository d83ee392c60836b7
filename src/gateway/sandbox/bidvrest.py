"""BIDV's bill collection over JSON, simulated from the bank's side.

    python -m gateway.sandbox.bidvrest --port 9421 --gateway http://127.0.0.1:8000

Written from the facts of profile `bidv-billcollect-rest/0.1`: MD5 of what is signed, joined by `|`
behind the secret, lower hex. The secret is the simulator's own.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from gateway.domain.clock import VIETNAM
from gateway.sandbox.bank_collector import Asked, Heard, Transfer, Wire, serve
from gateway.sandbox.rail_faults import Fault

SECRET = "bidvrest-simulator-secret-0001"  # noqa: S105 (the simulator's own)
SERVICE = "010001"
UNKNOWN = frozenset({"050", "063", "064", "096", "097", "100", "103", "104", "114"})


@dataclass(frozen=True)
class JsonWire(Wire):
    """getbill and paybill."""

    secret: str = SECRET
    service_id: str = SERVICE
    code: ClassVar[str] = "bidvrest"
    done: ClassVar[frozenset[str]] = frozenset({"000"})
    unknown: ClassVar[frozenset[str]] = UNKNOWN
    channels: ClassVar[Mapping[str, str]] = {
        "mobile": "MB",
        "web": "IB",
        "sms": "SMS",
        "counter": "QUAY",
    }

    def inquire(self, customer_code: str, trace: str, fault: Fault | None) -> Asked:
        """Write getbill."""
        said = {
            "trans_id": trace,
            "trans_date": f"{datetime.now(VIETNAM):%Y%m%d%H%M%S}",
            "customer_id": customer_code,
            "service_id": self.service_id,
        }
        return self._signed("getbill", said, fault, self.service_id, customer_code)

    def pay(self, transfer: Transfer, fault: Fault | None) -> Asked:
        """Write paybill; this wire pays one bill a call."""
        ((bill_id, amount_dong),) = transfer.bills.items()
        said = {
            "trans_id": transfer.trace,
            "trans_bidv": f"B{transfer.trace}",
            "trans_date": f"{transfer.at:%Y%m%d%H%M%S}",
            "customer_id": transfer.customer_code,
            "service_id": self.service_id,
            "bill_id": bill_id,
            "amount": amount_dong,
            "channel": self.channels[transfer.channel],
        }
        return self._signed("paybill", said, fault, transfer.trace, bill_id, str(amount_dong))

    def read(self, body: bytes) -> Heard:
        """Read result_code and data."""
        said = json.loads(body)
        data = said.get("data") or {}
        bills = {bill["bill_id"]: bill["amount"] for bill in data.get("bills", [])}
        return Heard(said["result_code"], bills, data.get("biller_trans_id", ""))

    def _signed(
        self, path: str, said: Mapping[str, object], fault: Fault | None, *parts: str
    ) -> Asked:
        secret = "another" if fault is Fault.BAD_SIGNATURE else self.secret
        text = "|".join([secret, *parts])
        checksum = hashlib.md5(text.encode()).hexdigest()  # noqa: S324 (theirs)
        body = {**said, "checksum": checksum}
        if fault is Fault.UNSIGNED:
            body.pop("checksum")
        return Asked(path, json.dumps(body).encode(), {"content-type": "application/json"})


def main() -> None:
    """Serve until stopped."""
    serve(JsonWire(), "BIDV over JSON")


if __name__ == "__main__":
    main()
