"""A collector's tablet, simulated: it writes signed receipts while offline and uploads them late.

It can upload twice, out of order, with a number left out, or with a forged signature.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from gateway.domain.field_cash import Receipt, canonical, sign

Json = dict[str, Any]


@dataclass(slots=True)
class FieldDevice:
    """A tablet of one collector; `secret` was given when it was enrolled."""

    key_id: str
    secret: bytes
    seq: int = 0
    written: list[Json] = field(default_factory=list)

    def collect(
        self,
        list_id: str,
        bill_id: str,
        amount_dong: int,
        at: datetime,
        *,
        gps: str | None = "9.176900,105.152400",
    ) -> Json:
        """Take cash at a door and write its receipt; nothing is sent."""
        self.seq += 1
        text = at.isoformat(timespec="seconds")
        receipt = Receipt(
            seq=self.seq,
            receipt_no=f"{self.key_id}-{self.seq:06d}",
            bill_id=bill_id,
            amount_dong=amount_dong,
            collected_at=at,
            collected_text=text,
            gps=gps,
            mac="",
        )
        wire: Json = {
            "seq": receipt.seq,
            "receipt_no": receipt.receipt_no,
            "bill_id": bill_id,
            "amount_dong": amount_dong,
            "collected_at": text,
            "hmac": sign(self.secret, canonical(self.key_id, list_id, receipt)),
        }
        wire |= {} if gps is None else {"gps": gps}
        self.written.append(wire)
        return wire

    def lose(self) -> None:
        """Use up a number without a receipt, as a tablet that broke does."""
        self.seq += 1

    def batch(self, receipts: list[Json] | None = None) -> Json:
        """Give an upload's body: what was written, or just these receipts."""
        return {"device": self.key_id, "receipts": self.written if receipts is None else receipts}


def forged(receipt: Json) -> Json:
    """Give a receipt with another amount under the old signature."""
    return receipt | {"amount_dong": receipt["amount_dong"] + 1_000}


def upload(
    http: httpx.Client, gateway: str, api_key: str, list_id: str, body: Json, key: str | None = None
) -> httpx.Response:
    """Send a batch, as the tablet does when it has a network again."""
    headers = {"authorization": f"Bearer {api_key}", "idempotency-key": key or str(uuid4())}
    return http.post(f"{gateway}/v1/hand-over-lists/{list_id}/receipts", json=body, headers=headers)
